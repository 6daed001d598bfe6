//! The profile's text in `docs/profile/`, made from the catalogue: the same values as
//! `acp-tck rules explain` tells.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use acp_conformance::feature::Feature;
use acp_conformance::profile::Profile;
use acp_conformance::rule::Rule;
use acp_conformance::rules;
use acp_conformance::run::run;
use acp_conformance::settings::Settings;
use acp_conformance::unchecked::UNCHECKED;
use acp_reference_agent as reference;
use acp_reference_agent::faults::{self, Fault};
use acp_reports::{Finding, Level, ProfileLevel, Report, Status, Verdict};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Where a page comes from, at its end.
const MADE: &str =
    "\nMade from the catalogue by `ACP_TCK_BLESS=1 cargo test --test profile`; not to be edited.\n";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/profile")
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Must => "MUST",
        Level::Should => "SHOULD",
    }
}

fn faults_of(rule: &Rule) -> impl Iterator<Item = &'static Fault> {
    let id = rule.id;
    faults::catalogue().filter(move |fault| fault.trips.contains(&id))
}

fn rules_of(feature: Feature) -> Vec<&'static Rule> {
    let rules = rules::catalogue().filter(|rule| rule.feature == feature);
    rules.collect()
}

/// One rule: all that `rules explain` tells.
fn section(rule: &Rule) -> String {
    let later = match Profile::LATEST.holds(rule) {
        true => "",
        false => ", later than this revision: reported, not scored",
    };
    let mut text = format!(
        "\n## `{}`\n\n**{}**{later}. {}\n\n- source: {}\n- why: {}\n- mend: {}\n- proved by:",
        rule.id,
        level(rule.level),
        rule.clause,
        rule.source,
        rule.why,
        rule.mend
    );
    for fault in faults_of(rule) {
        let _ = write!(text, "\n  - `{}`: {}", fault.name, fault.summary);
    }
    text.push('\n');
    text
}

fn page(feature: Feature, rules: &[&Rule]) -> String {
    let mut text = format!("# {}: `{feature}`\n", Profile::LATEST.name);
    text.extend(rules.iter().map(|rule| section(rule)));
    text + MADE
}

fn index() -> String {
    let profile = Profile::LATEST;
    let mut text = format!(
        "# The profile {}\n\n\
         What an ACP agent must do to be certified: the rules that `acp-tck check` judges. MUST and SHOULD are RFC\n\
         2119's: a failed MUST fails the run, a failed SHOULD is a warning, and fails it under `--strict`.\n\n\
         `core` always applies; another feature applies if it is claimed or found. An agent with `core`\n\
         certified reaches the level *core*; with `core`, `errors`, `observability` and `lifecycle`, *production*.\n\n\
         The revision is frozen ([the list](../../fixtures/profiles/five-endpoint-1.txt)): a rule that comes later is judged\n\
         and reported, and counts from the next revision on. Sources: *seed*, *P1* to *P3* are the parts of the tutorial\n\
         that the protocol is known from, *HTTP* is RFC 9110, *SSE* the HTML standard, *design* a decision of this\n\
         project. Where that differs from its first draft: [profile-changes.md](../profile-changes.md). What is asked\n\
         for and not checked: [not-checkable.md](not-checkable.md).\n\n\
         | feature | MUST | SHOULD | rules |\n|---|---|---|---|\n",
        profile.name
    );
    for feature in Feature::ALL {
        let rules = rules_of(*feature);
        let (scored, later): (Vec<&Rule>, Vec<&Rule>) =
            rules.iter().partition(|rule| profile.holds(rule));
        if rules.is_empty() {
            continue;
        }
        let musts = scored.iter().filter(|rule| rule.level == Level::Must);
        let musts = musts.count();
        let later = match later.len() {
            0 => String::new(),
            number => format!(", {number} later"),
        };
        let _ = writeln!(
            text,
            "| `{feature}` | {musts} | {} | [{feature}.md]({feature}.md){later} |",
            scored.len() - musts
        );
    }
    text + MADE
}

fn not_checkable() -> String {
    let mut text = String::from(
        "# Known and not checked\n\n\
         Requirements of the profile's sources that nobody can decide over the wire, or not fairly.\n\n\
         | requirement | source | why it is not checked |\n|---|---|---|\n",
    );
    for it in UNCHECKED {
        let _ = writeln!(text, "| {} | {} | {} |", it.clause, it.source, it.why);
    }
    text + MADE
}

