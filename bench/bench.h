/**
 * @file bench.h What every benchmark shares: ours and a peer's operation, measured in turns.
 *
 * Each round samples every operation once, ours and then the peer's right after it, so that a slow
 * spell of the machine hits both; the median of the rounds is the result. The process stays on one
 * core.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>

/** Do it once. turn counts up over the whole run: for distinct inputs. @return did it work? */
typedef bool bench_fn(size_t turn);

/** One line of the result: so many operations a second. */
typedef struct bench_op {
    const char *name;
    bench_fn *ours;
    bench_fn *peer;    /**< NULL: nobody to compare with */
    double want_ratio; /**< target for ours over peer; 0: none */
    double want_per_s; /**< target for ours; 0: none */
} bench_op;

/** One line of the result: something that is made once and kept. */
typedef struct bench_setup {
    const char *name;
    bench_fn *make;         /**< makes it and throws it away */
    size_t (*octets)(void); /**< memory that one takes */
    double most_ms;         /**< bounds; 0: none */
    size_t most_octets;
} bench_setup;

typedef struct bench_plan {
    const char *name;          /**< of the program */
    const char *about;         /**< one sentence for --help */
    const char *(*peer)(void); /**< name and version of the peer, as it is loaded */
    /** Makes all inputs, checks that both sides agree. @return false after saying what failed. */
    bool (*prepare)(void);
    const bench_op *ops;
    size_t op_count;
    const bench_setup *setups;
    size_t setup_count;
} bench_plan;

/** Options, preparation, measurement, report. @return the exit status: 0 done, 1 failed (with
 * --check also a missed target), 2 usage. */
int bench_main(int argc, char **argv, const bench_plan *plan);

/** For prepare(): say on stderr which check failed unless ok. @return ok. */
bool bench_check(bool ok, const char *what);

#endif
