#!/bin/bash
# docs/vault.md as it is written: its indented lines run, and fail exactly where they say `# refused`. Then what
# came of it is checked: `audit check`, by file.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
page=$here/../../docs/vault.md
bin=$(dirname "$KEYFERRY")
[ "$(id -u)" = 0 ] && root=--allow-root || root=
{
    echo "PATH=$bin:\$PATH; set -m; trap 'echo \"\$BASH_COMMAND\" >>$scratch/failed' ERR"
    echo 'trap "kill %1 2>/dev/null" EXIT'
    sed -n 's/^    //p' "$page" | sed "s/^keyferryd vault /&$root /"
} >tutorial
touch failed
timeout -k 5 300 bash tutorial >told 2>&1 </dev/null
same "$(wc -l <failed)" "$(grep -c '^    .*# refused' "$page")" 'lines that fail'
[ "$bad" = 0 ] || { cat failed; tail -40 told; }
cd vault || { fail 'there is no folder of it'; cat ../told; finish; }

# ---- an export, by file ----
key=$(json init.json 'd["audit_public"]')
run 0 audit check events.json --key "$key" --json
same "$(json out 'd["good"], d["key_given"], d["first"]')" '(True, True, 1)' 'a good export'
same "$(json out 'd["events"] == d["last"]')" true 'events from the first'
point=$(json out 'd["point"]')
run 0 audit check events.json
has err 'without --key'
run 0 audit check events.json --key "$key" --earlier "$point"
run 0 audit check - --key "$key" <events.json
broken() { # broken WHAT ARGS...
    local what=$1
    shift
    run 1 audit check --json "$@"
    same "$(json out 'd["error"]["code"]')" "$what" "$*"
}
broken audit-broken events.json --key "${key:32}${key:0:32}"
broken audit-broken events.json events.json
broken audit-broken events.json --earlier "9${point}"
change() { python3 -c "import json; d = json.load(open('events.json')); $1; json.dump(d, open('changed.json', 'w'))"; }
for edit in 'd["events"].pop()' 'd["events"].pop(0)' 'd["events"].pop(5)' 'd["events"][3]["at"] += 1' \
    'd["events"][3]["role"] = 2' 'd["head"] = []' 'd["checkpoints"].pop()' 'd["events"].reverse()' \
    'd["vault_id"] = "00" * 16' 'd["events"][4]["actor"] += "x"' 'd["events"] = []'; do
    change "$edit"
    broken audit-broken changed.json --key "$key"
done
for edit in 'd["events"][3]["role"] += 256' 'd["events"][3]["seq"] = "4"' 'd["events"][2]["hash"] = "xy"' \
    'del d["vault_id"]' 'd["head"] = 1' 'd = []'; do
    change "$edit"
    broken malformed changed.json --key "$key"
done
head -c 900 events.json >cut.json
broken malformed cut.json
broken malformed missing.json
run 2 audit check
run 2 audit check events.json --key 12
run 2 audit check events.json --earlier 12
finish
