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
