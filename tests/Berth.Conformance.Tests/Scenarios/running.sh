#: the program's exit code is the client's
try docker run --rm box sh -c 'exit 0'
try docker run --rm box sh -c 'exit 42'
try docker run --rm box sh -c 'kill -9 $$'
try docker run --rm box sh -c 'exit 256'
docker ps -a -q | wc -l

#: a program that is not there is 127, one that cannot run is 126, a bad wish is 125
docker run --name nowhere box nowhere-to-be-found 2>&1 | grep -o 'executable file not found in $PATH'; echo "${PIPESTATUS[0]}"
docker run --name nofile box /no/such/file 2>&1 | grep -o 'no such file or directory'; echo "${PIPESTATUS[0]}"
docker run --name folder box /desk 2>&1 | grep -oi 'is a directory\|permission denied' | head -n 1 | sed 's/.*/refused/'; echo "${PIPESTATUS[0]}"
docker run --name text box /etc/hosts >out 2>&1; echo "$?"
docker run --name bad --cpus 1000 box true >out 2>&1; echo "$?"
docker ps -a --format '{{.Names}} {{.State}}' | sort
docker inspect -f '{{.Name}} {{.State.ExitCode}} {{.State.Status}}' nowhere nofile folder text

#: --init puts a reaper before the program
docker run -d --name init --init box sh -c 'sleep 1000 & exec sleep 1001' >id
docker exec init sh -c 'tr "\0" " " </proc/1/cmdline | grep -c init'
docker exec init sh -c '(sleep 0.1 & exec true); sleep 0.5; ps -o stat,comm | grep -c "^Z"'
docker inspect -f '{{.HostConfig.Init}}' init
docker stop -t 5 init; docker inspect -f '{{.State.ExitCode}}' init

#: a user by number, by name and with its groups
docker build -q -t users - <<D >id
FROM box
RUN mkdir -p /etc && printf 'root:x:0:0::/:/bin/sh\nann:x:1001:1002::/home/ann:/bin/sh\n' >/etc/passwd && printf 'root:x:0:\nann:x:1002:\nstaff:x:50:ann\nextra:x:77:ann,root\n' >/etc/group && mkdir -p /home/ann
D
docker run --rm users id
docker run --rm -u ann users id
docker run --rm -u ann users sh -c 'echo $HOME'
docker run --rm -u 1001 users id
docker run --rm -u ann:staff users id
docker run --rm -u 1001:4242 users id
docker run --rm -u 5555 users sh -c 'id; echo $HOME'
docker run --rm -u 0:50 users id
docker run --rm -u ann --group-add 99 --group-add staff users id

#: users that nothing knows
docker run --name unknown -u nobody-here box true 2>&1 | grep -o 'unable to find user nobody-here'; echo "${PIPESTATUS[0]}"
docker run --name group -u 0:nogroup-here box true 2>&1 | grep -o 'unable to find group nogroup-here'; echo "${PIPESTATUS[0]}"
docker run --rm -u 12:34 box sh -c 'id -u; id -g; touch /desk/x 2>&1'
docker run --rm --group-add 5 --group-add 6 box id -G
docker ps -a --format '{{.Names}} {{.State}}' | sort

#: a working folder is made if it is not there, and its owner is root
docker run --rm -w /a/b/c box sh -c 'pwd; stat -c "%u:%g %a" /a/b/c'
docker run --rm -w /a/b -u 7 box sh -c 'pwd; stat -c "%u:%g %a" /a/b'
docker run --rm -w /tmp/../desk box pwd
try docker run --rm -w relative box pwd 2>&1 | tail -n 3 | sed 's/^docker: Error response from daemon: //'

#: a working folder that is a file
docker run --name wf -w /bin/sh box true >out 2>&1; echo "$?"
docker run --rm -w /desk/link box pwd
docker inspect -f '{{.Config.WorkingDir}} {{.State.Status}}' wf

#: variables from the command line, the caller and files
printf '# comment\nONE=1\nTWO=two words\nEMPTY=\n\nFROM_CALLER\n' >vars
export FROM_CALLER=caller OTHER=other
docker run --rm --env-file vars -e OTHER -e ONE=over -e 'QUOTED="q"' -e UNSET_BY_NAME box sh -c 'env | grep -E "ONE|TWO|EMPTY|FROM_CALLER|OTHER|QUOTED|UNSET" | sort'
docker run --rm -e PATH=/bin:/other box sh -c 'echo $PATH'
docker run --rm -e A= -e B box env | sort
docker run --name env -e Z=1 -e Y=2 box true; docker inspect -f '{{json .Config.Env}}' env | jq -c sort

#: what the environment has without asking
docker run --rm -h named box env | sort
docker run --rm -t -h named box env | tr -d '\r' | sort
docker run --rm -e HOME=/elsewhere -e HOSTNAME=mine box env | sort

#: an image's variable is taken away and changed
docker build -q -t envs - <<D >id
FROM box
ENV KEPT=kept CHANGED=image
D
docker run --rm -e CHANGED=mine envs env | grep -E 'KEPT|CHANGED' | sort
docker run --rm -e KEPT= envs sh -c 'echo "[$KEPT]"'
docker create --name seen -e CHANGED=mine envs >id; docker inspect -f '{{json .Config.Env}}' seen

