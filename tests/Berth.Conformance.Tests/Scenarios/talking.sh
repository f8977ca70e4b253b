#: both streams are kept apart and in their order
docker run --name logs box sh -c 'echo one; echo two >&2; echo three' >/dev/null 2>&1
docker logs logs 2>/dev/null; echo -; docker logs logs 2>&1 >/dev/null
docker logs logs 2>/dev/null | wc -l
api GET '/containers/logs/logs' | tail -n 1

#: the last lines only
docker run --name tail box sh -c 'for i in $(seq 1 20); do echo line $i; done' >out
docker logs --tail 3 tail; echo -; docker logs -n 0 tail; echo -; docker logs --tail 100 tail | wc -l; docker logs --tail all tail | wc -l
docker logs --tail -1 tail | wc -l
docker logs --tail 1 tail

#: with times, since and until
docker run --name times box sh -c 'echo early; sleep 1.2; echo late' >out
docker logs -t times
middle=$(docker logs -t times | sed -n 's/ late//p')
docker logs --since "$middle" times; echo -; docker logs --until "$(docker logs -t times | sed -n 's/ early//p')" times
docker logs --since 1h times | wc -l; docker logs --until 1h times | wc -l
docker logs --since 2001-01-01 --until 2002-01-01 times | wc -l; docker logs --since 2001-01-01T00:00:00 times | wc -l
try docker logs --since nonsense times 2>&1 | tail -n 1

#: followed until the end
docker run -d --name follow box sh -c 'echo one; until [ -e /desk/go ]; do sleep 0.05; done; echo two; echo three >&2' >id
docker logs -f follow >out 2>err & reader=$!
until_ok grep one out; docker exec follow touch /desk/go
wait $reader; echo $?; cat out err

#: followed from the last line on and up to a time
docker run -d --name ft box sh -c 'echo a; echo b; until [ -e /desk/go ]; do sleep 0.05; done; echo c; sleep 1000' >id
until_ok sh -c 'docker logs ft | grep b'
docker logs -f --tail 1 ft >out & reader=$!
docker logs -f --tail 0 ft >none & other=$!
until_ok grep b out; sleep 0.3; docker exec ft touch /desk/go
until_ok grep c out; until_ok grep c none; docker stop -t 0 ft >id; wait $reader $other; cat out; echo -; cat none

#: following goes on over a restart
docker run -d --name over box sh -c 'echo up; sleep 1000' >id
until_ok sh -c 'docker logs over | grep up'
docker restart -t 0 over; until_ok sh -c 'test $(docker logs over | wc -l) = 2'
docker logs over; docker stop -t 0 over; docker logs -f over | wc -l
docker start over; docker rm -f over; try docker logs over

#: a reader who leaves, and a container removed under one
docker run -d --name chatty box sh -c 'while :; do echo x; sleep 0.01; done' >id
docker logs -f chatty | head -n 3
docker logs -f chatty >out & reader=$!
until_ok test -s out; docker rm -f chatty; wait $reader; sort -u out

#: details of the container
docker run --name det --log-opt labels=one,none --log-opt env=E -l one=1 -l two=2 -e E='a b' -e F=c box sh -c 'echo text; echo err >&2' >out 2>&1
docker logs --details det 2>/dev/null
docker logs det 2>&1 | sort
docker run --name nodet box echo text >out; docker logs --details nodet

#: a line of a hundred thousand
docker run --name long box sh -c 'head -c 100000 /dev/zero | tr "\0" x; echo; echo short' >out
docker logs long | wc -lc; cmp out <(docker logs long) && echo the same
docker logs --tail 1 long
docker logs -t long | cut -c1-40 | sed -E 's/^[^ ]* //'

#: no end to the last line
docker run --name open box printf 'one\ntwo' >out
docker logs open; echo '|'; docker logs --tail 1 open; echo '|'
docker run --name three box sh -c 'printf a; sleep 0.2; printf b; echo c; printf d' >out; docker logs three | od -c | head -n 2
docker logs -t three | sed -E 's/^[^ ]* //'; echo '|'

