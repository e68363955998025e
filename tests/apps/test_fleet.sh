#!/bin/bash
# A simulated fleet: the table, the JSON, the exit status, and the same result for the same seed.
. "$(dirname "$0")/lib.sh"
fleet() { run "$1" p25 fleet --units 30 "${@:2}"; }

fleet 0 --seed 7
has out '30 units, 4 groups, 5 % loss'
has out 'not ready: nobody'
has out 'reached 30 of 30 reachable units'
has out 'SLN 4097'
has out 'changeover 1: refused'
has err 'catch up: 30 of 30 after'
lacks err '['
cp out first
fleet 0 --seed 7
cmp -s out first || fail 'the same seed gave another result'
fleet 0 --seed 8
! cmp -s out first || fail 'another seed gave the same result'

# Those who are gone are named; they do not make it a failure, for nobody could reach them.
fleet 0 --gone 100 --off-air 0
has out 'not ready: 30'
has out 'off the air, for good'
has out 'and 10 more'
has out 'overridden 45 min 00 s after the rekey, 30 left behind'
fleet 1 --gone 50 --patience 0 --limit 14400
has out 'never granted'
has out 'the last ones not ready: 10'
fleet 1 --loss 100 --limit 600
has out 'registration not through'
fleet 0 --policy enhanced --loss 30 --limit 172800

# JSON: one document, all units named, nothing on standard error.
fleet 0 --gone 100 --off-air 0 --json
empty err
same "$(json out 'd["all_reached"], d["reachable"], d["gone"], len(d["not_ready"]), d["not_ready"][0]["rsi"]')" \
    '(True, 0, 30, 30, 1000)' 'gone in JSON'
fleet 0 --json
same "$(json out 'd["all_reached"], d["reached"], d["states"]["current"], d["states"]["keyless"], d["not_ready"]')" \
    '(True, 30, 30, 0, [])' 'all in JSON'
same "$(json out 'all(g["members"] == g["use_new"] == g["hold_new"] and g["kid"] != g["old_kid"] for g in d["groups"])')" \
    true 'groups in JSON'
same "$(json out 'all(c["done"] and c["refused"] > 0 for c in d["changeovers"]) and d["traffic"]["lost"] > 0')" \
    true 'changeovers in JSON'
fleet 1 --loss 100 --limit 600 --json
same "$(json out 'd["all_reached"], d["states"]["never keyed"], d["all_s"]')" '(False, 30, None)' 'nobody in JSON'

run 2 p25 fleet --units 0
has err 'it goes from 1 to 20000'
run 2 p25 fleet --loss 101 --json
same "$(json out 'd["error"]["field"]')" loss 'usage error'
run 2 p25 fleet --groups 17
run 2 p25 fleet --units many
run 2 p25 fleet --policy none
finish