#: a read-only root takes nothing but what is mounted
docker run --rm --read-only --tmpfs /scratch -v vol:/vol box sh -c 'exec 2>&1; touch /desk/x /bin/x; touch /scratch/x /vol/x /dev/shm/x && ls /scratch /vol /dev/shm'
docker run --rm --read-only box sh -c 'exec 2>&1; echo x >/etc/hosts; echo $?; touch /etc/new; echo $?'
docker run --rm --read-only box sh -c 'touch /dev/x 2>/dev/null; echo dev $?'

#: a tmpfs with its size, mode and flags
docker run --rm --tmpfs /t box sh -c 'stat -c %a /t; grep " /t " /proc/mounts | cut -d" " -f3,4 | grep -oE "rw|nosuid|nodev|noexec" | sort | tr "\n" " "'
echo
docker run --rm --tmpfs /t:size=4m,mode=700,uid=5,gid=6,exec box sh -c 'stat -c "%a %u:%g" /t; df -k /t | awk "END{print \$2}"; cp /bin/true /t/; /t/true && echo runs; dd if=/dev/zero of=/t/big bs=64k count=64 2>&1 | grep -o "No space left on device"'
docker run --rm --tmpfs /t:ro box sh -c 'exec 2>&1; touch /t/x; echo $?'
docker run --rm --tmpfs /t box sh -c 'exec 2>&1; cp /bin/true /t/; /t/true; echo $?'
docker run --name tm --tmpfs /t:size=1m --tmpfs /u box true; docker inspect -f '{{json .HostConfig.Tmpfs}} {{json .Mounts}}' tm
docker run --rm --tmpfs /t:bogus=1 box true >out 2>&1; echo $?

#: a tmpfs over an image's folder keeps its mode and is empty after a restart
docker build -q -t filled - <<D >id
FROM box
RUN mkdir -m 751 /fill && echo content >/fill/f && chown 3:4 /fill
D
docker run --name tmp --tmpfs /fill filled sh -c 'ls -A /fill; stat -c "%a %u:%g" /fill; touch /fill/new'
docker start -a tmp

#: shared memory has the size asked for
docker run --rm box sh -c 'df -k /dev/shm | awk "END{print \$2}"'
docker run --rm --shm-size 3m box sh -c 'df -k /dev/shm | awk "END{print \$2}"; dd if=/dev/zero of=/dev/shm/x bs=1k count=4k 2>&1 | grep -o "No space left on device"'
docker run --name sized --shm-size 2048k box true; docker inspect -f '{{.HostConfig.ShmSize}}' sized
try docker run --rm --shm-size -1 box true 2>&1 | tail -n 1
docker run --rm --shm-size 0 box sh -c 'df -k /dev/shm | awk "END{print \$2}"'

#: memory limits are the container's
docker run --rm -m 64m --memory-reservation 32m box sh -c 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory/memory.soft_limit_in_bytes 2>/dev/null || cat memory.max memory.low'
docker run --rm -m 64m --memory-swap 64m box sh -c 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes 2>/dev/null || cat memory.max'
docker run --name lim -m 64m box true; docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.MemoryReservation}}' lim
docker run --name unl -m 64m --memory-swap -1 box true; docker inspect -f '{{.HostConfig.MemorySwap}}' unl

#: limits that make no sense
for options in '-m 1m' '-m 64m --memory-swap 32m' '--memory-swap 64m' '-m 64m --memory-reservation 128m' '--cpus -1' '--cpus 100' '--cpuset-cpus 77' '--cpuset-cpus x' '--cpu-period 10' '--cpu-quota 10' '--cpus 1 --cpu-quota 100000'; do
  echo "$options"
  docker run --rm $options box true >out 2>&1; code=$?
  sed -n 's/^docker: Error response from daemon: //p' out | sed -E 's/Range of CPUs.*|Available.*|(Requested CPUs are not available).*/\1/'; echo "$code"
done
docker ps -aq | wc -l

#: a container that takes too much memory is killed and says so
docker run --name eater -m 16m --memory-swap 16m box sh -c 'tail -c 200m /dev/zero >/dev/null'; echo $?
docker inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}} {{.State.Status}}' eater
docker run --name modest -m 16m box true
docker inspect -f '{{.State.OOMKilled}}' modest

#: processors are shared out
docker run --rm --cpus 0.5 box sh -c 'cd /sys/fs/cgroup; if [ -e cpu.max ]; then cat cpu.max; else echo $(cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us); fi'
docker run --rm --cpu-period 50000 --cpu-quota 20000 box sh -c 'cd /sys/fs/cgroup; if [ -e cpu.max ]; then cat cpu.max; else echo $(cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us); fi'
docker run --rm --cpuset-cpus 0 box sh -c 'nproc; grep Cpus_allowed_list /proc/self/status'
docker run --rm --cpuset-cpus 0-0 --cpuset-mems 0 box sh -c 'grep -E "(Cpus|Mems)_allowed_list" /proc/self/status'
docker run --name shares --cpus 1.5 -c 512 box true; docker inspect -f '{{.HostConfig.NanoCpus}} {{.HostConfig.CpuShares}} {{.HostConfig.CpusetCpus}}' shares

