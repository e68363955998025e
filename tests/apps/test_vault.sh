#!/bin/bash
# A vault that runs, and the command line that asks it: real processes over a Unix socket and TLS.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
KEYFERRYD=${KEYFERRYD:-$(dirname "$KEYFERRY")/keyferryd}
daemon=
trap '[ -n "$daemon" ] && kill -9 $daemon 2>/dev/null; rm -rf "$scratch"' EXIT
export KEYFERRY_VAULT=unix:vault.sock
ip=127.$((64 + $$ % 64)).$((RANDOM % 250 + 1)).$((RANDOM % 250 + 1)) # of this test alone

# ---- certificates: a CA, the vault, and one client for each role; and one of nobody ----
ca() { openssl "$@" >/dev/null 2>>openssl.log; }
ca req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt
certificate() { # certificate NAME [EXTENSION]
    ca req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
    printf '%s\n' "${2:-extendedKeyUsage=clientAuth}" >extension
    ca x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile extension -out "$1.crt"
}
certificate vault "subjectAltName=IP:$ip"
for who in ben audit courier kms media call stranger; do certificate $who; done

mkdir anchor boxes
config() { # config PEER-LINES
    cat <<END
organization: county
store: sqlite:vault.db
anchor: anchor
listen:
  unix: { path: vault.sock, mode: "0600" }
  tls: { address: "$ip:7443", cert: vault.crt, key: vault.key, client_ca: ca.crt }
peers:
  - { name: ann, role: officer, uid: $(id -u) }
  - { name: ben, role: officer, cn: ben }
  - { name: audit, role: auditor, fingerprint: $(openssl x509 -in audit.crt -outform der | sha256sum | cut -c1-64) }
  - { name: courier, role: courier, cn: courier }
  - { name: kms, role: kms, cn: kms }
  - { name: call, role: call, cn: call }
$1
END
}
config '  - { name: media, role: media, cn: media }' >vault.yaml
kfd() { "$KEYFERRYD" "$@" >out 2>err; status=$?; checks=$((checks + 1)); }
start() {
    "$KEYFERRYD" vault --allow-root "$@" vault.yaml 2>>log >>report &
    daemon=$!
    for _ in $(seq 100); do
        "$KEYFERRY" vault status >/dev/null 2>&1 && return
        sleep 0.05
    done
    fail 'the daemon does not come up'
    cat log report
    finish
}
stop() { # stop SIGNAL
    kill "-$1" "$daemon"
    wait "$daemon" 2>/dev/null
    ended=$?
    daemon=
}
as() { # as WHO STATUS ARGS...: through TLS
    local who=$1 want=$2
    shift 2
    run "$want" --vault "tls:$ip:7443" --tls-cert "$who.crt" --tls-key "$who.key" --tls-ca ca.crt "$@"
}
refused() { # refused CODE ARGS...
    local code=$1
    shift
    run 1 "$@" --json
    same "$(json out 'd["error"]["code"]')" "$code" "$*"
    same "$(json out 'len(d["error"]["what"]) > 0')" true "$* says what"
}

# ---- the daemon's own command line and configuration ----
kfd --help; expect 0 help; has out 'Usage: keyferryd'
kfd --version; expect 0 version
kfd; expect 2 'no command'; has err 'do:'
kfd vault; expect 2 'no configuration'
kfd frobnicate vault.yaml; expect 2 'no such command'
kfd check vault.yaml; expect 0 check; has out county
kfd check --json vault.yaml; expect 0 'check --json'; same "$(json out 'd["peers"]')" 7 peers
kfd check missing.yaml; expect 1 'no such file'
bad() { # bad SED-SCRIPT TEXT
    sed "$1" vault.yaml >bad.yaml
    kfd check bad.yaml
    expect 1 "configuration with $1"
    has err "$2"
}
bad 's/^organization.*//' 'organization'
bad 's/^store.*/store: mysql:x/' 'sqlite:PATH'
bad 's/role: kms/role: king/' 'peers[4].role'
bad 's/cn: courier/cn: kms/' 'a peer has one role'
bad 's/name: ben/name: ann/' 'another peer has this name'
bad 's/, cn: ben//' 'a peer has uid or user'
bad 's/"0600"/"0999"/' 'octal'
bad 's/^anchor.*/&\nauto_unseal: token/' 'no token to unseal by'
bad 's/^anchor.*/&\nfrob: 1/' 'no such key'
if [ "$(id -u)" = 0 ]; then
    kfd vault vault.yaml; expect 1 'as root'; has err 'will not run as root'
