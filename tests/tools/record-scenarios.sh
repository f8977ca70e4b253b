#!/usr/bin/env bash
# record-scenarios.sh [FILE] - runs the conformance scenarios (all, or those of one file, such as "copying") on Docker 28 and writes down what they print, in
# tests/Berth.Conformance.Tests/Scenarios/Recorded. Needs root, and containerd, runc and iptables, which it installs if they are missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
for tool in containerd runc iptables; do
  type -P $tool >/dev/null || { apt-get -q update && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q -y install --no-install-recommends $tool; }
done
dotnet build tests/Berth.Conformance.Tests -v quiet -nologo
RECORD=${1:-} artifacts/bin/Berth.Conformance.Tests/debug/Berth.Conformance.Tests --no-progress --no-ansi --explicit only --filter-method '*ScenarioRecorder.Record'
