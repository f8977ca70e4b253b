#!/usr/bin/env bash
# logs.sh [COUNT] [MEGABYTES] - logs written and read: a container prints so much in lines of 100 bytes; `logs` gives it back. And the daemon's memory meanwhile.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
count=${1:-3} megabytes=${2:-200}
engines berth docker podman
share_image "$IMAGE"
line=$(printf 'x%.0s' $(seq 99))

# No cap: all of it is to be there. Podman has one driver that rotates nothing by default.
write() { # ENGINE
  local options=(--log-opt max-size=-1)
  [ "$1" = berth ] || options=()
  "$1" rm -f -v log >/dev/null 2>&1 || true
  "$1" run -d --name log "${options[@]}" "$IMAGE" sh -c "yes $line | head -c ${megabytes}000000" >/dev/null
  "$1" wait log >/dev/null
}
read_all() { # ENGINE
  [ "$("$1" logs log | wc -c)" = "${megabytes}000000" ]
}
peak() { awk '/^VmHWM:/ {print $2}' "/proc/$1/status"; }

compare "writing $megabytes MB of logs" "$count" 'berth=write berth' 'docker=write docker' 'podman=write podman'
echo 5 >"/proc/$berthd_pid/clear_refs"; before=$(peak "$berthd_pid") # proc(5): the peak begins anew
compare "reading $megabytes MB of logs" "$count" 'berth=read_all berth' 'docker=read_all docker' 'podman=read_all podman'
printf '%-34s %-8s %s kB more resident memory at the most\n' "reading $megabytes MB of logs" berth $(($(peak "$berthd_pid") - before))
BENCH_CLIENT=docker
compare "reading $megabytes MB, Docker's client" "$count" 'berth=read_all berth' 'docker=read_all docker'
