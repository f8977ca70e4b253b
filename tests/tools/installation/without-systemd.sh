#!/usr/bin/env bash
# without-systemd.sh CHECKOUT BUILD WORK - tries "berth install" on a Debian without systemd: a tree of its own in namespaces of
# its own (mounts, processes, network). One needed package is missing there, and is installed from the host's mirror.
# Prints "fact: ..." lines and "passed", or what is broken.
set -euo pipefail
checkout=$(readlink -f "$1") build=$(readlink -f "$2") work=$3
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=tests/tools/tree.sh
. "$here/../tree.sh"
make_tree conmon,crun,runc,mmdebstrap,libnftables1,libsqlite3-0,libzstd1,ca-certificates,busybox-static,iproute2,procps # no tini
cp -a "$checkout/packaging" "$work/root/test/packaging"
cp -a "$build/." "$work/root/test/build/"
cp "$here/facts.sh" "$here/tree-steps.sh" "$work/root/test/"
# The package is fetched in the host's network; everything else happens in a network of its own.
inside --mount "/test/tree-steps.sh install"
inside --net "/test/tree-steps.sh use"
passed
