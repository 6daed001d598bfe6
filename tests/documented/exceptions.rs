//! What is not run as it stands, each with the reason; and what ends otherwise than with 0.
//!
//! An entry that no command of a page holds any more fails a test.

/// Commands that no test runs: a part of them, and why.
pub(crate) const NOT_RUN: &[(&str, &str)] = &[
    ("cargo test", "it is what runs this"),
    ("cargo install", "it builds for ten minutes; tried by hand"),
    ("docker ", "needs a container engine"),
];

/// Commands that end otherwise, and do not say so (`# exit code 1`): a part of them, with which codes, and why.
pub(crate) const ENDINGS: &[(&str, &[i32], &str)] = &[(
    "acp-tck load",
    &[0, 1],
    "a busy machine may miss a threshold",
)];

/// Samples that the command before them does not print: a part of each, and why.
pub(crate) const CUT_OUT: &[(&str, &str)] = &[(
    "changed invoke-001",
    "an agent that answers otherwise the second time",
)];

/// Texts that are put in place of others, so that a command can run here and now.
pub(crate) const REPLACED: &[(&str, &str)] = &[
    ("cargo run --release -- ", "acp-tck "),
    ("--duration 30s", "--duration 3s"),
    ("--duration 10s", "--duration 3s"),
    ("--warm-up 5s", "--warm-up 100ms"),
    ("over 30s", "over 1s"),
    ("for 1m", "for 1s"),
];

/// Files that a reader has already, and what makes them: a page's commands run in an empty folder.
pub(crate) const GIVEN: &[(&str, &str)] = &[
    (
        "before.json",
        "acp-tck check http://localhost:8000 --only auth --output before.json",
    ),
    (
        "after.json",
        "acp-tck check http://localhost:8000 --only auth --output after.json",
    ),
    (
        "acp.json",
        "acp-tck check http://localhost:8000 --only auth --output acp.json",
    ),
    (
        "load.json",
        "acp-tck load http://localhost:8000 --duration 1s --output load.json",
    ),
    (
        "one.json",
        "acp-tck check http://localhost:8000 --only auth --output one.json",
    ),
    (
        "other.json",
        "acp-tck check http://localhost:8000 --only schema --output other.json",
    ),
    (
        "alpha.json",
        "acp-tck check http://localhost:8000 --only auth --output alpha.json",
    ),
    (
        "beta.json",
        "acp-tck check http://localhost:8000 --only auth --output beta.json",
    ),
    (
        "reports/",
        "mkdir reports && acp-tck check http://localhost:8000 --only auth --output reports/first.json",
    ),
    (
        "agent.py",
        "cp \"$ROOT/fixtures/agents/afternoon/agent.py\" agent.py",
    ),
];