fi

# ---- before it runs, and empty ----
refused vault-unreachable vault status
run 2 vault frobnicate
KEYFERRY_VAULT='' run 2 vault status
has err 'option --vault is missing'
echo 'correct horse battery staple' >passphrase
echo 'something else' >wrong
chmod 600 passphrase wrong
start
same "$(mode vault.sock)" 600 'mode of the socket'
same "$(mode vault.db)" 600 'mode of the store'
grep -q '^NoNewPrivs:.1' "/proc/$daemon/status" || fail 'it may gain privileges'
grep -q '^Max core file size *0 *0' "/proc/$daemon/limits" || fail 'it may dump core'
# A build with sanitizers has no filter.
grep -q __asan_init "$KEYFERRYD" || grep -q '^Seccomp:.2' "/proc/$daemon/status" || fail 'it is not confined'
checks=$((checks + 3))
run 0 vault status
has out 'no'
refused not-initialised key list
run 2 vault init --passphrases passphrase --passphrases wrong --needed 2
has err 'option --out-dir is missing'
refused one-way vault init
run 0 vault init --passphrase passphrase --scrypt-log2n 10
has out vault_id
refused initialised vault init --passphrase passphrase

# ---- seal and unseal ----
run 0 vault seal
refused sealed key list
refused wrong-seal vault unseal --passphrase wrong
head -c 32 /dev/urandom >other.file
chmod 600 other.file
refused no-such-seal vault unseal --key-file other.file
refused bad-field vault unseal --key-file wrong
run 0 vault unseal --passphrase passphrase
refused unsealed vault unseal --passphrase passphrase

# ---- keys, units, groups; a plan changes nothing ----
run 0 key generate --kind tek --sln 7 --slot 0 --name fire-1 --json
key=$(json out 'd["made"]["key"]')
run 0 key list
has out fire-1
run 0 key show --key "$key" --json
same "$(json out 'd["key"]["name"]')" fire-1 'name of the key'
run 0 key list --json
cp out before
run 0 key generate --kind tek --sln 8 --slot 0 --plan --json
same "$(json out 'd["plan"]')" true 'a plan says so'
run 0 key list --json
cmp -s out before || fail 'a plan changed the keys'
refused place-clash key generate --kind tek --sln 7 --slot 0
refused bad-field key generate --kind tek --kid 70000
run 2 key generate --kind nonsense
run 2 key generate
run 0 key generate --kind tek --sln 9 --slot 0 --activates 2030-01-01T00:00:00Z
run 0 unit add --name engine-1 --rsi 1001
run 0 unit add --name engine-2 --rsi 1002
run 0 unit list
has out engine-2
run 0 group create --group fire --slns 1
printf 'engine-1\nengine-2\n' >members
run 0 group members --group fire --add @members --json
same "$(json out 'd["joined"]')" 2 'members from a file'
run 0 group show --group fire
has out engine-1
run 0 vault status --json
same "$(json out 'd["unsealed"]')" true 'unsealed'

