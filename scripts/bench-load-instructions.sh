#!/bin/sh
# Instructions that one request costs the generator, by callgrind; start-up is cancelled out by two
# run lengths. Give the agent's URL, and perhaps `closed` (default) or `open`.
#   scripts/bench-load-instructions.sh http://127.0.0.1:8000 [closed|open]
# Valgrind runs some fifty times slower than the machine: the rates are low for that reason.
set -eu
url=$1
model=${2:-closed}
program=${ACP_TCK:-target/release/acp-tck}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

run() { # seconds, name
    if [ "$model" = open ]; then load="--rate 200/s"; else load="--users 1"; fi
    # shellcheck disable=SC2086
    valgrind --tool=callgrind --callgrind-out-file="$folder/$2.out" "$program" load "$url" \
        --mix invoke=1 --duration "$1s" $load --format json --output "$folder/$2.json" \
        2> "$folder/$2.err" || true
    sed -n 's/^summary: //p; s/^totals: //p' "$folder/$2.out" | tail -1 > "$folder/$2.count"
}

run "${SHORT:-15}" short
run "${LONG:-30}" long
python3 - "$folder" <<'PY'
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
def read(name):
    report = json.loads((folder / f"{name}.json").read_text())
    count = int((folder / f"{name}.count").read_text().split()[0])
    return report["requests"]["total"], count
(few, short), (many, long) = read("short"), read("long")
print(f"{(long - short) / (many - few):.0f} instructions a request ({many - few} requests)")
PY
