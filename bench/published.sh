#!/usr/bin/env bash
# published.sh [SECONDS] - requests a second through a published port, from the engine's own host: nginx with one small page, 16 kept connections.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
seconds=${1:-10}
need apache2-utils
engines berth docker
mkdir -p "$BENCH_ROOT/web"
printf 'FROM %s\nRUN apt-get update -q && apt-get install -q -y --no-install-recommends nginx-light\nRUN echo page >/var/www/html/index.html && sed -i -E "s/^worker_processes .*/worker_processes 1;/; s/access_log .*/access_log off;/" /etc/nginx/nginx.conf\nCMD ["nginx", "-g", "daemon off;"]\n' "$IMAGE" >"$BENCH_ROOT/web/Dockerfile"
docker_to_berth build -q -t web "$BENCH_ROOT/web" >/dev/null
share_image web
declare -A netns=([berth]=/proc/self/ns/net [docker]=/run/netns/berth-bench)

rate() { # ENGINE ADDRESS
  nsenter --net="${netns[$1]}" ab -q -k -c 16 -t "$seconds" -n 10000000 "http://$2/index.html" 2>/dev/null | awk '/^Requests per second/ {print int($4)} /^Failed requests/ && $3 > 0 {print "failed: " $3 > "/dev/stderr"}'
}
for engine in berth docker; do
  $engine run -d --name web -p 18081:80 web >/dev/null
  until nsenter --net="${netns[$engine]}" curl -s -o /dev/null --retry 50 --retry-all-errors --retry-delay 0 --retry-max-time 20 http://127.0.0.1:18081/; do say "nginx does not answer"; exit 1; done
done
for round in 1 2 3; do
  for engine in berth docker; do
    own=$(BENCH_CLIENT=docker $engine inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' web)
    published=$(rate $engine 127.0.0.1:18081) direct=$(rate $engine "$own:80")
    printf 'published port, round %s              %-8s %7s requests a second; at its own address %7s; ratio %s\n' "$round" "$engine" "$published" "$direct" "$(awk -v a="$published" -v b="$direct" 'BEGIN {printf "%.2f", a / b}')"
  done
done
for engine in berth docker; do $engine rm -f web >/dev/null; done
