#!/bin/bash
# The passphrase typed at a terminal: asked for twice when it is new, never echoed.
. "$(dirname "$0")/lib.sh"
# typed STATUS "TEXT\nTEXT" ARGS...: the program on a terminal of its own; what it shows is in out
typed() {
    local want=$1 text=$2
    shift 2
    checks=$((checks + 1))
    python3 - "$text" "$KEYFERRY" "$@" >out 2>err <<'P'
import os, pty, select, sys, time
text, argv = sys.argv[1], sys.argv[2:]
lines = [l.encode() + b"\n" for l in text.split("\\n")] if text else []
pid, fd = pty.fork()
if pid == 0:
    os.execv(argv[0], argv)
shown = b""
deadline = time.time() + 60
while time.time() < deadline:
    ready, _, _ = select.select([fd], [], [], 0.5)
    if ready:
        try:
            got = os.read(fd, 4096)
        except OSError:
            break
        if not got:
            break
        shown += got
        if (got.rstrip().endswith(b":")) and lines:
            os.write(fd, lines.pop(0))
else:
    os.kill(pid, 9)  # it waits for more: a failure, not a test that hangs
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(status))
P
    status=$?
    expect "$want" "typed: $*"
}
typed 0 'a long secret\na long secret' kms new --uri kms.example.org --out d.kms --scrypt-log2n 10
has out 'Passphrase:'
has out 'Again:'
lacks out 'long secret'
for again in 1 2 3 4 5 6 7 8 9 10; do # an answer typed the moment the prompt shows is not lost
    typed 0 'a long secret' kms cert d.kms
done
has out KmsInit
lacks out 'Again:'
lacks out 'long secret'
typed 1 'a long secret\nanother one' kms new --uri kms.example.org --out e.kms --scrypt-log2n 10
has out 'the two entries differ'
[ ! -e e.kms ] || fail 'a domain was made all the same'
typed 1 'wrong' kms cert d.kms
has out 'passphrase is wrong'
typed 1 '' kms cert missing.kms
lacks out 'Passphrase:'
printf 'a long secret' | "$KEYFERRY" kms cert d.kms >out 2>err || fail 'from a pipe, without a newline'
lacks err 'Passphrase:'
finish
