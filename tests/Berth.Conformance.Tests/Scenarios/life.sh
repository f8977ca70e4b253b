#: created, started, waited for and removed
docker create --name life box sh -c 'echo ran; exit 5' >id
docker inspect -f '{{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.State.ExitCode}} {{.State.StartedAt}} {{.State.FinishedAt}}' life
docker start life; docker wait life
docker inspect -f '{{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.State.ExitCode}} {{json .State.Error}}' life
docker logs life
docker rm life; try docker inspect life

#: started with its output, and its exit code
docker create --name says box sh -c 'echo out; echo err >&2; exit 4' >id
docker start -a says 2>err; echo $?; cat err
docker start -a says 2>/dev/null; echo $?
docker logs says 2>/dev/null

#: started with the caller's input
docker create -i --name takes box sh -c 'read a; echo "[$a]"; cat' >id
printf 'one\ntwo\n' | docker start -a -i takes; echo $?
printf 'three\n' | docker start -ai takes
docker logs takes

#: several at once, and those that are not there
docker create --name s1 box sleep 1000 >id; docker create --name s2 box sleep 1000 >id
try docker start s1 gone s2
docker ps --format '{{.Names}}' | sort
try docker stop -t 0 s2 gone s1
docker rm s1 s2; try docker rm s1; try docker rm -f s1

#: what is running is started again without harm, and so is what is stopped stopped
docker run -d --name once box sleep 1000 >id
pid=$(docker inspect -f '{{.State.Pid}}' once)
docker start once; test "$pid" = "$(docker inspect -f '{{.State.Pid}}' once)" && echo the same process
docker stop -t 0 once; docker stop -t 0 once; docker inspect -f '{{.State.ExitCode}}' once
api POST /containers/once/stop; api POST /containers/once/start; api POST /containers/once/start

#: a running container is removed by force only
docker run -d --name busy -v /anon box sleep 1000 >id
docker rm busy 2>&1 | grep -o 'container is running'; echo "${PIPESTATUS[0]}"
docker volume ls -q | wc -l
docker rm -f -v busy; docker volume ls -q | wc -l
docker run -d --name kept -v /anon -v named:/n box sleep 1000 >id
docker rm -f kept; docker volume ls -q | wc -l

#: the soft way and the hard way to stop
docker run -d --name soft box sh -c 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.1; done' >id
until_ok sh -c 'docker logs soft | grep ready'
docker stop soft; docker inspect -f '{{.State.ExitCode}}' soft; docker logs soft
docker run -d --name hard box sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done' >id
until_ok sh -c 'docker logs hard | grep ready'
docker stop -t 1 hard; docker inspect -f '{{.State.ExitCode}}' hard
docker start hard; until_ok sh -c 'docker logs hard | grep -c ready | grep 2'
docker stop -s KILL hard; docker inspect -f '{{.State.ExitCode}}' hard

#: signals by name and number
docker run -d --name sig box sh -c 'for s in HUP USR1 USR2 TERM INT; do trap "echo $s" $s; done; trap "exit 77" QUIT; echo ready; while :; do sleep 0.1; done' >id
until_ok sh -c 'docker logs sig | grep ready'
for s in HUP SIGUSR1 12 usr2 TERM; do docker kill -s $s sig >id; n=$((${n:-1} + 1)); until_ok sh -c "test \$(docker logs sig | wc -l) = $n"; done
docker logs sig; docker inspect -f '{{.State.Running}}' sig
docker kill -s QUIT sig; docker wait sig
docker kill -s NOSUCH sig 2>&1 | grep -io 'invalid signal: NOSUCH' | tr I i
docker kill sig 2>&1 | grep -o 'is not running'

#: a restart is a new process with the old files
docker run -d --name again --tmpfs /t box sh -c 'echo run >>/desk/log; echo run >>/t/log; sleep 1000' >id
until_ok docker exec again test -e /t/log
pid=$(docker inspect -f '{{.State.Pid}}' again)
docker restart -t 0 again
until_ok docker exec again test -e /t/log
docker exec again cat /desk/log; echo -; docker exec again cat /t/log
test "$pid" != "$(docker inspect -f '{{.State.Pid}}' again)" && echo another process
docker inspect -f '{{.RestartCount}} {{.State.Status}}' again
docker stop -t 0 again; docker restart -t 0 again; docker inspect -f '{{.State.Running}}' again

