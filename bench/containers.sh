#!/usr/bin/env bash
# containers.sh [COUNT] - what users do with containers all day: exec, many at once, the first answer of a new server, lists, statistics, start and removal of many.
# Once with each engine's own command line, once with Docker's on both sides.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
count=${1:-10}
engines berth docker podman
share_image "$IMAGE"
declare -A netns=([berth]=/proc/self/ns/net [docker]=/run/netns/berth-bench [podman]=/run/netns/berth-bench-podman)

# None of these programs listens to SIGTERM: Podman would give each ten seconds.
remove() { # ENGINE NAME ...
  if [ "$1" = podman ]; then podman rm -f -t 0 "${@:2}" >/dev/null; else "$1" rm -f "${@:2}" >/dev/null; fi
}

parallel_runs() { # ENGINE: twenty at once
  local i pids=()
  for i in $(seq 20); do "$1" run --rm "$IMAGE" true & pids+=($!); done
  for i in "${pids[@]}"; do wait "$i"; done
}

# From the key press to the first answer on the published port.
first_answer() { # ENGINE
  "$1" run -d --name first -p 18080:80 box httpd -f >/dev/null
  nsenter --net="${netns[$1]}" curl -s -o "$BENCH_ROOT/answer.$1" --retry 200 --retry-all-errors --retry-delay 0 --retry-max-time 20 --connect-timeout 1 http://127.0.0.1:18080/ -w '%{http_code}' | grep -q 404
  remove "$1" first
}

# One answer of the API for each, so that each list has two hundred; made once.
many() { local i; for i in $(seq 200); do "$1" create --name "many$i" "$IMAGE" true >/dev/null; done; }
# Made before it is timed: that is fifty starts of a client.
start_and_remove() { # ROUNDS
  local engine round begin i names
  mapfile -t names < <(seq -f 's%g' 50)
  for engine in "${started[@]}"; do : >"$BENCH_ROOT/times.$engine"; done
  for ((round = 0; round < $1; round++)); do
    for engine in "${started[@]}"; do
      for i in "${names[@]}"; do "$engine" create --name "$i" box sleep 1000 >/dev/null; done
      begin=$(date +%s%N)
      "$engine" start "${names[@]}" >/dev/null
      remove "$engine" "${names[@]}"
      echo $((($(date +%s%N) - begin) / 1000)) >>"$BENCH_ROOT/times.$engine"
    done
  done
  for engine in "${started[@]}"; do report 'start and rm -f of 50' "$engine" "$BENCH_ROOT/times.$engine" "$BENCH_ROOT/times.${started[0]}"; done
}

box_image() { # the host's busybox alone: its server starts at once
  local folder=$BENCH_ROOT/box
  mkdir -p "$folder"
  cp /usr/bin/busybox "$folder/"
  printf 'FROM scratch\nCOPY --chmod=755 busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\nCMD ["sh"]\n' >"$folder/Dockerfile"
  docker_to_berth build -q -t box "$folder" >/dev/null
  share_image box
}

pairs() { # COMMAND: LABEL=COMMAND for each engine
  local engine
  for engine in "${started[@]}"; do echo "$engine=$1 $engine"; done
}

[ -e /usr/bin/busybox ] || need busybox-static
box_image
for client in own docker; do
  echo "# clients: $client"
  [ $client = own ] || export BENCH_CLIENT=docker
  [ $client = own ] || started=(berth docker)
  exec_true() { "$1" exec ex true; }
  list() { "$1" ps -a; }
  once() { "$1" stats --no-stream; }
  for engine in "${started[@]}"; do "$engine" run -d --name ex "$IMAGE" sleep 10000 >/dev/null; done
  mapfile -t all < <(pairs exec_true); compare 'exec CONTAINER true' $((count * 2)) "${all[@]}"
  mapfile -t all < <(pairs parallel_runs); compare 'run --rm, 20 at once' "$count" "${all[@]}"
  mapfile -t all < <(pairs first_answer); compare 'run -d -p to the first answer' "$count" "${all[@]}"
  start_and_remove 2
  for engine in "${started[@]}"; do many "$engine"; done
  mapfile -t all < <(pairs list); compare 'ps -a, 200 containers' $((count * 2)) "${all[@]}"
  for engine in "${started[@]}"; do remove "$engine" $(seq -f 'many%g' 200); for i in $(seq 49); do "$engine" run -d --name "st$i" box sleep 1000 >/dev/null; done; done
  mapfile -t all < <(pairs once); compare 'stats --no-stream, 50 containers' $((count / 3 > 0 ? count / 3 : 1)) "${all[@]}"
  for engine in "${started[@]}"; do remove "$engine" ex $(seq -f 'st%g' 49); done
done
started=(berth docker podman) # all of them are to be ended
