#!/bin/bash
# P25 over the air with real processes on loopback: a KMF, three units, kill -9, voice, and bad input.
MAKE_SPEECH=$(realpath "$(dirname "$0")/../data/make-speech")
. "$(dirname "$0")/lib.sh"
NET=127.$((64 + $$ / 62500 % 64)).$(($$ / 250 % 250 + 1)).$(($$ % 250 + 1)) # an address of this process
# By number, and only those that are still ours.
trap 'for p in $(jobs -p); do kill -9 "$p" 2>/dev/null; done; rm -rf "$scratch"' EXIT
echo 'correct horse battery staple' >pass
echo 'another one' >wrong

# The UKEKs of the fleet, and what each unit gets of them.
run 0 keys generate --out fleet.keys --name UKEK --keyset 255 --sln 61440 --kid A001 --rsi 1001-1003 \
    --scrypt-log2n 10 --passphrase-file pass
cat >kmf.yaml <<END
rsi: 9999999
listen: $NET:64414
control: kmf.sock
state: kmf-state
passphrase_file: pass
retry_seconds: 1
tries: 2
key_file: fleet.keys
key_passphrase_file: pass
capture: otar.pcap
groups: [ { sln: 1, name: fire }, { sln: 2, name: command } ]
units:
  - { rsi: 1001, level: basic, groups: [1, 2] }
  - { rsi: 1002, level: basic, groups: [1, 2] }
  - { rsi: 1003, level: basic, groups: [1] }
END
for n in 1 2 3; do
    cat >u$n.yaml <<END
rsi: 100$n
kmf_rsi: 9999999
listen: $NET:6450$n
kmf: $NET:64414
control: u$n.sock
state: u$n-state
passphrase_file: pass
key_file: u$n.keys
key_passphrase_file: pass
voice: $NET:5000$n
capture: u$n.pcap
END
    run 0 keys export fleet.keys --to container --out u$n.keys --only-rsi 100$n --scrypt-log2n 10 \
        --passphrase-file pass --new-passphrase-file pass
done
start() { # start kmf|u1|...: events are appended to its .log
    local kind=unit
    [ "$1" = kmf ] && kind=kmf
    "$KEYFERRY" p25 $kind "$1.yaml" --json --scrypt-log2n 10 --for 120 >>"$1.log" 2>>"$1.err" &
    eval "pid_$1=$!"
}
ctl() { # ctl STATUS WHO WORDS...: the answer is in out
    local want=$1 who=$2
    shift 2
    run "$want" p25 ctl --json --wait 10 "$who.sock" "$@"
}
stop() { # stop SIGNAL WHO STATUS
    local pid
    eval "pid=\$pid_$2"
    kill "-$1" "$pid"
    wait "$pid" 2>/dev/null
    same "$?" "$3" "$2 ends on SIG$1"
}
numbers() { # message numbers of commands that were sent to unit $1, retries left out
    python3 - "$1" <<'END'
import json, sys
for line in open("kmf.log"):
    e = json.loads(line)
    if e["event"] == "sent" and e["rsi"] == int(sys.argv[1]) and "number" in e and e["message"] != "No-Service":
        print(e["number"])
END
}

# Registration, hello, warm start, keys.
start kmf
for n in 1 2 3; do start u$n; done
ctl 0 kmf status
same "$(json out '[u["registered"] for u in d["units"]]')" '[False, False, False]' 'nobody is registered'
for n in 1 2 3; do ctl 0 u$n register; done
for n in 1 2 3; do ctl 0 u$n wait registered 5; done
ctl 0 u1 hello
ctl 0 kmf wait settled all 5
ctl 0 u1 wait key 2 5
ctl 0 kmf status
same "$(json out '[(u["held"], u["wanted"], u["settled"], u["address"]) for u in d["units"]] == [(2, 2, True, a) for a in ("'$NET':64501", "'$NET':64502")] + [(1, 1, True, "'$NET':64503")]')" \
    true 'everybody holds the first keys'