#: a paused container does nothing
docker run -d --name pause box sh -c 'while :; do echo $((i=i+1)) >/desk/n; sleep 0.02; done' >id
until_ok docker exec pause test -s /desk/n
docker pause pause; docker inspect -f '{{.State.Status}} {{.State.Paused}} {{.State.Running}}' pause
docker cp pause:/desk/n n1; sleep 0.3; docker cp pause:/desk/n n2; cmp n1 n2 && echo stands still
docker ps --filter status=paused --format '{{.Names}} {{.State}}'; docker ps --format '{{.Status}}' | grep -o '(Paused)'
try docker pause pause 2>&1 | grep -oE 'already paused|-> .*'
docker unpause pause; docker inspect -f '{{.State.Status}}' pause
try docker unpause pause 2>&1 | grep -oE 'is not paused|-> .*'
n=$(cat n2); until_ok docker exec pause sh -c "test \$(cat /desk/n || echo 0) -gt $n"

#: what a paused container can and cannot be asked
docker run -d --name pp box sleep 1000 >id; docker pause pp
docker exec pp true 2>&1 | grep -o 'is paused, unpause the container before exec'; echo "${PIPESTATUS[0]}"
try docker start pp 2>&1 | grep -oE 'cannot start a paused container|-> .*'
docker rm pp 2>&1 | grep -oE 'is paused'
docker stop -t 0 pp; docker inspect -f '{{.State.Status}} {{.State.Paused}} {{.State.ExitCode}}' pp
docker start pp; docker pause pp; docker kill pp; docker inspect -f '{{.State.Status}}' pp
docker start pp; docker pause pp; docker rm -f pp
docker run --name stopped box true; docker pause stopped 2>&1 | grep -o 'is not running'

#: another name
docker run -d --name before -h inside box sleep 1000 >id
docker rename before after; docker ps --format '{{.Names}}'; docker exec after hostname
docker inspect -f '{{.Name}}' after; try docker inspect -f '{{.Name}}' before
docker run --name other box true
docker rename after other 2>&1 | grep -o 'The container name "/other" is already in use'
docker rename after 'bad name' 2>&1 | grep -o 'only \[a-zA-Z0-9\].*'
docker rename after after >out 2>&1; echo $?
docker rename gone x1 2>&1 | grep -o 'No such container: gone'
api POST '/containers/after/rename?name=other' | tail -n 1; api POST '/containers/after/rename' | tail -n 1; docker ps -a --format '{{.Names}}' | sort

#: a new name is a name on the network at once
docker network create net >id
docker run -d --name old --network net box sh -c 'while :; do echo hello | nc -l -p 7000; done' >id
until_ok docker exec old sh -c 'netstat -ltn | grep 7000'
docker rename old new
docker run --rm --network net box sh -c 'nc -w 2 new 7000; nslookup old >/dev/null 2>&1; echo $?'

#: waited for, one and many
docker run -d --name w1 box sh -c 'sleep 0.3; exit 7' >id; docker run -d --name w2 box sh -c 'exit 8' >id
docker wait w1 w2
docker wait w1
try docker wait gone
docker create --name never box true >id; api POST '/containers/never/wait?condition=not-running'
docker run -d --name wr box sh -c 'sleep 0.5; exit 9' >id
api POST '/containers/never/wait?condition=removed' -D heads >gone & waiter=$!
until_ok grep HTTP heads; docker rm -f never >id; wait $waiter; cat gone

#: the next end is waited for, not the last one
docker run --name next box sh -c 'exit 3'
api POST '/containers/next/wait?condition=next-exit' -D heads >out & waiter=$!
until_ok grep HTTP heads; test -s out; echo $?
docker start next; wait $waiter; cat out
api POST '/containers/next/wait?condition=bogus' | tail -n 1

