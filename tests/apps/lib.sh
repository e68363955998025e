# What the tests of the command line share; sourced. KEYFERRY names the program, KF_VECTORS the known
# answers. Every test runs in a directory of its own, which is removed at the end.
set -u
export LC_ALL=C TZ=UTC
umask 077
: "${KEYFERRY:?names the program under test}"
KEYFERRY=$(realpath "$KEYFERRY")
scratch=$(mktemp -d "${TMPDIR:-/tmp}/keyferry-test.XXXXXX") || exit 99
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 99
checks=0
bad=0

fail() { # fail WHAT
    printf 'not ok: %s\n' "$*"
    bad=$((bad + 1))
}
# keyferry ARGS...: the program; its streams in out and err, its status in $status
kf() {
    "$KEYFERRY" "$@" >out 2>err
    status=$?
    checks=$((checks + 1))
}
# expect STATUS WHAT: of the last kf
expect() {
    if [ "$status" -ne "$1" ]; then
        fail "$2: exit status $status, not $1"
        sed 's/^/    /' out err | head -20
    fi
}
# run STATUS ARGS...: kf and expect in one
run() {
    local want=$1
    shift
    kf "$@"
    expect "$want" "keyferry $*"
}
has() { # has FILE TEXT: does the file contain it?
    checks=$((checks + 1))
    grep -q -F -e "$2" "$1" || { fail "'$2' is not in $1"; sed 's/^/    /' "$1" | head -20; }
}
lacks() { # lacks FILE TEXT
    checks=$((checks + 1))
    ! grep -q -F -e "$2" "$1" || fail "'$2' is in $1"
}
empty() { # empty FILE
    checks=$((checks + 1))
    [ ! -s "$1" ] || fail "$1 is not empty"
}
same() { # same A B WHAT
    checks=$((checks + 1))
    [ "$1" = "$2" ] || fail "$3: '$1' is not '$2'"
}
differ() { # differ A B WHAT
    checks=$((checks + 1))
    [ "$1" != "$2" ] || fail "$3: both are '$1'"
}
mode() { stat -c %a "$1"; }
# json FILE EXPRESSION: print what a Python expression over the document d gives; fails when it is no JSON
json() {
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
v = eval(sys.argv[2])
print(v if not isinstance(v, bool) else str(v).lower())' "$1" "$2" 2>json-error || {
        fail "not the JSON wanted ($2): $(tail -1 json-error)"
        return 1
    }
}
field() { sed -n "s/^$2 = //p" "$1"; } # a line of a key file
finish() {
    printf '%s: %d checks, %d bad\n' "$(basename "$0" .sh)" "$checks" "$bad"
    [ "$bad" -eq 0 ]
    exit
}

# A small world: domain example.kms, certificate, and keys of the IWF, Alice and Bob for the period of now.
world() {
    echo 'correct horse battery staple' >passphrase
    run 0 kms new --uri kms.example.org --out example.kms --passphrase-file passphrase --scrypt-log2n 10
    run 0 kms cert example.kms --passphrase-file passphrase
    cp out example.cert
    for who in iwf alice bob; do
        run 0 kms issue example.kms --passphrase-file passphrase --user "sip:$who@example.org" \
            --to-file $who.keys
    done
}
# seal OUT ARGS...: from the IWF, to a file
seal() {
    local to=$1
    shift
    kf mikey seal --cert example.cert --keys iwf.keys "$@"
    cp out "$to"
}
open_as() { # open_as WHO ARGS...
    local who=$1
    shift
    kf mikey open --cert example.cert --keys "$who.keys" "$@"
}
