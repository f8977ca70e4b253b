#!/usr/bin/env bash
# stop-first.sh [COUNT] - how long nobody serves while a container is replaced stop-first: from the last answer of the old one to the first of the new one, seen by a
# client that tries every 5 ms. Beside it the same for the program alone, stopped and started by a script in one container: what the gap is beyond that is the engine's.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
count=${1:-10}
engines berth docker

say "building the image"
docker_to_berth build -q -t zero-downtime-app "$repository/examples/zero-downtime/app" >"$BENCH_ROOT/build.log" 2>&1 || { tail -n 20 "$BENCH_ROOT/build.log" >&2; exit 1; }
share_image zero-downtime-app
port=18083
for engine in berth docker; do
  mkdir "$BENCH_ROOT/single-$engine"
  cat >"$BENCH_ROOT/single-$engine/compose.yaml" <<EOF
name: single
services:
  app:
    image: zero-downtime-app
    environment: {RELEASE: "\${RELEASE:-0}"}
    ports: ["$port:8000"]
    x-berth: {roll: stop-first}
EOF
done

# Prints milliseconds from the last answer of one release to the first of the next, until its standard input ends. A try is given up after 20 ms: a connection that an
# engine holds back would wait for TCP's own second otherwise.
cat >"$BENCH_ROOT/gap.py" <<'EOF'
import select, socket, sys, time

release, last = None, None
while not select.select([sys.stdin], [], [], 0.005)[0]:
    try:
        with socket.create_connection(("127.0.0.1", int(sys.argv[-1])), 0.02) as client:
            client.settimeout(0.25)
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(4096), b""))
    except OSError:
        continue
    if b" 200 " not in answer:
        continue
    now, seen = time.monotonic(), answer.rsplit(b"\r\n\r\n", 1)[1].split()[0]
    if release is not None and seen != release:
        print(int((now - last) * 1e6), flush=True)
    release, last = seen, now
EOF

# The same program, stopped and started by its own image's Python, seen by the same client.
cat >"$BENCH_ROOT/bare.py" <<'EOF'
import os, signal, subprocess, sys, time

command = ["gunicorn", "-w", "1", "-k", "gthread", "--threads", "16", "-b", "0.0.0.0:8000", "--worker-tmp-dir", "/dev/shm", "--keep-alive", "75", "app:application"]
client = subprocess.Popen([sys.executable, "-c", sys.argv[1], "8000"], stdin=subprocess.PIPE)
process = None
for release in range(int(sys.argv[2]) + 1):
    if process:
        process.send_signal(signal.SIGTERM)
        process.wait()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, "RELEASE": str(release)})
    time.sleep(2)
client.communicate(b"stop\n")
process.terminate()
EOF

berth_up() { (cd "$BENCH_ROOT/single-berth" && RELEASE=$1 berth up -d --no-watch); }
docker_up() { (cd "$BENCH_ROOT/single-docker" && RELEASE=$1 docker compose up -d); }
berth_inside() { "$@"; }
docker_inside() { nsenter --net=/run/netns/berth-bench "$@"; }

for engine in berth docker; do
  bare=(run --rm zero-downtime-app python3 -c "$(cat "$BENCH_ROOT/bare.py")" "$(cat "$BENCH_ROOT/gap.py")" "$count")
  if [ $engine = berth ]; then docker_to_berth "${bare[@]}"; else docker "${bare[@]}"; fi >"$BENCH_ROOT/times.bare-$engine"
  "${engine}_up" 0 >"$BENCH_ROOT/output" 2>&1 || { cat "$BENCH_ROOT/output" >&2; exit 1; }
  sleep 2
  coproc GAP { "${engine}_inside" python3 "$BENCH_ROOT/gap.py" $port >"$BENCH_ROOT/times.gap-$engine"; }
  for ((release = 1; release <= count; release++)); do
    sleep 1
    "${engine}_up" $release >"$BENCH_ROOT/output" 2>&1 || { cat "$BENCH_ROOT/output" >&2; exit 1; }
  done
  sleep 2
  gap_pid=$GAP_PID
  echo stop >&"${GAP[1]}"
  wait "$gap_pid" 2>/dev/null || true
  (cd "$BENCH_ROOT/single-$engine" && if [ $engine = berth ]; then berth down; else docker compose down; fi) >"$BENCH_ROOT/output" 2>&1
done
for engine in berth docker; do
  report "stop and start without an engine" $engine "$BENCH_ROOT/times.bare-$engine" "$BENCH_ROOT/times.bare-berth"
  report "gap of a stop-first replacement" $engine "$BENCH_ROOT/times.gap-$engine" "$BENCH_ROOT/times.gap-berth"
done
awk -v b="$(quantile "$BENCH_ROOT/times.gap-berth" 0.5)" -v bb="$(quantile "$BENCH_ROOT/times.bare-berth" 0.5)" -v d="$(quantile "$BENCH_ROOT/times.gap-docker" 0.5)" \
  -v db="$(quantile "$BENCH_ROOT/times.bare-docker" 0.5)" 'BEGIN {printf "gap beyond the bare stop and start: Berth %.1f ms, Compose on Docker %.1f ms, ratio %.2f\n", b - bb, d - db, (b - bb) / (d - db)}'
