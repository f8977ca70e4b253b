#!/usr/bin/env bash
# Runs inside the tree of without-systemd.sh.
set -euo pipefail
cd /test
. ./facts.sh
daemon() { # in the background, as a user without systemd starts it
  setsid berthd --restart-after-crash >>/run/berthd.log 2>&1 </dev/null &
  eventually "the daemon that was started by hand answers" berth docker ps
}

case $1 in
  install)
    # Here the network is the host's, and control groups always are: names of its own, so that nothing is taken from a Berth that is there.
    mkdir /etc/berth
    echo "{\"cgroup-parent\": \"/$BERTH_TEST_NAME\", \"nft-table\": \"$BERTH_TEST_NAME\", \"bridge\": \"bti-0\", \"bridge-prefix\": \"bti-\"}" >/etc/berth/daemon.json
    fails "tini is missing" command -v tini
    holds "it installs" ./packaging/install ./build
    holds "a missing package was installed" command -v tini
    holds "the command line works without .NET" berth --version
    fails "there is no .NET" command -v dotnet
    holds "it is uninstalled" berth uninstall --purge
    files >/test/before ;;
  use)
    ip link set lo up
    mkdir /etc/berth
    echo "{\"cgroup-parent\": \"/$BERTH_TEST_NAME\"}" >/etc/berth/daemon.json
    # Interrupted at three moments; each next run goes on.
    for moment in 0.1 0.2 0.3 0.4; do timeout -s KILL $moment ./packaging/install ./build || true; done
    holds "it installs after having been interrupted" ./packaging/install ./build
    holds "an interrupted run leaves one build" [ "$(find /usr/local/lib/berth -mindepth 1 -maxdepth 1 -type d | wc -l)" = 1 ]
    daemon
    make_box
    holds "a container starts" berth docker run -d --name site --restart always -p 8099:80 box httpd -f -p 80 -h /www
    eventually "the site answers" answers

    pid=$(cat /run/berth/berthd.pid)
    kill -KILL "$pid"
    eventually "a killed daemon is started again" sh -c "[ \"\$(cat /run/berth/berthd.pid)\" != $pid ] && berth docker ps"
    holds "the site went on" answers

    touch /test/asking
    ask_while /test/asking /test/asked &
    asking=$!
    holds "installing again is an upgrade" ./packaging/install ./build
    rm /test/asking
    wait $asking
    holds "no request failed during the upgrade" no_request_failed /test/asked
    rm /test/asked
    holds "the daemon is the new build" [ "$(readlink -f /usr/local/sbin/berthd)" = "$(readlink "/proc/$(cat /run/berth/berthd.pid)/exe")" ]
    fails "uninstall refuses while containers run" berth uninstall
    holds "and the daemon still answers" berth docker ps

    kill -TERM "$(cat /run/berth/berthd.pid)"
    eventually "a stopped daemon stays stopped" [ ! -e /run/berth/berthd.pid ]
    fails "uninstall refuses while containers run without a daemon" berth uninstall
    daemon
    berth docker rm -f site
    holds "it is uninstalled with its data" berth uninstall --purge
    files >/test/after
    diff /test/before /test/after || broken "files differ after uninstall --purge"
    fact "no file is left"
    [ ! -e /run/berth ] || broken "/run/berth is left"
    ! ip -o link | grep -E 'berth0|br-' || broken "links are left"
    ! pgrep -l 'berth|conmon' || broken "processes are left"
    fact "nothing is left in the kernel" ;;
esac
