#!/usr/bin/env bash
# rebuild.sh [COUNT] - building again when nothing has changed: 2,000 files in the context, every step in the cache.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
engines berth docker podman
share_image "$IMAGE"

context=$BENCH_ROOT/context
mkdir -p "$context"
for folder in $(seq 40); do
  mkdir -p "$context/src/$folder"
  for file in $(seq 50); do head -c 4000 /dev/zero | tr '\0' "$((file % 10))" >"$context/src/$folder/$file.txt"; done
done
cat >"$context/Dockerfile" <<DOCKERFILE
FROM $IMAGE AS build
WORKDIR /src
COPY src .
RUN find . -type f | sort | xargs cat | sha256sum >/sum
FROM $IMAGE
ENV A=b
COPY --from=build /sum /sum
COPY src /srv
CMD ["cat", "/sum"]
DOCKERFILE

compare 'rebuild without a change' "${1:-20}" \
  "berth=berth build -t bench-rebuild $context" \
  "docker=docker build -t bench-rebuild $context" \
  "podman=podman build --layers -t bench-rebuild $context"
