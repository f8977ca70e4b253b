# Shared by the benchmarks: starts each engine with roots of its own, measures them in turn, prints medians and ratios.
# Source it, then call `engines berth docker podman` with those that a figure compares.
#
# Every engine stores its images with overlayfs below $BENCH_ROOT. Docker and Podman run in network namespaces of their own: they change
# the host's firewall (Docker sets its FORWARD policy to drop) and leave their chains behind.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BENCH_ROOT=${BENCH_ROOT:-/var/tmp/berth-bench}
IMAGE=debian:bookworm-slim
peers=$repository/artifacts/peers/modern-docker
berth_bin=$repository/artifacts/bench/berth
berth_socket=$BENCH_ROOT/berth/run/berth.sock
docker_socket=$BENCH_ROOT/docker/run/docker.sock
started=()

say() { echo "bench: $*" >&2; }

[ "$(id -u)" = 0 ] || { say "this needs root"; exit 1; }

# An engine's own command line, as its user types it.
# With BENCH_CLIENT=docker the client is Docker's on both sides, so that only the engines differ.
berth() {
  if [ "${BENCH_CLIENT:-}" = docker ]; then docker_to_berth "$@"; else BERTH_HOST=unix://$berth_socket "$berth_bin/cli/berth-cli" "$@"; fi
}
docker() { DOCKER_CONFIG=$BENCH_ROOT/docker/config DOCKER_HOST=unix://$docker_socket "$peers/usr/bin/docker" "$@"; }
podman() {
  CONTAINERS_CONF=$BENCH_ROOT/podman/containers.conf nsenter --net=/run/netns/berth-bench-podman podman --root "$BENCH_ROOT/podman/root" --runroot "$BENCH_ROOT/podman/run" --storage-driver overlay --cgroup-manager cgroupfs "$@"
}
# Docker's client speaking to Berth: for what must be the same client on both sides.
docker_to_berth() { DOCKER_BUILDKIT=0 DOCKER_CONFIG=$BENCH_ROOT/docker/config DOCKER_HOST=unix://$berth_socket "$peers/usr/bin/docker" "$@"; }

engines() {
  trap cleanup EXIT
  mkdir -p "$BENCH_ROOT/docker/config/cli-plugins"
  "$repository/tests/tools/modern-docker.sh" "$peers"
  ln -sf "$peers"/usr/libexec/docker/cli-plugins/* "$BENCH_ROOT/docker/config/cli-plugins/"
  local engine
  for engine in "$@"; do started+=("$engine"); "start_$engine"; done
  {
    echo "$(nproc) processors, $(awk '/MemTotal/ {printf "%.1f GB", $2 / 1e6}' /proc/meminfo), Linux $(uname -r), load $(cut -d' ' -f1-3 /proc/loadavg)"
    for engine in "$@"; do "version_$engine"; done
  } | sed 's/^/# /'
}

start_berth() {
  [ -e "$berth_bin/.built" ] && [ -z "$(find "$repository"/src "$repository"/Directory.*.props -newer "$berth_bin/.built" -type f -print -quit)" ] ||
    "$repository/packaging/publish" "$berth_bin" false
  touch "$berth_bin/.built"
  setsid "$berth_bin/berthd" --data-root "$BENCH_ROOT/berth/data" --exec-root "$BENCH_ROOT/berth/run" -H "unix://$berth_socket" \
    --nft-table berth_bench --bridge bbn0 --bridge-prefix bbn- --cgroup-parent /berth-bench \
    --default-address-pool base=10.198.0.0/16,size=24 >"$BENCH_ROOT/berthd.log" 2>&1 </dev/null &
  berthd_pid=$!
  answers "$berth_socket" "$BENCH_ROOT/berthd.log" $berthd_pid
}

start_docker() {
  local tool
  for tool in containerd runc iptables tini; do
    need $tool
  done
  ip netns add berth-bench
  ip -n berth-bench link set lo up
  PATH=$peers/usr/sbin:$PATH setsid nsenter --net=/run/netns/berth-bench "$peers/usr/sbin/dockerd" --data-root "$BENCH_ROOT/docker/data" \
    --exec-root "$BENCH_ROOT/docker/run" -H "unix://$docker_socket" -p "$BENCH_ROOT/docker/dockerd.pid" --storage-driver overlay2 \
    --init-path "$(type -P tini)" --cgroup-parent /docker-bench --exec-opt native.cgroupdriver=cgroupfs >"$BENCH_ROOT/dockerd.log" 2>&1 </dev/null &
  dockerd_pid=$!
  answers "$docker_socket" "$BENCH_ROOT/dockerd.log" $dockerd_pid
}

# A command of the package of the same name; not a function here that is called like it.
need() { # PACKAGE
  type -P "$1" >/dev/null || { say "installing $1" && apt-get -q update >/dev/null && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q -y install --no-install-recommends "$1" >/dev/null; }
}

start_podman() {
  need podman
  mkdir -p "$BENCH_ROOT/podman"
  ip netns add berth-bench-podman
  ip -n berth-bench-podman link set lo up
  # No limits of its own: without CAP_SYS_RESOURCE it may not set them. Debian's crun refuses a hybrid control group hierarchy.
  { echo '[containers]'; echo 'default_ulimits = []'; } >"$BENCH_ROOT/podman/containers.conf"
  [ ! -d /sys/fs/cgroup/unified ] || { echo '[engine]'; echo 'runtime = "runc"'; } >>"$BENCH_ROOT/podman/containers.conf"
}

version_berth() { echo "Berth $("$berth_bin/berthd" --version | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1)"; }
version_docker() { echo "Docker $(docker version --format '{{.Server.Version}}'), $(docker info --format '{{.Driver}}'); $(docker compose version)"; }
version_podman() {
  CONTAINERS_CONF=$BENCH_ROOT/podman/containers.conf command podman --version; }

answers() { # SOCKET LOG PID
  local i
  for ((i = 0; i < 600; i++)); do
    curl -s --max-time 2 --unix-socket "$1" http://engine/_ping >/dev/null 2>&1 && return
    [ -d "/proc/$3" ] || break
    sleep 0.1
  done
  tail -n 5 "$2" >&2
  say "the engine at $1 did not start"
  exit 1
}

# The same image for everyone: made by Berth if it isn't there, handed over as an archive.
share_image() { # NAME
  local archive=$BENCH_ROOT/image.tar engine
  if ! docker_to_berth image inspect "$1" >/dev/null 2>&1; then docker_to_berth pull "$1" >"$BENCH_ROOT/pull.log"; fi
  docker_to_berth save -o "$archive" "$1"
  for engine in "${started[@]}"; do
    case $engine in
      docker) docker load -q -i "$archive" >/dev/null ;;
      podman) podman load -q -i "$archive" >/dev/null ;;
    esac
  done
  rm -f "$archive"
}

# compare NAME COUNT LABEL=COMMAND ...: runs the commands in turn, COUNT times after one warm-up each, and prints n, the median and
# the quartiles in milliseconds, and the ratio of the first command's median to each other one's.
compare() {
  local name=$1 count=$2 pair label i begin first=''
  shift 2
  for pair in "$@"; do
    label=${pair%%=*}
    : >"$BENCH_ROOT/times.$label"
    eval "${pair#*=}" >"$BENCH_ROOT/output.$label" 2>&1 </dev/null || { cat "$BENCH_ROOT/output.$label" >&2; say "failed: ${pair#*=}"; exit 1; }
  done
  for ((i = 0; i < count; i++)); do
    for pair in "$@"; do
      label=${pair%%=*}
      begin=$(date +%s%N)
      eval "${pair#*=}" >"$BENCH_ROOT/output.$label" 2>&1 </dev/null || { cat "$BENCH_ROOT/output.$label" >&2; say "failed: ${pair#*=}"; exit 1; }
      echo $((($(date +%s%N) - begin) / 1000)) >>"$BENCH_ROOT/times.$label"
    done
  done
  for pair in "$@"; do
    label=${pair%%=*}
    first=${first:-$label}
    report "$name" "$label" "$BENCH_ROOT/times.$label" "$BENCH_ROOT/times.$first"
  done
}

# up_and_down NAME COUNT: rounds of up, up again and down, for one engine after the other: the functions ENGINE_up and ENGINE_down. The first round is a warm-up.
up_and_down() {
  local name=$1 count=$2 engine step verb begin round
  for ((round = 0; round <= count; round++)); do
    [ $round != 1 ] || rm -f "$BENCH_ROOT"/times.*
    for engine in berth docker; do
      for step in up again down; do
        verb=${step/again/up}
        begin=$(date +%s%N)
        "${engine}_$verb" >"$BENCH_ROOT/output" 2>&1 || { cat "$BENCH_ROOT/output" >&2; exit 1; }
        echo $((($(date +%s%N) - begin) / 1000)) >>"$BENCH_ROOT/times.$step.$engine"
      done
    done
  done
  for step in up again down; do
    for engine in berth docker; do
      report "$name: ${step/again/up, nothing to do}" $engine "$BENCH_ROOT/times.$step.$engine" "$BENCH_ROOT/times.$step.berth"
    done
  done
}

# Sorted microseconds in, the given quantile in milliseconds out.
quantile() { sort -n "$1" | awk -v q="$2" '{v[NR] = $1} END {i = 1 + (NR - 1) * q; l = int(i); h = l < NR ? l + 1 : l; printf "%.1f", (v[l] + (v[h] - v[l]) * (i - l)) / 1000}'; }

report() { # NAME LABEL TIMES TIMES_OF_THE_FIRST
  local median mine
  median=$(quantile "$3" 0.5)
  mine=$(quantile "$4" 0.5)
  printf '%-34s %-8s n=%-4s median %9s ms   quartiles %9s %9s   ratio of the first to it %s\n' "$1" "$2" "$(wc -l <"$3")" "$median" \
    "$(quantile "$3" 0.25)" "$(quantile "$3" 0.75)" "$(awk -v a="$mine" -v b="$median" 'BEGIN {printf "%.2f", a / b}')"
}

# Removes what the benchmark made; only things that bear its names.
cleanup() {
  local engine
  set +e
  for engine in "${started[@]}"; do "stop_$engine" || say "could not clean up after $engine"; done
  if [ "${KEEP:-}" = "" ]; then
    grep -o " $BENCH_ROOT/[^ ]*" /proc/self/mountinfo | sort -r | while read -r mount; do umount -l "$mount" || true; done
    rm -rf "$BENCH_ROOT"
  fi
}

edge_pid() { cut -d' ' -f1 "$BENCH_ROOT/berth/run/edge/edge.pid"; }

end_process() { # PID
  kill "$1" 2>/dev/null || return 0
  while [ -d "/proc/$1" ]; do sleep 0.05; done
}

stop_berth() {
  docker_to_berth ps -aq | xargs -r env DOCKER_HOST="unix://$berth_socket" "$peers/usr/bin/docker" rm -fv >/dev/null
  docker_to_berth network prune -f >/dev/null
  end_process "$berthd_pid"
  local pid group link
  pid=$(edge_pid) && end_process "$pid"
  nft delete table inet berth_bench 2>/dev/null || true
  for link in /sys/class/net/bbn*; do [ -e "$link" ] && ip link delete "$(basename "$link")"; done
  for group in /sys/fs/cgroup/berth-bench* /sys/fs/cgroup/*/berth-bench*; do [ -d "$group" ] && find "$group" -depth -type d -exec rmdir {} \; ; done
  return 0
}

stop_docker() {
  docker ps -aq | xargs -r env DOCKER_HOST="unix://$docker_socket" "$peers/usr/bin/docker" rm -fv >/dev/null
  end_process "$dockerd_pid"
  ip netns delete berth-bench
  local group
  for group in /sys/fs/cgroup/docker-bench /sys/fs/cgroup/*/docker-bench; do [ -d "$group" ] && find "$group" -depth -type d -exec rmdir {} \; ; done
  return 0
}

stop_podman() {
  podman rm -fa >/dev/null
  ip netns delete berth-bench-podman
}
