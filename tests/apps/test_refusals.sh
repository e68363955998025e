#!/bin/bash
# What must be refused: exit status 1, why and what to do, nothing written, no secret told.
. "$(dirname "$0")/lib.sh"
world
ALICE=sip:alice@example.org
seal good --to $ALICE --kind gmk --group sip:g@example.org --out gmk
base64 -d good >good.bin
secrets() { # nothing secret in what was said
    lacks out "$(field gmk key)"
    lacks err "$(field gmk key)"
    lacks out 'correct horse'
    lacks err 'correct horse'
}
refused() { # refused WHAT TEXT-IN-STDERR: of the last kf
    expect 1 "$1"
    has err "$2"
    has err 'why:'
    has err 'do:'
    secrets
}

open_as bob good
refused 'another recipient' 'and --keys has no key set of that user'
open_as alice --allow gmk=sip:other@example.org good
refused 'an initiator that no rule allows' '--allow'
open_as alice --allow pck=sip:iwf@example.org good
refused 'a kind that no rule allows' '--allow'
open_as alice --from sip:bob@example.org good
refused 'an initiator that the transport did not prove' '--from'

# The eavesdropper: a KMS of the same name, keys of their own.
mkdir eve
(
    cd eve || exit 1
    echo eve >pass
    "$KEYFERRY" kms new --uri kms.example.org --out d --passphrase-file pass --scrypt-log2n 10 2>/dev/null &&
        "$KEYFERRY" kms cert d --passphrase-file pass >cert &&
        "$KEYFERRY" kms issue d --passphrase-file pass --user $ALICE --to-file alice.keys &&
        "$KEYFERRY" kms issue d --passphrase-file pass --user sip:iwf@example.org --to-file iwf.keys &&
        "$KEYFERRY" mikey seal --cert cert --keys iwf.keys --to $ALICE --kind gmk >forged 2>/dev/null
) || fail 'the eavesdropper needs better tools'
kf mikey open --cert example.cert --keys eve/alice.keys good
refused 'keys of another KMS' 'discard the key set'
kf mikey open --cert eve/cert --keys eve/alice.keys good
refused 'a certificate of another KMS' 'signature is not the initiator'
open_as alice eve/forged
refused 'a forged message' 'signature is not the initiator'
kf kms check example.cert eve/alice.keys
refused 'kms check of foreign keys' 'discard the key set'

# Any octet altered, any octet missing.
size=$(stat -c %s good.bin)
tampered() { # tampered OFFSET MASK
    python3 - "$1" "$2" <<'P'
import sys
m = bytearray(open("good.bin", "rb").read())
m[int(sys.argv[1])] ^= int(sys.argv[2])
open("bad.bin", "wb").write(m)
P
}
step=$(($size / 23))
[ -z "${KF_CAMPAIGN:-}" ] || step=1
for ((at = 0; at < size; at += step)); do
    tampered $at $((1 << (at % 8)))
    rm -f kept
    open_as alice --out kept --reveal bad.bin
    refused "octet $at altered" 'octet'
    empty out
    [ ! -e kept ] || fail "octet $at altered: a file was written"
    head -c $at good.bin >bad.bin
    open_as alice --out kept bad.bin
    refused "cut at $at" 'keyferry: refused'
    [ ! -e kept ] || fail "cut at $at: a file was written"
done
{ cat good.bin; printf x; } >bad.bin
open_as alice --json bad.bin
expect 1 'an octet too many'
same "$(json out 'd["error"]["code"], d["error"]["field"], d["error"]["at"]')" "('trailing', 'SIGN', $size)" 'an octet too many'
head -c 100 good.bin >bad.bin
open_as alice --json bad.bin
same "$(json out 'd["error"]["code"], d["error"]["at"] <= 100, d["error"]["field"] is not None')" \
    "('truncated', True, True)" 'cut at 100'
printf 'ARoFAQ==' >bad
open_as alice bad
refused 'four octets' 'HDR.csb_id'
: >bad
open_as alice bad
refused 'nothing' HDR.version
sed 's/A/!/' good >bad
open_as alice bad
refused 'not base64' 'keyferry: refused'
head -c 1100000 /dev/zero >bad
open_as alice bad
refused 'a megabyte' 'longer than 1048576 octets'

# Domains.
echo wrong >wrong
kf kms cert example.kms --passphrase-file wrong
refused 'a wrong passphrase' 'passphrase is wrong, or the file was altered'
empty out
cp example.kms bad.kms
printf '\377' | dd of=bad.kms bs=1 seek=60 conv=notrunc 2>/dev/null
kf kms cert bad.kms --passphrase-file passphrase
refused 'an altered domain' 'passphrase is wrong, or the file was altered'
head -c 40 example.kms >bad.kms
kf kms cert bad.kms --passphrase-file passphrase
refused 'half a domain' 'container.nonce'
kf kms cert example.cert --passphrase-file passphrase
refused 'no domain' 'container.magic'
: >nothing
kf kms cert example.kms --passphrase-file nothing
refused 'an empty passphrase' 'it is empty'
printf 'a\nb\n' >two
kf kms cert example.kms --passphrase-file two
refused 'two lines' 'more than one line'
"$KEYFERRY" kms new --uri kms.example.org --out new.kms </dev/null >out 2>err
status=$?
refused 'an empty passphrase for a new domain' 'it is empty'
[ ! -e new.kms ] || fail 'a domain was made without a passphrase'
"$KEYFERRY" kms cert example.kms <passphrase >out 2>err || fail 'the passphrase from standard input'
cmp -s <(sed 's/<Time>.*//' out) <(sed 's/<Time>.*//' example.cert) || fail 'the certificate differs'

# Documents.
kf kms check alice.keys alice.keys
refused 'keys for a certificate' 'holds no certificate'
kf kms check example.cert example.cert
refused 'a certificate for keys' 'holds no key set'
sed 's/<KeyPeriodNo>/<KeyPeriodNo>9/' alice.keys >bad.keys
kf kms check example.cert bad.keys
refused 'another period' 'keyset.'
sed 's/alice@/mallory@/' alice.keys >bad.keys
kf kms check example.cert bad.keys
refused 'another user' 'keyset.UserID'
printf '<!DOCTYPE a [<!ENTITY x "y">]><KmsResponse>&x;</KmsResponse>' >bad.keys
kf kms check example.cert bad.keys
refused 'a DTD' 'xml.doctype'
kf kms check missing.cert alice.keys
refused 'a missing file' 'No such file'

# Key files.
for text in '' 'x' 'keyferry-key 1' 'keyferry-key 1
kind = gmk
key_id = 1abcdef0
key = 000102030405060708090a0b0c0d0e0f' 'keyferry-key 1
kind = gmk
key_id = 0abcdef0
key = 000102' 'keyferry-key 1
kind = gmk
kind = gmk
key_id = 0abcdef0
key = 000102030405060708090a0b0c0d0e0f' 'keyferry-key 1
kind = gmk
key_id = 0abcdef0
colour = red
key = 000102030405060708090a0b0c0d0e0f' 'keyferry-key 1
kind = gmk
key_id = 0abcdef0
rand = 0011
key = 000102030405060708090a0b0c0d0e0f'; do
    printf '%s' "$text" >bad.key
    kf mikey srtp --key-file bad.key --sender sip:a@b
    refused 'a bad key file' 'is not a key file'
    lacks err 000102
done
finish
