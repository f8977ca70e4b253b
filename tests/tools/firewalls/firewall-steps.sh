#!/usr/bin/env bash
# Runs inside the tree of beside-firewalls.sh.
set -euo pipefail
cd /test
. ./facts.sh
ln -s /test/build/cli/berth-cli /usr/local/bin/berth

# Another machine, behind a link, that serves a page and asks for ours.
ip link set lo up
ip netns add other
ip link add toother type veth peer name eth0 netns other
ip addr add 192.0.2.1/24 dev toother
ip link set toother up
ip -n other addr add 192.0.2.2/24 dev eth0
ip -n other link set eth0 up
mkdir /tmp/page && echo elsewhere >/tmp/page/index.html
ip netns exec other busybox httpd -p 80 -h /tmp/page

mkdir /etc/berth
echo "{\"cgroup-parent\": \"/$BERTH_TEST_NAME\"}" >/etc/berth/daemon.json
setsid /test/build/berthd >/run/berthd.log 2>&1 </dev/null &
eventually "the daemon answers" berth docker ps
make_box
berth docker network create net >/dev/null
berth docker run -d --name site --network net -p 8099:80 box httpd -f -p 80 -h /www >/dev/null
berth docker run -d --name client --network net box sleep 100000 >/dev/null

from_other() { ip netns exec other timeout 3 busybox wget -q -O - http://192.0.2.1:8099/ | grep -qx served; }
inside_out() { berth docker exec client timeout 3 wget -q -O - http://192.0.2.2/ | grep -qx elsewhere; }
among_them() { berth docker exec client timeout 3 wget -q -O - http://site/ | grep -qx served; }
fresh() { berth docker run --rm --network net box sh -c 'timeout 3 wget -q -O - http://site/ && timeout 3 wget -q -O - http://192.0.2.2/' | tr '\n' ' ' | grep -qx 'served elsewhere '; }
works() { # WHEN
  eventually "$1: this machine reaches the port" answers
  eventually "$1: another machine reaches the port" from_other
  eventually "$1: a container gets out" inside_out
  eventually "$1: containers reach each other" among_them
  eventually "$1: so does a new one" fresh
}

works "without a firewall"

modes() { update-alternatives --set iptables "/usr/sbin/iptables-$1" >/dev/null; update-alternatives --set ip6tables "/usr/sbin/ip6tables-$1" >/dev/null; }

modes nft
holds "ufw begins" ufw --force enable
works "beside ufw"
holds "ufw is reloaded" ufw reload
works "beside ufw, reloaded"
holds "ufw ends" ufw --force disable
iptables -P FORWARD ACCEPT; iptables -P INPUT ACCEPT

mkdir -p /run/dbus
dbus-daemon --system --fork
firewalld --nofork --nopid >/run/firewalld.log 2>&1 &
firewalld=$!
eventually "firewalld begins" firewall-cmd --state
works "beside firewalld"
holds "firewalld is reloaded" firewall-cmd --reload
works "beside firewalld, reloaded"
kill $firewalld
wait $firewalld || true
works "after firewalld"

holds "iptables of old drops what it forwards" iptables-legacy -P FORWARD DROP
fails "then another machine reaches no port" from_other
# What docs/operations.md tells its owner to say:
for links in 'berth+' 'br-+'; do
  iptables-legacy -A FORWARD -i "$links" -j ACCEPT
  iptables-legacy -A FORWARD -o "$links" -j ACCEPT
done
works "beside iptables of old that was told"

berth docker rm -f site client >/dev/null
berth docker network rm net >/dev/null
kill -TERM "$(cat /run/berth/berthd.pid)"
eventually "the daemon ends" [ ! -e /run/berth/berthd.pid ]
/test/build/berthd --clean-up
