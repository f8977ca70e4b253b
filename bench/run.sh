#!/usr/bin/env bash
# run.sh - all figures, one after the other. Leave the machine alone meanwhile.
set -euo pipefail
folder=$(dirname "${BASH_SOURCE[0]}")
for figure in cli-start run-container containers logs published rebuild forum compose memory roll stop-first deploy; do
  echo "== $figure"
  "$folder/$figure.sh"
done
