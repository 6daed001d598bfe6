#!/bin/sh
# Instructions that one request costs the generator, by callgrind. Two runs of the same length, one of which asks
# for a third of the time only, so that start-up, the looks at the clock and the report are in both and cancel out.
#   scripts/bench-load-instructions.sh [closed|open] [URL]
# `closed`: 16 users; `open`: as many requests a second as Valgrind, some fifty times slower than the machine, lets through.
# Without a URL, the server of load/examples/still.rs is asked.
set -eu
model=${1:-closed}
url=${2:-}
target=${CARGO_TARGET_DIR:-target}
program=${ACP_TCK:-$target/release/acp-tck}
folder=$(mktemp -d)
server=
trap 'rm -rf "$folder"; [ -z "$server" ] || kill "$server"' EXIT

if [ -z "$url" ]; then
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "$target/release/examples/still" "$port" &
    server=$!
    url=http://127.0.0.1:$port
    python3 - "$url/schema" <<'PY'
import sys, time, urllib.request
for _ in range(100):
    try:
        urllib.request.urlopen(sys.argv[1], timeout=5).read()
        break
    except OSError:
        time.sleep(0.05)
PY
fi

# The slices of the report have a cost each, which many requests share at true speed: the longer, the truer.
case $model in
    closed) few='16 users for 20s, 0 users for 40s' many='16 users for 60s' ;;
    open) few='1000/s for 20s, 1/s for 40s' many='1000/s for 60s' ;;
    *) echo "neither closed nor open: $model" >&2; exit 2 ;;
esac

run() { # plan, name
    # One processor, as a generator that is compared has.
    taskset -c 1 valgrind --tool=callgrind --callgrind-out-file="$folder/$2.out" "$program" load "$url" \
        --mix invoke=1 --plan "$1" --format json --output "$folder/$2.json" > "$folder/$2.err" 2>&1 || true
    sed -n 's/^summary: //p; s/^totals: //p' "$folder/$2.out" | tail -1 > "$folder/$2.count"
}

run "$few" few
run "$many" many
python3 - "$folder" <<'PY'
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
def read(name):
    report = json.loads((folder / f"{name}.json").read_text())
    count = int((folder / f"{name}.count").read_text().split()[0])
    return report["requests"]["total"], count
(few, small), (many, large) = read("few"), read("many")
print(f"{(large - small) / (many - few):.0f} instructions a request ({many - few} requests)")
PY
