#!/usr/bin/env bash
# memory.sh [REQUESTS] - proportional set size (PSS) of the daemons: idle, and after API requests. Podman has no daemon to compare.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
requests=${1:-10000}
engines berth docker

pss() { awk '/^Pss:/ {total += $2} END {printf "%.1f", total / 1024}' "$@"; }
rollups() { local pid; for pid in "$@"; do echo "/proc/$pid/smaps_rollup"; done; }

berth_pids() { echo "$berthd_pid $(edge_pid)"; }
docker_pids() { echo "$dockerd_pid $(pgrep -P "$dockerd_pid" containerd | tr '\n' ' ')"; } # its own containerd, no other

measure() { # MOMENT
  local berth docker
  # shellcheck disable=SC2046 # the file names are words
  { berth=$(pss $(rollups $(berth_pids))); docker=$(pss $(rollups $(docker_pids))); }
  printf '%-34s %-8s n=1    PSS %9s MB\n' "$1" berth "$berth"
  printf '%-34s %-8s n=1    PSS %9s MB   ratio of the first to it %s\n' "$1" docker "$docker" "$(awk -v a="$berth" -v b="$docker" 'BEGIN {printf "%.2f", a / b}')"
}

ask() { # SOCKET: one container list after the other over one connection
  curl -s --fail --unix-socket "$1" "http://engine/v1.44/containers/json?all=1&request=[1-$requests]" -o /dev/null
}

sleep 5
measure 'idle'
ask "$berth_socket"
ask "$docker_socket"
measure "after $requests requests"
sleep "${SETTLE:-30}"
measure '30 s later'

# What one idle container costs beside the daemons: conmon here, containerd-shim there.
share_image "$IMAGE"
containers=20
for engine in berth docker; do for i in $(seq $containers); do $engine run -d --name "idle$i" "$IMAGE" sleep 10000 >/dev/null; done; done
berth_shims() { cat /sys/fs/cgroup/berth-bench-conmon/cgroup.procs /sys/fs/cgroup/*/berth-bench-conmon/cgroup.procs 2>/dev/null | sort -u; }
docker_shims() { pgrep -f "containerd-shim.*$BENCH_ROOT/docker"; }
for engine in berth docker; do
  # shellcheck disable=SC2046 # the file names are words
  printf '%-34s %-8s n=%-4s PSS %9s MB each, %s processes\n' 'an idle container' $engine $containers "$(awk -v all="$(pss $(rollups $(${engine}_shims)))" -v n=$containers 'BEGIN {printf "%.2f", all / n}')" "$(${engine}_shims | wc -l)"
done
measure "with $containers containers"
for engine in berth docker; do $engine rm -f $(seq -f 'idle%g' $containers) >/dev/null; done
