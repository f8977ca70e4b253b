#!/usr/bin/env bash
# compose.sh [COUNT] - ten services: `up -d`, `up -d` with nothing to do, and `down`; `config` of 500 services; `plan` of 200, with nothing there and with all containers made.
# Docker Compose has no plan.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
count=${1:-10}
engines berth docker
share_image "$IMAGE"

services() { # NUMBER
  local number
  echo 'services:'
  for ((number = 1; number <= $1; number++)); do
    echo "  s$number: {image: '$IMAGE', command: sleep 1000, init: true, restart: unless-stopped, environment: {NUMBER: '$number', TEXT: 'some text'}, labels: {a.label: of-$number}, volumes: ['data:/data']}"
  done
  echo 'volumes: {data: }'
}
for engine in berth docker; do
  for number in 10 200 500; do
    mkdir -p "$BENCH_ROOT/$engine-$number"
    services $number >"$BENCH_ROOT/$engine-$number/compose.yaml"
  done
done

berth_compose() { if [ "${BENCH_CLIENT:-}" = docker ]; then docker_to_berth compose "$@"; else berth compose "$@"; fi; }
docker_compose() { docker compose "$@"; }

for engine in berth docker; do (cd "$BENCH_ROOT/$engine-10" && "${engine}_compose" up -d && "${engine}_compose" down -v) >"$BENCH_ROOT/output" 2>&1 || { cat "$BENCH_ROOT/output" >&2; exit 1; }; done
rm -f "$BENCH_ROOT"/times.*
for ((round = 0; round < count; round++)); do
  for engine in berth docker; do
    for step in up again down; do
      words=(up -d)
      [ $step != down ] || words=(down -v)
      begin=$(date +%s%N)
      (cd "$BENCH_ROOT/$engine-10" && "${engine}_compose" "${words[@]}") >"$BENCH_ROOT/output" 2>&1 || { cat "$BENCH_ROOT/output" >&2; exit 1; }
      echo $((($(date +%s%N) - begin) / 1000)) >>"$BENCH_ROOT/times.$step.$engine"
    done
  done
done
for step in up again down; do
  for engine in berth docker; do
    report "ten services: ${step/again/up, nothing to do}" $engine "$BENCH_ROOT/times.$step.$engine" "$BENCH_ROOT/times.$step.berth"
  done
done

compare 'config of 500 services' "$count" "berth=(cd $BENCH_ROOT/berth-500 && berth_compose config)" "docker=(cd $BENCH_ROOT/docker-500 && docker_compose config)"
compare 'plan of 200 services, none there' "$count" "berth=(cd $BENCH_ROOT/berth-200 && berth plan)"
(cd "$BENCH_ROOT/berth-200" && berth compose create) >"$BENCH_ROOT/output" 2>&1 || { cat "$BENCH_ROOT/output" >&2; exit 1; }
compare 'plan of 200 services, all made' "$count" "berth=(cd $BENCH_ROOT/berth-200 && berth plan)"
(cd "$BENCH_ROOT/berth-200" && berth compose down -v) >"$BENCH_ROOT/output" 2>&1