#: everything that stopped is pruned
docker run --name p1 -l keep=yes box true; docker run --name p2 box true; docker create --name p3 box true >id
docker run -d --name p4 box sleep 1000 >id
docker container prune -f --filter label!=keep | grep -c '<id>\|^[0-9a-f]\{64\}$'
docker ps -a --format '{{.Names}}' | sort
docker container prune -f --filter until=1h | tail -n 1
docker container prune -f | grep -E '^Total'
docker ps -a --format '{{.Names}}'
docker container prune -f --filter bogus=1 2>&1 | grep -o "invalid filter 'bogus'"

#: processes from outside
docker run -d --name top --init=false box sh -c 'sleep 1111 & exec sleep 2222' >id
until_ok docker exec top sh -c 'ps | grep -q "sleep 2222"'
docker top top | awk '{print $NF}' | sort
docker top top | awk '{print $1}' | sort -u; docker run -d -u 1:1 --name daemon box sleep 1000 >id; docker top daemon | awk '{print $1}' | sort -u
docker top top -o pid,args | sed -E 's/^ *[0-9]+ +/N /' | sort
docker top top | head -n 1 | tr -s ' '
docker top top -o args,pid | head -n 1 | tr -s ' '
docker stop -t 0 top; docker top top 2>&1 | grep -o 'is not running'
try docker top gone

#: lists by state, name, label and ancestor
docker build -q -t child - <<D >id
FROM box
LABEL from=image
D
docker create --name created box >id; docker run --name exited3 box sh -c 'exit 3'; docker run --name exited0 -l a=b child true
docker run -d --name running -l a=c child sleep 1000 >id; docker run -d --name paused box sleep 1000 >id; docker pause paused >id
names() { echo "$*: $(docker ps "$@" --format '{{.Names}}' | sort | tr '\n' ' ')"; }
names; names -a; names -a -f status=created; names -f status=exited; names -a -f exited=3; names -f status=paused; names -f status=running
names -a -f name=exited; names -a -f 'name=^exited3$'; names -a -f name=exit -f name=run; names -a -f label=a; names -a -f label=a=b; names -a -f label=from=image -f label=a=c
names -a -f ancestor=child; names -a -f ancestor=box; names -a -f ancestor=none; names -a -f status=exited -f status=created; names -a -f status=dead
for filter in status=bogus bogus=1 exited=x health=x is-task=x; do docker ps -f $filter 2>&1 | grep -o "invalid filter '$filter\|invalid filter 'bogus'"; echo "${PIPESTATUS[0]}"; done

#: lists by order, volume, network and port
docker network create net >id
docker run -d --name c1 -v data:/data box sleep 1000 >id; docker run -d --name c2 --network net box sleep 1000 >id; docker run -d --name c3 -p 127.0.0.1:8311:80 --expose 90 box sleep 1000 >id
names() { echo "$*: $(docker ps "$@" --format '{{.Names}}' | sort | tr '\n' ' ')"; }
names -f volume=data; names -f volume=/data; names -f network=net; names -f network=bridge; names -f network=none; names -f publish=8311; names -f publish=80; names -f expose=90/tcp; names -f expose=80; names -f before=c2; names -f since=c1; names -f since=c1 -f before=c3
docker stop -t 0 c3 >id; docker ps -l --format '{{.Names}}'; docker ps -n 2 --format '{{.Names}}'; docker ps -n 2 -q | wc -l
names -f before=gone; names -f id=$(docker inspect -f '{{.Id}}' c1 | cut -c1-10) | sed 's/id=[^:]*/id/'; names -f is-task=true; names -f health=none

#: columns of the list
docker run -d --name cols -l one=1 -v data:/data -v /anon -p 127.0.0.1:8312:80 -p 127.0.0.1:8312:80/udp --expose 99 box sleep 1000 >id
docker ps --format '{{.Image}}|{{.Command}}|{{.Ports}}|{{.Names}}|{{.State}}|{{.Networks}}|{{.LocalVolumes}}|{{.Labels}}'
docker ps --no-trunc --format '{{.Command}}|{{len .ID}}'
docker ps | head -n 1 | tr -s ' '
docker ps --format '{{.Status}}' | sed -E 's/[0-9]+ seconds?|Less than a second/T/'
docker ps --format '{{.RunningFor}}' | grep -c ago
docker run --name long box sh -c ': a rather long command line; exit 9'; docker ps -a -f name=long --format '{{.Command}} {{.Status}}' | sed -E 's/\) .*/) T/'
docker ps -a -f name=long --no-trunc --format '{{.Command}}'

