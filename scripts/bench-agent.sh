#!/bin/sh
# Measures the reference agent in a release build, and prints each figure with its goal beside it.
#
#   scripts/bench-agent.sh [throughput|start|configs|streams]...     default: all four
#
# Needs wrk (apt-get install wrk), taskset and python3. The agent runs on one core and those who ask
# it on another; ROUNDS (default 7) says how often each measurement is repeated.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
for tool in wrk taskset python3; do
    command -v "$tool" >/dev/null || { echo "$tool is not there" >&2; exit 1; }
done
CARGO_INCREMENTAL=0 cargo build --release --quiet --workspace --bins --examples
venv=$target/bench/venv
if [ ! -x "$venv/bin/uvicorn" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet fastapi 'uvicorn[standard]' slowapi prometheus-client
fi
exec python3 scripts/bench/agent.py "$target" "$@"
