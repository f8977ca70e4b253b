#!/usr/bin/env bash
# make-docker-api.sh - writes docker-api.md anew, from docker-api.txt and the conformance tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dotnet build tests/Berth.Conformance.Tests -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false
artifacts/bin/Berth.Conformance.Tests/debug/Berth.Conformance.Tests --no-progress --no-ansi --explicit only --filter-method '*ApiPageWriter.Write'