#: a container has no more processes than allowed
docker run --rm --pids-limit 5 box sh -c 'cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max'
docker run --rm --pids-limit 5 box sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; echo started' >out 2>&1; grep -c started out; grep -o "can't fork" out | head -n 1
docker run --name pids --pids-limit -1 box sh -c 'cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max'
docker inspect -f '{{.HostConfig.PidsLimit}}' pids

#: devices given to a container
docker run --rm --device /dev/full:/dev/mine box sh -c 'stat -c "%t:%T %F" /dev/mine; echo x >/dev/mine'
docker run --rm --device /dev/null:/dev/other/null:r box sh -c 'cat /dev/other/null && echo read'
docker run --name dev --device /dev/zero:/dev/z:rw box sh -c 'head -c 3 /dev/z | xxd -p'
docker inspect -f '{{json .HostConfig.Devices}}' dev
docker run --rm --device /dev/not-there box true >out 2>&1; echo $?; grep -o 'no such file or directory' out

#: a rule lets a container make and open a device
docker run --rm --device-cgroup-rule 'c 240:99 rwm' box sh -c 'mknod /desk/none c 240 99 && cat /desk/none 2>&1 | grep -oE "Operation not permitted|No such device.*"'
docker run --rm --device-cgroup-rule 'c 240:98 rwm' box sh -c 'mknod /desk/none c 240 99 && cat /desk/none 2>&1 | grep -oE "Operation not permitted|No such device.*"'
docker run --rm --device-cgroup-rule 'c *:* r' box sh -c 'mknod /desk/none c 240 99 && cat /desk/none 2>&1 | grep -oE "Operation not permitted|No such device.*"'
docker create --name rule --device-cgroup-rule 'c 42:* r' box >id; docker inspect -f '{{.HostConfig.DeviceCgroupRules}}' rule

#: capabilities are added and dropped
docker run --rm box sh -c 'grep -E "Cap(Prm|Eff|Bnd)" /proc/self/status'
docker run --rm --cap-drop ALL box sh -c 'exec 2>&1; grep -E "CapEff" /proc/self/status; chown 1 /desk; echo $?'
docker run --rm --cap-drop all --cap-add chown box sh -c 'exec 2>&1; grep -E "CapEff" /proc/self/status; chown 1 /desk; echo $?'
docker run --rm --cap-add CAP_NET_ADMIN box sh -c 'ip link set lo mtu 1400; echo $?'
docker run --rm box sh -c 'exec 2>&1; ip link set lo mtu 1400; echo $?'
docker run --rm --cap-drop MKNOD box sh -c 'exec 2>&1; mknod /desk/x c 1 3; echo $?'
docker run --rm -u 5 --cap-add SYS_TIME box sh -c 'grep -E "Cap(Inh|Prm|Eff|Bnd|Amb)" /proc/self/status'
docker run --name caps --cap-add net_admin --cap-add CAP_SYS_TIME --cap-drop chown box true; docker inspect -f '{{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}}' caps

#: a capability that nobody knows
docker run --name what --cap-add WHATEVER box true 2>out; echo $?
grep -oi 'WHATEVER' out | head -n 1
docker ps -aq | wc -l

#: a privileged container may do everything
docker run --rm --privileged box sh -c 'grep Seccomp: /proc/self/status; mkdir /m && mount -t tmpfs x /m && echo mounted; test -w /proc/sys && sysctl -w net.ipv4.ip_forward=1'
docker run --rm --privileged box sh -c 'test -e /dev/kmsg && echo host devices; mknod /desk/b b 7 200 && echo made; grep -c " /proc/sys " /proc/mounts; test -w /sys/kernel && grep " /sys " /proc/mounts | cut -d" " -f4 | cut -c1-2'
docker run --rm box sh -c 'exec 2>&1; mkdir /m; mount -t tmpfs x /m; echo $?; test -e /dev/kmsg; echo $?; grep " /sys " /proc/mounts | cut -d" " -f4 | cut -c1-2'

#: no-new-privileges keeps a set-user-id program from being root
docker build -q -t setuid - <<D >id
FROM box
RUN mkdir /s && cp /bin/busybox /s/crontab && chmod 4755 /s/crontab
D
docker run --rm -u 5 setuid sh -c 'grep NoNewPrivs /proc/self/status; /s/crontab -l 2>&1 | grep -c "must be suid"'
docker run --rm -u 5 --security-opt no-new-privileges setuid sh -c 'grep NoNewPrivs /proc/self/status; /s/crontab -l 2>&1 | grep -c "must be suid"'
docker run --rm --security-opt no-new-privileges=false setuid sh -c 'grep NoNewPrivs /proc/self/status'
docker run --name nnp --security-opt no-new-privileges:true box true; docker inspect -f '{{.HostConfig.SecurityOpt}}' nnp