first_kid=$(json out 'd["groups"][0]["active_kid"]')
has kmf.log '"message":"Warm-Start-Command"'
same "$(mode kmf.sock)" 600 'mode of the control socket'

# A rekey while one is off the air: the changeover is refused, and says who.
ctl 0 u3 radio off
ctl 0 kmf rekey 0
ctl 0 kmf wait ready 1001 5
ctl 0 kmf wait ready 1002 5
ctl 0 kmf wait away 1003 8
ctl 1 kmf changeover 0
same "$(json out 'd["code"], d["not_ready"]')" "('denied', [1003])" 'the changeover names who is not ready'
has out 1003

# The KMF and a unit die in the middle and go on from their state.
cp u1.pcap before.pcap
stop KILL kmf 137
stop KILL u1 137
start kmf
start u1
ctl 0 u1 wait registered 5
ctl 0 u1 status
same "$(json out 'len([k for k in d["keys"] if k["kind"] == "TEK"])')" 4 'no key was lost'
ctl 1 kmf changeover 0
ctl 0 kmf wait away 1003 8
ctl 0 u3 radio on
ctl 0 u3 hello
ctl 0 kmf wait settled all 8
ctl 0 kmf changeover 0
ctl 0 kmf wait settled all 8
ctl 0 kmf status
differ "$(json out 'd["groups"][0]["active_kid"]')" "$first_kid" 'the key in use'
same "$(json out 'all(u["settled"] for u in d["units"])')" true 'everybody changed over'
for n in 1 2 3; do
    same "$(numbers 100$n | sort | uniq -d)" '' "no message number twice to 100$n"
done
ctl 1 kmf changeover 0

# Everything that 1001 ever sent, again and from elsewhere: its registration is clear, so the stranger gets
# copies until 1001 answers, and no more; nobody leads its messages away.
python3 - "$NET" <<'END' >replayed
import socket, struct, sys
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind((sys.argv[1], 0))
data, at, sent = open("before.pcap", "rb").read(), 24, 0
while at < len(data):
    n = struct.unpack(">I", data[at + 8:at + 12])[0]
    packet = data[at + 16:at + 16 + n]
    at += 16 + n
    if struct.unpack(">H", packet[20:22])[0] == 64501 and struct.unpack(">H", packet[22:24])[0] == 64414:
        u.sendto(packet[28:], (sys.argv[1], 64414))
        sent += 1
print(sent)
END
[ "$(cat replayed)" -ge 6 ] || fail 'too few messages to replay'
ctl 0 kmf modify-key 1001 1
ctl 0 kmf wait settled 1001 5
ctl 0 kmf status 1001
same "$(json out 'd["units"][0]["address"]')" "$NET:64501" 'the address of 1001'
ctl 0 kmf set-date-time 1001
ctl 0 kmf inventory 1001
ctl 0 kmf wait settled all 5
has u1.log '"event":"date-time"'

# A changed RSI survives the configuration that still has the old one.
ctl 0 kmf change-rsi 1002 1002 2002
ctl 0 kmf wait settled 2002 5
ctl 1 kmf change-rsi 1001 1001 2002
stop TERM kmf 0
start kmf
ctl 0 kmf wait settled all 5
ctl 0 kmf status
same "$(json out '[u["rsi"] for u in d["units"]]')" '[1001, 2002, 1003]' 'RSIs'
ctl 0 u2 status
same "$(json out 'd["rsi"]')" 2002 'the RSI of the unit'

# A lost unit.
ctl 0 kmf zeroize 1003
ctl 0 kmf wait zeroized 1003 5
ctl 0 u3 wait zeroized 5
ctl 0 kmf load-keys
same "$(json out 'd["taken"], d["unchanged"]')" '(0, 3)' 'a lost UKEK is not taken back'

