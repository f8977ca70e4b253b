#!/usr/bin/env bash
# Runs inside the machine of in-machine.sh, once after each boot; /test/step says where it is.
set -euo pipefail
cd /test
. ./facts.sh
trap 'status=$?; if [ $status != 0 ]; then echo "broken: step $(cat step 2>/dev/null) ended with $status"; journalctl -u berth -n 30 --no-pager -o cat; systemctl poweroff --force; fi' EXIT
step=$(cat step 2>/dev/null || echo 1)

case $step in
  1)
    files >/var/tmp/before
    mv /var/tmp/before /test/before
    holds "it installs" ./packaging/install ./build
    holds "the service runs when install returns" systemctl is-active -q berth
    holds "the command line reaches it" berth docker ps
    make_box
    holds "a container starts" berth docker run -d --name site --restart always -p 8099:80 box httpd -f -p 80 -h /www
    holds "a container without a restart policy starts" berth docker run -d --name once box sleep 100000
    eventually "the site answers" answers
    first=$(berth docker inspect -f '{{.State.Pid}}' site)

    holds "a container has a profile of AppArmor" [ "$(berth docker run --rm box cat /proc/self/attr/current)" = "berth-default (enforce)" ]
    fails "with it nothing is mounted" berth docker run --rm --cap-add SYS_ADMIN box mount -t tmpfs none /www
    holds "without it something is" berth docker run --rm --cap-add SYS_ADMIN --security-opt apparmor=unconfined box mount -t tmpfs none /www
    cp /etc/subuid /etc/subgid /var/tmp/
    echo dockremap:1000000:65536 | tee -a /etc/subuid >>/etc/subgid
    mkdir -p /etc/berth
    echo '{"userns-remap": "default"}' >/etc/berth/daemon.json
    systemctl restart berth
    holds "root in a container is nobody on the host" [ "$(berth docker run --rm box cat /proc/self/uid_map | tr -s ' ')" = " 0 1000000 65536" ]
    holds "its files are its own" [ "$(berth docker run --rm -v ids:/v box sh -c 'touch /v/f && stat -c %u /v/f /bin/busybox | tr "\n" " "')$(stat -c %u /var/lib/berth/volumes/ids/_data/f)" = "0 0 0" ]
    rm -r /etc/berth
    cp /var/tmp/subuid /var/tmp/subgid /etc/
    rm /var/tmp/subuid /var/tmp/subgid
    systemctl restart berth

    pid=$(systemctl show -p MainPID --value berth)
    kill -KILL "$pid"
    eventually "systemd starts a killed daemon again" sh -c "[ \"\$(systemctl show -p MainPID --value berth)\" != $pid ] && berth docker ps"
    holds "the container ran on" [ "$(berth docker inspect -f '{{.State.Pid}}' site)" = "$first" ]

    touch /test/asking
    ask_while /test/asking /test/asked &
    asking=$!
    before=$(systemctl show -p MainPID --value berth) plane=$(cut -d' ' -f1 /run/berth/edge/edge.pid)
    (while [ -e /test/asking ]; do berth docker ps -q || echo failed; done) >/test/lists 2>&1 &
    lists=$!
    holds "installing again is an upgrade" ./packaging/install ./build
    holds "the daemon is another one" [ "$(systemctl show -p MainPID --value berth)" != "$before" ]
    holds "so is the data plane" [ "$(cut -d' ' -f1 /run/berth/edge/edge.pid)" != "$plane" ]
    rm /test/asking
    wait $lists
    fails "no question to the daemon failed during the upgrade" grep -v '^[0-9a-f]*$' /test/lists
    wait $asking
    holds "no request failed during the upgrade" no_request_failed /test/asked
    holds "the container ran on through the upgrade" [ "$(berth docker inspect -f '{{.State.Pid}}' site)" = "$first" ]
    holds "the daemon is the new build" [ "$(readlink -f /usr/local/sbin/berthd)" = "$(readlink "/proc/$(systemctl show -p MainPID --value berth)/exe")" ]

    systemctl -q stop berth.socket berth.service
    holds "stopping the service leaves the site" answers
    systemctl start berth.socket
    holds "who asks starts the service" berth docker ps
    mkdir /run/systemd/system/berth.service.d
    printf '[Service]\nWatchdogSec=20s\n' >/run/systemd/system/berth.service.d/short.conf
    systemctl daemon-reload
    systemctl restart berth
    pid=$(systemctl show -p MainPID --value berth)
    kill -STOP "$pid"
    eventually "a daemon that stands still is started anew" sh -c "[ \"\$(systemctl show -p MainPID --value berth)\" != $pid ] && timeout 10 berth docker ps"
    pid=$(systemctl show -p MainPID --value berth)
    sleep 45 # two times the watchdog's patience
    holds "one that is well is not" [ "$(systemctl show -p MainPID --value berth)" = "$pid" ]
    rm -r /run/systemd/system/berth.service.d
    systemctl daemon-reload
    fails "uninstall refuses while containers run" berth uninstall
    holds "and has changed nothing" systemctl is-active -q berth
    echo 2 >step
    date +%s >rebooting
    fact "rebooting"
    systemctl reboot ;;
  2)
    eventually "the daemon comes back after a reboot" berth docker ps
    holds "the machine went down without waiting for deaf containers" [ $(($(date -d "$(uptime -s)" +%s) - $(cat rebooting))) -lt 80 ]
    eventually "the site comes back after a reboot" answers
    holds "what had no restart policy stays down" [ "$(berth docker inspect -f '{{.State.Status}}' once)" = exited ]
    berth docker rm -f site once
    holds "it is uninstalled by its own command" berth uninstall
    fails "the service is gone" systemctl cat berth
    holds "data stays" [ -e /var/lib/berth/state.db ]
    holds "it installs over the data" ./packaging/install ./build
    holds "and finds its image again" berth docker image inspect box
    holds "it is uninstalled with its data" berth uninstall --purge
    files >/var/tmp/after
    mv /var/tmp/after /test/after
    diff /test/before /test/after || broken "files differ after uninstall --purge"
    fact "no file is left"
    ! grep -q berth-default /sys/kernel/security/apparmor/profiles || broken "the profile of AppArmor is left"
    for name in /run/berth /sys/fs/cgroup/berth*; do [ ! -e "$name" ] || broken "$name is left"; done
    ! ip -o link | grep -E 'berth0|br-' || broken "links are left"
    ! pgrep -f 'berth|conmon' -l || broken "processes are left"
    fact "nothing is left in the kernel"
    echo passed
    sync
    systemctl poweroff ;;
esac
