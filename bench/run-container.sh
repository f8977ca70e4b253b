#!/usr/bin/env bash
# run-container.sh [COUNT] - `run --rm IMAGE true`: from the key press to the prompt.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
engines berth docker podman
share_image "$IMAGE"
compare 'run --rm IMAGE true' "${1:-30}" \
  "berth=berth run --rm $IMAGE true" \
  "docker=docker run --rm $IMAGE true" \
  "podman=podman run --rm $IMAGE true"
compare 'run --rm --network none' "${1:-30}" \
  "berth=berth run --rm --network none $IMAGE true" \
  "docker=docker run --rm --network none $IMAGE true" \
  "podman=podman run --rm --network none $IMAGE true"