# ---- roles: everybody gets their own verbs, and no other ----
as audit 0 key list
as audit 0 audit list
has out 'key generate'
as audit 0 audit verify
as audit 1 key generate --kind tek --sln 30 --slot 0
has err 'the role auditor may not'
as courier 0 outbox claim --out-dir boxes
as courier 1 key list
as courier 1 audit list
as kms 1 group list
as media 1 unit list
as call 1 vault seal
as ben 0 key list
as stranger 1 vault status
has log peer-refused
as audit 0 vault status
if [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1; then
    chmod 711 .
    checks=$((checks + 1))
    chmod 666 vault.sock
    setpriv --reuid nobody --clear-groups "$KEYFERRY" vault status >out 2>err && fail 'another user got in'
    chmod 600 vault.sock
fi

# ---- boxes, carried by files: a group key for a client, sealed in the background ----
run 0 kms create --uri kms.example.org
run 0 kms certificate --out certificate=county.cert
has county.cert KmsInit
run 1 kms certificate --out certificate=county.cert
run 0 kms identity --uri sip:gms@example.org
run 0 unit add --name alice --uri sip:alice@example.org
run 0 group create --group press --uris sip:press@example.org --identity sip:gms@example.org
run 0 group members --group press --add alice
for _ in $(seq 60); do
    as courier 0 outbox claim --lease 60 --out-dir boxes --json
    [ -n "$(ls boxes)" ] && break
    sleep 0.05
done
box=$(ls boxes/*.box | head -1)
same "$(json "${box%.box}.json" 'd["uri"], d["unit"], d["kind"]')" "('sip:alice@example.org', 'alice', 'gmk')" 'note'
run 0 explain "$box"
has out 'sip:alice@example.org'
delivery=$(json "${box%.box}.json" 'd["delivery"]')
claim=$(json "${box%.box}.json" 'd["claim"]')
as courier 1 outbox settle --delivery "$delivery" --claim 999999 --outcome delivered
as courier 0 outbox settle --delivery "$delivery" --claim "$claim" --outcome delivered
run 0 outbox list --json
same "$(json out "[x['state'] for x in d['deliveries'] if x['delivery'] == $delivery][0] in ('sent', 'acknowledged')")" \
    true 'a box that was carried'

# ---- a UKEK to a client, opened with what its KMS gave it ----
echo 'a passphrase of the client' >client.pass
as kms 0 kms issue --uri sip:carol@example.org --out keyset=carol.keys
run 0 unit add --name carol --uri sip:carol@example.org --rsi 2001
run 0 unit provision --unit carol --identity sip:gms@example.org
rm -f boxes/*
for _ in $(seq 60); do
    as courier 0 outbox claim --lease 60 --out-dir boxes --json
    [ -n "$(ls boxes)" ] && break
    sleep 0.05
done
box=$(grep -l '"ukek"' boxes/*.json | head -1)
box=${box%.json}.box
run 1 mikey unbox --cert county.cert --keys carol.keys vault.yaml --out carol.keyfile --passphrase-file client.pass
has err 'no box'
head -c 300 "$box" >cut.box
run 1 mikey unbox --cert county.cert --keys carol.keys cut.box --out carol.keyfile --passphrase-file client.pass
as kms 0 kms issue --uri sip:eve@example.org --out keyset=eve.keys
run 1 mikey unbox --cert county.cert --keys eve.keys "$box" --out eve.keyfile --passphrase-file client.pass
run 0 mikey unbox --cert county.cert --keys carol.keys "$box" --allow pck=sip:gms@example.org \
    --out carol.keyfile --passphrase-file client.pass
same "$(mode carol.keyfile)" 600 'a key file'
run 0 keys check carol.keyfile --passphrase-file client.pass --json
same "$(json out 'len(d["keys"]), d["keys"][0]["rsi"]')" '(1, 2001)' 'the UKEK of the client'

# ---- two persons ----
run 0 partner reserve --name state --what kid --low 40000 --high 40999 --json
partner=$(json out 'd["partner"]')
run 0 partner release --partner "$partner" --json
proposal=$(json out 'd["proposal"]')
run 0 partner list
has out state
refused same-officer proposal approve --proposal "$proposal"
as courier 1 proposal approve --proposal "$proposal"
as ben 0 proposal approve --proposal "$proposal"
run 0 partner list
lacks out state

# ---- peers anew without a restart ----
config '' >vault.yaml
kill -HUP "$daemon"
for _ in $(seq 40); do grep -q 'event=reloaded' log && break; sleep 0.05; done
has log event=reloaded
as media 1 vault status
echo 'nonsense: [' >vault.yaml
kill -HUP "$daemon"
for _ in $(seq 40); do grep -q reload-refused log && break; sleep 0.05; done
has log reload-refused
as ben 0 vault status
config '  - { name: media, role: media, cn: media }' >vault.yaml

# ---- what is no protocol costs the peer its connection, and nothing else ----
python3 - <<'END' || fail 'a malformed frame was not answered by the end of the connection'
import os, socket
frames = [b'\0\0\0\1x', b'\xff\xff\xff\xff', b'GET / HTTP/1.1\r\n\r\n',
          b'\0\0\0\6\2\1\0\0\0\1', b'\0\0\0\7\1\1\0\0\0\1\x06', b'\0\0\0\6\1\x09\0\0\0\1'] + \
         [os.urandom(64) for _ in range(20)]
for f in frames:
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    s.connect('vault.sock')
    s.sendall(f)
    s.shutdown(socket.SHUT_WR)
    while s.recv(4096):
        pass
END
run 0 key list

# ---- kill -9: nothing acknowledged is lost; it comes up sealed ----
run 0 key list --json
cp out before
stop KILL
start
refused sealed key list
run 0 vault unseal --passphrase passphrase
run 0 key list --json
cmp -s out before || fail 'kill -9 lost keys'
run 0 audit verify

# ---- an older store is noticed ----
stop TERM
same "$ended" 0 'exit status after SIGTERM'
[ ! -e vault.sock ] || fail 'the socket was left behind'
cp vault.db older.db
start
run 0 vault unseal --passphrase passphrase
run 0 key generate --kind tek --sln 31 --slot 0
stop TERM
cp vault.db newer.db
cp older.db vault.db
rm -f vault.db-wal vault.db-shm
start --json
refused rolled-back vault unseal --passphrase passphrase
refused sealed key list
stop TERM
tail -1 log | python3 -c 'import json, sys; sys.exit(json.loads(sys.stdin.read())["event"] != "stopping")' ||
    fail 'the log with --json is none'
cp newer.db vault.db
rm -f vault.db-wal vault.db-shm
start
run 0 vault unseal --passphrase passphrase

# ---- a backup ----
run 0 vault backup --path "$scratch/vault.backup"
run 0 vault verify vault.backup
run 0 vault restore vault.backup --store sqlite:restored.db
run 1 vault restore vault.backup --store sqlite:restored.db
head -c 3000 vault.backup >cut.backup
run 1 vault verify cut.backup
stop INT
same "$ended" 0 'exit status after SIGINT'

# ---- a quorum of two in three, and a key file ----
rm -rf anchor vault.db* && mkdir anchor shares
for i in 1 2 3; do echo "officer $i" >"p$i"; done
start
run 0 vault init --passphrases p1 --passphrases p2 --passphrases p3 --needed 2 --scrypt-log2n 10 --out-dir shares
same "$(ls shares | tr '\n' ' ')" 'shares-1 shares-2 shares-3 ' 'shares'
same "$(mode shares/shares-1)" 600 'mode of a share'
run 0 vault seal
run 0 vault unseal --share shares/shares-2 --passphrase p2 --json
same "$(json out '(d["unsealed"], d["shares"])')" '(False, 1)' 'one share'
refused wrong-seal vault unseal --share shares/shares-1 --passphrase p3
run 0 vault unseal --share shares/shares-3 --passphrase p3 --json
same "$(json out 'd["unsealed"]')" true 'two shares'
stop TERM
rm -rf anchor vault.db* && mkdir anchor
run 0 vault keyfile --out key.file
same "$(stat -c %s key.file) $(mode key.file)" '32 600' 'key file'
run 1 vault keyfile --out key.file
start
run 0 vault init --key-file key.file
run 0 vault seal
refused bad-field vault unseal --key-file passphrase
refused wrong-seal vault unseal --key-file other.file
run 0 vault unseal --key-file key.file

# ---- a name that files and the vault share: --vault on the line decides ----
run 2 kms issue
has err '--user is missing'
run 2 --vault unix:vault.sock kms issue
has err '--uri is missing'
refused denied --vault unix:vault.sock kms issue --uri sip:alice@example.org
run 2 --vault unix:vault.sock selftest

# ---- every example is a command line that makes sense: with nobody there it fails for that reason alone ----
mkdir nobody bin && ln -s "$KEYFERRY" bin/keyferry
run 0 help --json
json out '"\n".join(c["command"] for c in d["commands"] if c["needs_vault"] and " --vault" in " " + c["example"])' >commands
[ "$(wc -l <commands)" -ge 40 ] || fail 'commands of the vault are missing from the table'
cp passphrase nobody && cp key.file nobody/vault.keyfile && touch nobody/example.cert nobody/iwf.keys
while read -r command; do
    checks=$((checks + 1))
    # shellcheck disable=SC2086 # two words
    "$KEYFERRY" $command --help | sed -n '/^Example:$/,$p' | sed '1d; s/^  //' >nobody/script
    (cd nobody && PATH=$scratch/bin:$PATH bash -e script >out 2>err)
    [ $? -eq 1 ] && grep -q 'no vault to talk to' nobody/err || { fail "the example of $command"; cat nobody/script nobody/err; }
done <commands

# ---- nothing secret in the log ----
lacks log 'correct horse'
stop TERM
# ---- the unit file; a machine without that program or user is told so by systemd-analyze, not by us ----
if command -v systemd-analyze >/dev/null; then
    mkdir units
    sed "s|^ExecStart=[^ ]*|ExecStart=$KEYFERRYD|" "$here/../../packaging/systemd/keyferryd-vault@.service" \
        >units/keyferryd-vault@county.service
    checks=$((checks + 1))
    systemd-analyze verify --man=no units/keyferryd-vault@county.service >out 2>&1
    ! grep keyferryd-vault out || fail 'systemd does not take the unit'
fi
finish
