#!/usr/bin/env bash
# Draws where the time of a command goes, as a flame graph: by default that of checking NDJSON, to docs/flamegraph.svg.
#
#   benches/profile.sh [-o FILE.svg] [ARGUMENTS of chancery]
#
# Needs perf (linux-perf) and inferno (cargo install inferno). Data comes from the generator in CHANCERY_SHARED (default
# ../shared).
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
out=docs/flamegraph.svg
if [ "${1:-}" = -o ]; then
  out=$2
  shift 2
fi
case $out in /*) ;; *) out=$root/$out ;; esac

# Frame pointers and symbols, apart from the usual build.
RUSTFLAGS="-C force-frame-pointers=yes" cargo build --quiet --profile dist --target-dir target/profile --config 'profile.dist.strip="none"'

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
if [ $# = 0 ]; then
  python3 "${CHANCERY_SHARED:-$root/../shared}/bench/gen.py" . 100000 >/dev/null
  set -- check records.ndjson --schema schema.json --jobs 1 --quiet --no-cache
fi
# A check that finds faults ends with 1.
perf record --quiet --freq 2500 --call-graph fp --output perf.data -- "$root/target/profile/dist/chancery" "$@" >/dev/null 2>&1 || true
perf script --input perf.data --no-inline 2>/dev/null | inferno-collapse-perf 2>/dev/null \
  | inferno-flamegraph --title "chancery $1" --minwidth 0.3 2>/dev/null >flamegraph.svg
mv flamegraph.svg "$out"
echo "$out"
