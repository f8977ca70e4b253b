#!/usr/bin/env bash
# without-systemd.sh CHECKOUT BUILD WORK - tries "berth install" on a Debian without systemd: a tree of its own in namespaces of
# its own (mounts, processes, network). One needed package is missing there, and is installed from the host's mirror.
# Prints "fact: ..." lines and "passed", or what is broken.
set -euo pipefail
checkout=$(readlink -f "$1") build=$(readlink -f "$2") work=$3
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
packages=conmon,crun,runc,mmdebstrap,libnftables1,libsqlite3-0,libzstd1,ca-certificates,busybox-static,iproute2,procps # no tini
mkdir -p "$work"
mmdebstrap --quiet --variant=minbase --include=$packages bookworm "$work/root" >"$work/mmdebstrap.log" 2>&1 || { tail -n 5 "$work/mmdebstrap.log" >&2; exit 1; }
mkdir -p "$work/root/test/build"
cp -a "$checkout/packaging" "$work/root/test/packaging"
cp -a "$build/." "$work/root/test/build/"
cp "$here/facts.sh" "$here/tree-steps.sh" "$work/root/test/"
for file in /etc/resolv.conf /etc/hosts; do cp --dereference $file "$work/root$file"; done
name=berthtree$$
# The package is fetched in the host's network; everything else happens in a network of its own.
inside() { # NETWORK STEP
  unshare --mount --pid --fork --kill-child --uts --ipc "$1" /usr/bin/tini-static -s -- bash -ec '
    mount --bind "$0" "$0"
    cd "$0"
    mount -t proc proc proc
    mount -t tmpfs tmpfs run
    mount -t tmpfs tmpfs tmp
    mount --rbind /dev dev
    mount --rbind /sys sys
    mkdir -p .old
    pivot_root . .old
    cd /
    umount -l /.old
    rmdir /.old
    exec env -u NOTIFY_SOCKET PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin BERTH_TEST_NAME='"$name"' /test/tree-steps.sh '"$2" "$work/root" </dev/null
}
# Whatever happens: the processes are gone with their namespace, and the control groups with them.
remove_groups() {
  local group
  for group in /sys/fs/cgroup/$name* /sys/fs/cgroup/*/$name*; do
    [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} \;
  done
}
trap remove_groups EXIT
inside --mount install
inside --net use
for group in /sys/fs/cgroup/$name* /sys/fs/cgroup/*/$name*; do
  [ ! -d "$group" ] || { echo "broken: the control group $group is left" >&2; exit 1; }
done
echo passed
