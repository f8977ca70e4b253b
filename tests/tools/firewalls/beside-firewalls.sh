#!/usr/bin/env bash
# beside-firewalls.sh CHECKOUT BUILD WORK - tries published ports and the way out beside the firewalls that people use, each in its default state, in a tree with a network of its
# own. Prints "fact: ..." lines and "passed", or what is broken.
set -euo pipefail
build=$(readlink -f "$2") work=$3
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=tests/tools/tree.sh
. "$here/../tree.sh"
make_tree conmon,crun,tini,libnftables1,libsqlite3-0,libzstd1,ca-certificates,busybox-static,iproute2,procps,ufw,firewalld,iptables,nftables,dbus,python3
cp -a "$build/." "$work/root/test/build/"
cp "$here/../installation/facts.sh" "$here/firewall-steps.sh" "$work/root/test/"
inside --net /test/firewall-steps.sh
passed
