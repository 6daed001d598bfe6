#!/bin/sh
# Compares `acp-tck load` with others that make load, one processor core for them and another for the
# server: requests a second by the server's own count, processor time a request, memory. Runs are
# interleaved; medians are printed, and ratios to a bare hyper loop.
#
#   scripts/bench-load-peers.sh [PEER]...     of: acp-tck bare-loop goose oha wrk locust (default: all)
#
# RUNS (default 5) and SECONDS_EACH (default 5) say how often and how long; CONNECTIONS (default
# "16 64"). wrk comes from apt; oha (cargo install) and locust (pip) are installed below the target
# folder, once. A peer that cannot be had is left out, and that is said.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
for tool in taskset python3; do
    command -v "$tool" >/dev/null || { echo "$tool is not there" >&2; exit 1; }
done
if [ "$(nproc)" -lt 2 ]; then
    echo "two processor cores are needed" >&2
    exit 1
fi
[ $# -gt 0 ] || set -- acp-tck bare-loop goose oha wrk locust
CARGO_INCREMENTAL=0 cargo build --release --quiet --workspace --bins --examples
for peer; do
    case $peer in
        oha) command -v oha >/dev/null || [ -x "$target/bench/bin/oha" ] ||
            cargo install --quiet --locked --root "$target/bench" oha || true ;;
        locust) [ -x "$target/bench/locust/bin/locust" ] ||
            { python3 -m venv "$target/bench/locust" &&
                "$target/bench/locust/bin/pip" install --quiet locust; } || true ;;
    esac
done
exec python3 scripts/bench/load_peers.py "$target" "$@"