#: sizes of containers
docker run --name fat box sh -c 'head -c 1000000 /dev/zero >/desk/f; head -c 500 /dev/zero >/desk/g'
docker ps -a -s --format '{{.Size}}' | sed -E 's/ \(virtual.*\)/ (virtual)/'
docker inspect -s -f '{{.SizeRw}} {{gt .SizeRootFs .SizeRw}}' fat
docker inspect -f '{{json .SizeRw}}' fat

#: what clients read of a container before and after its start
docker create --name seen -p 127.0.0.1:8313:80 -v data:/data:ro -v "$folder:/bind" --tmpfs /t -e A=b -l x=y -w /w -h hh box sleep 1000 >id
show() { docker inspect seen | jq -S '.[0] | {Path, Args, Mounts: (.Mounts | sort_by(.Destination) | map({Type, Name, Destination, Driver, Mode, RW, Propagation})), Config: (.Config | {Hostname, User, Env, Cmd, WorkingDir, Labels, ExposedPorts, Image, Tty, OpenStdin}), Ports: .NetworkSettings.Ports, State: (.State | {Status, Running, Paused, Restarting, OOMKilled, Dead, ExitCode, Error}), networks: (.NetworkSettings.Networks | map_values({HasAddress: (.IPAddress != ""), HasMac: (.MacAddress != ""), Aliases, Links, DNSNames}))}'; }
show; docker start seen
show >after; jq -c '.Ports, .State, .networks' after
docker stop -t 0 seen; show | jq -c '.Ports, .State, .networks'

#: the host's side of a container
docker run -d --name hc -m 64m --cap-add NET_ADMIN --restart on-failure:3 --dns 192.0.2.1 -p 8314:80/udp -v data:/d box sleep 1000 >id
docker inspect hc | jq -S '.[0].HostConfig | {Binds, NetworkMode, PortBindings, RestartPolicy, AutoRemove, VolumeDriver, VolumesFrom, CapAdd, CapDrop, CgroupnsMode, Dns, DnsOptions, DnsSearch, ExtraHosts, GroupAdd, IpcMode, Links, OomScoreAdj, PidMode, Privileged, PublishAllPorts, ReadonlyRootfs, SecurityOpt, UTSMode, UsernsMode, ShmSize, Memory, MemorySwap, NanoCpus, CpuShares, CpusetCpus, Devices, DeviceCgroupRules, DeviceRequests, PidsLimit, Ulimits, Runtime: (.Runtime != ""), MaskedPaths: (.MaskedPaths | length > 0), LogConfig}'

#: inspected together, by a prefix of the id and by type
docker run -d --name i1 box sleep 1000 >id; docker volume create i2
docker inspect -f '{{.Name}}' i1 i2; try docker inspect -f '{{.Name}}' i1 gone
docker inspect -f '{{.Name}}' "$(cut -c1-8 id)"
try docker inspect --type image i1; docker inspect --type container -f '{{.Name}}' i1
docker container inspect -f '{{json .State.Dead}} {{.Driver}} {{.Platform}} {{json .ExecIDs}} {{json .AppArmorProfile}}' i1
docker inspect -f '{{.Image}} {{.Config.Image}}' i1

#: limits changed while it runs
docker run -d --name up -m 64m box sleep 1000 >id
docker update -m 32m --memory-swap 48m --cpus 0.5 --pids-limit 33 --cpuset-cpus 0 --restart on-failure:4 up | tail -n 1
docker exec up sh -c 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes 2>/dev/null || cat memory.max; cat pids/pids.max 2>/dev/null || cat pids.max; cat cpu/cpu.cfs_quota_us 2>/dev/null || cut -d" " -f1 cpu.max; nproc'
docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} {{.HostConfig.CpusetCpus}} {{json .HostConfig.RestartPolicy}}' up
docker restart -t 0 up; docker exec up sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max'
try docker update -m 1m up 2>&1 | sed 's/^Error response from daemon: //'
try docker update --restart sometimes up 2>&1 | sed 's/^Error response from daemon: //'
try docker update -m 32m gone