#: a seccomp profile of the user's own
cat >profile.json <<D
{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":1}]}
D
docker run --rm --security-opt seccomp=profile.json box sh -c 'exec 2>&1; mkdir /desk/x; echo $?; touch /desk/y; echo $?; grep Seccomp: /proc/self/status'
docker run --rm --security-opt seccomp=unconfined box sh -c 'mkdir /desk/x; echo $?; grep Seccomp: /proc/self/status'
echo 'no json' >broken.json; docker run --rm --security-opt seccomp=broken.json box true >out 2>&1; echo $?

#: the standard profile lets nobody unshare or set the clock
docker run --rm box unshare -U true; echo $?
docker run --rm --cap-add SYS_ADMIN box unshare -u true; echo $?
docker run --rm --security-opt seccomp=unconfined box sh -c 'unshare -U true; echo $?'
docker run --rm --cap-add SYS_TIME box sh -c 'date -s "$(date "+%Y-%m-%d %H:%M:%S")" >/dev/null; echo $?'
docker run --rm box sh -c 'date -s "$(date "+%Y-%m-%d %H:%M:%S")" 2>&1 >/dev/null; echo $?'

#: system paths are hidden, and shown on demand
docker run --rm box sh -c 'wc -c </proc/keys; wc -c </proc/timer_list; ls /proc/acpi /sys/firmware | grep -v : | wc -w; grep " /proc/sys " /proc/mounts | cut -d" " -f4 | cut -d, -f1'
docker run --rm --security-opt systempaths=unconfined box sh -c 'grep -cE " /proc/(sys|keys|timer_list|bus) " /proc/mounts; test $(wc -c </proc/timer_list) -gt 0 && echo shown'
docker run --name paths --security-opt systempaths=unconfined box true; docker inspect -f '{{.HostConfig.MaskedPaths}} {{.HostConfig.ReadonlyPaths}}' paths
docker run --name plain box true; docker inspect -f '{{len .HostConfig.ReadonlyPaths}} {{json .HostConfig.ReadonlyPaths}}' plain

#: security options that nobody knows
docker run --rm --security-opt bogus=1 box true 2>&1 | sed -n 's/^docker: Error response from daemon: //p'; echo "${PIPESTATUS[0]}"
docker run --rm --security-opt no-new-privileges:perhaps box true 2>&1 | sed -n 's/^docker: Error response from daemon: //p'; echo "${PIPESTATUS[0]}"
docker ps -aq | wc -l

#: limits of a process
docker run --rm --ulimit nofile=1234:2345 --ulimit nproc=100 --ulimit core=0 box sh -c 'ulimit -Sn; ulimit -Hn; grep -E "Max (processes|core)" /proc/self/limits | tr -s " "'
docker run --rm --ulimit nofile=64 box sh -c 'ulimit -Sn; ulimit -Hn; exec 2>&1; ulimit -n 65; echo $?'
docker run --rm --ulimit fsize=1048576 box sh -c 'dd if=/dev/zero of=/desk/f bs=64k count=32 2>/dev/null; stat -c %s /desk/f'
docker run --name uls --ulimit memlock=4096:8192 --ulimit cpu=9:10 box true; docker inspect -f '{{json .HostConfig.Ulimits}}' uls

#: kernel settings of the container's own namespaces
docker run --rm --sysctl net.ipv4.ip_forward=0 --sysctl net.core.somaxconn=777 box sh -c 'sysctl -n net.ipv4.ip_forward net.core.somaxconn'
docker run --rm --sysctl kernel.msgmax=4321 box sysctl -n kernel.msgmax
docker run --name sys --sysctl net.ipv4.tcp_keepalive_time=123 box sysctl -n net.ipv4.tcp_keepalive_time; docker inspect -f '{{json .HostConfig.Sysctls}}' sys
docker run --rm --sysctl kernel.hostname=x box true >out 2>&1; echo $?
docker run --rm --sysctl vm.swappiness=10 box true >out 2>&1; echo $?
docker run --rm --network host --sysctl net.core.somaxconn=777 box true >out 2>&1; echo $?

#: a resolver of the user's own
docker run --rm --dns 192.0.2.1 --dns 192.0.2.2 --dns-search one.test --dns-search two.test --dns-opt ndots:3 --dns-opt rotate box grep -vE '^#|^$' /etc/resolv.conf
docker run --rm --dns 192.0.2.1 --dns-search . box grep -vE '^#|^$' /etc/resolv.conf
docker run --name dns --dns 192.0.2.1 --dns-search one.test --dns-opt ndots:3 box true; docker inspect -f '{{.HostConfig.Dns}} {{.HostConfig.DnsSearch}} {{.HostConfig.DnsOptions}}' dns
docker network create mine >id
docker run --rm --network mine --dns 192.0.2.1 --dns-search one.test --dns-opt ndots:3 box grep -vE '^#|^$' /etc/resolv.conf
try docker run --rm --dns nonsense box true 2>&1 | tail -n 1
docker run --rm --network none box sh -c 'test -e /etc/resolv.conf; echo $?'

#: hosts of the user's own and the host's gateway
docker run --rm --add-host one:192.0.2.7 --add-host two=192.0.2.8 --add-host six:2001:db8::1 -h me box sh -c 'grep -E "one|two|six" /etc/hosts; grep -c "me$" /etc/hosts'
docker network create --subnet 10.123.9.0/24 --gateway 10.123.9.254 gate >id
docker run --rm --network gate --add-host host.docker.internal:host-gateway box sh -c 'grep host.docker.internal /etc/hosts | cut -f2; a=$(grep host.docker.internal /etc/hosts | cut -f1); ping -c 1 -w 2 $a >/dev/null && echo reached'
docker run --rm --network none --add-host a1:192.0.2.1 box cat /etc/hosts
docker run --name hosts --add-host one:192.0.2.7 box true; docker inspect -f '{{.HostConfig.ExtraHosts}}' hosts
try docker run --rm --add-host bad box true 2>&1 | tail -n 1

#: names of the host and the domain
docker run --rm -h mine box sh -c 'hostname; cat /etc/hostname; grep -c "	mine$" /etc/hosts'
docker run --rm -h mine --domainname example.test box sh -c 'hostname; hostname -f; cat /etc/hostname; cat /proc/sys/kernel/domainname; grep mine /etc/hosts | cut -f2'
docker run --rm -h full.example.test box sh -c 'hostname; hostname -s; grep full /etc/hosts | cut -f2'
docker run -d --name hn box sleep 1000 >id; test "$(docker exec hn hostname)" = "$(cut -c1-12 id)" && echo the id
docker run --name dn -h mine --domainname example.test box true; docker inspect -f '{{.Config.Hostname}} {{.Config.Domainname}}' dn

#: a hostname can be changed with the right alone
docker run --rm box hostname other; docker run --rm --uts private box true >out 2>&1; echo $?
docker run --rm --cap-add SYS_ADMIN box sh -c 'hostname other; hostname'
docker run --rm --uts host box sh -c 'hostname' >in; host hostname >out; cmp in out && echo the same
docker run --rm --uts host -h xx box true >out 2>&1; echo $?

#: a link address of the user's own
docker run --rm --mac-address 02:42:ac:11:00:99 box cat /sys/class/net/eth0/address
docker run -d --name mac --mac-address 02:42:ac:11:00:98 box sleep 1000 >id
docker inspect -f '{{range .NetworkSettings.Networks}}{{.MacAddress}}{{end}}' mac
docker restart -t 0 mac; docker exec mac cat /sys/class/net/eth0/address
try docker run --rm --mac-address nonsense box true 2>&1 | tail -n 1

#: shared memory and message queues with another container
docker run -d --name first --ipc shareable box sh -c 'echo shared >/dev/shm/x; sleep 1000' >id
until_ok docker exec first test -e /dev/shm/x
docker run --rm --ipc container:first box cat /dev/shm/x
docker run -d --name own --ipc private box sleep 1000 >id
docker run --rm --ipc container:own box true >out 2>&1; echo $?
docker inspect -f '{{.HostConfig.IpcMode}}' first own
docker run --rm --ipc none box sh -c 'exec 2>&1; ls /dev/shm; grep -c " /dev/shm " /proc/mounts'
docker run --rm --ipc container:gone box true >out 2>&1; echo $?

#: processes seen by another container
docker run -d --name seen box sleep 4321 >id
docker run --rm --pid container:seen box sh -c 'ps -o args | grep -c "^sleep 4321"; echo $$ | grep -vc "^1$"'
docker run --rm --pid host box sh -c 'ps -o args | grep -c "^sleep 4321"'
docker run --rm box sh -c 'ps -o args | grep -c "^sleep 4321"; echo $$'
docker run -d --name joined --pid container:seen box sleep 1000 >id; docker inspect -f '{{.HostConfig.PidMode}}' joined | sed "s/$(docker inspect -f '{{.Id}}' seen)/the id/"
docker rm -f seen; until_ok sh -c 'docker inspect -f "{{.State.Running}}" joined | grep false'; docker inspect -f '{{.State.ExitCode}}' joined
docker start joined >out 2>&1; echo $?

#: the namespaces of the host and the container's own
for kind in ipc pid uts cgroup net user; do
  case $kind in pid) options='--pid host';; ipc) options='--ipc host';; uts) options='--uts host';; cgroup) options='--cgroupns host';; net) options='--network host';; user) options='--userns host';; esac
  docker run --rm --security-opt seccomp=unconfined $options box readlink /proc/self/ns/$kind >theirs
  docker run --rm box readlink /proc/self/ns/$kind >own
  cmp -s theirs own && echo "$kind the same" || echo "$kind differs"
