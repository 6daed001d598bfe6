#!/usr/bin/env bash
# Measures the event-stream parser and prints, for each input, its median throughput, how many
# times that of eventsource-stream it is (goal: at least 5), and how many times the time of a
# bare memchr line scan it takes (goal: at most 3). Takes about a minute on a quiet machine.
# With --no-run it only prints what was measured last.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1-}" != --no-run ]; then
    cargo bench --package acp-conformance --bench sse
fi
results=${CARGO_TARGET_DIR:-target}/criterion

# The median of one benchmark, in nanoseconds an iteration.
median() {
    sed -E 's/.*"median":\{"confidence_interval":\{[^}]*\},"point_estimate":([0-9.e+]+).*/\1/' \
        "$results/$1/$2/new/estimates.json"
}

# The bytes of one benchmark's input.
bytes() {
    sed -E 's/.*"throughput":\{"Bytes":([0-9]+)\}.*/\1/' "$results/$1/ours/new/benchmark.json"
}

for group in "$results"/sse-*-*; do
    name=$(basename "$group")
    echo "${name#sse-} $(bytes "$name") $(median "$name" ours) \
        $(median "$name" eventsource-stream) $(median "$name" memchr)"
done | awk '
    # The middle of n sorted values.
    function middle(values, n,    i, j, swap) {
        for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++)
            if (values[j] < values[i]) { swap = values[i]; values[i] = values[j]; values[j] = swap }
        return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
    }
    BEGIN {
        printf "%-18s %12s %26s %20s\n", "input, reads", "ours", "times eventsource-stream", "times memchr scan"
    }
    {
        faster[NR] = $4 / $3; slower[NR] = $3 / $5
        printf "%-18s %8.2f GB/s %26.1f %20.1f\n", $1, $2 / $3, faster[NR], slower[NR]
    }
    END { printf "%-18s %13s %25.1f %20.1f\n", "median", "", middle(faster, NR), middle(slower, NR) }'
