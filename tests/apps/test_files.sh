#!/bin/bash
# Files: mode 0600, never over another, whole or not at all; standard output that fails.
. "$(dirname "$0")/lib.sh"
world
umask 022
ALICE=sip:alice@example.org
for file in example.kms iwf.keys; do
    same "$(mode $file)" 600 "mode of $file"
done
run 0 mikey seal --cert example.cert --keys iwf.keys --to $ALICE --kind gmk --out gmk
same "$(mode gmk)" 600 'mode of a key file, whatever the umask'
cp out m

# Never over another file, not even through a link.
cp gmk before
run 1 mikey seal --cert example.cert --keys iwf.keys --to $ALICE --kind gmk --out gmk
has err 'will not overwrite'
cmp -s gmk before || fail 'gmk was changed'
ln -s nowhere dangling
run 1 mikey open --cert example.cert --keys alice.keys --out dangling m
has err 'will not overwrite'
[ ! -e nowhere ] || fail 'a link was followed'
run 1 kms new --uri kms.example.org --out example.kms --passphrase-file passphrase
run 1 kms issue example.kms --passphrase-file passphrase --user $ALICE --to-file alice.keys

# Nowhere to write: nothing is left behind.
ls >before
run 1 mikey open --cert example.cert --keys alice.keys --out missing/key m
has err 'cannot create'
run 1 mikey seal --cert example.cert --keys iwf.keys --to 'sip:with space' --kind gmk --out failed
has err 'seal.to_uri'
(
    ulimit -f 0
    trap '' XFSZ
    "$KEYFERRY" mikey open --cert example.cert --keys alice.keys --out full m >/dev/null 2>&1
)
same $? 1 'a full disk'
ls >after
sed -i '/^before$/d' before after
sed -i '/^after$/d; /^json-error$/d' before after
cmp -s before after || { fail 'something was left behind'; diff before after; }

# Keys that others may read.
chmod 644 alice.keys
run 0 mikey open --cert example.cert --keys alice.keys m
has err 'warning: others may read alice.keys'
chmod 600 alice.keys
run 0 mikey open --cert example.cert --keys alice.keys m
lacks err warning

# Standard output that fails.
if [ -e /dev/full ]; then
    for command in '--help' '--version' "explain m" 'uid --user a --kms b' 'selftest'; do
        # shellcheck disable=SC2086 # words
        "$KEYFERRY" $command >/dev/full 2>err
        same $? 1 "$command to a full device"
        has err 'could not be written'
    done
fi
"$KEYFERRY" uid --user a --kms b >&- 2>err
same $? 1 'a closed standard output'

# A directory, a device, a big file.
run 1 explain .
has err 'Is a directory'
run 0 mikey open --cert example.cert --keys alice.keys /dev/fd/3 3<m
head -c 2000000 /dev/zero | "$KEYFERRY" explain - >out 2>err
same $? 1 'two megabytes'
has err 'longer than'
finish
