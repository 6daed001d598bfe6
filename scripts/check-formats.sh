#!/usr/bin/env bash
# Has every format of the check report, and the pages of loads, matrices and histories, read by readers
# that this project did not write: parsers, schemas and validators from pip and npm, and a real browser.
#
#   scripts/check-formats.sh [FOLDER]     where the reports stay; default: target/formats
#
# Builds the program, unless ACP_TCK names one. Installs what it needs into target/formats-tools.
# What cannot be had is said in a line, and is no
# failure, unless CI=true.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
reports=${1:-$target/formats}
tools=$target/formats-tools
here=scripts/formats
mkdir -p "$reports" "$tools"

not_checked() {
    echo "not checked: $1, because $2"
    if [ "${CI:-}" = true ]; then exit 1; fi
}
has() { command -v "$1" >/dev/null; }

program=${ACP_TCK:-}
if [ -z "$program" ]; then
    cargo build --quiet --locked
    program=$target/debug/acp-tck
fi

# 1. Runs of every kind: a clean one, one with faults, one without an agent.
written=()
for suffix in json html md sarif tap svg xml shields.json; do
    written+=(--output "NAME.$suffix")
done
outputs() { printf '%s\n' "${written[@]/NAME/$reports/$1}"; }
mapfile -t to < <(outputs clean)
certify=()
if has openssl; then
    openssl genpkey -algorithm ed25519 -out "$reports/certificate.key" 2>/dev/null
    openssl pkey -in "$reports/certificate.key" -pubout -out "$reports/certificate.pub"
    certify=(--certificate "$reports/clean.certificate.json" --signing-key "$reports/certificate.key")
fi
"$program" check "${to[@]}" "${certify[@]}"

faults=(counts-length-in-bytes repeats-a-key writes-python-for-json retries-in-words streams-in-latin-1)
# An old log would name an old port.
: >"$reports/agent.log"
"$program" agent --port 0 --rate-limit off --rate-limit-invoke off "${faults[@]/#/--fault=}" \
    2>>"$reports/agent.log" &
agent=$!
trap 'kill "$agent" 2>/dev/null || true' EXIT
until url=$(grep -o '"url":"[^"]*"' "$reports/agent.log"); do
    kill -0 "$agent"
    sleep 0.1
done
mapfile -t to < <(outputs failing)
code=0
"$program" check "$(cut -d'"' -f4 <<<"$url")" "${to[@]}" || code=$?
[ "$code" = 1 ]
kill "$agent"

mapfile -t to < <(outputs unreachable)
code=0
"$program" check http://127.0.0.1:9 "${to[@]}" 2>/dev/null || code=$?
[ "$code" = 3 ]

# The other pages of the family: loads, one beside another, merged; a matrix; a history.
pages=$reports/pages
mkdir -p "$pages"
: >"$reports/agent.log"
"$program" agent --port 0 --rate-limit off --rate-limit-invoke off 2>>"$reports/agent.log" &
agent=$!
until url=$(grep -o '"url":"[^"]*"' "$reports/agent.log"); do
    kill -0 "$agent"
    sleep 0.1
done
url=$(cut -d'"' -f4 <<<"$url")
# Whether figures hold is the machine's affair here; that they are written is not.
load() { "$program" load "$url" --rate 100/s --duration 3s "$@" 2>/dev/null || [ $? = 1 ]; }
load --scenario cache --output "$pages/load.json" --histogram "$reports/a.hlog" --prometheus "$reports/load.prom"
load --scenario cache --baseline "$pages/load.json" --seed 1 --threshold 'p99<50ms' --threshold 'hit_rate>0.99' \
    --output "$pages/load-beside.html" --output "$pages/load-beside.json" --histogram "$reports/b.hlog"
load --scenario stream --output "$pages/load-stream.html" --output "$pages/load-stream.json"
# After all of that, so that every metric has something to say.
get() { python3 -c 'import sys, urllib.request as web; print(web.urlopen(web.Request(sys.argv[1], headers={"Accept": sys.argv[2]})).read().decode(), end="")' "$@"; }
get "$url/metrics" text/plain >"$reports/agent.prom"
get "$url/metrics" application/openmetrics-text >"$reports/agent.openmetrics"
kill "$agent"
"$program" report render "$pages/load.json" --output "$pages/load.html"
"$program" load http://127.0.0.1:9 --output "$pages/load-nobody.html" 2>/dev/null || [ $? = 3 ]
"$program" report merge "$reports"/[ab].hlog --output "$reports/ab.hlog"
"$program" report matrix "$reports"/{clean,failing}.json --output "$pages/matrix.html" --format html
"$program" report history "$reports" "$pages" --output "$pages/history.html"

# 2. Readers from pip; made anew when their list changes.
if ! cmp -s $here/requirements.txt "$tools/requirements.txt"; then
    rm -rf "$tools/venv"
    if python3 -m venv "$tools/venv" && "$tools/venv/bin/pip" install --quiet \
        --disable-pip-version-check --requirement $here/requirements.txt; then
        cp $here/requirements.txt "$tools/requirements.txt"
    fi
fi

# 3. Readers from npm, which trusts a list of its own: where the machine has authorities besides, they are the system's.
export NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}
if has npm && ! cmp -s $here/package.json "$tools/package.json"; then
    cp $here/package.json "$tools/package.json"
    npm install --prefix "$tools" --silent --no-audit --no-fund --no-package-lock ||
        rm "$tools/package.json"
fi

# 4. Reports that mean harm, and a large one, rendered in every format.
if has node; then
    for kind in hostile large; do
        node $here/make.mjs $kind "$reports/failing.json" "$reports/$kind.json"
        mapfile -t to < <(outputs $kind | grep -v "/$kind.json$" | grep -v -- '^--output$' | sed 's/^/--output=/')
        "$program" report render "$reports/$kind.json" "${to[@]}"
        node $here/make.mjs $kind "$pages/load-beside.json" "$reports/load-$kind.json"
        "$program" report render "$reports/load-$kind.json" --output "$pages/load-$kind.html"
    done
    "$program" report matrix "$reports"/{clean,hostile,failing}.json --output "$pages/matrix-hostile.html"
    "$program" report history "$reports"/{clean,hostile,load-hostile}.json --output "$pages/history-hostile.html"
fi

# 5. The readers.
if cmp -s $here/requirements.txt "$tools/requirements.txt"; then
    "$tools/venv/bin/python" $here/check.py "$reports"
    if has openssl; then
        "$tools/venv/bin/python" $here/certificate.py "$reports"
        "$program" verify "$reports/clean.certificate.json" --report "$reports/clean.json" \
            --key "$reports/certificate.pub" >/dev/null
    else
        not_checked "the certificate" "there is no openssl"
    fi
else
    not_checked "JSON, JUnit, SARIF, SVG, metrics and the certificate" "the packages of requirements.txt cannot be installed"
fi
if has node && [ -f "$tools/package.json" ]; then
    # Modules are looked for above the file that wants them.
    cp $here/*.mjs "$tools"
    node "$tools/check.mjs" "$reports"
    browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
    if [ -n "$browser" ]; then
        BROWSER=$browser node "$tools/browser.mjs" "$reports"
        BROWSER=$browser node "$tools/pages.mjs" "$pages"
    else
        not_checked "the page in a browser" "there is no Chromium (apt-get install chromium)"
    fi
else
    not_checked "TAP, Markdown and HTML" "there is no node, or its packages cannot be installed"
fi