#: limits changed while it is stopped
docker create --name still box sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max' >id
docker update -m 40m --memory-swap -1 still | tail -n 1
docker start -a still
docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}' still
docker run --rm --name ar -d box sleep 1000 >id; docker update --restart always ar 2>&1 | sed 's/^Error response from daemon: //' | head -n 1

#: a start that fails leaves a container with the reason
docker create --name broken box no-such-program >id
docker start broken 2>&1 | grep -o 'executable file not found in $PATH'; echo "${PIPESTATUS[0]}"
docker inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Running}}' broken
docker inspect -f '{{.State.Error}}' broken | grep -o 'executable file not found in $PATH'
docker ps -a --format '{{.Status}}'; docker logs broken; docker rm broken

#: a start that fails for its mount or its port can be tried again
mkdir here; docker create --name mounts --mount type=bind,source="$folder/here",target=/m box ls /m >id; rmdir here
docker start mounts >out 2>&1; echo $?; docker inspect -f '{{.State.Status}}' mounts
mkdir here; touch here/f; docker start -a mounts; docker inspect -f '{{.State.Status}} {{json .State.Error}}' mounts
docker run -d --name p1 -p 127.0.0.1:8315:80 box sleep 1000 >id
docker create --name p2 -p 127.0.0.1:8315:80 box true >id
docker start p2 2>&1 | grep -o 'port is already allocated'; docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' p2
docker rm -f p1; docker start -a p2; docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' p2

#: a removed network stops a start
docker network create net >id; docker create --name lonely --network net box true >id
docker network rm net
docker start lonely 2>&1 | grep -o 'network [0-9a-z]* not found' | sed -E 's/network .* not/network not/'; docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' lonely
docker network create net >id; docker start lonely >out 2>&1; echo $?

#: events of a life
start=$(date +%s.%N)
docker run --name ev -l who=me box sh -c 'exit 3'
docker start ev >id; docker wait ev >id; docker rename ev evt; docker rm evt >id
docker events --since "$start" --until "$(date +%s.%N)" --filter type=container --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.image}} {{.Actor.Attributes.who}} {{.Actor.Attributes.exitCode}}' | grep -v attach
docker events --since "$start" --until "$(date +%s.%N)" --filter event=die --format '{{.Action}} {{.Actor.Attributes.exitCode}} {{.scope}}' 2>&1 | head -n 1 | cut -c1-20
docker events --since "$start" --until "$(date +%s.%N)" --filter event=rename --format '{{.Actor.Attributes.oldName}} {{.Actor.Attributes.name}} {{.Scope}}'

#: events of stopping, killing, pausing and restarting
start=$(date +%s.%N)
docker run -d --name ev box sh -c 'trap "exit 0" TERM; touch /desk/ready; while :; do sleep 0.1; done' >id
until_ok docker exec ev test -e /desk/ready
actions() { docker events --since "$start" --until "$(date +%s.%N)" --filter container=ev --filter type=container --format '{{.Action}}{{with .Actor.Attributes.signal}} {{.}}{{end}}' | grep -v exec_ | sort | tr '\n' ','; echo; start=$(date +%s.%N); }
actions; docker pause ev >id; docker unpause ev >id; actions
docker stop ev >id; actions; docker start ev >id; until_ok docker exec ev true; actions
docker restart -t 0 ev >id; actions; docker kill -s USR2 ev >id; docker kill ev >id; docker wait ev >id; actions
docker rm -f ev >id; docker events --since "$start" --until "$(date +%s.%N)" --filter type=container --filter event=destroy --format '{{.Action}} {{.Actor.Attributes.name}}'

#: events of executions, copies and commits
docker run -d --name ev box sleep 1000 >id; start=$(date +%s.%N)
docker exec ev sh -c 'exit 6'; docker cp ev:/bin/busybox - >/dev/null; echo x >x; docker cp x ev:/desk; docker commit ev made >id; docker export ev >/dev/null; docker top ev >/dev/null; docker update -m 64m --memory-swap -1 ev >/dev/null
docker events --since "$start" --until "$(date +%s.%N)" --filter container=ev --format '{{.Action}}{{with .Actor.Attributes.exitCode}} {{.}}{{end}}' | sort
docker events --since "$start" --until "$(date +%s.%N)" --filter type=image --format '{{.Type}} {{.Action}}' | sort -u

