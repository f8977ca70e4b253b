#!/usr/bin/env bash
# forum.sh [COUNT] - the forum's `up -d --wait`, `up` with nothing to do, and `down`, with a database that is set up already.
# Debian's Podman brings no Compose of its own, so it is not compared here.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
count=${1:-10}
engines berth docker

for engine in berth docker; do
  cp -r "$repository/examples/forum" "$BENCH_ROOT/forum-$engine"
  rm -rf "$BENCH_ROOT/forum-$engine"/{mysql,web/node_modules,web/dist}
done
export FORUM_PORT=18000
say "building the forum's images"
for service in app:app database:mysql web:nginx; do
  docker_to_berth build -q -t "forum-${service#*:}" "$repository/examples/forum/${service%%:*}" >"$BENCH_ROOT/build.log" 2>&1 ||
    { tail -n 20 "$BENCH_ROOT/build.log" >&2; exit 1; }
  share_image "forum-${service#*:}"
done

berth_compose() { if [ "${BENCH_CLIENT:-}" = docker ]; then docker_to_berth compose "$@"; else berth "$@"; fi; }
berth_up() { (cd "$BENCH_ROOT/forum-berth" && berth_compose up -d --wait); }
berth_down() { (cd "$BENCH_ROOT/forum-berth" && berth_compose down); }
docker_up() { (cd "$BENCH_ROOT/forum-docker" && docker compose up -d --wait --no-build); }
docker_down() { (cd "$BENCH_ROOT/forum-docker" && docker compose down); }

# The first round sets up the databases.
up_and_down forum "$count"
