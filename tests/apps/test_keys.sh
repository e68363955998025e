#!/bin/bash
# Files of P25 keys: make, check, import, export; what they open in messages; and that no key shows.
. "$(dirname "$0")/lib.sh"
echo 'correct horse battery staple' >pass
echo 'another' >pass2
echo 'correct horse' >ekcpass
GOOD=7f1d3c5b9a08e6d4c2b0a18f7e6d5c4b3a29181706f5e4d3c2b1a09f8e7d6c5b
OTHER=2a1938cd0b6b6bd0b7745692fe1914f03876612fc29d577789a62f65fa05ef83
CHEAP='--scrypt-log2n 10'
# keys that must not be in what is said from here on, in either case, nor their parts
secrets=$GOOD\ $OTHER
unsaid() {
    for key in $secrets; do
        for at in 0 8 16 24; do
            part=${key:$at:8}
            [ ${#part} -eq 8 ] || continue
            checks=$((checks + 1))
            ! grep -q -i -F -e "$part" out err || fail "octets of a key were told"
        done
    done
}
k() { # k STATUS ARGS...: run `keyferry keys`, and look that no key is told
    local want=$1
    shift
    run "$want" keys "$@"
    unsaid
}
import() { # import STATUS FILE OUT ARGS...
    local want=$1 from=$2 to=$3
    shift 3
    # shellcheck disable=SC2086
    k "$want" import "$from" --out "$to" --passphrase-file pass $CHEAP "$@"
}
check() { # check STATUS FILE ARGS...
    local want=$1 file=$2
    shift 2
    k "$want" check "$file" --passphrase-file pass "$@"
}
hex() { sed -n "/^\[$2\]/,/^\[/s/^$3 = //p" "$KF_VECTORS/$1"; }
binary() { basenc --base16 -d; }
HEADER='name,keyset,sln,type,kid,algid,key,rsi,group'

# --- CSV: a loud warning, and what is imported
printf '%s\n' "$HEADER" "FIRE 1,1,1,TEK,1001,AES-256,$GOOD,,ALL" "UKEK,255,61440,KEK,F5A0,84,$OTHER,1001,ALL" >keys.csv
chmod 644 keys.csv
import 0 keys.csv a.keyfile
has err 'THE KEYS IN THIS FILE ARE READABLE BY ANYBODY'
has err 'chmod 600 keys.csv'
has err 'wrote a.keyfile (container): 2 keys, 1 group'
same "$(mode a.keyfile)" 600 'mode of a container'
check 0 a.keyfile
has out '"FIRE 1", keyset 1, SLN 1, KID 1001, ALGID 84 (AES-256), TEK'
has out '"UKEK", keyset 255, SLN 61440, KID F5A0, ALGID 84 (AES-256), KEK, RSI 1001'
has out '"ALL": key 1, key 2'
lacks out warning
check 0 a.keyfile --json
same "$(json out '[(e["name"], e["keyset"], e["sln"], e["kid"], e["kind"], e["rsi"], e["octets"]) for e in d["keys"]]')" \
    "[('FIRE 1', 1, 1, '1001', 'TEK', None, 32), ('UKEK', 255, 61440, 'F5A0', 'KEK', 1001, 32)]" 'the keys in JSON'
same "$(json out '(d["format"], d["groups"], d["findings"])')" "('container', [{'name': 'ALL', 'keys': [1, 2]}], [])" 'the rest in JSON'
k 0 check --as csv keys.csv --json
same "$(json out '[(f["severity"], f["code"]) for f in d["findings"]]')" "[('warning', 'clear-keys')]" 'CSV in JSON'
import 1 keys.csv a.keyfile
has err 'will not overwrite'
grep -q -a -i "${GOOD:0:8}" a.keyfile && fail 'the key is readable in the container'

# --- .ekc and back: the same keys under other seals
k 0 export a.keyfile --to ekc --out a.ekc --passphrase-file pass --new-passphrase-file pass2
has err rsi-lost
same "$(mode a.ekc)" 600 'mode of a .ekc'
import 0 a.ekc b.keyfile --source-passphrase-file pass2
has err no-integrity
k 0 export b.keyfile --to container --out c.keyfile --passphrase-file pass --new-passphrase-file pass2 --scrypt-log2n 10
k 0 check c.keyfile --passphrase-file pass2 --json
without_rsi='[[e[n] for n in ("name", "keyset", "sln", "kid", "algid", "kind", "octets")] for e in d["keys"]], d["groups"]'
there=$(json out "$without_rsi")
check 0 a.keyfile --json
same "$there" "$(json out "$without_rsi")" 'there and back'
run 0 explain --passphrase-file pass a.keyfile
unsaid
has out 'Keys and groups'
has out 'keyfile.key              (32 octets, not shown)'
run 0 explain --passphrase-file pass2 a.ekc
unsaid
has out 'key 1 "FIRE 1"'
run 1 explain --passphrase-file pass a.ekc
hex p25-ekc.txt two-keys file | binary >vector.ekc
import 0 vector.ekc d.keyfile --source-passphrase-file ekcpass
check 0 d.keyfile --json
same "$(json out 'len(d["keys"]), d["groups"][0]["name"]')" "(2, 'ALL')" 'a container of KFDtool'

# --- passphrases
import 1 a.ekc x.keyfile --source-passphrase-file pass
has err 'passphrase is wrong, or the file was altered'
import 2 a.ekc x.keyfile
has err '--source-passphrase-file'
k 1 check a.keyfile --passphrase-file pass2
has err 'passphrase is wrong'
printf 'two\nlines\n' >two
import 1 a.ekc x.keyfile --source-passphrase-file two
has err 'one line'
: >none
import 1 a.ekc x.keyfile --source-passphrase-file none
k 0 check a.keyfile <pass
[ ! -e x.keyfile ] || fail 'a file was written all the same'

# --- what is no key file
run 0 kms new --uri kms.example.org --out example.kms --passphrase-file pass $CHEAP
check 1 example.kms
has err 'something else than P25 keys'
printf '<KmsResponse/>' >xml
check 1 xml
has err '--cert'
printf 'hello' >text
check 1 text
has err 'is no file of P25 keys'
check 1 /dev/null
check 1 missing
has err 'No such file'
head -c 60 a.keyfile >cut
check 1 cut
has err 'octet'
head -c 60 a.ekc >cut
check 1 cut
check 1 a.keyfile --as ekc
check 1 a.ekc --as container
check 2 a.keyfile --as dkf
python3 - <<'P'
m = bytearray(open("a.keyfile", "rb").read())
m[-20] ^= 1
open("flipped", "wb").write(m)
P
check 1 flipped
printf '%s\n' "$HEADER" "A,1,1,TEK,101,84,$GOOD,," >bad.csv
import 1 bad.csv x.keyfile
has err 'line 2'
same "$(import 1 bad.csv x.keyfile --json; json out '(d["error"]["field"], d["error"]["code"])')" "('csv.kid', 'malformed')" 'a bad line in JSON'

# --- every finding that refuses: told with its code, nothing written; --only-good leaves it out
refused() { # refused CODE LINE
    printf '%s\n' "$HEADER" "GOOD,1,1,TEK,1001,84,$GOOD,,ALL" "$2" >bad.csv
    check 1 bad.csv
    has out "[$1]"
    has err "field: $1 (denied)"
    has err 'why:'
    has err 'do:'
    check 1 bad.csv --json
    same "$(json out 'd["error"]["field"], len(d["keys"])')" "('$1', 2)" "$1 in JSON"
    same "$(json out "[f['severity'] for f in d['findings'] if f['code'] == '$1']")" "['refused']" "$1 in JSON"
    import 1 bad.csv x.keyfile
    has err "[$1]"
    [ ! -e x.keyfile ] || fail "$1: a file was written"
    import 0 bad.csv x.keyfile --only-good
    has err 'left out: key 2 "BAD'
    check 0 x.keyfile --json
    same "$(json out '[e["name"] for e in d["keys"]], [g["name"] for g in d["groups"]]')" "(['GOOD'], ['ALL'])" "$1 left out"
    rm -f x.keyfile
    import 0 bad.csv x.keyfile --only-good --json
    same "$(json out '[(l["key"], l["code"]) for l in d["left_out"]], len(d["keys"])')" "([(2, '$1')], 1)" "$1 left out in JSON"
    rm -f x.keyfile
}
refused keyset-range "BAD,256,1,TEK,1002,84,$OTHER,,BADS"
refused sln-range "BAD,1,65536,TEK,1002,84,$OTHER,,BADS"
refused sln-keyset-group "BAD,17,2,TEK,1002,84,$OTHER,,BADS"
refused algid-clear "BAD,1,2,TEK,1002,80,$OTHER,,BADS"
refused rsi-range "BAD,255,61440,KEK,1002,84,$OTHER,16777216,BADS"
refused key-length "BAD,1,2,TEK,1002,84,13579bdf02468ace,,BADS"
refused des-parity "BAD,1,2,TEK,1002,81,13579bdf02468acf,,BADS"
refused des-weak "BAD,1,2,TEK,1002,81,1f1f1f1f0e0e0e0e,,BADS"
refused des-semi-weak "BAD,1,2,TEK,1002,81,01fe01fe01fe01fe,,BADS"
printf '%s\n' "$HEADER" "BAD,1,2,TEK,1002,81,1f1f1f1f0e0e0e0e,," >bad.csv
import 1 bad.csv x.keyfile --only-good
has err 'no key of bad.csv is left to write'
# KID and ALGID of CSV have a fixed number of digits, so kid-range and algid-range come from a .ekc only.
inner_ekc() { # inner_ekc FIELD VALUE OUT: the keys of vector.ekc with one number altered, sealed again by Python
    python3 - "$1" "$2" "$3" <<'P' || fail 'no .ekc was made'
import base64, gzip, hashlib, re, struct, subprocess, sys
field, value, out = sys.argv[1:]
xml = gzip.decompress(open("vector.ekc", "rb").read()[4:]).decode()
take = lambda tag: re.search(f"<{tag}>([^<]*)</{tag}>", xml).group(1)
key = hashlib.pbkdf2_hmac("sha512", b"correct horse", base64.b64decode(take("Salt")), int(take("IterationCount")), 32)
sealed = base64.b64decode(take("CipherValue"))
aes = lambda way, data: subprocess.run(["openssl", "enc", way, "-aes-256-cbc", "-nopad", "-K", key.hex(), "-iv",
                                        sealed[:16].hex()], input=data, capture_output=True, check=True).stdout
clear = aes("-d", sealed[16:])
clear = clear[:-clear[-1]].decode()
clear, count = re.subn(f"<{field}>[^<]*</{field}>", f"<{field}>{value}</{field}>", clear, count=1)
assert count == 1
clear = clear.encode()
pad = 16 - len(clear) % 16
again = base64.b64encode(sealed[:16] + aes("-e", clear + bytes([pad]) * pad)).decode()
xml = xml.replace(take("CipherValue"), again).encode()
open(out, "wb").write(struct.pack("<I", len(xml)) + gzip.compress(xml))
P
}
if command -v openssl >/dev/null; then
    inner_ekc KeyId 65536 bad.ekc
    import 1 bad.ekc x.keyfile --source-passphrase-file ekcpass
    has err '[kid-range]'
    inner_ekc AlgorithmId 256 bad.ekc
    k 1 check bad.ekc --passphrase-file ekcpass
    has out '[algid-range]'
    inner_ekc KeyId 4660 good.ekc
    k 0 check good.ekc --passphrase-file ekcpass
    has out 'KID 1234'
fi

# --- warnings go on
warned() { # warned CODE LINE
    printf '%s\n' "$HEADER" "GOOD,1,1,TEK,1001,84,$GOOD,," "$2" >warn.csv
    rm -f w.keyfile
    import 0 warn.csv w.keyfile
    has err "[$1]"
    check 0 w.keyfile
    has out "[$1]"
}
warned algid-weak "OLD,1,2,TEK,1002,81,13579bdf02468ace,,"
warned algid-weak "ADP,1,2,TEK,1002,ADP,3d8a51f00c,,"
warned kid-clash "B,1,2,TEK,1001,84,$OTHER,,"
warned place-clash "B,1,1,TEK,1002,84,$OTHER,,"
warned key-pattern "B,1,2,TEK,1002,84,$(printf 'ab%.0s' {1..32}),,"
warned rsi-not-kek "B,1,2,TEK,1002,84,$OTHER,1001,"

# --- fresh keys
gen() { # gen STATUS ARGS...
    local want=$1
    shift
    # shellcheck disable=SC2086
    k "$want" generate --passphrase-file pass $CHEAP "$@"
}
gen 0 --out fleet.keyfile --name UKEK --keyset 255 --sln 61440 --kid A000 --rsi 1001 --rsi 1003-1005
same "$(mode fleet.keyfile)" 600 'mode of fresh keys'
gen 0 --add-to fleet.keyfile --name FIRE --keyset 1 --sln 1 --kid 1001 --count 2
same "$(mode fleet.keyfile)" 600 'mode after adding'
check 0 fleet.keyfile --json
same "$(json out '[(e["name"], e["sln"], e["kid"], e["rsi"], e["kind"]) for e in d["keys"]]')" \
    "[('UKEK 1001', 61440, 'A000', 1001, 'KEK'), ('UKEK 1003', 61440, 'A001', 1003, 'KEK'), ('UKEK 1004', 61440, 'A002', 1004, 'KEK'), ('UKEK 1005', 61440, 'A003', 1005, 'KEK'), ('FIRE 1', 1, '1001', None, 'TEK'), ('FIRE 2', 2, '1002', None, 'TEK')]" \
    'a fleet'
same "$(json out 'd["findings"]')" '[]' 'nothing is said of fresh keys'
before=$(sha256sum fleet.keyfile)
gen 1 --add-to fleet.keyfile --name AGAIN --keyset 1 --sln 9 --kid 1002
has err 'field: kid-clash'
gen 1 --add-to fleet.keyfile --name AGAIN --keyset 1 --sln 2 --kid 2002
has err 'field: place-clash'
gen 1 --add-to fleet.keyfile --name GROUP --keyset 17 --sln 9 --kid 2002
has err 'field: sln-keyset-group'
gen 1 --out fleet.keyfile --keyset 1 --sln 1 --kid 0001
has err 'will not overwrite'
gen 1 --add-to keys.csv --keyset 1 --sln 1 --kid 0001
has err 'only our own container'
same "$(sha256sum fleet.keyfile)" "$before" 'a refusal changes nothing'
for algid in tdea des adp aes-128; do
    for again in 1 2 3; do
        rm -f one.keyfile
        gen 0 --out one.keyfile --keyset active --sln 5 --kid 0005 --algid $algid
        lacks err refused
        lacks err parity
        lacks err pattern
    done
done
rm -f one.keyfile
gen 0 --out one.keyfile --keyset active --sln 5 --kid 0005 --algid des --json
same "$(json out '[f["code"] for f in d["findings"]], d["keys_in_file"], d["keys"][0]["keyset"]')" "(['algid-weak'], 1, 'active')" 'a DES key'
for wrong in '--keyset 0' '--keyset 256' '--keyset x' '--kid 1' '--kid 10000' '--sln 65536' '--count 0' '--count 1025' \
    '--rsi 0' '--rsi 10000000' '--rsi 5-4' '--rsi 1-2000' '--rsi 7-9 --rsi 8' '--rsi 1001 --count 2' \
    '--kid FFFF --count 2' '--sln 65535 --count 2' '--algid rot13'; do
    rm -f one.keyfile
    # shellcheck disable=SC2086
    gen 2 --out one.keyfile --keyset 1 --sln 1 --kid 0001 $wrong
    [ ! -e one.keyfile ] || fail "$wrong: a file was written"
done
gen 2 --keyset 1 --sln 1 --kid 0001
gen 2 --out x --add-to fleet.keyfile --keyset 1 --sln 1 --kid 0001

# --- one radio's key
split() { k "$1" export fleet.keyfile --to container --passphrase-file pass --new-passphrase-file pass2 --scrypt-log2n 10 "${@:2}"; }
split 0 --out r1003.keyfile --only-rsi 1003
has err 'left out: 5 keys of other radios or of none'
k 0 check r1003.keyfile --passphrase-file pass2 --json
same "$(json out '[(e["name"], e["rsi"]) for e in d["keys"]]')" "[('UKEK 1003', 1003)]" 'what one radio gets'
split 0 --out two.keyfile --only-rsi 1003-1004 --json
same "$(json out '[e["rsi"] for e in d["keys"]], d["left_out_other_rsi"]')" '([1003, 1004], 4)' 'two radios'
split 1 --out none.keyfile --only-rsi 1003 --only-rsi 4711
has err 'no key of RSI 4711'
[ ! -e none.keyfile ] || fail 'a file without a radio was written'
k 0 export fleet.keyfile --to ekc --out fleet.ekc --passphrase-file pass --new-passphrase-file pass2
has err 'cannot tell them apart'
k 2 export fleet.keyfile --to csv --out fleet.csv --passphrase-file pass --new-passphrase-file pass2
k 2 export fleet.keyfile --to ekc --out x.ekc --passphrase-file pass
has err '--new-passphrase-file'

# --- what keys open in messages
hex p25-kmm-dialogue.txt cbc-setup ukek >ukek.hex
hex p25-kmm-dialogue.txt cbc-setup ws_tek >ws.hex
secrets="$secrets $(cat ukek.hex) $(cat ws.hex)"
printf '%s\n' "$HEADER" "UKEK,255,61440,KEK,F5A0,84,$(cat ukek.hex),74565," "WARM,1,1,TEK,7A31,84,$(cat ws.hex),," >radio.csv
import 0 radio.csv radio.keyfile
hex p25-kmm-dialogue.txt cbc-04-warm-start dli >warm
hex p25-kmm-dialogue.txt cbc-06-rekey-cmd dli >rekey
opened() { # opened STATUS FILE
    run "$1" explain --keys radio.keyfile --passphrase-file pass "${@:2}"
    unsaid
}
opened 0 warm
has out 'opened with "UKEK" of the file; 32 octets, not shown'
has out 'the MAC verifies with the temporary key inside: CBC-MAC'
opened 0 rekey
has out 'opened with the key "WARM" of the file'
has out 'Rekey-Command'
has out 'the MAC verifies with the key "WARM" of the file: CBC-MAC'
has out 'key ID 1102 for SLN 2 (AES-256): opened'
opened 0 --json rekey
same "$(json out '[(l["name"], l["decrypted"]) for l in d["layers"]]')" \
    "[('Data-link independent (DLI) datagram', False), ('Key management message (KMM)', True)]" 'layers'
run 0 explain --keys radio.csv warm
has out 'the MAC verifies'
unsaid
hex p25-kmm-dialogue.txt cbc-08-changeover-cmd dli >foreign
opened 0 foreign
has out 'no key of the file fits; what would: AES-256, key ID 1001'
hex p25-kmm-dialogue.txt cbc-04-warm-start kmm | binary >flipped
python3 -c 'm = bytearray(open("flipped", "rb").read()); m[-6] ^= 1; open("flipped", "wb").write(m)'
opened 1 flipped
has out 'the MAC does NOT verify'
has err 'KMM.mac'
sed "s/$(cat ws.hex)/$GOOD/" radio.csv >wrong.csv
run 1 explain --keys wrong.csv rekey
has out 'makes no message of it'
has err 'keys and passphrase are the right ones'
run 1 explain --keys radio.keyfile --passphrase-file pass2 rekey
has err 'passphrase is wrong'
run 1 explain --keys xml rekey
has err '--cert'
hex p25-rtp-issi.txt enc-header rtp >rtp
opened 0 rtp
has out 'the speech: no key of the file fits; what would: AES-256, key ID 1234'
finish
