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
for file in $(cd "$KF_VECTORS" && ls -- *.txt); do
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
python3 - "$KEYFERRY" "$KF_VECTORS" >mutations 2>&1 <<'P'
import os, subprocess, sys

keyferry, vectors = sys.argv[1:3]
os.mkdir("m")
checks = bad = 0
# Prose, and numbers that say again what the octets say.
ignored = {"note", "basis", "n", "set", "n_bits"}
# What nobody states twice: a refusal stays a refusal; the source RSI of a message without a body;
# reserved bits, status and interval of captured packets.
passes = {
    ("sakke.txt", "ssv-256-nonstandard", "sed"),
    *(("p25-kmm-examples.txt", case, "kmm")
      for case in ("no-service", "capabilities-cmd", "zeroize-cmd", "zeroize-rsp")),
    *(("p25-rtp-issi.txt", case, "rtp")
      for case in ("cap-progress-3-imbe", "cap-progress-es", "enc-end")),
}

def changed(name, line):
    if name == "expect":
        return "expect = pass"
    at = -4 if name.endswith("_b64") else -1
    other = "AB" if name.endswith("_b64") else "12"
    new = other[0] if line[at] != other[0] else other[1]
    return line[:at] + new + (line[at + 1:] if at != -1 else "")

for file in sorted(f for f in os.listdir(vectors) if f.endswith(".txt")):
    lines = open(f"{vectors}/{file}").read().split("\n")
    case = ""
    for i, line in enumerate(lines):
        if line.startswith("["):
            case = line.strip("[]")
        name = line.split(" =")[0]
        if line.startswith(("#", "[")) or " =" not in line or name in ignored:
            continue
        with open(f"m/{file}", "w") as f:
            f.write("\n".join(lines[:i] + [changed(name, line)] + lines[i + 1:]))
        result = subprocess.run([keyferry, "selftest", "--vectors", "m"], capture_output=True)
        checks += 1
        if result.returncode != 1 and (file, case, name) not in passes:
            bad += 1
            print(f"not ok: {file} [{case}] {name}: a wrong value was not noticed")
        os.unlink(f"m/{file}")
print(checks)
sys.exit(bad > 0)
P
[ $? -eq 0 ] || {
    cat mutations
    bad=$((bad + 1))
}
checks=$((checks + $(tail -1 mutations)))
[ "$(tail -1 mutations)" -gt 600 ] || fail 'fewer fields were changed than there are'

miss eccsi.txt rfc6507-a '/^ksak/acolour = red' colour
miss mikey-uid.txt uid-1 '/^uid = /p' uid
miss sakke.txt rfc6508-a 's/^n = 128/n = 256/' ssv
miss sakke.txt ssv-256-nonstandard '/^expect/d' sed
miss eccsi.txt rfc6507-a '/^r = /iexpect = fail' signature
miss mikey-derive.txt tek-1 '/^master/d' 'nothing to check'
miss mikey-imessage.txt gmk-1 '/^kind/aexpect = fail' i_message_b64
miss mikey-imessage.txt gmk-1 '/^kind/aformat = modern' format
miss p25-keywrap.txt aes-tia '/^alg/acolour = red' colour
miss p25-keywrap.txt aes-tia '/^key = /d;/^alg/aexpect = fail' wrapped
miss p25-kmm-mac.txt rekey-cmac-d '/^scheme/s/-d/-c/' mac_key
miss p25-kmm-mac.txt rekey-cbc '/^scheme/aexpect = fail' mac
miss p25-kmm-rekey.txt rekey-cbc '/^keysets/aks1.format = 00' ks1.format
miss p25-kmm-examples.txt modify-key-kfd-aes-clear '/^variant/d' kmm
miss p25-kmm-examples.txt hello-ident '/^flag/aexpect = fail' kmm
miss p25-kmm-dialogue.txt cbc-05-rekey-ack '/^from/s/su/kmf/' from
miss p25-kmm-dialogue.txt cbc-05-rekey-ack '/^tek_kid/s/7A31/1001/' kmm
miss p25-voice-fdma.txt adp '/^alg/avoice19 = 00' voice19
miss p25-voice-mi.txt tia '/^mi/anth.2 = 6FE2802AA403828B00' nth.2
miss p25-rtp-issi.txt enc-setup '/^superframes/s/2/3/' superframes
miss p25-es-parity.txt aes '/^mi = /s/1/0/' parity
miss p25-ekc.txt two-keys '/^key2/akey3 = name="" active=false' key3

# Refusals of P25.
refused() { # refused FILE LINE...: a case that must be refused passes
    fresh
    { printf '[refused]\nexpect = fail\n'; printf '%s\n' "${@:2}"; } >v/$1
    run 0 selftest --vectors v
    has out "$1 1/1"
}
wrapped=$(sed -n '/^\[aes-tia/,/^\[t/s/^wrapped = //p' "$KF_VECTORS/p25-keywrap.txt")
kek=$(sed -n '/^\[aes-tia/,/^\[t/s/^kek = //p' "$KF_VECTORS/p25-keywrap.txt")
refused p25-keywrap.txt 'alg = 84' "kek = $kek" "wrapped = ${wrapped%0}1"
refused p25-kmm-examples.txt 'kmm = 0C00070098967F01234500'
refused p25-rtp-issi.txt 'rtp = 8064000E000016800000000181810000'

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
echo '[x]' >v/p25-poem.txt
run 1 selftest --vectors v
has out 'p25-poem.txt refused: not known to this program'
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
