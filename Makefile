# The front door. `make help` lists what there is.
.POSIX:
.SUFFIXES:
JOBS = $$(nproc)

.PHONY: all help deps demo check campaign bench fuzz format install clean

PREFIX = /usr/local

all: deps
	cmake --preset release >/dev/null
	cmake --build --preset release -j $(JOBS)

help:
	@echo "make            build; programs land in build/bin/"
	@echo "make demo       the main job, with real processes; prints an account and a table"
	@echo "make check      format, gcc and clang builds, all tests plain and under sanitizers, fuzzing"
	@echo "make campaign   the same tests with large numbers (takes long)"
	@echo "make bench      speed, next to the peers' in the same run"
	@echo "make fuzz       every fuzz target for FUZZ_SECONDS each (default 60)"
	@echo "make format     rewrite the sources as clang-format wants them"
	@echo "make install    program, man pages and completion under PREFIX (/usr/local); DESTDIR works"
	@echo "make clean      remove everything built"

deps:
	@tools/install-packages

demo: all
	@tests/system/demo build/bin

check: all
	cmake --preset asan >/dev/null
	cmake --build --preset asan -j $(JOBS)
	ctest --preset release -j $(JOBS)
	FUZZ_SECONDS=$${FUZZ_SECONDS:-4} tools/run-fuzz build-asan
	ctest --preset asan -j $(JOBS)

campaign: all
	cmake --preset asan >/dev/null
	cmake --build --preset asan -j $(JOBS)
	KF_CAMPAIGN=1 ctest --preset release -j $(JOBS)
	FUZZ_SECONDS=$${FUZZ_SECONDS:-600} tools/run-fuzz build-asan

bench: all
	build/bin/bench_ibc
	build/bin/bench_p25
	build/bin/bench_vault

fuzz: deps
	cmake --preset asan >/dev/null
	cmake --build --preset asan -j $(JOBS)
	FUZZ_SECONDS=$${FUZZ_SECONDS:-60} tools/run-fuzz build-asan

format: deps
	find src apps tests fuzz bench -name '*.[ch]' | xargs clang-format -i

install: all
	cmake --install build --prefix $(PREFIX)

clean:
	rm -rf build build-dev build-asan demo
