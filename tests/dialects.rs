//! Agents that speak dialects, and what real agents get wrong: that the verdict is the right one.

mod relay;

use std::collections::BTreeSet;
use std::path::Path;

use acp_conformance::dialects::{DIALECTS, MISTAKES};
use acp_conformance::feature::Feature;
use acp_conformance::run;
use acp_conformance::select::Selection;
use acp_conformance::settings::Settings;
use acp_reference_agent as reference;
use acp_reports::{Report, Status, Verdict};
use reference::faults;
use tokio_util::sync::CancellationToken;
use url::Url;

/// Ways to speak that break no MUST, as faults of form; and the dialects that they are.
const SPEAKS: &[(&str, &[&str])] = &[
    ("suffixes-the-keys-of-schemas", &["suffixed-schema-keys"]),
    (
        "writes-schemas-of-capabilities-in-camel-case",
        &["camel-case-schemas"],
    ),
    ("names-its-protocol-otherwise", &["acp-version"]),
    ("dates-its-health-without-zone", &["health-without-zone"]),
    ("needs-no-config", &["optional-config"]),
    ("echoes-configs", &["config-echo"]),
    ("says-when-and-not-created-at", &["config-timestamp"]),
    ("marks-hits-beside-the-output", &["cache-mark-elsewhere"]),
    (
        "answers-as-fastapi-does",
        &["unprocessable-content", "detail-list"],
    ),
    ("says-detail-for-error", &["detail"]),
    ("flattens-errors", &["flat-error"]),
    ("says-completed-for-complete", &["completed"]),
    ("says-output-for-result", &["output-for-result"]),
    // After those that change the last event.
    ("closes-with-done", &["done-sentinel"]),
];

/// Two of a kind cannot be in one answer: these are certified by themselves.
const SPEAKS_ALONE: &[(&str, &[&str])] = &[
    (
        "ends-streams-in-the-whole-response",
        &["response-for-result"],
    ),
    (
        "refuses-barely-in-the-stream",
        &["bare-error-event", "refusal-in-the-stream"],
    ),
    ("stamps-errors-without-zone", &["error-time-without-zone"]),
];

async fn certify(url: &str, topic: &[&str]) -> Report {
    let url = Url::parse(url).expect("a URL");
    let mut settings = Settings::for_agent(url, jiff::Timestamp::now());
    settings.facts.cases = 30;
    let only = topic.iter().map(|&glob| glob.to_owned()).collect();
    settings.selection = Selection::new(only, Vec::new()).expect("globs");
    run::run(&settings, &|_| {}, &CancellationToken::new())
        .await
        .expect("a run")
}

async fn speaking(names: &[&str]) -> reference::Running {
    let faults = names.iter().map(|name| faults::find(name).expect(name));
    let settings = reference::Settings {
        faults: faults.collect(),
        ..reference::Settings::unlimited()
    };
    reference::start(settings).await.expect("the agent starts")
}

fn spoken(report: &Report) -> BTreeSet<&str> {
    report.dialects.iter().map(|it| it.name.as_str()).collect()
}

