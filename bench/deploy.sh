#!/usr/bin/env bash
# deploy.sh [RELEASES] - releases of examples/zero-downtime in a row under a load of 300 requests/s from 33 clients, with fresh and kept connections, GET, POST and
# downloads: at the published port, and through an nginx that resolved the name once, with and without a pool of kept connections. Berth has three replicas;
# Docker one, as its replicas cannot share a published port.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
releases=${1:-100}
rate=300 clients=11 still=15
engines berth docker
dotnet build "$repository/bench/load/Berth.Load.csproj" -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false >"$BENCH_ROOT/build.log" || { cat "$BENCH_ROOT/build.log" >&2; exit 1; }
load=$repository/artifacts/bin/Berth.Load/debug/berth-load

export APP_PORT=18081 WEB_PORT=18080 POOL_PORT=18082
say "building the images"
for service in app web; do
  docker_to_berth build -q -t "zero-downtime-$service" "$repository/examples/zero-downtime/$service" >"$BENCH_ROOT/build.log" 2>&1 || { tail -n 20 "$BENCH_ROOT/build.log" >&2; exit 1; }
  share_image "zero-downtime-$service"
done
for engine in berth docker; do cp -r "$repository/examples/zero-downtime" "$BENCH_ROOT/site-$engine"; done
sed -i 's/scale: 3/scale: 1/' "$BENCH_ROOT/site-docker/compose.yaml"

berth_up() { (cd "$BENCH_ROOT/site-berth" && RELEASE=$1 berth up -d); }
docker_up() { (cd "$BENCH_ROOT/site-docker" && RELEASE=$1 docker compose up -d --no-build); }
berth_inside() { "$@"; }
docker_inside() { nsenter --net=/run/netns/berth-bench "$@"; }

for engine in berth docker; do
  "${engine}_up" 0 >"$BENCH_ROOT/output" 2>&1 || { cat "$BENCH_ROOT/output" >&2; exit 1; }
  sleep 3
  coproc LOAD { "${engine}_inside" "$load" $rate $clients $APP_PORT $WEB_PORT $POOL_PORT 2>"$BENCH_ROOT/failures.$engine"; }
  sleep $still # the figures of standing still
  echo rolling >&"${LOAD[1]}"
  : >"$BENCH_ROOT/times.$engine"
  for ((release = 1; release <= releases; release++)); do
    begin=$(date +%s%N)
    "${engine}_up" $release >"$BENCH_ROOT/output" 2>&1 || { cat "$BENCH_ROOT/output" >&2; exit 1; }
    echo $((($(date +%s%N) - begin) / 1000)) >>"$BENCH_ROOT/times.$engine"
  done
  if [ $engine = berth ]; then # the release before is kept while the watch lasts: how long until it answers again
    begin=$(date +%s%N)
    (cd "$BENCH_ROOT/site-berth" && berth rollback >"$BENCH_ROOT/output" 2>&1) &
    rollback=$!
    until [ "$(curl -s --max-time 5 "http://127.0.0.1:$APP_PORT/" | cut -d' ' -f1)" = $((releases - 1)) ]; do :; done
    switched=$((($(date +%s%N) - begin) / 1000000))
    wait $rollback
    say "rollback of a kept release: its first answer after $switched ms, done after $((($(date +%s%N) - begin) / 1000000)) ms"
  fi

  sleep 3
  echo stop >&"${LOAD[1]}"
  read -r answered failed again p50 p99 rolling50 rolling99 <&"${LOAD[0]}"
  wait "$LOAD_PID" 2>/dev/null || true
  printf '%-34s %-8s %s requests, %s failed, %s GETs sent again; standing still p50 %s ms, p99 %s ms; rolling p50 %s ms, p99 %s ms: ratio of p99 %s\n' "$releases releases" $engine \
    "$((answered + failed))" "$failed" "$again" "$p50" "$p99" "$rolling50" "$rolling99" "$(awk -v a="$rolling99" -v b="$p99" 'BEGIN {printf "%.2f", a / b}')"
  sed 's/^/    /' "$BENCH_ROOT/failures.$engine"
  report "one release" $engine "$BENCH_ROOT/times.$engine" "$BENCH_ROOT/times.berth"
  docker_to_berth ps -aq >/dev/null
  (cd "$BENCH_ROOT/site-$engine" && if [ $engine = berth ]; then berth down; else docker compose down; fi) >"$BENCH_ROOT/output" 2>&1
done
