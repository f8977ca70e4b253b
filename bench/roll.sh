#!/usr/bin/env bash
# roll.sh [COUNT] - how long a release of one replica takes beyond its program's own start. Timed is `up -d`, which returns when the new copy serves; the old one, which
# waits until the watch has passed, is taken away before the next. Docker's Compose stops the old copy first and does not wait for an answer, so it has no such figure.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
count=${1:-10}
engines berth docker

say "building the image"
docker_to_berth build -q -t zero-downtime-app "$repository/examples/zero-downtime/app" >"$BENCH_ROOT/build.log" 2>&1 || { tail -n 20 "$BENCH_ROOT/build.log" >&2; exit 1; }
share_image zero-downtime-app
for engine in berth docker; do
  mkdir "$BENCH_ROOT/roll-$engine"
  cat >"$BENCH_ROOT/roll-$engine/compose.yaml" <<'END'
name: roll
services:
  app:
    image: zero-downtime-app
    environment: {RELEASE: "${RELEASE:-0}"}
    ports: ["18084:8000"]
    x-berth: {roll: {drain: 1s}}
END
done

# From the program's start until its port is open, in its own image: without a health check that is what a release waits for too.
cat >"$BENCH_ROOT/start.py" <<'EOF'
import socket, subprocess, sys, time

command = ["gunicorn", "-w", "1", "-k", "gthread", "--threads", "16", "-b", "0.0.0.0:8000", "--worker-tmp-dir", "/dev/shm", "--keep-alive", "75", "app:application"]
for _ in range(int(sys.argv[1]) + 1):
    began = time.monotonic()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while True:
        try:
            socket.create_connection(("127.0.0.1", 8000), 1).close()
            break
        except OSError:
            time.sleep(0.002)
    print(int((time.monotonic() - began) * 1e6), flush=True)
    process.terminate()
    process.wait()
EOF

berth_up() { (cd "$BENCH_ROOT/roll-berth" && RELEASE=$1 berth up -d --watch 1s); }
docker_up() { (cd "$BENCH_ROOT/roll-docker" && RELEASE=$1 docker compose up -d); }
berth_settled() { until [ "$(docker_to_berth ps -aq | wc -l)" = 1 ]; do sleep 0.1; done; }
docker_settled() { :; }

docker_to_berth run --rm zero-downtime-app python3 -c "$(cat "$BENCH_ROOT/start.py")" "$count" | tail -n +2 >"$BENCH_ROOT/times.start"
for engine in berth docker; do
  "${engine}_up" 0 >"$BENCH_ROOT/output" 2>&1 || { cat "$BENCH_ROOT/output" >&2; exit 1; }
  : >"$BENCH_ROOT/times.$engine"
  for ((release = 1; release <= count; release++)); do
    begin=$(date +%s%N)
    "${engine}_up" $release >"$BENCH_ROOT/output" 2>&1 || { cat "$BENCH_ROOT/output" >&2; exit 1; }
    echo $((($(date +%s%N) - begin) / 1000)) >>"$BENCH_ROOT/times.$engine"
    "${engine}_settled"
  done
  (cd "$BENCH_ROOT/roll-$engine" && if [ $engine = berth ]; then berth down; else docker compose down; fi) >"$BENCH_ROOT/output" 2>&1
done
report "the program's own start" none "$BENCH_ROOT/times.start" "$BENCH_ROOT/times.start"
report "release of one replica" berth "$BENCH_ROOT/times.berth" "$BENCH_ROOT/times.berth"
report "release of one replica" docker "$BENCH_ROOT/times.docker" "$BENCH_ROOT/times.berth"
awk -v b="$(quantile "$BENCH_ROOT/times.berth" 0.5)" -v s="$(quantile "$BENCH_ROOT/times.start" 0.5)" 'BEGIN {printf "release beyond the program'"'"'s own start: Berth %.1f ms\n", b - s}'