#: events of networks and volumes with a container
start=$(date +%s.%N)
docker network create net >id; docker run --name ev --network net -v data:/data box true; docker rm ev >id; docker network rm net >id; docker volume rm data >id
docker events --since "$start" --until "$(date +%s.%N)" --filter type=network --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.type}}'
docker events --since "$start" --until "$(date +%s.%N)" --filter type=volume --format '{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.driver}} {{.Actor.Attributes.destination}}{{.Actor.Attributes.propagation}}'
docker events --since "$start" --until "$(date +%s.%N)" --filter type=network --filter event=connect --filter network=net --format '{{.Action}}'

#: events as they happen, and filters on them
start=$(date +%s.%N)
docker events --filter event=start --filter event=die --filter label=pick --format '{{.Action}} {{.Actor.Attributes.name}}' >out & watcher=$!
until_ok sh -c 'docker run --rm -l pick --name probe box true; grep -q "die probe" out'
docker run --rm -l pick=yes --name picked box true; docker run --rm --name passed box true
until_ok grep 'die picked' out; kill $watcher; wait $watcher 2>/dev/null
grep -v probe out
docker events --since "$start" --until "$(date +%s.%N)" --filter image=box --filter event=create --format '{{.Actor.Attributes.name}}' | grep -v probe
docker events --since "$start" --until "$(date +%s.%N)" --filter container=picked --filter event=bogus | wc -l

#: the form of an event
start=$(date +%s.%N); docker run --name form -l x=y box true >id
docker events --since "$start" --until "$(date +%s.%N)" --filter event=create --filter type=container --format '{{json .}}' | jq -S -c 'del(.time, .timeNano)'
docker events --since "$start" --until "$(date +%s.%N)" --filter event=start | sed -E 's/^[^ ]+ //'
api GET "/events?since=$start&until=$(date +%s.%N)&filters=%7B%22event%22%3A%5B%22die%22%5D%7D" | head -n 1 | jq -c '[.Type, .Action, .status, .from, .Actor.Attributes.name, (.time|type), (.timeNano|type)]'
api GET '/events?filters=nonsense' | tail -n 1

#: a program killed from outside, or by its own fault
docker run -d --name k9 box sleep 1000 >id; kill -9 "$(docker inspect -f '{{.State.Pid}}' k9)"; docker wait k9
docker inspect -f '{{.State.ExitCode}} {{.State.OOMKilled}} {{.State.Status}}' k9
docker ps -a -f name=k9 --format '{{.Status}}' | grep -o 'Exited (137)'
docker run --name segv box sh -c 'exec 2>/dev/null; sh -c "kill -SEGV \$\$"; echo $?'
docker run -d --name term box sleep 1000 >id; docker stop -t 0 term; docker ps -a -f exited=137 --format '{{.Names}}' | sort

#: the whole container ends with its first process
docker run -d --name tree box sh -c 'sleep 54321 & sleep 54321 & (trap "" TERM HUP; sleep 54321) & sleep 0.3; exit 0' >id
docker wait tree
until_ok sh -c '! ps -eo args | grep -x "sleep 54321"'
docker start tree; docker wait tree; docker inspect -f '{{.State.Status}}' tree

#: started and stopped many times over
docker create --name cycle -v data:/data box sh -c 'echo x >>/data/log; sleep 1000' >id
for i in 1 2 3 4 5 6; do docker start cycle >id; until_ok docker exec cycle sh -c "test \$(wc -l </data/log) = $i"; docker stop -t 0 cycle >id; done
docker run --rm -v data:/data box wc -l /data/log
docker inspect -f '{{.State.Status}} {{.RestartCount}}' cycle

