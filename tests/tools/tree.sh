# tree.sh - sourced by scripts that try something on a Debian of its own: a tree with namespaces of its own (mounts, processes, network), beside the host.
# They set "work", a folder that may hold the tree.
name=berthtree$$
make_tree() { # PACKAGE,PACKAGE,...
  mkdir -p "$work"
  mmdebstrap --quiet --variant=minbase --include="$1" bookworm "$work/root" >"$work/mmdebstrap.log" 2>&1 || { tail -n 5 "$work/mmdebstrap.log" >&2; exit 1; }
  mkdir -p "$work/root/test/build"
  for file in /etc/resolv.conf /etc/hosts; do cp --dereference $file "$work/root$file"; done
}

inside() { # --net for a network of its own, or --mount for the host's; COMMAND IN THE TREE
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
    exec env -u NOTIFY_SOCKET PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin BERTH_TEST_NAME='"$name"' '"$2" "$work/root" </dev/null
}
# Whatever happens: the processes are gone with their namespace, and the control groups with them.
remove_groups() {
  local group
  for group in /sys/fs/cgroup/$name* /sys/fs/cgroup/*/$name*; do
    [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} \;
  done
}
trap remove_groups EXIT

# Says that nothing is left, or what.
passed() {
  local group
  for group in /sys/fs/cgroup/$name* /sys/fs/cgroup/*/$name*; do
    [ ! -d "$group" ] || { echo "broken: the control group $group is left" >&2; exit 1; }
  done
  echo passed
}
