#!/bin/sh
# How long a full check of the reference agent takes, in a release build: medians of several runs.
#
#   scripts/bench-check.sh [RUNS] [CASES]      defaults: 7 runs, 100 cases
#   WAITING=no scripts/bench-check.sh          without what waits for heartbeats 30 s apart (a minute)
set -eu
cd "$(dirname "$0")/.."
runs=${1:-7}
cases=${2:-100}
CARGO_INCREMENTAL=0 cargo build --release --quiet --workspace --bins --examples
program=${CARGO_TARGET_DIR:-target}/release/acp-tck
agent="$program agent --rate-limit off --rate-limit-invoke off"

# The durations of some runs in ms, sorted, from their reports.
measure() {
    times=$1
    shift
    i=0
    while [ "$i" -lt "$times" ]; do
        report=$("$program" check --cases "$cases" --seed "$i" --format json "$@")
        echo "$report" | sed -n 's/^  "duration_ms": \([0-9.]*\),$/\1/p'
        i=$((i + 1))
    done | sort -n
}

tell() {
    what=$1 goal=$2
    shift 2
    echo "$what: median $(echo "$@" | tr ' ' '\n' | sed -n "$((($# + 1) / 2))p") ms (goal: under $goal)"
    echo "    all, in ms: $*"
}

echo "$cases cases a rule, $runs runs"
# shellcheck disable=SC2046 # a word for each number
tell "all but the waiting rules (check --quick)" 3000 $(measure "$runs" --quick)
# shellcheck disable=SC2046
tell "all rules, heartbeats 2 s apart (check)" 15000 $(measure 1)
if [ "${WAITING:-yes}" = yes ]; then
    # shellcheck disable=SC2046
    tell "the orchestrator rules, heartbeats 30 s apart" 75000 \
        $(measure 1 --launch "$agent" --heartbeat-interval 30s --only orchestrator)
fi
