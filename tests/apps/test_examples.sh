#!/bin/bash
# The example of every --help runs: all in one directory, in the order of the table, after the set-up that
# `keyferry --help` tells.
. "$(dirname "$0")/lib.sh"
mkdir bin && ln -s "$KEYFERRY" bin/keyferry
PATH=$scratch/bin:$PATH

example_of() { "$KEYFERRY" "$@" --help | sed -n '/^Example:$/,$p' | sed '1d; s/^  //'; }
try() { # try WHAT SHELL-LINES
    checks=$((checks + 1))
    [ -n "$2" ] || { fail "$1 has no example"; return; }
    printf '%s\n' "$2" >script
    bash -e -o pipefail script >out 2>err || { fail "the example of $1 does not run"; sed 's/^/    /' script err; }
    [ "$(sed -n 's/^keyferry \([a-z]*\).*/\1/p' script | sort -u | wc -l)" -ge 1 ] || fail "$1: no keyferry in it"
}

"$KEYFERRY" --help | sed -n '/assume one directory and:$/,/^$/p' | sed '1d; s/^  //' >setup
[ -s setup ] || fail 'no set-up is told'
. ./setup
"$KEYFERRY" help --json >table
# Those that need a vault that runs are for test_vault.sh.
json table '"\n".join(c["command"] for c in d["commands"] if not c["needs_vault"])' >commands
[ "$(wc -l <commands)" -ge 11 ] || fail 'commands are missing from the table'
while read -r command; do
    # shellcheck disable=SC2086 # one or two words
    try "keyferry $command" "$(example_of $command)"
    # shellcheck disable=SC2086
    run 0 $command --help
    empty err
    has out "keyferry $command: "
    # shellcheck disable=SC2086
    run 0 help $command
    # shellcheck disable=SC2086
    run 0 $command --help --json
    same "$(json out 'd["command"]')" "$command" 'help in JSON'
    # The text and the table say the same, options and all.
    # shellcheck disable=SC2086
    run 0 $command --help
    for option in $(json table "' '.join(o['name'] for c in d['commands'] if c['command'] == '$command' for o in c['options'])"); do
        has out "--$option"
    done
    first=$(json table "[c['example'] for c in d['commands'] if c['command'] == '$command'][0].splitlines()[0].split(' ')[1]")
    same "$first" "${command%% *}" 'the example is of this command'
done <commands
for noun in kms mikey keys p25; do
    try "keyferry $noun" "$(example_of $noun)"
    run 0 $noun --help
    has out "keyferry $noun: "
done
try keyferry "$(example_of)"
run 0 help
finish
