#!/bin/bash
# Known answers: the right ones pass, and every kind of wrong one is found.
. "$(dirname "$0")/lib.sh"
run 0 selftest
has out 'SAKKE (RFC 6508 appendix A) 1/1'
has out 'ECCSI (RFC 6507 appendix A) 1/1'
run 0 selftest --json
same "$(json out 'd["passed"], all(r["passed"] == r["total"] for r in d["results"]), len(d["results"]) > 15')" \
    '(True, True, True)' 'built in'
run 0 selftest --vectors "$KF_VECTORS"
for file in eccsi.txt mikey-derive.txt mikey-imessage.txt mikey-uid.txt sakke.txt; do
    count=$(grep -c '^\[' "$KF_VECTORS/$file")
    has out "$file $count/$count"
done
same "$(wc -l <out)" "$(ls "$KF_VECTORS"/*.txt | wc -l)" 'one line per file'

mkdir v
fresh() { rm -f v/*; }
# miss FILE CASE SED-SCRIPT FIELD: after the change that case misses at that field
miss() {
    fresh
    sed "/^\[$2\]/,/^\[/{
$3
}" "$KF_VECTORS/$1" >v/$1
    ! cmp -s v/$1 "$KF_VECTORS/$1" || fail "nothing changed: $*"
    run 1 selftest --vectors v
    has out "$(grep -c '^\[' "$KF_VECTORS/$1")"
    has err "[$2] misses at $4"
}
# Every field of every case is used: change one hex digit or number in each, one after the other.
while read -r file case name; do
    case $name in note | basis | n | set | n_bits) continue ;; esac
    fresh
    python3 - "$file" "$case" "$name" "$KF_VECTORS" <<'P'
import sys
file, case, name, d = sys.argv[1:5]
out, here = [], False
for line in open(f"{d}/{file}"):
    if line.startswith("["):
        here = line.strip() == f"[{case}]"
    if here and line.startswith(name + " = "):
        value = line.rstrip("\n")
        last = value[-1] if not name.endswith("_b64") else value[-4]
        new = "1" if last != "1" else "2"
        if name.endswith("_b64"):
            line = value[:-4] + ("A" if last != "A" else "B") + value[-3:] + "\n"
        elif name == "expect":
            line = "expect = pass\n"
        else:
            line = value[:-1] + new + "\n"
    out.append(line)
open(f"v/{file}", "w").writelines(out)
P
    "$KEYFERRY" selftest --vectors v >out 2>err
    status=$?
    checks=$((checks + 1))
    case "$file $case $name" in
    # A refusal stays a refusal.
    *nonstandard\ sed) continue ;;
    esac
    [ $status -eq 1 ] || fail "$file [$case] $name: a wrong value was not noticed"
done < <(awk '/^\[/ { c = $0; gsub(/[][]/, "", c) } / = / && !/^#/ { n = FILENAME; sub(/.*\//, "", n); print n, c, $1 }' \
    "$KF_VECTORS"/*.txt)

miss eccsi.txt rfc6507-a '/^ksak/acolour = red' colour
miss mikey-uid.txt uid-1 '/^uid = /p' uid
miss sakke.txt rfc6508-a 's/^n = 128/n = 256/' ssv
miss sakke.txt ssv-256-nonstandard '/^expect/d' sed
miss eccsi.txt rfc6507-a '/^r = /iexpect = fail' signature
miss mikey-derive.txt tek-1 '/^master/d' 'nothing to check'
miss mikey-imessage.txt gmk-1 '/^kind/aexpect = fail' i_message_b64
miss mikey-imessage.txt gmk-1 '/^kind/aformat = modern' format

# A verification that must be refused.
fresh
{
    echo '[refused]'
    echo 'expect = fail'
    grep -E '^(kpak|id|message) = ' "$KF_VECTORS/eccsi.txt"
    sed -n 's/^signature = 2/signature = 3/p' "$KF_VECTORS/eccsi.txt"
} >v/eccsi.txt
run 0 selftest --vectors v
has out 'eccsi.txt 1/1'

# Files: unknown ones and unreadable ones are errors, other suffixes are not looked at.
fresh
cp "$KF_VECTORS/eccsi.txt" v/eccsi.txt
echo prose >v/README.md
run 0 selftest --vectors v
echo '[x]' >v/p25-keywrap.txt
run 1 selftest --vectors v
has out 'p25-keywrap.txt refused: not known to this program'
has out 'eccsi.txt 1/1'
run 1 selftest --vectors v --json
same "$(json out 'd["passed"], d["error"]["code"]')" "(False, 'selftest')" 'unknown file'
fresh
echo 'no case' >v/sakke.txt
run 1 selftest --vectors v
has out 'refused: line 1'
: >v/sakke.txt
run 1 selftest --vectors v
fresh
run 1 selftest --vectors v
has err 'no *.txt file'
run 1 selftest --vectors missing
finish
