#!/usr/bin/env bash
# modern-docker.sh FOLDER [PACKAGE ...] - unpacks a current Docker (client, dockerd, compose, buildx) from Debian's unstable suite into FOLDER,
# without installing anything: real clients for the tests, and a peer for the benchmarks. Does nothing if it is there already.
# With names of packages it unpacks those instead; SUITE names another suite.
#
#   FOLDER/usr/bin/docker                            the client
#   FOLDER/usr/libexec/docker/cli-plugins/*          docker-compose and docker-buildx
#   FOLDER/usr/sbin/dockerd, FOLDER/usr/sbin/docker-proxy   the daemon; it needs containerd and runc on the PATH
#
# The packages come from the host's own Debian mirror with the suite changed; the system's package lists stay as they are.
set -euo pipefail
folder=${1:?usage: modern-docker.sh FOLDER [PACKAGE ...]}
packages=("${@:2}")
[ ${#packages[@]} -gt 0 ] || packages=(docker-cli docker.io docker-compose docker-buildx)
suite=${SUITE:-sid}
[ ! -e "$folder/.complete" ] || exit 0

mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9
[ ! -e "$folder/.complete" ] || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/sources" "$work/lists/partial" "$work/cache/archives/partial"
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
  grep -E '^(URIs:|deb )' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ') || true
if [ -z "$mirror" ]; then
  echo "modern-docker: no Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d" >&2
  exit 1
fi
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/sources/docker.list"

from_suite() {
  apt-get -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" -o Dir::State::lists="$work/lists" \
    -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root "$@" >"$work/log" 2>&1 || { tail -n 3 "$work/log" >&2; exit 1; }
}

from_suite update
(cd "$work" && from_suite download "${packages[@]}")
for package in "$work"/*.deb; do
  dpkg-deb -x "$package" "$folder"
  basename "${package%%_*}" | tr '\n' ' '
  dpkg-deb -f "$package" Version
done
touch "$folder/.complete"
