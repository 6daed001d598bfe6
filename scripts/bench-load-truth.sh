#!/usr/bin/env bash
# Can the latencies be believed? A server stalls for a second in every ten. What requests that come
# evenly must feel is computed, and held against what acp-tck's open model says, what the same run
# says of service times alone, and what closed models say: acp-tck's, and oha's where it is installed
# (cargo install oha), with a rate and without, and with its correction.
#   scripts/bench-load-truth.sh [SECONDS [RUNS]]       (30 s, 3 runs, of which medians are printed)
# Fails if the open model is off by more than 5 %, or if the server has counted another number of requests.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30}
runs=${2:-3}
target=${CARGO_TARGET_DIR:-target}
program=${ACP_TCK:-$target/release/acp-tck}
server=${STALLING:-$target/release/examples/stalling}
[ -x "$program" ] || cargo build --release --workspace --bins --examples
[ -x "$server" ] || cargo build --release --workspace --bins --examples
oha=$(command -v oha || true)
[ -n "$oha" ] || [ ! -x "$target/bench/bin/oha" ] || oha=$target/bench/bin/oha
rate=200
users=10

folder=$(mktemp -d)
"$server" 0 10000 1000 10 > "$folder/said" &
pid=$!
trap 'kill "$pid" 2> /dev/null || true; rm -rf "$folder"' EXIT
for _ in $(seq 100); do
    [ -s "$folder/said" ] && break
    sleep 0.1
done
read -r address _ < "$folder/said"
url=http://$address

load() { # name, arguments
    name=$1
    shift
    before=$(curl -s "$url/served")
    "$program" load "$url" --mix invoke=1 --duration "${seconds}s" "$@" --format json --output "$folder/$name.json" 2> /dev/null
    echo $(($(curl -s "$url/served") - before)) > "$folder/$name.served"
}
peer() { # name, arguments
    name=$1
    shift
    # Its exit code says nothing of latencies.
    "$oha" -z "${seconds}s" -c "$users" "$@" --no-tui --output-format json -m POST -T application/json \
        -d '{"input":{"city":"x"}}' "$url/invoke" > "$folder/$name.json" 2> /dev/null || true
}
for run in $(seq "$runs"); do
    load "open-$run" --rate "$rate/s" --even --users 300
    load "closed-$run" --users "$users"
    if [ -n "$oha" ]; then
        peer "oha-$run"
        peer "oha-rate-$run" -q "$rate"
        peer "oha-corrected-$run" -q "$rate" --latency-correction
    fi
done
python3 - "$folder" "$runs" <<'PY'
import json, pathlib, statistics, sys
folder, runs = pathlib.Path(sys.argv[1]), int(sys.argv[2])
computed = [float(it) for it in (folder / "said").read_text().split()[1:]]
wrong = []

def ours(name, member):
    rows = []
    for run in range(1, runs + 1):
        report = json.loads((folder / f"{name}-{run}.json").read_text())
        served = int((folder / f"{name}-{run}.served").read_text())
        told = report["requests"]["total"]
        if served != told:
            wrong.append(f"{name}: the server has served {served} requests, and {told} are told")
        rows.append([report[member][it] for it in ("p50", "p99", "p999")])
    return [statistics.median(row) for row in zip(*rows)]

def theirs(name):
    rows = []
    for run in range(1, runs + 1):
        try:
            told = json.loads((folder / f"{name}-{run}.json").read_text())["latencyPercentiles"]
            rows.append([1000 * told[it] for it in ("p50", "p99", "p99.9")])
        except (OSError, ValueError, KeyError, TypeError):
            return None
    return [statistics.median(row) for row in zip(*rows)]

rows = [
    ("computed", computed),
    ("acp-tck --rate", ours("open", "latency_ms")),
    ("  its service times", ours("open", "service_ms")),
    ("acp-tck --users", ours("closed", "latency_ms")),
    ("oha", theirs("oha")),
    ("oha -q", theirs("oha-rate")),
    ("oha -q --latency-correction", theirs("oha-corrected")),
]
print(f"{'ms, and times the computed':28} {'p50':>16} {'p99':>16} {'p99.9':>16}")
for name, row in rows:
    if row is not None:
        cells = [f"{value:8.1f} ({value / right:5.3f})" for value, right in zip(row, computed)]
        print(f"{name:28} " + " ".join(f"{cell:>16}" for cell in cells))
for name, value, right in zip(("p50", "p99", "p99.9"), rows[1][1], computed):
    if abs(value / right - 1) > 0.05:
        wrong.append(f"the open model's {name} is {value:.1f} ms, and {right:.1f} ms are right")
print("\n".join(wrong) or "the open model is within 5 %, and the server's counts are ours")
sys.exit(bool(wrong))
PY