#: bytes that are no text
docker run --name bytes box sh -c 'printf "\000\001\177\013\n\r\t\033[0m\n"; head -c 3000 /dev/zero' >out
docker logs bytes | cmp - out; head -c 10 out | xxd -p
docker run --name utf box printf 'h\303\251llo \342\202\254\n'; docker logs utf

#: a terminal's log is as it was written
docker run -d -t --name tty box sh -c 'echo one; echo two >&2; printf "\033[1mbold\033[0m\n"' >id
docker wait tty; docker logs tty | od -c | head -n 5
docker logs tty 2>/dev/null | wc -l; docker logs --tail 1 tty | xxd -p
docker logs -t tty | sed -E 's/^[^ ]* //' | tr -d '\r' | head -n 2

#: logs are turned over at their size
docker run --name rot --log-opt max-size=2k --log-opt max-file=2 box sh -c 'for i in $(seq 1 200); do echo this is line $i; done' >out
docker logs rot | tail -n 1; test "$(docker logs rot | wc -l)" -lt 100 && echo the old are gone
first=$(docker logs rot | head -n 1 | grep -oE '[0-9]+$'); test "$(docker logs rot | wc -l)" = $((201 - first)) && echo none is missing
docker logs --tail 2 rot
docker run --name one --log-opt max-size=1k box sh -c 'for i in $(seq 1 100); do echo line $i; done' >out; docker logs one | tail -n 1

#: logs of what never ran and what is not there
docker create --name never box echo x >id; docker logs never; docker logs -f never; echo $?
try docker logs gone
api GET '/containers/never/logs' | tail -n 2

#: output is attached to
docker run -d --name at box sh -c 'until [ -e /desk/go ]; do sleep 0.05; done; echo out; echo err >&2; exit 6' >id
docker attach --no-stdin at >out 2>err & reader=$!
until_ok attached at; docker exec at touch /desk/go; wait $reader; echo $?; cat out; echo -; cat err
try docker attach at 2>&1 | tail -n 2
try docker attach gone

#: input that is the container's only once ends with its client
docker create -i --name once box cat >id; docker inspect -f '{{.Config.OpenStdin}} {{.Config.StdinOnce}}' once
echo one | docker start -ai once; docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' once
printf '1\n2\n3\n' | docker run -i --rm box sort -rn

#: the answer comes after the end of input
head -c 200000 /dev/zero | docker run --rm -i box sh -c 'cat | md5sum; echo after' >out; cat out; head -c 200000 /dev/zero | md5sum
echo x | docker run --rm -i box sh -c 'cat >/dev/null; sleep 0.3; echo late; echo err >&2' 2>&1 | sort
seq 1 50000 | docker run --rm -i box cat | cmp - <(seq 1 50000) && echo all came back

#: a client that wants nothing more is no trouble
docker run --rm -i box sh -c 'exec 0<&-; echo closed' <<<'input nobody reads'
yes 2>/dev/null | head -c 3000000 2>/dev/null | docker run --rm -i box sh -c 'head -n 1; exit 3'; echo "${PIPESTATUS[2]}"
docker run --rm box sh -c 'yes | head -c 2000000' 2>/dev/null | head -n 1

#: detach keys leave the container running
docker run -d -it --name keys box sh -c 'echo up; sleep 1000' >id
(until_ok attached keys; sleep 0.5; printf '\020\021') | timeout 20 script -qec 'docker attach keys' /dev/null >out; echo $?
docker inspect -f '{{.State.Running}}' keys
(until_ok attached keys 2; sleep 0.5; printf '\001z') | timeout 20 script -qec 'docker attach --detach-keys ctrl-a,z keys' /dev/null >out; echo $?
docker inspect -f '{{.State.Running}}' keys

#: keys of one's own leave a command in a container
docker run -d --name keys box sleep 1000 >id
(until_ok executed keys; sleep 0.7; printf '\001z'; sleep 1) | timeout 20 script -qec "docker exec --detach-keys ctrl-a,z -it keys sh -c 'touch /desk/begun; sleep 999'" /dev/null >out; echo $?
docker exec keys sh -c 'ls /desk; ps | grep -c "sleep 99[9]"'
(until_ok executed keys 3; sleep 0.7; printf '\001y\020\021'; sleep 1; printf '\001z') | timeout 20 script -qec "docker exec --detach-keys ctrl-a,z -it keys cat" /dev/null >out; echo $?