done
docker run --name modes --pid host --ipc host --uts host --cgroupns host --userns host box true
docker inspect -f '{{.HostConfig.PidMode}} {{.HostConfig.IpcMode}} {{.HostConfig.UTSMode}} {{.HostConfig.CgroupnsMode}} {{.HostConfig.UsernsMode}}' modes

#: the stop signal and how long to wait
docker run -d --name polite --stop-signal USR1 box sh -c 'trap "echo told; exit 7" USR1; trap "echo wrong" TERM; echo ready; while :; do sleep 0.1; done' >id
until_ok sh -c 'docker logs polite | grep ready'
docker stop polite; docker logs polite; docker inspect -f '{{.State.ExitCode}} {{.Config.StopSignal}}' polite
docker run -d --name deaf --stop-timeout 1 box sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done' >id
until_ok sh -c 'docker logs deaf | grep ready'
docker stop deaf; docker inspect -f '{{.State.ExitCode}} {{.Config.StopTimeout}}' deaf
try docker run --rm --stop-signal NOSUCH box true 2>&1 | sed -n 's/^docker: Error response from daemon: //p'

#: restart policies
docker run -d --name fails --restart on-failure:2 box sh -c 'echo again; exit 3' >id
until_ok sh -c 'docker inspect -f "{{.State.Status}} {{.RestartCount}}" fails | grep "exited 2"'
docker logs fails; docker inspect -f '{{.State.ExitCode}} {{.RestartCount}} {{json .HostConfig.RestartPolicy}}' fails
docker run -d --name works --restart on-failure box true >id; docker wait works; docker inspect -f '{{.RestartCount}} {{.State.Status}}' works
docker run -d --name always --restart always box sh -c 'echo up; sleep 0.2' >id
until_ok sh -c 'test $(docker logs always | wc -l) -ge 3'
docker stop -t 0 always; sleep 0.5; docker inspect -f '{{.State.Status}}' always