#: names, prefixes of ids and names that look like ids
docker run -d --name abc box sleep 1000 >id; long=$(cat id)
docker inspect -f '{{.Name}}' "$long" "${long:0:12}" "${long:0:4}" /abc
try docker stop -t 0 "${long:0:5}0zz" 2>&1 | sed "s/${long:0:5}/ID/"
docker run --name "${long:0:6}" box true; docker inspect -f '{{.Name}}' "${long:0:6}" | sed "s/${long:0:6}/the name wins/"
try docker inspect '' 2>&1 | tail -n 1

#: names made up by the engine
docker create box >id; docker create box >id
docker ps -a --format '{{.Names}}' | grep -cE '^[a-z]+_[a-z]+[0-9]?$'
test "$(docker ps -a --format '{{.Names}}' | sort -u | wc -l)" = 2 && echo two names
docker ps -a --format '{{.Names}}' | xargs docker rm | wc -l

#: what the API answers to a life
api POST '/containers/create?name=byapi' -H 'Content-Type: application/json' -d '{"Image":"box","Cmd":["sh","-c","exit 2"]}'
api POST /containers/byapi/start; api POST /containers/byapi/wait; api POST /containers/byapi/pause | tail -n 1; api POST /containers/byapi/kill | tail -n 1; api POST '/containers/byapi/rename?name=api2'
api POST /containers/api2/resize | tail -n 1; api GET /containers/api2/json | jq -c '[.State.Status,.State.ExitCode,.Name]' 2>/dev/null | head -n 1; api DELETE /containers/api2; api DELETE /containers/api2
api POST '/containers/create' -H 'Content-Type: application/json' -d '{"Image":"not-here"}'; api POST '/containers/create' -H 'Content-Type: application/json' -d '{' | tail -n 1; api POST '/containers/create' -d '{"Image":"box"}' | tail -n 1
api GET '/containers/json?all=1&filters=%7B%22status%22%3A%7B%22exited%22%3Atrue%7D%7D'

#: what is used is measured
docker run -d --name busy box sh -c 'while :; do :; done' >id
docker stats --no-stream --format '{{.Name}} {{.Container}}' busy; docker stats --no-stream --format '{{.CPUPerc}}' busy | grep -cE '^[0-9.]+%$'
docker stats --no-stream --format '{{.PIDs}}' busy
api GET '/containers/busy/stats?stream=false&one-shot=true' | head -n 1 | jq -c '[.cpu_stats.cpu_usage.total_usage > 0, .memory_stats.usage > 0, .pids_stats.current, (.networks | keys), .cpu_stats.online_cpus > 0, (.precpu_stats.cpu_usage.total_usage)]'
docker stop -t 0 busy; api GET '/containers/busy/stats?stream=false' | head -n 1 | jq -c '[.name, .cpu_stats.cpu_usage.total_usage, .pids_stats]'
try docker stats --no-stream gone

#: every limit of a running container is changed
docker run -d --name up box sleep 1000 >id
lim() { docker exec up sh -c 'cd /sys/fs/cgroup; for f in "$@"; do cat "$f" 2>/dev/null && exit; done' sh "$@"; }
docker update --cpu-shares 512 up >id; lim cpu/cpu.shares cpu.weight
docker update --cpu-period 50000 --cpu-quota 25000 up >id; lim cpu/cpu.cfs_period_us cpu.max; lim cpu/cpu.cfs_quota_us cpu.max
docker update --cpuset-cpus 0 --cpuset-mems 0 up >id; docker exec up grep -E '^(Cpus|Mems)_allowed_list' /proc/self/status | tr '\t' ' '
docker update -m 64m --memory-swap 64m --memory-reservation 32m up >id; lim memory/memory.limit_in_bytes memory.max; lim memory/memory.soft_limit_in_bytes memory.low
docker inspect -f '{{.HostConfig.CpuShares}} {{.HostConfig.CpuPeriod}} {{.HostConfig.CpuQuota}} {{.HostConfig.CpusetCpus}} {{.HostConfig.CpusetMems}} {{.HostConfig.MemoryReservation}}' up
try docker update --cpu-shares -5 up 2>&1 | grep -o -- '-> .*'; try docker update --cpuset-cpus 99 up 2>&1 | grep -o -- '-> .*'; try docker update --cpus 0.5 up 2>&1 | grep -o -- '-> .*'
