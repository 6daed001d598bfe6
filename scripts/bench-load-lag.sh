#!/usr/bin/env bash
# How late do requests of the open model begin, at half of what the generator can do at most? One core for it, the
# other for a server that does next to nothing (load/examples/still.rs).
#   scripts/bench-load-lag.sh [SECONDS [RUNS]]       (5 s, 5 runs, of which medians are printed)
# Fails if the 99th percentile of the schedule lag is over a millisecond.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-5}
runs=${2:-5}
target=${CARGO_TARGET_DIR:-target}
program=${ACP_TCK:-$target/release/acp-tck}
server=${STILL:-$target/release/examples/still}
{ [ -x "$program" ] && [ -x "$server" ]; } || cargo build --release --workspace --bins --examples

folder=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
taskset -c 0 "$server" "$port" &
pid=$!
trap 'kill "$pid" 2> /dev/null || true; rm -rf "$folder"' EXIT
for _ in $(seq 100); do
    curl -s "http://127.0.0.1:$port/seen" > /dev/null && break
    sleep 0.1
done

load() { # name, arguments
    name=$1
    shift
    taskset -c 1 "$program" load "http://127.0.0.1:$port" --mix invoke=1 --duration "${seconds}s" "$@" \
        --format json --output "$folder/$name.json" 2> /dev/null
}
for run in $(seq "$runs"); do
    load "ceiling-$run" --users 64
    half=$(python3 -c 'import json, sys; print(round(json.load(open(sys.argv[1]))["throughput_rps"] / 2))' "$folder/ceiling-$run.json")
    load "half-$run" --rate "$half/s" --users 64
done
python3 - "$folder" "$runs" <<'PY'
import json, pathlib, statistics, sys
folder, runs = pathlib.Path(sys.argv[1]), int(sys.argv[2])
lags = []
for run in range(1, runs + 1):
    report = json.loads((folder / f"half-{run}.json").read_text())
    generator = report["generator"]
    lag = generator["schedule_lag_ms"]
    lags.append(lag["p99"])
    print(f"{report['throughput_rps']:.0f}/s: schedule lag p50 {lag['p50']} ms, p99 {lag['p99']} ms, p99.9 {lag['p999']} ms; "
          f"latency p50 {report['latency_ms']['p50']} ms; {generator.get('why') or 'trusted'}")
print(f"median p99: {statistics.median(lags):.3f} ms")
sys.exit(statistics.median(lags) > 1)
PY