#: a container that was stopped or killed by hand stays so
docker run -d --name kept --restart always box sleep 1000 >id
docker kill kept; sleep 0.5; docker inspect -f '{{.State.Running}} {{.RestartCount}}' kept
docker start kept; kill -9 "$(docker inspect -f '{{.State.Pid}}' kept)"
until_ok sh -c 'docker inspect -f "{{.State.Running}} {{.RestartCount}}" kept | grep "true 1"'
docker update --restart no kept; kill -9 "$(docker inspect -f '{{.State.Pid}}' kept)"; docker wait kept
sleep 0.3; docker inspect -f '{{.State.Running}} {{.HostConfig.RestartPolicy.Name}}' kept

#: restart policies that make no sense
try docker run --rm --restart always box true 2>&1 | tail -n 1
try docker run --restart sometimes box true 2>&1 | sed -n 's/^docker: Error response from daemon: //p'
try docker run --restart always:3 box true 2>&1 | sed -n 's/^docker: Error response from daemon: //p'
docker ps -aq | wc -l

#: a health check turns healthy and unhealthy
docker run -d --name well --health-cmd 'test -e /desk/ok' --health-interval 100ms --health-timeout 2s --health-retries 2 box sh -c 'touch /desk/ok; sleep 1000' >id
until_ok sh -c 'docker inspect -f "{{.State.Health.Status}}" well | grep -x healthy'
docker ps --filter health=healthy --format '{{.Names}} {{.Status}}' | sed -E 's/Up .*\(/Up (/'
docker exec well rm /desk/ok
until_ok sh -c 'docker inspect -f "{{.State.Health.Status}}" well | grep unhealthy'
docker inspect -f '{{ge .State.Health.FailingStreak 2}} {{(index .State.Health.Log 0).ExitCode | printf "%T"}}' well
docker inspect -f '{{json .Config.Healthcheck}}' well

#: the output of a health check is kept, and an image's own check is switched off
docker build -q -t checked - <<D >id
FROM box
HEALTHCHECK --interval=100ms CMD echo said; exit 1
D
docker run -d --name checked --health-retries 1 checked sleep 1000 >id
until_ok sh -c 'docker inspect -f "{{.State.Health.Status}}" checked | grep unhealthy'
docker inspect -f '{{with index .State.Health.Log 0}}{{.ExitCode}} {{json .Output}}{{end}}' checked
docker run -d --name off --no-healthcheck checked sleep 1000 >id
docker inspect -f '{{json .State.Health}} {{json .Config.Healthcheck}}' off
docker ps --filter health=none --format '{{.Names}}'

#: labels from the command line and files
printf '# comment\nfrom=file\nempty=\nbare\n' >labels
docker build -q -t labelled --label image=yes - <<D >id
FROM box
LABEL over=image kept=image
D
docker run --name lab -l one=1 -l over=mine --label-file labels labelled true
docker inspect -f '{{json .Config.Labels}}' lab
docker ps -a --filter label=one=1 --format '{{.Names}}'; docker ps -a --filter label=bare --format '{{.Names}}'; docker ps -a --filter label=one=2 --format '{{.Names}}'
docker ps -a --format '{{.Label "from"}}'

#: the id is written to a file
docker run -d --cidfile cid --name ided box sleep 1000 >id
test "$(cat cid)" = "$(cat id)" && echo the same; wc -c <cid
docker run --cidfile cid box true >out 2>&1; echo $?; docker ps -aq | wc -l
docker rm -f "$(cat cid)" | wc -c

#: an entry point of the user's own
docker build -q -t entry - <<D >id
FROM box
ENTRYPOINT ["echo","entry"]
CMD ["default"]
D
docker run --rm entry
docker run --rm entry mine 'two words'
docker run --rm --entrypoint printf entry '%s-' a b; echo
docker run --rm --entrypoint '' entry echo nothing before
docker run --rm --entrypoint pwd entry
docker run --name ep --entrypoint pwd entry -P; docker inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Path}} {{.Args}}' ep
docker run --rm --entrypoint '' entry >out 2>&1; echo $?

#: an image without a command
printf 'FROM scratch\nCOPY nothing /nothing\n' >Dockerfile; touch nothing; docker build -q -t bare . >id
docker run bare 2>&1 | grep -io 'no command specified'; echo "${PIPESTATUS[0]}"
docker create bare 2>&1 | grep -io 'no command specified'; echo "${PIPESTATUS[0]}"
docker run bare /nothing >out 2>&1; echo $?

#: a platform that is the machine's and one that is not
docker run --rm --platform linux/amd64 box uname -m
docker run --rm --pull never --platform linux/arm64 box true >out 2>&1; echo $?
docker run --rm --platform nonsense/foo/bar/baz box true >out 2>&1; echo $?
docker run --rm --pull never not-here:v9 true 2>&1 | grep -o 'No such image: not-here:v9'

