#!/usr/bin/env bash
# Holds many event streams at once by one generator: how many of them break, and what memory each takes
# in the generator. Start-up is cancelled out by a run with a hundred.
#   scripts/bench-load-streams.sh [STREAMS]             (10,000)
# Fails if one breaks, or is not heard to its end, or if they take 8 KiB each or more.
set -euo pipefail
cd "$(dirname "$0")/.."
streams=${1:-10000}
program=${ACP_TCK:-${CARGO_TARGET_DIR:-target}/release/acp-tck}
[ -x "$program" ] || cargo build --release --workspace --bins --examples
ulimit -n "$(ulimit -Hn)"
folder=$(mktemp -d)
# A stream takes twelve seconds: all are open before the first one ends, and all end after the run.
"$program" agent --port 0 --rate-limit off --rate-limit-invoke off --stream-step 2s --request-timeout 300s \
    --max-connections $((2 * streams)) > "$folder/agent" 2>&1 &
pid=$!
trap 'kill "$pid" 2> /dev/null || true; rm -rf "$folder"' EXIT
for _ in $(seq 100); do
    url=$(grep -o 'http://[0-9.:]*' "$folder/agent" | head -1 || true)
    [ -n "$url" ] && break
    sleep 0.1
done

for users in 100 "$streams"; do
    "$program" load "$url" --scenario stream --users "$users" --duration 5s --format json \
        --output "$folder/$users.json" 2> /dev/null
done
python3 - "$folder" "$streams" <<'PY'
import json, pathlib, sys
folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
few, many = (json.loads((folder / f"{users}.json").read_text()) for users in (100, count))
stream = many["stream"]
memory = [report["generator"]["memory_bytes"] for report in (few, many)]
each = (memory[1] - memory[0]) / (count - 100)
print(f"{stream['opened']} opened, {stream['completed']} completed, {stream['broken']} broken, {stream['most_at_once']} at once")
print(f"{each / 1024:.1f} KiB of the generator each; {memory[1] / 2**20:.1f} MiB in all, {memory[1] / count / 1024:.1f} KiB each with the program itself")
print("; ".join(many.get("notes", [])))
is_well = stream["completed"] == stream["opened"] == count == stream["most_at_once"] and each < 8192
sys.exit(not is_well)
PY
