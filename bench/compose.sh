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
  echo "networks: {default: {ipam: {config: [{subnet: 10.199.0.0/16}]}}}" # room for 200
}
for engine in berth docker; do
  for number in 10 200 500; do
    mkdir -p "$BENCH_ROOT/$engine-$number"
    services $number >"$BENCH_ROOT/$engine-$number/compose.yaml"
  done
done

berth_compose() { if [ "${BENCH_CLIENT:-}" = docker ]; then docker_to_berth compose "$@"; else berth compose "$@"; fi; }

berth_up() { (cd "$BENCH_ROOT/berth-10" && berth_compose up -d); }
berth_down() { (cd "$BENCH_ROOT/berth-10" && berth_compose down -v); }
docker_up() { (cd "$BENCH_ROOT/docker-10" && docker compose up -d); }
docker_down() { (cd "$BENCH_ROOT/docker-10" && docker compose down -v); }
up_and_down 'ten services' "$count"

compare 'config of 500 services' "$count" "berth=(cd $BENCH_ROOT/berth-500 && berth_compose config)" "docker=(cd $BENCH_ROOT/docker-500 && docker compose config)"
compare 'plan of 200 services, none there' "$count" "berth=(cd $BENCH_ROOT/berth-200 && berth plan)"
(cd "$BENCH_ROOT/berth-200" && berth compose create) >"$BENCH_ROOT/output" 2>&1 || { cat "$BENCH_ROOT/output" >&2; exit 1; }
compare 'plan of 200 services, all made' "$count" "berth=(cd $BENCH_ROOT/berth-200 && berth plan)"
(cd "$BENCH_ROOT/berth-200" && berth compose down -v) >"$BENCH_ROOT/output" 2>&1