#: how readily the kernel kills it
docker run --rm --oom-score-adj 500 box cat /proc/self/oom_score_adj
docker run --name oom --oom-score-adj 5 box true; docker inspect -f '{{.HostConfig.OomScoreAdj}}' oom; docker run -d --name joined --oom-score-adj 7 box sleep 1000 >id; docker exec joined cat /proc/self/oom_score_adj
docker run --rm --oom-score-adj 2000 box true 2>&1 | sed -n 's/^docker: Error response from daemon: //p'

#: annotations are kept
docker run --name noted --annotation a.b=c --annotation d=e box true
docker inspect -f '{{json .HostConfig.Annotations}}' noted
docker run --name unnoted box true; docker inspect -f '{{json .HostConfig.Annotations}}' unnoted

#: another container's volumes
docker create --name holder -v data:/data -v /anonymous box >id
docker run --rm --volumes-from holder box sh -c 'echo one >/data/x; echo two >/anonymous/x'
docker run --rm --volumes-from holder:ro box sh -c 'exec 2>&1; cat /data/x /anonymous/x; echo three >/data/x; echo $?'
docker run --name taker --volumes-from holder -v other:/data box sh -c 'ls /data /anonymous'
docker inspect -f '{{range .Mounts}}{{.Destination}} {{.RW}}{{println}}{{end}}' taker | sort
docker run --rm --volumes-from gone box true 2>&1 | grep -o 'No such container: gone'
docker rm -v holder >id; docker volume ls -q | grep -c data

#: a link is a name for another container
docker run -d --name server -e SECRET=s3 -h srv box sh -c 'echo hello | nc -l -p 7000; sleep 1000' >id
until_ok docker exec server sh -c 'netstat -ltn | grep 7000'
docker run --rm --link server:alias box sh -c 'nc -w 2 alias 7000; grep -c alias /etc/hosts; env | grep -E "ALIAS_(NAME|ENV_SECRET)" | sort | sed "s|=.*/|=|"'
docker run --name linked --link server box true; docker inspect -f '{{.HostConfig.Links}}' linked
docker run --rm --link gone:x box true >out 2>&1; echo $?

#: where the logs go
docker run --name nolog --log-driver none box echo text
try docker logs nolog 2>&1 | sed 's/^Error response from daemon: //'
docker run --name local --log-driver local box echo text >out; docker logs local
docker run --name json --log-opt max-size=10k --log-opt max-file=2 box echo text >out; docker inspect -f '{{json .HostConfig.LogConfig}}' json
docker run --name lab --log-opt labels=l1 --log-opt env=E1 -l l1=v1 -e E1=v2 box echo text >out; docker logs --details lab
for options in '--log-opt bogus=1' '--log-opt max-size=x' '--log-opt max-file=2'; do docker run --rm $options box true >out 2>&1; echo "$? $options"; done

#: a container that is to be removed is, with its anonymous volumes
docker run --rm --name gone -v /anon -v named:/named box true
docker ps -a -q | wc -l; docker volume ls -q
docker run -d --rm --name later -v /anon box sleep 1000 >id; docker inspect -f '{{.HostConfig.AutoRemove}}' later
docker stop -t 0 later; until_ok sh -c '! docker inspect later'; docker volume ls -q
docker run --rm --name failing box no-such-program >out 2>&1; docker ps -aq | wc -l

#: options that contradict the network's mode
docker run --rm --network host -h xx box hostname
for options in '--network host --link a1' '--network none --link x1' '--network container:x1 -h y' '--network container:x1 -p 80' '--network container:x1 --mac-address 02:42:ac:11:00:99' '--network container:x1 --dns 192.0.2.1' '--network container:x1 --add-host a1:192.0.2.3' '--network bogus'; do
  docker run --rm $options box true >out 2>&1; echo "$? $options"
  sed -n 's/^docker: Error response from daemon: //p' out
done
docker ps -aq | wc -l

#: modes and names that there are not
for options in '--pid bogus' '--ipc bogus' '--uts bogus' '--cgroupns bogus' '--userns bogus' '--name -x' '--name a/b' '--isolation hyperv' '--runtime bogus'; do
  docker run --rm $options box true >out 2>&1; echo "$? $options"
  sed -n 's/^docker: Error response from daemon: //p' out | grep -vE 'runtime|OCI|lookup|isolation'
done
docker ps -aq | wc -l

#: mounts and ports that make no sense
for options in '-p 99999' '-v relative/path:/x' '-v vol:relative' '-v a:/x:bogus' '-v aa:/x -v bb:/x' '-v aa:/' '-v aa:/x:ro,rw' '--tmpfs relative' '--mount type=bogus,target=/x' '--mount type=volume,source=aa' '--mount type=bind,source=relative,target=/x' '--mount type=tmpfs,source=x,target=/x' '--privileged --cgroupns private'; do
  docker run --rm $options box true >out 2>&1; echo "$? $options"
  sed -n 's/^docker: Error response from daemon: //p' out
done
docker ps -aq | wc -l

#: a name is given once
docker run --name taken box true
docker run --name taken box true 2>&1 | sed 's/^docker: Error response from daemon: //; /^$/d; /--help/d'; echo "${PIPESTATUS[0]}"
docker rename taken other; try docker run --name taken box true
docker ps -a --format '{{.Names}}' | sort

