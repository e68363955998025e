#!/bin/bash
# Usage errors: exit status 2, a hint, nothing on standard output.
. "$(dirname "$0")/lib.sh"

usage() { # usage TEXT-IN-STDERR ARGS...
    local text=$1
    shift
    kf "$@"
    expect 2 "keyferry $*"
    empty out
    has err "$text"
    has err "do:"
    kf "$@" --json
    # A word after -- is an argument, so --json there is none.
    case " $* " in *" -- "*) return ;; esac
    expect 2 "keyferry $* --json"
    same "$(json out 'd["error"]["code"]')" usage "code of: $*"
    same "$(json out 'sorted(d["error"].keys())')" "['at', 'code', 'do', 'field', 'what', 'why']" "keys of: $*"
    same "$(json out 'len(d["error"]["what"]) > 0 and len(d["error"]["why"]) > 0 and len(d["error"]["do"]) > 0')" \
        true "texts of: $*"
}

usage 'no command given'
usage 'no command given after kms' kms
usage 'did you mean: keyferry kms new' kms nwe
usage 'did you mean: keyferry mikey' mikye
usage 'did you mean: keyferry selftest' sefltest
usage 'is not a command' frobnicate
usage 'is not a command' kms frobnicate
usage 'unknown option --frobnicate' --frobnicate
usage 'did you mean: --version' --versoin
usage 'did you mean: --cert' mikey seal --cret x
usage 'did you mean: --passphrase-file' kms cert --passprase-file x d
usage 'unknown option -c' mikey seal -c x
usage '--cert is missing' mikey seal
usage '--to is missing' mikey seal --cert a --keys b --kind gmk
usage 'argument DOMAIN is missing' kms cert
usage 'argument KEYSET is missing' kms check a
usage 'one argument too many' kms cert a b
usage 'one argument too many' selftest -- --json
usage 'lacks its value' mikey seal --cert
usage 'lacks its value' mikey seal --cert --keys a
usage 'is given twice' mikey seal --cert a --cert b
usage 'is given twice' mikey seal --cert=a --cert b
usage 'takes no value' mikey seal --revoked=yes
usage 'is given twice' mikey seal --revoked --revoked
usage 'decimal number' uid --user a --kms b --period-no x
usage 'decimal number' uid --user a --kms b --period-no=-1
usage 'lacks its value' uid --user a --kms b --period-no -1
usage 'decimal number' uid --user a --kms b --period-no=
usage 'decimal number' uid --user a --kms b --period-no 1099511627776
usage 'not key periods' uid --user a --kms b --period-length 0
usage 'not key periods' uid --user a --kms b --period-length 10 --period-offset 10
usage 'the value is empty' uid --user= --kms b
usage 'a time such as' mikey open --cert a --keys b --now yesterday c
usage 'a time such as' mikey seal --cert a --keys b --to c --kind gmk --activate 2026-13-01T00:00:00Z
usage 'one of the listed words' mikey seal --cert a --keys b --to c --kind spk
usage 'one of the listed words' mikey seal --cert a --keys b --to c --kind 'gmk|pck'
usage 'one of the listed words' help --completion tcsh
usage 'more than one of' help --man --completion bash
usage 'no such command' help kms nwe
usage 'cost is not accepted' kms new --uri a --out b --scrypt-log2n 9
usage 'cost is not accepted' kms new --uri a --out b --scrypt-log2n 19
usage 'cannot be the URI' kms new --uri 'a b' --out b
usage 'not issued at once' kms issue d --user a --periods 0
usage 'not issued at once' kms issue d --user a --periods 65
usage 'sign-no-header, hex-id' mikey open --cert a --keys b --compat nothing c
usage 'rule is not understood' mikey open --cert a --keys b --allow gmk c
usage 'rule is not understood' mikey open --cert a --keys b --allow gmk= c
usage 'rule is not understood' mikey open --cert a --keys b --allow spk=sip:a c
usage 'only a GMK is for groups' mikey seal --cert a --keys b --to c --kind pck --group sip:g
usage 'which key is revoked' mikey seal --cert a --keys b --to c --kind gmk --revoked
usage 'needs key parameters' mikey seal --cert a --keys b --to c --kind gmk --no-params --text x
usage 'never be usable' mikey seal --cert a --keys b --to c --kind gmk --activate 2000000000 --expire 2000000000
usage 'never be usable' mikey seal --cert a --keys b --to c --kind gmk --expire 1
usage 'go together' explain --cert a b
usage 'give either' keys generate --keyset 1 --sln 1 --kid 0001
usage 'one of the listed words' explain --as poem b

# The forms of an option are equal; -- ends options.
run 0 uid --user sip:user@example.org --kms kms.example.org --period-no 1
same "$(cat out)" 74e2af803ab5d72841bbced0ce319ffe64f6fe23c88a2d258aabcf6ac5658ef4 'uid'
run 0 uid --user=sip:user@example.org --kms=kms.example.org --period-no=1
same "$(cat out)" 74e2af803ab5d72841bbced0ce319ffe64f6fe23c88a2d258aabcf6ac5658ef4 'uid with ='
run 0 --json uid --user sip:user@example.org --kms kms.example.org --period-no 1
same "$(json out 'd["uid"]')" 74e2af803ab5d72841bbced0ce319ffe64f6fe23c88a2d258aabcf6ac5658ef4 'uid in JSON'
run 1 explain -- --json
has err 'No such file'
run 0 --version
has out 'keyferry '
run 0 --version --json
same "$(json out 'd["program"]')" keyferry version

# What stands where no word belongs is not repeated: it may be a secret.
run 2 kms cert example.kms hunter2hunter2
lacks err hunter2
run 2 kms cert example.kms --passphrase hunter2hunter2
lacks err hunter2
run 2 kms cert example.kms --passphrase=hunter2hunter2
lacks err hunter2
finish