#: typed at a terminal
docker run -d -it --name shell box sh >id
(until_ok attached shell; printf 'echo a$((1+1))b\n'; until_ok sh -c 'docker logs shell | grep a2b'; printf 'exit 4\n') | timeout 20 script -qec 'docker attach shell' /dev/null >out
docker wait shell; grep -c 'a2b' out; docker logs shell | grep -c a2b

#: the size of a terminal
docker run -d -it --name size box sh -c 'trap "stty size" WINCH; echo ready; while :; do sleep 0.05; done' >id
until_ok sh -c 'docker logs size | grep ready'
api POST '/containers/size/resize?h=33&w=99'; until_ok sh -c 'docker logs size | grep "33 99"'
docker exec size stty -F /dev/console size
api POST '/containers/size/resize?h=x&w=99' | tail -n 1; docker kill size >id; api POST '/containers/size/resize?h=33&w=99' | tail -n 1

#: a signal is passed on by attach
docker run -d --name sig box sh -c 'trap "echo got INT; exit 5" INT; trap "echo got HUP" HUP; echo ready; while :; do sleep 0.1; done' >id
until_ok sh -c 'docker logs sig | grep ready'
docker attach --no-stdin sig >out & client=$!
until_ok attached sig; kill -HUP $client; until_ok sh -c 'docker logs sig | grep HUP'
docker inspect -f '{{.State.Running}}' sig; kill -INT $client 2>/dev/null; docker kill -s INT sig >/dev/null 2>&1; docker wait sig; docker logs sig | sort -u

#: without the proxy a signal is the client's own
docker run -d --name nosig box sh -c 'trap "echo got TERM" TERM; echo ready; while :; do sleep 0.1; done' >id
until_ok sh -c 'docker logs nosig | grep ready'
docker attach --no-stdin --sig-proxy=false nosig >out & client=$!
until_ok attached nosig; kill -TERM $client; sleep 0.3; kill -9 $client; wait $client 2>/dev/null; docker inspect -f '{{.State.Running}}' nosig; docker logs nosig

#: a program is executed in the container
docker run -d --name ex -e A=container -w /tmp box sleep 1000 >id
docker exec ex sh -c 'pwd; echo $A; id -u; echo err >&2' 2>err; cat err
docker exec -e A=mine -e B=new ex sh -c 'echo $A $B'; docker exec -w /bin ex pwd; docker exec -u 5:6 ex id
docker exec ex sh -c 'exit 33'; echo $?; docker exec ex sh -c 'kill -9 $$'; echo $?
echo text | docker exec -i ex sh -c 'cat; echo done'; echo text | docker exec ex cat; echo nothing
docker exec ex sh -c 'tr "\0" "\n" </proc/1/cmdline'; docker exec ex sh -c 'touch /desk/by-exec'; docker diff ex | grep by-exec

#: a program that cannot be executed
docker run -d --name ex box sleep 1000 >id
docker exec ex nowhere-to-be-found 2>&1 | grep -o 'executable file not found in $PATH'; echo "${PIPESTATUS[0]}"
docker exec ex /desk >out 2>&1; echo $?
docker exec -u nobody-here ex true 2>&1 | grep -o 'unable to find user nobody-here'; echo "${PIPESTATUS[0]}"
docker exec -w /not/there ex true >out 2>&1; echo $?
docker exec ex sh -c nowhere-to-be-found 2>/dev/null; echo $?

#: nothing is executed in what does not run
docker run --name stopped box true
docker exec stopped true 2>&1 | sed -E 's/[0-9a-f]{64}/ID/; s/^Error response from daemon: //'; echo "${PIPESTATUS[0]}"
docker create --name created box true >id; docker exec created true 2>&1 | grep -o 'is not running'
try docker exec gone true
docker run -d --name frozen box sleep 1000 >id; docker pause frozen >id; docker exec frozen true 2>&1 | sed -E 's/[0-9a-f]{64}/ID/; s/^Error response from daemon: //'; echo "${PIPESTATUS[0]}"

