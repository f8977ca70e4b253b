#!/usr/bin/env bash
# storm.sh [MINUTES] [SEED] - eight clients do anything to a daemon at once while it is killed every few seconds; then an audit of what it says, and of what is left on the machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export STORM_MINUTES=${1:-60} STORM_SEED=${2:-$RANDOM}
dotnet build tests/Berth.EndToEnd.Tests -v quiet -nologo
echo "revision $(git rev-parse --short HEAD), $(git status --porcelain | wc -l) files changed; kernel $(uname -r), $(nproc) cores; $STORM_MINUTES minutes, seed $STORM_SEED"
artifacts/bin/Berth.EndToEnd.Tests/debug/Berth.EndToEnd.Tests --no-progress --no-ansi --output Detailed --explicit only --filter-method '*StormTests.As_long_as_is_asked'
