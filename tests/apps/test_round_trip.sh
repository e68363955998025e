#!/bin/bash
# KMS, initiator and recipients: every option that changes what crosses.
. "$(dirname "$0")/lib.sh"
world
ALICE=sip:alice@example.org BOB=sip:bob@example.org IWF=sip:iwf@example.org

run 0 kms check example.cert alice.keys --json
same "$(json out 'd["key_sets"][0]["user"], d["key_sets"][0]["current"], d["certificate_usable"]')" \
    "('$ALICE', True, True)" 'kms check'
# UID of the key set: the same as the command uid computes.
uid=$(json out 'd["key_sets"][0]["uid"]')
run 0 uid --user $ALICE --kms kms.example.org
same "$(cat out)" "$uid" 'uid of the present period'

for kind in gmk pck csk; do
    for bits in 128 256; do
        seal m --to $ALICE --kind $kind --key-bits $bits --out key.$kind.$bits
        expect 0 "seal $kind $bits"
        rm -f got.key
        open_as alice --from $IWF --allow $kind=$IWF --out got.key --json m
        expect 0 "open $kind $bits"
        same "$(json out 'd["kind"], d["state"], d["key_octets"]')" "('$kind', 'usable', $((bits / 8)))" "$kind $bits"
        for name in kind key_id rand key; do
            same "$(field got.key $name)" "$(field key.$kind.$bits $name)" "$name of $kind $bits"
        done
        same "$(json out '"key" in d or "srtp" in d')" false 'no key without --reveal'
        lacks out "$(field got.key key)"
        same "$(mode got.key) $(mode key.$kind.$bits)" '600 600' 'modes of key files'
        open_as alice --reveal --json m
        same "$(json out 'd["key"]')" "$(field got.key key)" 'the key with --reveal'
        same "$(json out 'len(d["srtp"]["master_key"]), len(d["srtp"]["master_salt"])')" '(32, 24)' 'SRTP keys'
        open_as alice --reveal m
        has out "$(field got.key key)"
        has err 'without --allow any initiator'
        open_as alice m
        lacks out "$(field got.key key)"
    done
done

# Key parameters.
seal m --to $ALICE --kind gmk --group sip:a@example.org --group sip:b@example.org --text 'structure fire' \
    --expire 4000000000 --key-id 0abcdef1
open_as alice --json m
same "$(json out 'd["groups"], d["text"], d["key_id"], d["has_params"]')" \
    "(['sip:a@example.org', 'sip:b@example.org'], 'structure fire', '0abcdef1', True)" 'parameters'
differ "$(json out 'd["csb_id"]')" 0abcdef1 'a GMK-ID does not travel as it is'
seal m --to $ALICE --kind pck --no-params
open_as alice --json m
same "$(json out 'd["has_params"], d["groups"], d["csb_id"] == d["key_id"]')" '(False, [], True)' 'no parameters'

# A group: one key, one RAND, a GUK-ID each; SRTP keys agree for one sender only.
seal m.alice --to $ALICE --kind gmk --out gmk
seal m.bob --to $BOB --kind gmk --key-file gmk
open_as alice --out gmk.alice m.alice
expect 0 'alice opens'
open_as bob --out gmk.bob m.bob
expect 0 'bob opens'
differ "$(cat m.alice)" "$(cat m.bob)" 'two messages'
for name in kind key_id rand key; do
    same "$(field gmk.alice $name)" "$(field gmk.bob $name)" "$name of both members"
done
print() { "$KEYFERRY" mikey srtp --key-file "$1" --sender "$2" --json >srtp.out && json srtp.out 'd["srtp"]["fingerprint"], d["srtp"]["csb_id"]'; }
same "$(print gmk.alice $IWF)" "$(print gmk $IWF)" 'SRTP of alice and iwf'
same "$(print gmk.alice $IWF)" "$(print gmk.bob $IWF)" 'SRTP of alice and bob'
differ "$(print gmk.alice $IWF)" "$(print gmk.alice $ALICE)" 'SRTP of two senders'
run 2 mikey srtp --key-file gmk
has err 'whose SRTP keys'
run 0 mikey srtp --key-file gmk --sender $IWF --reveal --json
same "$(json out 'len(d["srtp"]["master_key"])')" 32 'SRTP key revealed'
run 0 mikey srtp --key-file gmk --sender $IWF
lacks out 'master key'