# Voice: 2 hears it from the middle on, 3 has no key.
"$MAKE_SPEECH" 162 >speech.imbe || fail 'no speech'
ctl 0 u3 listen $PWD/heard3.imbe
ctl 0 u1 speak 1 $PWD/speech.imbe $NET:50002 $NET:50003
ctl 0 u1 wait sent 21 5
ctl 0 u2 listen $PWD/heard2.imbe
ctl 0 u1 wait spoken 8
ctl 0 u2 wait heard 5
ctl 0 u3 wait heard 5
ctl 0 u2 stop
same "$(json out 'd["voice"]["speech"] > 36 and d["voice"]["silence"] >= 54 and d["voice"]["speech_clear"] == 0')" \
    true 'speech after late entry and trial'
same "$(python3 -c '
said, heard = open("speech.imbe", "rb").read(), open("heard2.imbe", "rb").read()
print(all(heard[-11 * k:len(heard) - 11 * (k - 1)] == said[-11 * k:len(said) - 11 * (k - 1)] for k in range(1, 37)))')" \
    True 'what was said is what was heard'
has u2.log '"voice-proven"'
ctl 0 u3 stop
same "$(json out 'd["voice"]["speech"], d["voice"]["speech_clear"], d["voice"]["silence"]')" '(0, 0, 162)' 'silence'
has u3.log '"voice-no-key"'
same "$(python3 -c 'h = open("heard3.imbe", "rb").read(); print(len(set(h[i:i + 11] for i in range(0, len(h), 11))))')" \
    1 'nothing but silence in the file'
ctl 1 u3 speak 1 $PWD/speech.imbe $NET:50002
ctl 1 u1 speak 1 $PWD/pass $NET:50002

# Bad input: garbage on UDP, and on the control socket.
python3 - "$NET" <<'END'
import os, socket, sys
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind((sys.argv[1], 0))
for i in range(300):
    u.sendto(os.urandom(i * 4), (sys.argv[1], 64414))
    u.sendto(os.urandom(i), (sys.argv[1], 50001))
c = socket.socket(socket.AF_UNIX)
c.connect("kmf.sock")
c.sendall(b"x" * 5000)
answer = c.recv(4096)
open("long", "wb").write(answer)
END
has long '"ok":false'
ctl 1 kmf bogus
same "$(json out 'd["field"]')" control.verb 'an unknown request'
ctl 1 kmf zeroize 4242
has out 'no unit of that RSI'
ctl 1 kmf rekey 15
ctl 0 kmf status
same "$(json out 'd["dropped"]["over_limit"] > 50')" true 'strangers are limited'
run 2 p25 ctl kmf.sock 'status now'
run 1 p25 ctl nothing.sock status
run 0 p25 ctl kmf.sock status
has out 'settled'

# In use; wrong passphrase; bad configuration; a clean end.
sed 's/^state:.*/state: other-state/; s/^listen:.*/listen: '"$NET"':64599/; /^capture/d' kmf.yaml >other.yaml
run 1 p25 kmf other.yaml --scrypt-log2n 10 --for 5
has err 'in use'
sed 's/^state:.*/state: third-state/; s/^control:.*/control: other.sock/; /^capture/d' kmf.yaml >third.yaml
run 1 p25 kmf third.yaml --scrypt-log2n 10 --for 5
has err "$NET:64414"
run 1 p25 kmf kmf.yaml --for 5
has err 'another process has this state open'
stop TERM kmf 0
for n in 1 2 3; do ctl 0 u$n quit; done
wait
[ ! -e kmf.sock ] || fail 'the control socket is left behind'
cp wrong pass
run 1 p25 kmf kmf.yaml --for 5
has err 'passphrase'
sed 's/rsi: 1002/rsi: 1001/' kmf.yaml >twice.yaml
run 1 p25 kmf twice.yaml --json
same "$(json out 'd["error"]["code"], d["error"]["field"]')" "('config', 'units[1].rsi')" 'the field is named'
for f in kmf u1 u2 u3; do
    empty $f.err
    [ "$(stat -c %s "$([ $f = kmf ] && echo otar || echo $f).pcap")" -gt 500 ] || fail "no capture of $f"
done
finish
