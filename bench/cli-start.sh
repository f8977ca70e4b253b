#!/usr/bin/env bash
# cli-start.sh [COUNT] - how long the command lines take to start: without a daemon (--version) and with one question to it (ps).
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
engines berth docker podman
compare 'CLI start (--version)' "${1:-50}" "berth=berth --version" "docker=docker --version" "podman=podman --version"
compare 'ps, nothing running' "${1:-50}" "berth=berth ps" "docker=docker ps" "podman=podman ps"