#: executed in the background
docker run -d --name bg box sleep 1000 >id
docker exec -d bg sh -c 'echo done >/desk/f; sleep 1000'; until_ok docker exec bg test -s /desk/f
docker inspect -f '{{len .ExecIDs}}' bg
docker exec bg sh -c 'ps -o args | grep -c "^sleep 1000"'
docker exec -d bg nowhere-to-be-found >out 2>&1; echo $?
docker stop -t 0 bg >id; docker inspect -f '{{json .ExecIDs}}' bg

#: executed with a terminal
docker run -d --name et box sleep 1000 >id
docker exec -t et sh -c 'test -t 0 && test -t 1 && echo terminal; echo err >&2; echo $TERM' 2>err | tr -d '\r'; wc -c <err
docker exec et sh -c 'test -t 1; echo $?; echo "[$TERM]"'
docker exec -it et true 2>&1 </dev/null; echo $?
(sleep 0.5; printf 'echo a$((1+1))b; exit 7\n') | timeout 10 script -qec 'docker exec -it et sh' /dev/null >out; echo $?; grep -c a2b out

#: executed as privileged
docker run -d --name priv --cap-drop ALL box sleep 1000 >id
docker exec priv grep CapEff /proc/self/status
docker exec priv sh -c 'exec 2>&1; chown 5 /desk; echo $?'
docker exec --privileged priv sh -c 'exec 2>&1; chown 5 /desk; echo $?; grep -E "Seccomp:|NoNewPrivs" /proc/self/status; touch /proc/sys/x; echo $?'
docker inspect -f '{{.HostConfig.Privileged}}' priv
docker exec -u 5 priv sh -c 'grep CapEff /proc/self/status'

#: executed with the environment of the image, the container and a file
docker build -q -t envs - <<D >id
FROM box
ENV FROM_IMAGE=image
RUN mkdir -p /etc && echo 'ann:x:1001:1002::/home/ann:/bin/sh' >/etc/passwd
D
printf 'FROM_FILE=file\nBOTH=file\n' >vars
docker run -d --name env -e FROM_RUN=run -h named envs sleep 1000 >id
docker exec --env-file vars -e BOTH=line env env | sort
docker exec -u ann env sh -c 'echo $HOME; id'; docker exec -u 1001 env sh -c 'echo $HOME'; docker exec -u 4444 env sh -c 'echo $HOME'
docker exec -e HOME=/mine -e PATH=/bin env sh -c 'echo $HOME $PATH'

#: executed as the container's user in its folder and with its limits
docker run -d --name lim -u 12:34 -w /tmp --ulimit nofile=99 --cap-drop ALL --read-only --group-add 77 box sleep 1000 >id
docker exec lim sh -c 'exec 2>&1; id -u; id -G; pwd; ulimit -n; touch /desk/x; grep -E "CapEff|NoNewPrivs|Seccomp:" /proc/self/status'
docker exec -u 0 lim sh -c 'id -u; id -G'
docker exec -u 5 lim sh -c 'id -u; id -g; id -G'

#: what executions look like from the API
docker run -d --name ex box sleep 1000 >id
exec=$(api POST /containers/ex/exec -H 'Content-Type: application/json' -d '{"Cmd":["sh","-c","exit 8"],"AttachStdout":true,"User":"5"}' | sed -n 's/.*"Id":"\([0-9a-f]*\)".*/\1/p')
api GET "/exec/$exec/json" | head -n 1 | jq -c '[.Running, .ExitCode, .ProcessConfig, .OpenStdin, .OpenStdout, .CanRemove, (.ContainerID|length)]'
api POST "/exec/$exec/start" -H 'Content-Type: application/json' -d '{"Detach":true}'
until_ok bash -c "api GET /exec/$exec/json | grep '\"Running\":false'"; api GET "/exec/$exec/json" | head -n 1 | jq -c '[.Running, .ExitCode]'
api POST "/exec/$exec/start" -H 'Content-Type: application/json' -d '{"Detach":true}' | tail -n 1
api POST /containers/ex/exec -H 'Content-Type: application/json' -d '{"Cmd":[]}'; api POST /exec/none/start -H 'Content-Type: application/json' -d '{}'; api GET /exec/none/json | tail -n 1; api POST /containers/gone/exec -H 'Content-Type: application/json' -d '{"Cmd":["true"]}' | tail -n 1

