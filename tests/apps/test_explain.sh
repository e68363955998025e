#!/bin/bash
# explain as people and programs see it.
. "$(dirname "$0")/lib.sh"
world
seal m --to sip:alice@example.org --kind gmk --group sip:g@example.org --text 'structure fire'
base64 -d m >m.bin
size=$(stat -c %s m.bin)
run 0 explain m
for text in 'HDR.csb_id' 'sip:alice@example.org' 'TS 33.180' 'SIGN.signature' 'MCData Protected Payload' 'because'; do
    has out "$text"
done
lacks out 'structure fire' # encrypted
run 0 explain --cert example.cert --keys alice.keys m
has out 'structure fire'
has out 'sip:g@example.org'
has out 'signature good'
run 1 explain --cert example.cert --keys bob.keys m
has out BAD
run 0 explain --json --cert example.cert --keys alice.keys m.bin
same "$(json out 'sum(f["octets"] for f in d["layers"][0]["fields"])')" "$size" 'every octet of the message is in one field'
same "$(json out '[l["name"] for l in d["layers"]]')" \
    "['MIKEY-SAKKE I_MESSAGE', 'MCData Protected Payload', '3GPP key parameters']" layers
same "$(json out 'all(f["clause"] != "" for l in d["layers"] for f in l["fields"])')" true 'every field has a clause'

# A bad message: what was read, then where it went wrong.
head -c 200 m.bin >cut
run 1 explain --json cut
same "$(json out 'd["error"]["code"], d["error"]["at"] <= 200, len(d["layers"][0]["fields"]) > 30')" \
    "('truncated', True, True)" 'a cut message'
run 1 explain cut
has out BAD
has err 'octet'
{ printf '\002'; tail -c +2 m.bin; } >bad
run 1 explain --json bad
same "$(json out 'd["kind"], d["error"]["field"], d["error"]["at"]')" "('i-message', 'HDR.version', 0)" 'a version of the future'
echo 'nothing we know' >bad
run 1 explain bad
has err 'not recognised'
lacks out 'nothing we know'
lacks err 'nothing we know'
run 1 explain --as key-parameters bad
run 1 explain /dev/null

# Documents and files of ours; secrets are never shown.
for file in example.cert alice.keys example.kms; do
    run 0 explain $file
    run 0 explain --json $file
    same "$(json out 'len(d["layers"][0]["fields"]) > 8')" true "$file"
done
run 0 explain alice.keys
secret=$(sed -n 's/.*UserDecryptKey[^>]*>04\([0-9A-Fa-f]\{32\}\).*/\1/p' alice.keys)
[ -n "$secret" ] || fail 'the key set looks other than this test thinks'
lacks out "$secret"
secret=$(sed -n 's/.*UserSigningKeySSK[^>]*>\([0-9A-Fa-f]\{32\}\).*/\1/p' alice.keys)
[ -n "$secret" ] || fail 'the key set looks other than this test thinks'
lacks out "$secret"
sed 's/UserSigningKeySSK/UserSigningKeySsk/g' alice.keys >bad
run 1 explain bad
lacks out "$secret"

# An independent implementation's message.
sed -n 's/^i_message_b64 = //p' "$KF_VECTORS/mikey-imessage.txt" >foreign
run 0 explain foreign
has out 'IDRuidi, hidden initiator'

# A terminal is not at the mercy of a peer.
{ printf '\001\032\005'; head -c 60 /dev/zero | tr '\0' '\033'; } >bad
run 1 explain bad
lacks out "$(printf '\033')"
lacks err "$(printf '\033')"
finish
