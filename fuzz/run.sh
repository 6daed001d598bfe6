#!/usr/bin/env bash
# Runs the fuzz targets, each for so many seconds: fuzz/run.sh [SECONDS [TARGET…]]
#
# libFuzzer with coverage feedback, on the stable toolchain: the flags are LLVM's own, and no sanitizer is asked for,
# as there is no unsafe code here. On a nightly, `cargo fuzz run TARGET` works too. The first bytes come
# from the fixtures; what is found is written to fuzz/artifacts/TARGET/ and fails the run. Each run draws anew;
# FUZZ_SEED=N draws as another run did.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-60}
if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
    echo "fuzz/run.sh: $seconds is no number of seconds: fuzz/run.sh [SECONDS [TARGET…]]" >&2
    exit 2
fi
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(sse exposition cases judge)

host=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=$PWD/target
# With --target, build scripts and macros are not instrumented.
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing" \
    cargo build --release --locked --quiet --target "$host" --bins
bin=target/$host/release

# One target alone, as long as it takes; prints its figures, or the end of its log.
fuzz() {
    local target=$1
    mkdir -p "artifacts/$target" "corpus/$target"
    "$bin/$target" "corpus/$target" -max_total_time="$seconds" -max_len=8192 -timeout=20 -rss_limit_mb=1024 \
        -seed="${FUZZ_SEED:-0}" \
        -print_final_stats=1 -artifact_prefix="artifacts/$target/" 2>"artifacts/$target/log" ||
        { tail -n 40 "artifacts/$target/log"; return 1; }
    echo "fuzz: $target, $seconds s"
    grep -E "DONE|stat::slowest_unit" "artifacts/$target/log"
}
export -f fuzz
export bin seconds

# As many at once as there are processors.
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I {} bash -c 'fuzz {}'