#: standard input is the caller's
echo text | docker run --rm -i box cat
echo text | docker run --rm box cat; echo nothing
printf 'one\ntwo\n' | docker run --rm -i box sh -c 'read a; echo "[$a]"; cat'
head -c 300000 /dev/zero | docker run --rm -i box wc -c
docker run --rm -i box cat </dev/null; echo $?
echo text | docker run --rm -i -a stdin -a stdout box sh -c 'cat; echo err >&2'

#: output and errors each go their way
docker run --rm box sh -c 'echo out; echo err >&2' >out 2>err; cat out; echo -; cat err
docker run --rm -a stderr box sh -c 'echo out; echo err >&2' >out 2>err; cat out; echo -; cat err
docker run --rm box sh -c 'head -c 1000000 /dev/zero; head -c 500000 /dev/zero >&2' 2>err | wc -c; wc -c <err
docker run --rm box printf 'no end'; echo

#: a terminal is a terminal
docker run --rm -t box sh -c 'tty; test -t 0 && test -t 1 && test -t 2 && echo all; stat -c %F /dev/console' | tr -d '\r'
docker run --rm -t box sh -c 'echo err >&2' 2>err | od -c | head -n 1; wc -c <err
docker run --rm box sh -c 'tty; test -t 1; echo $?; test -e /dev/console; echo $?'
docker run --rm -t box sh -c 'echo $TERM' | tr -d '\r'
docker create -t --name term box true >id; docker inspect -f '{{.Config.Tty}} {{.Config.OpenStdin}} {{.Config.StdinOnce}} {{.Config.AttachStdout}}' term

#: weights and rates of the disk are kept
disk=/dev/$(ls /sys/block | head -n 1)
docker run --name io --device-read-bps $disk:1mb --device-write-iops $disk:100 box true >out 2>&1; echo $?
docker inspect -f '{{json .HostConfig.BlkioDeviceReadBps}} {{json .HostConfig.BlkioDeviceWriteIOps}}' io | sed "s|$disk|/dev/disk|g"
docker run --rm --device-read-bps /dev/not-there:1mb box true >out 2>&1; echo $?

#: signals reach the program through the client
docker run --name told box sh -c 'trap "echo got; exit 9" TERM; echo ready; while :; do sleep 0.1; done' >out & client=$!
until_ok grep ready out
kill -TERM $client; wait $client; echo $?
cat out; docker inspect -f '{{.State.ExitCode}}' told
docker run --name deaf --sig-proxy=false box sh -c 'trap "echo got; exit 9" TERM; echo ready; while :; do sleep 0.1; done' >later & client=$!
until_ok grep ready later; kill -TERM $client; sleep 0.3; kill -9 $client; wait $client 2>/dev/null; docker inspect -f '{{.State.Running}}' deaf

#: what is not there is made for a mount or refused
docker run --rm -v "$folder/made":/made box sh -c 'echo x >/made/x'; cat made/x
docker run --rm --mount type=bind,source="$folder/missing",target=/m box true 2>&1 | grep -o 'bind source path does not exist'; echo "${PIPESTATUS[0]}"
docker run --rm -v "$folder/made":/made:ro box sh -c 'exec 2>&1; touch /made/y; echo $?'
docker run --rm -v "$folder/made/x":/etc/hosts:ro box cat /etc/hosts
docker run --rm -v "$folder/made":/deep/er/path box ls /deep/er/path

#: weights of block devices
docker run --rm --blkio-weight 300 box echo ran; docker run --rm --blkio-weight-device /dev/vda:300 box echo ran
docker create --name weighed --blkio-weight 300 --blkio-weight-device /dev/vda:200 box true >id; docker inspect -f '{{.HostConfig.BlkioWeight}} {{json .HostConfig.BlkioWeightDevice}}' weighed
for weight in 9 1001; do try docker run --rm --blkio-weight $weight box true 2>&1 | grep -oE 'Range.*|-> .*'; done
try docker run --rm --blkio-weight-device /dev/none:300 box true 2>&1 | grep -oE 'no such file or directory|-> .*'

#: real-time shares of the processor
docker create --name real --cpu-rt-runtime 1000 box true 2>&1 | grep -v '^[0-9a-f<]'; docker inspect -f '{{.HostConfig.CpuRealtimeRuntime}}' real
try docker run --rm --cpu-rt-period 10000 --cpu-rt-runtime 20000 box true 2>&1 | grep -v '^$' | grep -oE 'real-time.*|-> .*' | head -n 2

#: a control group of the user's own above the container's
docker run --name below --cgroupns host --cgroup-parent /berth-scenario box sh -c 'grep -o "/berth-scenario/[^ ]*" /proc/self/cgroup | sort -u'
docker inspect -f '{{.HostConfig.CgroupParent}}' below
docker run --rm --cgroup-parent /berth-scenario --memory 20m box sh -c 'grep -c . /proc/self/cgroup >/dev/null && echo limited'
docker rm below; find /sys/fs/cgroup -depth -type d -name berth-scenario -exec rmdir {} + 2>/dev/null; find /sys/fs/cgroup -type d -name berth-scenario | wc -l
