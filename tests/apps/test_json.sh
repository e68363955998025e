#!/bin/bash
# --json: one document on standard output, from every command, also when it refuses.
. "$(dirname "$0")/lib.sh"
world
ALICE=sip:alice@example.org
one() { # one STATUS EXPRESSION WANT ARGS...
    local want_status=$1 expression=$2 want=$3
    shift 3
    run "$want_status" "$@" --json
    same "$(json out "$expression")" "$want" "$*"
}
one 0 'd["kms_uri"], d["period_length"], d["period_offset"]' "('kms.example.org', 100, 7)" \
    kms new --uri kms.example.org --out j.kms --passphrase-file passphrase --scrypt-log2n 10 --period-length 100 \
    --period-offset 7
one 0 'd["xml"].startswith("<?xml") and "KmsInit" in d["xml"]' true kms cert example.kms --passphrase-file passphrase
json out 'd["xml"]' >from-json.cert
run 0 kms check from-json.cert alice.keys
one 0 '"KmsKeyProv" in d["xml"]' true kms issue example.kms --passphrase-file passphrase --user $ALICE
one 0 'd["file"]' j.keys kms issue example.kms --passphrase-file passphrase --user $ALICE --to-file j.keys
one 0 'len(d["key_set_checks"])' 4 kms check example.cert j.keys
one 0 'd["kind"], d["from"], d["to"], d["revoked"], d["hidden"], len(d["rand"])' \
    "('gmk', 'sip:iwf@example.org', '$ALICE', False, False, 32)" \
    mikey seal --cert example.cert --keys iwf.keys --to $ALICE --kind gmk --out j.key
json out 'd["i_message"]' >m
one 0 'd["key_id"]' "$(field j.key key_id)" mikey open --cert example.cert --keys alice.keys m
one 0 'd["kind"]' gmk mikey srtp --key-file j.key --sender $ALICE
one 0 'd["kind"]' i-message explain m
one 0 'd["passed"]' true selftest
one 0 'len(d["commands"]) >= 11' true help
one 0 'd["command"]' 'mikey seal' help mikey seal
one 0 'd["command"]' 'mikey seal' mikey seal --help
one 0 'len(d["commands"]) >= 4' true kms --help
one 0 'd["program"]' keyferry --version
one 0 'd["uid"].isalnum()' true uid --user a --kms b

# Refusals, too: what, why and what to do, and the field.
refusal() { # refusal CODE FIELD ARGS...
    local code=$1 field=$2
    shift 2
    one 1 '(d["error"]["code"], d["error"]["field"])' "('$code', '$field')" "$@"
    same "$(json out 'all(d["error"][k] for k in ("what", "why", "do"))')" true "$* explains itself"
    empty err
}
refusal file CERT kms check missing alice.keys
refusal file KEYSET kms check example.cert missing
refusal file out kms new --uri a --out example.kms --passphrase-file passphrase
refusal file passphrase-file kms cert example.kms --passphrase-file missing
refusal auth container.sealed kms cert example.kms --passphrase-file m
refusal malformed container.magic kms cert m --passphrase-file passphrase
refusal state CERT kms check alice.keys alice.keys
refusal malformed key mikey srtp --key-file m
refusal file FILE mikey open --cert example.cert --keys alice.keys missing
refusal state IDRr mikey open --cert example.cert --keys bob.keys m
refusal denied IDRi mikey open --cert example.cert --keys alice.keys --from $ALICE m
refusal state T.ts_value mikey open --cert example.cert --keys alice.keys --now 1 m
refusal malformed seal.to_uri mikey seal --cert example.cert --keys iwf.keys --to 'a b' --kind pck
refusal state keys mikey seal --cert example.cert --keys iwf.keys --to a --kind pck --now 1
refusal unsupported message explain passphrase
refusal file vectors selftest --vectors missing
refusal file man-dir help --man-dir missing

# Text of a peer is text in JSON, whatever it holds.
run 0 mikey seal --cert example.cert --keys iwf.keys --to $ALICE --kind gmk --text "$(printf 'Feuer "K\303\266ln" \\ \377 \033[2J')"
cp out m
one 0 'd["text"]' 'Feuer "Köln" \\ \xff \x1b[2J' mikey open --cert example.cert --keys alice.keys --allow gmk=* m
finish