/// Every page, by its file's name.
fn pages() -> BTreeMap<String, String> {
    let mut pages = BTreeMap::from([
        ("README.md".to_owned(), index()),
        ("not-checkable.md".to_owned(), not_checkable()),
    ]);
    for feature in Feature::ALL {
        let rules = rules_of(*feature);
        if !rules.is_empty() {
            pages.insert(format!("{feature}.md"), page(*feature, &rules));
        }
    }
    pages
}

/// The files that are there.
fn written() -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder()).into_iter().flatten().flatten();
    let read = entries.map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(entry.path()).expect("a page");
        (name, text)
    });
    read.collect()
}

#[test]
fn the_pages_are_in_step_with_the_catalogue() {
    let pages = pages();
    if std::env::var_os("ACP_TCK_BLESS").is_some() {
        std::fs::create_dir_all(folder()).expect("docs/profile can be made");
        for name in written().keys().filter(|name| !pages.contains_key(*name)) {
            std::fs::remove_file(folder().join(name)).expect("a page that is no more");
        }
        for (name, text) in &pages {
            std::fs::write(folder().join(name), text).expect("a page can be written");
        }
    }
    let written = written();
    let names = pages.keys().chain(written.keys());
    let differ: Vec<&String> = names
        .filter(|name| pages.get(*name) != written.get(*name))
        .collect();
    assert!(
        differ.is_empty(),
        "docs/profile is out of step ({differ:?}): ACP_TCK_BLESS=1 cargo test --test profile"
    );
}

/// A run against an agent that names an unknown kind of credentials.
async fn certify(profile: &'static Profile) -> Report {
    let fault = faults::find("invents-an-auth-type").expect("a fault");
    let agent = reference::start(reference::Settings {
        faults: vec![fault],
        ..reference::Settings::unlimited()
    });
    let agent = agent.await.expect("the agent starts");
    let url = Url::parse(&agent.url()).expect("a URL");
    let mut settings = Settings::for_agent(url, jiff::Timestamp::now());
    settings.profile = profile;
    settings.facts.cases = 5;
    let report = run(&settings, &|_| {}, &CancellationToken::new()).await;
    agent.stop().await;
    report.expect("a run")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_later_than_the_revision_is_judged_and_told_and_decides_nothing() {
    const LATER: &str = "auth.type-known";
    let earlier = Profile::LATEST.rules().filter(|(id, _)| *id != LATER);
    let earlier = earlier.map(|(id, it)| format!("{} {id}", level(it).to_lowercase()));
    let lines: Vec<String> = earlier.collect();
    let before: &'static Profile = Box::leak(Box::new(Profile::new(
        "five-endpoint/0",
        lines.join("\n").leak(),
    )));
    let status = |findings: &[Finding]| {
        let finding = findings.iter().find(|finding| finding.rule == LATER);
        finding.map(|finding| finding.status)
    };
    let report = certify(before).await;
    assert_eq!(report.profile, "five-endpoint/0");
    assert_eq!(status(&report.results), None);
    assert_eq!(status(&report.unscored), Some(Status::Fail));
    assert_eq!(
        (report.verdict, report.level),
        (Verdict::Pass, ProfileLevel::Core)
    );
    assert_eq!(report.summary.fail, 0);
    let report = certify(Profile::LATEST).await;
    assert_eq!(status(&report.results), Some(Status::Fail));
    assert_eq!(report.unscored, []);
    assert_eq!(
        (report.verdict, report.level),
        (Verdict::Fail, ProfileLevel::None)
    );
}

#[test]
fn an_unknown_profile_is_refused_and_the_known_ones_are_named() {
    let told = Command::new(env!("CARGO_BIN_EXE_acp-tck"))
        .args(["check", "--profile", "five-endpoint/9"])
        .output()
        .expect("the program runs");
    assert_eq!(told.status.code(), Some(2));
    let error = String::from_utf8(told.stderr).expect("text");
    assert!(error.contains("five-endpoint/1"), "{error}");
}

#[test]
fn rules_explain_tells_what_the_page_does() {
    for rule in rules::catalogue() {
        let told = Command::new(env!("CARGO_BIN_EXE_acp-tck"))
            .args(["rules", "explain", rule.id])
            .output()
            .expect("the program runs");
        let told = String::from_utf8(told.stdout).expect("text");
        let section = section(rule);
        let texts = [
            rule.id,
            rule.clause,
            rule.source,
            rule.why,
            rule.mend,
            level(rule.level),
        ];
        let proofs = faults_of(rule).flat_map(|fault| [fault.name, fault.summary]);
        for text in texts.into_iter().chain(proofs) {
            assert!(
                told.contains(text),
                "`rules explain {}` lacks {text}",
                rule.id
            );
            assert!(
                section.contains(text),
                "the page on {} lacks {text}",
                rule.id
            );
        }
    }
}