fn failed(report: &Report) -> Vec<&str> {
    let failing = report.results.iter();
    let failing = failing.filter(|finding| finding.status == Status::Fail);
    failing.map(|finding| finding.rule.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_speaks_many_dialects_is_certified_and_they_are_named() {
    let names: Vec<&str> = SPEAKS.iter().map(|(name, _)| *name).collect();
    let agent = speaking(&names).await;
    let report = certify(&agent.url(), &[]).await;
    agent.stop().await;
    assert_eq!(failed(&report), Vec::<&str>::new());
    assert_eq!(report.verdict, Verdict::Pass);
    let named: BTreeSet<&str> = SPEAKS
        .iter()
        .flat_map(|(_, names)| *names)
        .copied()
        .collect();
    assert_eq!(spoken(&report), named);
    for dialect in &report.dialects {
        let Some(rule) = &dialect.rule else {
            continue;
        };
        let finding = report.results.iter().find(|finding| finding.rule == *rule);
        let finding = finding.expect("the rule was judged");
        assert_eq!(finding.status, Status::Warn, "{rule}");
        let tells = finding
            .notes
            .iter()
            .any(|note| note.contains(&dialect.cost));
        assert!(tells, "{rule} does not say what `{}` costs", dialect.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dialect_alone_is_named_and_costs_a_warning() {
    for (name, dialects) in SPEAKS_ALONE {
        let agent = speaking(&[name]).await;
        let report = certify(&agent.url(), &["streaming", "errors", "invoke", "config"]).await;
        agent.stop().await;
        assert_eq!(failed(&report), Vec::<&str>::new(), "{name}");
        let named: BTreeSet<&str> = dialects.iter().copied().collect();
        assert_eq!(spoken(&report), named, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_agent_speaks_none() {
    let agent = speaking(&[]).await;
    let report = certify(&agent.url(), &["core", "errors", "streaming", "cache"]).await;
    agent.stop().await;
    assert_eq!(spoken(&report), BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_streams_by_a_flag_alone_is_certified_for_streaming() {
    let agent = speaking(&[]).await;
    let relay = relay::start(agent.addr()).await;
    let report = certify(&format!("http://{relay}"), &["streaming", "features"]).await;
    agent.stop().await;
    assert_eq!(failed(&report), Vec::<&str>::new());
    let streaming = report.features.iter();
    let mut streaming = streaming.filter(|feature| feature.name == Feature::Streaming.name());
    assert!(streaming.any(|feature| feature.certified), "{report:?}");
    assert!(spoken(&report).contains("stream-by-flag"));
}

/// The faults that do what real agents were seen to do: a part of what the mistake is called.
const DOES: &[(&str, &str)] = &[
    (
        "an error event of the agent's own making",
        "fails-at-the-last-moment",
    ),
    ("without a terminal event", "never-completes"),
    ("a cut connection", "cuts-streams-short"),
    (
        "ignored, or answered with the defaults",
        "serves-unknown-configs",
    ),
    (
        "an unknown `config_id` is a 500",
        "crashes-on-unknown-configs",
    ),
    ("an invalid configuration is stored", "takes-any-language"),
    ("FastAPI's `detail`", "answers-as-fastapi-does"),
    (
        "configuration is an unhandled 500",
        "crashes-on-invalid-configs",
    ),
    ("no configuration changes anything", "configures-nothing"),
    ("a bare `{\"error\": …}`", "refuses-barely-in-the-stream"),
    ("and then silence", "progresses-and-falls-silent"),
    ("several shapes of errors", "flattens-errors"),
    ("`1e999` or a lone surrogate", "crashes-on-lone-surrogates"),
    ("`NaN` in a body", "crashes-on-nan"),
    ("as large as it likes", "swallows-large-bodies"),
    ("HEAD is 405", "refuses-head"),
    ("of two workers", "two-workers-share-nothing"),
    ("leaves `config_id` out", "keys-without-config"),
    ("guards `/invoke` alone", "guards-invoke-alone"),
    ("429 is `{\"error\"", "refuses-as-slowapi-does"),
    ("without `Retry-After`", "forgets-retry-after"),
    ("never applied", "applies-no-limit"),
    ("for every unknown path", "makes-a-series-of-each-path"),
    ("timed to its head", "times-streams-to-their-head"),
    ("not a success is not counted", "counts-only-successes"),
    ("times without a zone", "forgets-the-time-zone"),
    ("CORS", "trusts-any-origin"),
    ("a 201 to a registration", "takes-a-201-for-a-failure"),
    (
        "down at the start",
        "gives-up-if-the-first-registration-fails",
    ),
];

#[test]
fn each_mistake_of_real_agents_has_a_fault_that_trips_the_rule_that_names_it() {
    for mistake in MISTAKES.iter().filter(|mistake| !mistake.rules.is_empty()) {
        let Some((_, name)) = DOES.iter().find(|(part, _)| mistake.what.contains(part)) else {
            assert!(
                mistake.what.contains("none of the five"),
                "{}",
                mistake.what
            );
            continue;
        };
        let fault = faults::find(name).unwrap_or_else(|| panic!("no fault {name}"));
        for rule in mistake.rules {
            assert!(fault.trips.contains(rule), "{name} does not trip {rule}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_with_none_of_the_five_endpoints_fails_whatever_its_health_says() {
    let relay = relay::nothing_but_health().await;
    let report = certify(&format!("http://{relay}"), &["core"]).await;
    let failed = failed(&report);
    for rule in ["auth.responds", "schema.responds", "capabilities.responds"] {
        assert!(failed.contains(&rule), "{failed:?}");
    }
    assert_eq!(report.verdict, Verdict::Fail);
}

/// `docs/dialects.md`, as the values say it.
fn page() -> String {
    let mut text = String::from(
        "# Dialects\n\n\
         Where the sources disagree, the profile has one form; the others are dialects. The checker recognises\n\
         them by name, judges what is behind the form, and reports them (`dialects` in the JSON report). An agent\n\
         speaks a dialect where it has its form *instead of* the profile's; a superset speaks none. A rule that\n\
         is a SHOULD warns, a MUST fails; without a rule the profile leaves the form open. Made by\n\
         `ACP_TCK_BLESS=1 cargo test --test dialects`.\n\n\
         | dialect | what | form | the profile has | spoken by | what it costs | rule |\n|---|---|---|---|---|---|---|\n",
    );
    let cell = |text: &str| text.replace('|', "\\|");
    for it in DIALECTS {
        let rule = it
            .rule
            .map_or_else(|| "–".to_owned(), |rule| format!("`{rule}`"));
        let cells = [it.point, it.form, it.canonical, it.source, it.cost].map(cell);
        text += &format!("| `{}` | {} | {rule} |\n", it.name, cells.join(" | "));
    }
    text += "\n# What real agents get wrong\n\n\
             Seen by running them, and found by the rules beside it.\n\n| mistake | found by |\n|---|---|\n";
    for it in MISTAKES {
        let rules: Vec<String> = it.rules.iter().map(|rule| format!("`{rule}`")).collect();
        let found = match it.rules {
            [] => format!("nothing: {}", it.note),
            _ => rules.join(", "),
        };
        text += &format!("| {} | {} |\n", cell(it.what), cell(&found));
    }
    text
}

#[test]
fn the_page_on_dialects_is_what_the_values_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/dialects.md");
    if std::env::var_os("ACP_TCK_BLESS").is_some() {
        std::fs::write(&path, page()).expect("docs/dialects.md can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page(),
        "docs/dialects.md is out of step: ACP_TCK_BLESS=1 cargo test --test dialects"
    );
}
