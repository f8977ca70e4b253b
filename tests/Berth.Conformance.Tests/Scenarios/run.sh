#!/usr/bin/env bash
# run.sh FILE TITLE - runs one scenario against the engine that DOCKER_HOST names, with the Compose that COMPOSE names, and prints what it saw: output and errors in their order, with what differs from run to run
# (ids, times, the scenario's own folder) written as <id>, <time>, <folder>. NETWORK_OF, if set, is a process in the engine's network namespace. Afterwards everything in
# the engine but the image "box" is removed.
set -uo pipefail
file=$1 title=$2
folder=$(mktemp -d /tmp/berth-scenario.XXXXXX)

# --- What a scenario may use ---
# A command of the host, in the engine's network.
host() { if [ -n "${NETWORK_OF:-}" ]; then nsenter --net="/proc/$NETWORK_OF/ns/net" "$@"; else "$@"; fi; }
# Runs a command and says how it ended.
try() { "$@"; echo "-> $?"; }
# Waits until a command succeeds.
until_ok() {
  local i
  for ((i = 0; i < 200; i++)); do "$@" >"$folder/.waited" 2>&1 && return; sleep 0.05; done
  echo "still not: $*"; cat "$folder/.waited"
}
# Asks the engine's API: api METHOD PATH [CURL-OPTION ...]; the status comes last, on a line of its own.
api() {
  local status
  status=$(curl -sS -X "$1" --unix-socket "${DOCKER_HOST#unix://}" -o "$folder/.body" -w '%{http_code}' "${@:3}" "http://engine$2")
  [ -s "$folder/.body" ] && { cat "$folder/.body"; [ -z "$(tail -c 1 "$folder/.body")" ] || echo; rm "$folder/.body"; } 2>/dev/null
  echo "$status" 2>/dev/null # whoever reads only the beginning has gone by now
}
# Whether clients have attached to a container, and how often at least: attached NAME [TIMES]; and likewise for the executions of commands in it.
attached() { happened "$1" attach "${2:-1}"; }
executed() { happened "$1" exec_start "${2:-1}"; }
happened() { [ "$(docker events --since 1 --until "$(date +%s.%N)" --filter "container=$1" --filter "event=$2" --format . | wc -l)" -ge "$3" ]; }
# The status of HEAD PATH; its headers go to the file "headers".
head_of() { curl -sS -I --unix-socket "${DOCKER_HOST#unix://}" "http://engine$1" | tr -d '\r' >"$folder/headers"; sed -n '1s/[^ ]* \([0-9]*\).*/\1/p' "$folder/headers"; }
# Compose with these words: Docker's on Docker, Berth's on Berth.
compose() { $COMPOSE "$@"; }
# The containers, networks and volumes of all projects. By the API: three starts of the client each time would be most of what a scenario takes.
state() {
  local of='filters=%7B%22label%22:%5B%22com.docker.compose.project%22%5D%7D'
  curl -s --unix-socket "${DOCKER_HOST#unix://}" "http://engine/containers/json?all=1&$of" "http://engine/networks?$of" "http://engine/volumes?$of" | jq -rs '
    (.[0] | map("\(.Names[0][1:]) \(.State) \((.Status | capture("^Exited .(?<code>[0-9]+)") // {code: "0"}).code)") | sort[]),
    (.[1] | map("network \(.Name)") | sort[]), (.[2].Volumes // [] | map("volume \(.Name)") | sort[])'
}
export -f host try until_ok api attached executed happened head_of compose state
export folder

# By the API: five starts of the client after each scenario would take longer than many a scenario.
ask() { curl -s -X "$1" --unix-socket "${DOCKER_HOST#unix://}" "http://engine$2"; }
remove() { local id; while read -r id; do ask DELETE "$1/$id?force=1&v=1"; done; } # FOLDER OF THE API
clean() {
  {
    ask GET '/containers/json?all=1' | jq -r '.[].Id' | remove /containers
    ask POST /networks/prune
    ask GET /volumes | jq -r '.Volumes[]?.Name' | remove /volumes
    ask GET /images/json | jq -r '.[] | select(.RepoTags // [] | index("box:latest")) | .RepoTags[] | select(. != "box:latest")' | remove /images
    ask GET '/images/json?all=1' | jq -r '.[] | select(.RepoTags // [] | index("box:latest") | not) | .Id' | remove /images
  } >/dev/null 2>&1
  rm -rf "$folder"
}
trap clean EXIT

script=$(awk -v title="#: $title" '/^#: / { inside = ($0 == title); next } inside' "$file")
[ -n "$script" ] || { echo "there is no scenario '$title' in $file"; exit 2; }
cd "$folder"
timeout -k 5 120 bash -uc "$script" 2>&1 </dev/null | sed -E \
  -e '/^DEPRECATED: The legacy builder is deprecated/,/^$/d' \
  -e "s|$folder|<folder>|g" \
  -e 's/sha256:[0-9a-f]{64}/sha256:<id>/g; s/\b[0-9a-f]{64}\b/<id>/g; s/\b[0-9a-f]{12}\b/<id>/g' \
  -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?(Z|[+-][0-9:]{5})/<time>/g'