#: much goes through an execution both ways
docker run -d --name pipe box sleep 1000 >id
head -c 5000000 /dev/zero | docker exec -i pipe sh -c 'cat >/desk/f; wc -c </desk/f; md5sum </desk/f'
docker exec pipe cat /desk/f | md5sum
docker exec pipe sh -c 'head -c 300000 /dev/zero; head -c 200000 /dev/zero >&2' 2>err | wc -c; wc -c <err
tar cf - -C / etc/hosts 2>/dev/null | docker exec -i pipe tar xf - -C /desk; docker exec pipe ls /desk/etc

#: many executions at once
docker run -d --name many box sleep 1000 >id
for i in $(seq 1 10); do docker exec many sh -c "echo $i; exit $i" >out.$i; echo $? >code.$i & done; wait
cat out.* | sort -n | tr '\n' ' '; cat code.* | sort -n | tr '\n' ' '; echo
docker inspect -f '{{json .ExecIDs}}' many

#: an execution ends with its container, its client's signal does not end it
docker run -d --name ends box sleep 1000 >id
docker exec ends sh -c 'echo up; sleep 1000' >out & client=$!
until_ok grep up out; docker kill ends >id; wait $client; echo $?
docker start ends >id; docker exec ends sh -c 'echo up; sleep 1234' >later & client=$!
until_ok grep up later; kill -TERM $client; sleep 0.3; kill -9 $client 2>/dev/null; wait $client 2>/dev/null
docker exec ends sh -c 'ps -o args | grep -c "^sleep 1234"'

#: two kinds of output in one stream over the API
docker run -d --name mux box sh -c 'echo out; sleep 0.3; echo err >&2' >id; docker wait mux
curl -sS --unix-socket "${DOCKER_HOST#unix://}" 'http://engine/containers/mux/logs?stdout=1&stderr=1' | xxd -p
curl -sS --unix-socket "${DOCKER_HOST#unix://}" 'http://engine/containers/mux/logs?stderr=1' | xxd -p
curl -sS -D headers -o body --unix-socket "${DOCKER_HOST#unix://}" 'http://engine/containers/mux/logs?stdout=1'; grep -i '^content-type' headers | tr -d '\r'
docker run -d -t --name raw box echo out >id; docker wait raw; curl -sS -D headers --unix-socket "${DOCKER_HOST#unix://}" 'http://engine/containers/raw/logs?stdout=1' | xxd -p; grep -i '^content-type' headers | tr -d '\r'

#: output attached to with what was written before
docker run -d --name past box sh -c 'echo before; until [ -e /desk/go ]; do sleep 0.05; done; echo after' >id
until_ok sh -c 'docker logs past | grep before'
curl -sS -N -X POST --unix-socket "${DOCKER_HOST#unix://}" 'http://engine/containers/past/attach?logs=1&stream=1&stdout=1' -o out & reader=$!
until_ok grep before out; docker exec past touch /desk/go; wait $reader; tr -d '\0\001' <out | tr -d '\007\006'
curl -sS -X POST --unix-socket "${DOCKER_HOST#unix://}" 'http://engine/containers/past/attach?logs=1&stdout=1' | xxd -p

#: a command's terminal has the size that is asked for
docker run -d --name box1 box sleep 1000 >id
size() { id=$(api POST /containers/box1/exec -H 'Content-Type: application/json' -d "{\"Cmd\":[\"sh\",\"-c\",\"sleep 0.2; stty size\"],\"Tty\":true,\"AttachStdout\":true$1}" | jq -r '.Id? // empty' 2>/dev/null | head -n 1)
  curl -sN --unix-socket "${DOCKER_HOST#unix://}" -X POST -H 'Content-Type: application/json' -d "{\"Tty\":true$2}" "http://engine/exec/$id/start" | tr -d '\r'; }
size '' ',"ConsoleSize":[33,71]'
size ',"ConsoleSize":[34,72]' ''