# The known answer for SRTP keys, through a key file.
sed -n '/^\[guk-1\]/,/^$/p' "$KF_VECTORS/mikey-derive.txt" >guk
printf 'keyferry-key 1\nkind = gmk\nkey_id = %s\nrand = %s\nkey = %s\n' "$(field guk key_id)" "$(field guk rand)" \
    "$(field guk tgk)" >guk.key
run 0 mikey srtp --key-file guk.key --sender "$(field guk uri)" --cs-id "$(field guk cs_id)" --reveal --json
same "$(json out 'd["srtp"]["csb_id"], d["srtp"]["master_key"], d["srtp"]["master_salt"]')" \
    "('$(field guk csb_id)', '$(field guk master_key)', '$(field guk master_salt)')" 'guk-1'

# Raw keys: hex, hex with a newline, octets.
printf '000102030405060708090a0b0c0d0e0f' >raw.hex
echo '000102030405060708090a0b0c0d0e0f' >raw.line
printf '\000\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017' >raw.bin
for raw in raw.hex raw.line raw.bin; do
    rm -f raw.out
    seal m --to $ALICE --kind csk --key-file $raw --key-id 2abcdef0 --out raw.out
    expect 0 "seal $raw"
    same "$(field raw.out key) $(field raw.out key_id)" '000102030405060708090a0b0c0d0e0f 2abcdef0' $raw
    open_as alice --reveal --json m
    same "$(json out 'd["key"]')" 000102030405060708090a0b0c0d0e0f "$raw opened"
done
seal m --to $ALICE --kind csk --key-file raw.hex --out raw.new
differ "$(field raw.new key_id)" '' 'a new identifier for a raw key'
seal m --to $ALICE --kind pck --key-file raw.out
expect 2 'a key of another kind'

# Hidden identities: who it is from is learned only from the transport.
seal m --to $ALICE --kind pck --hide --out hidden
base64 -d m >m.bin
! grep -q -a -e alice -e iwf m.bin || fail 'a hidden message names its parties'
open_as alice --json m
same "$(json out 'd["initiator"], d["recipient"]')" "(None, '$ALICE')" 'hidden initiator'
open_as alice --json --from $IWF m
same "$(json out 'd["initiator"]')" $IWF 'hidden initiator known from the transport'
open_as alice --json --allow pck=$IWF m
same "$(json out 'd["initiator"]')" $IWF 'hidden initiator known from the rule'
open_as alice --from $BOB m
expect 1 'hidden initiator that is another'
open_as bob m
expect 1 'hidden recipient'
has err 'recipient is hidden'

# SAKKE-to-self: the initiator's other device.
seal m --to $ALICE --kind pck --to-self --out self
open_as iwf --json --out self.got m
expect 0 'to-self'
same "$(json out 'd["via_self"]')" true 'via_self'
same "$(field self.got key)" "$(field self key)" 'key of to-self'
seal m --to $ALICE --kind pck
open_as iwf m
expect 1 'no to-self, no opening'

# Times.
seal m --to $ALICE --kind gmk --activate "$(($(date +%s) + 3600))"
open_as alice --json m
expect 0 'not yet active is done'
same "$(json out 'd["state"]')" not-yet-active 'not yet active'
soon=$(($(date +%s) + 60))
seal m --to $ALICE --kind gmk --expire $soon --out gmk.soon
open_as alice --json m
same "$(json out 'd["state"]')" usable 'before its expiry'
open_as alice --json --reveal --now $((soon + 1)) m
expect 1 'after its expiry'
same "$(json out 'd["state"], d["error"]["code"], "key" in d')" "('expired', 'expired', False)" 'expired'
seal m --to $ALICE --kind gmk --key-file gmk --revoked
open_as alice --json --reveal m
expect 1 revoked
same "$(json out 'd["state"], d["error"]["code"], d["error"]["field"], d["key_id"], "key" in d')" \
    "('revoked', 'revoked', 'PARAMS.status', '$(field gmk key_id)', False)" revoked
open_as alice --out revoked.key m
expect 1 'revoked, as text'
has out 'revoked'
has err 'stop using the key'
[ ! -e revoked.key ] || fail 'a revoked key was kept'

