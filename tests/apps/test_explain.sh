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

# P25: what travels, layer by layer.
vector() { sed -n "/^\[$2\]/,/^\[/s/^$3 = //p" "$KF_VECTORS/$1"; }
vector p25-kmm-dialogue.txt cbc-04-warm-start dli >dli
run 0 explain dli
for text in 'Data-link independent' 'Warm-Start-Command' 'wrapped by AES-256' 'CBC-MAC' 'TIA-102.AACA'; do
    has out "$text"
done
basenc --base16 -d <dli >dli.bin
run 0 explain --json dli.bin
same "$(json out 'd["kind"], [l["base"] for l in d["layers"]], [sum(f["octets"] for f in l["fields"]) - l["octets"] for l in d["layers"]]')" \
    "('dli', [0, 14], [0, 0])" 'every octet of a datagram'
same "$(json out 'all(f["clause"] != "" for l in d["layers"] for f in l["fields"])')" true 'every field has a clause'
vector p25-kmm-dialogue.txt cbc-06-rekey-cmd dli >sealed
run 0 explain sealed
has out 'encrypted with AES-256, key ID 7A31'
lacks out 'Rekey-Command'
vector p25-kmm-examples.txt modify-key-otar-des-clear kmm >clear
run 0 explain clear
has out 'key in clear, 8 octets'
has out 'Modify-Key-Command'
lacks out a54dca
vector p25-kmm-examples.txt modify-key-kfd-aes-clear kmm >clear
run 1 explain clear
has out '--as kmm-keyfill'
lacks out 6d132c
run 0 explain --as kmm-keyfill clear
lacks out 6d132c
vector p25-kmm-examples.txt negative-ack-short kmm >short
run 0 explain short
has out 'deviation, accepted'
vector p25-rtp-issi.txt enc-header rtp >rtp
run 0 explain rtp
has out 'encrypted speech: AES-256, key ID 1234'
printf '01020007%s0004deadbeef' "$(printf 'sip:a@b' | basenc --base16)" >tetra
run 0 explain tetra
has out 'TETRA payload of 4 octets is opaque'
lacks out deadbeef
vector p25-ekc.txt two-keys file >ekc
run 0 explain ekc
has out 'PBKDF2'
has out 'nothing protects the file'
echo 'C200110098967F0C00080098967F00000100CA55' >wire
run 0 explain wire
has out 'Hello'

# A terminal is not at the mercy of a peer.
{ printf '\001\032\005'; head -c 60 /dev/zero | tr '\0' '\033'; } >bad
run 1 explain bad
lacks out "$(printf '\033')"
lacks err "$(printf '\033')"
finish
