#!/bin/sh
# How long a full check of the reference agent takes, in a release build: the median of several runs.
#
#   scripts/bench-check.sh [RUNS] [CASES]      defaults: 7 runs, 100 cases
set -eu
cd "$(dirname "$0")/.."
runs=${1:-7}
cases=${2:-100}
cargo build --release --quiet
program=${CARGO_TARGET_DIR:-target}/release/acp-tck
times=$(
    i=0
    while [ "$i" -lt "$runs" ]; do
        "$program" check --cases "$cases" --seed "$i" --format json |
            sed -n 's/^  "duration_ms": \([0-9.]*\),$/\1/p'
        i=$((i + 1))
    done | sort -n
)
median=$(echo "$times" | sed -n "$(((runs + 1) / 2))p")
echo "check, $cases cases, $runs runs: median ${median} ms (goal: under 2000)"
echo "all, in ms:" $times