# Periods: neighbours are held, others are named.
now=$(date +%s)
next=$((now + 2592000))
run 0 kms issue example.kms --passphrase-file passphrase --user $IWF --periods 3 --to-file iwf.three
run 0 kms issue example.kms --passphrase-file passphrase --user $ALICE --periods 2 --to-file alice.two
kf mikey seal --cert example.cert --keys iwf.three --to $ALICE --kind pck --now $next
expect 0 'seal in the next period'
cp out m
run 0 mikey open --cert example.cert --keys alice.two --now $next m
run 1 mikey open --cert example.cert --keys alice.keys --now $next m
has err 'keyferry kms issue DOMAIN --user sip:alice@example.org --period'
run 1 mikey seal --cert example.cert --keys iwf.keys --to $ALICE --kind pck --now $next
has err 'keyferry kms issue DOMAIN --user sip:iwf@example.org --period'
run 0 mikey open --cert example.cert --keys alice.two --any-time m
run 1 mikey open --cert example.cert --keys alice.two m
has err 'check the clocks'
same "$(sed -n 's/.*octet \([0-9]*\).*/\1/p' err)" 12 'the offset of T.ts_value is told'

# Several users in one file.
{
    sed '/<\/KmsKeyProv>/,$d' iwf.keys
    sed -n '/<KmsKeySet/,/<\/KmsKeySet>/p' bob.keys
    sed -n '/<\/KmsKeyProv>/,$p' iwf.keys
} >both.keys
run 2 mikey seal --cert example.cert --keys both.keys --to $ALICE --kind pck
has err 'which user of --keys'
run 0 mikey seal --cert example.cert --keys both.keys --from $BOB --to $ALICE --kind pck
cp out m
run 0 mikey open --cert example.cert --keys alice.keys --from $BOB m

# Two domains.
run 0 kms new --uri kms.far.org --out far.kms --passphrase-file passphrase --scrypt-log2n 10 \
    --period-length 604800 --period-offset 3600
run 0 kms cert far.kms --passphrase-file passphrase
cp out far.cert
run 0 kms issue far.kms --passphrase-file passphrase --user sip:dan@far.org --to-file dan.keys
seal m --peer-cert far.cert --to sip:dan@far.org --kind pck
run 0 mikey open --cert far.cert --peer-cert example.cert --keys dan.keys --json m
same "$(json out 'd["initiator_kms"], d["recipient_kms"]')" "('kms.example.org', 'kms.far.org')" 'two domains'
run 1 mikey open --cert far.cert --keys dan.keys m
has err 'give its certificate with --peer-cert'

# Interop switches: needed, and told.
kf mikey seal --cert example.cert --keys iwf.keys --to $ALICE --kind pck --compat sign-no-header
cp out m
open_as alice m
expect 1 'a signature without header is refused'
open_as alice --compat sign-no-header --json m
same "$(json out 'd["compat_used"]')" "['sign-no-header']" 'the switch that was needed'
seal m --to $ALICE --kind csk --key-bits 256 --compat ssv256-l2
open_as alice m
expect 1 'l = 2 is refused'
open_as alice --compat ssv256-l2 m
expect 0 'l = 2 with its switch'
for who in iwf alice; do
    run 0 kms issue example.kms --passphrase-file passphrase --user sip:$who@example.org --compat hex-id
    cp out $who.hex
done
run 1 kms check example.cert alice.hex
run 0 kms check example.cert alice.hex --compat hex-id
run 0 mikey seal --cert example.cert --keys iwf.hex --to $ALICE --kind pck --compat hex-id
cp out m
run 0 mikey open --cert example.cert --keys alice.hex --compat hex-id m

# All text forms of a message.
seal m.b64 --to $ALICE --kind pck
base64 -d m.b64 >m.bin
od -An -v -tx1 m.bin >m.hex
fold -w 64 m.b64 >m.folded
printf 'v=0\r\na=key-mgmt:mikey %s\r\nm=audio 9 RTP/SAVP 0\r\n' "$(cat m.b64)" >m.sdp
printf 'mikey %s\n' "$(cat m.b64)" >m.mikey
for form in b64 bin hex folded sdp mikey; do
    open_as alice m.$form
    expect 0 "form $form"
    run 0 explain m.$form --json
    same "$(json out 'd["kind"]')" i-message "explain $form"
done
"$KEYFERRY" mikey open --cert example.cert --keys alice.keys - <m.b64 >out 2>err || fail 'standard input'
finish
