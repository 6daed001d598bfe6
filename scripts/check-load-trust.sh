#!/usr/bin/env bash
# A generator that is kept from its processor must say that its figures are not to be trusted, and
# one that is not must not. The agent has the first processor, the generator the second, alone at first
# and then with two busy neighbours. Wants a machine that does nothing else: where it does, the first
# half fails, and rightly so.
#   scripts/check-load-trust.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-5}
program=${ACP_TCK:-${CARGO_TARGET_DIR:-target}/release/acp-tck}
[ -x "$program" ] || cargo build --release --workspace --bins --examples
folder=$(mktemp -d)
started=()
trap 'kill "${started[@]}" 2> /dev/null || true; rm -rf "$folder"' EXIT

taskset -c 0 "$program" agent --port 0 --rate-limit off --rate-limit-invoke off > "$folder/agent" 2>&1 &
started+=($!)
for _ in $(seq 100); do
    url=$(grep -o 'http://[0-9.:]*' "$folder/agent" | head -1 || true)
    [ -n "$url" ] && break
    sleep 0.1
done

load() { # name; prints the exit code, and says why a run is not trusted
    local code=0
    taskset -c 1 "$program" load "$url" --mix invoke=1 --rate 500/s --duration "${seconds}s" --require-trusted \
        --format json --output "$folder/$1.json" 2> /dev/null || code=$?
    python3 - "$folder/$1.json" >&2 <<'PY'
import json, sys
told = json.load(open(sys.argv[1]))["generator"]
print(f"  trusted: {told['trusted']}; {told.get('why') or 'no doubts'}; {told['cpu_share']:.2f} of a core")
PY
    echo "$code"
}

echo "alone:" >&2
alone=$(load alone)
for _ in 1 2; do
    taskset -c 1 sh -c 'while :; do :; done' &
    started+=($!)
done
echo "with two busy neighbours:" >&2
starved=$(load starved)
echo "exit codes: $alone alone (0 is right), $starved starved (3 is right)"
[ "$alone" = 0 ] && [ "$starved" = 3 ]
