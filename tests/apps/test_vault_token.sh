#!/bin/bash
# A vault on a token: the real daemon in its sandbox, the real broker, SoftHSM2. Then the same on
# openCryptoki, where root may make one.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
bin=$(cd "$(dirname "$KEYFERRY")" && pwd)
daemon=
trap '[ -n "$daemon" ] && kill -9 $daemon 2>/dev/null; rm -rf "$scratch"' EXIT
export KEYFERRY_VAULT=unix:vault.sock

# The rest runs once for each token: KF_TOKEN_MODULE and KF_TOKEN_PIN_FILE name it, its label is county.
if [ -z "${KF_TOKEN_MODULE:-}" ]; then
    self=$here/$(basename "$0")
    for kind in token opencryptoki; do
        "$here/../support/$kind" run county bash "$self"
        status=$?
        [ $status -eq 77 ] || [ $status -eq 0 ] || exit $status
    done
    exit 0
fi

mkdir anchor
cat >vault.yaml <<END
organization: county
store: sqlite:vault.db
anchor: anchor
listen:
  unix: { path: vault.sock, mode: "0600" }
peers:
  - { name: ann, role: officer, uid: $(id -u) }
token:
  module: $KF_TOKEN_MODULE
  token: county
  key: vault of county
  pin_file: $KF_TOKEN_PIN_FILE
  broker: $bin/keyferry-token
END
start() {
    "$bin/keyferryd" vault --allow-root vault.yaml 2>>log >>report &
    daemon=$!
    for _ in $(seq 100); do
        "$KEYFERRY" vault status >/dev/null 2>&1 && return
        sleep 0.05
    done
    fail 'the daemon does not come up'
    cat log report
    finish
}
stop() {
    kill "$daemon"
    wait "$daemon" 2>/dev/null
    daemon=
}
becomes() { # becomes FIELD VALUE: in the status, by itself
    for _ in $(seq 200); do
        "$KEYFERRY" vault status --json >out 2>err
        [ "$(json out "str(d.get('$1'))")" = "$2" ] && break
        sleep 0.1
    done
    same "$(json out "str(d.get('$1'))")" "$2" "$1 in the status"
}

start
becomes token no-key
run 0 vault init --token
becomes token ready
run 0 key generate --kind tek --name first
run 0 vault seal
becomes unsealed False
run 0 vault unseal --token
stop

echo 'auto_unseal: token' >>vault.yaml
start # it opens itself
becomes unsealed True
mv "$KF_TOKEN_PIN_FILE" "$KF_TOKEN_PIN_FILE.away" # what is unsealed goes on
run 0 key generate --kind tek --name second
run 0 vault seal
stop

start
becomes token pin-wrong
becomes unsealed False
mv "$KF_TOKEN_PIN_FILE.away" "$KF_TOKEN_PIN_FILE"
becomes token ready
becomes unsealed True # tried again by itself
run 0 key list --json
same "$(json out 'len(d["keys"])')" 2 'keys are there'
stop
[ "$bad" = 0 ] || cat log report
finish
