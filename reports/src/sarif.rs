//! The SARIF face (2.1.0): rules with help texts, a result for each rule that does not hold.
//!
//! Made for code scanning: what passed or does not apply is no result, since GitHub shows every
//! result as an alert, whatever its kind. Locations are paths on the agent, as there is no file;
//! relative ones, since GitHub refuses a file with any others.

mod exchange;

use std::io;

use serde_json::{Value, json};

use crate::{Finding, Level, Report, Status, Verdict, details, text, words};

/// Where the schema stands that the output holds to.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes a report as SARIF.
pub(crate) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [run(report)],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

fn run(report: &Report) -> Value {
    let all = || report.results.iter().chain(&report.unscored);
    let rules: Vec<Value> = all().map(rule).collect();
    let shown = all().enumerate();
    let results: Vec<Value> = shown
        .filter(|(_, finding)| is_result(report, finding))
        .map(|(index, finding)| match index < report.results.len() {
            true => result(index, finding),
            false => unscored(index, finding),
        })
        .collect();
    json!({
        "tool": {"driver": {
            "name": report.tool.name,
            "semanticVersion": report.tool.version,
            "rules": rules,
        }},
        "automationDetails": {"id": format!("acp-tck/{}/", report.profile)},
        "invocations": [invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {
            "verdict": report.verdict,
            "level": report.level,
            "target": report.target,
            "features": report.features,
            "summary": report.summary,
            "seed": report.seed,
            "cases": report.cases,
        },
    })
}

fn is_result(report: &Report, finding: &Finding) -> bool {
    match finding.status {
        Status::Fail | Status::Warn | Status::Expected => true,
        Status::Inconclusive => words::needs_evidence(report, finding.level),
        Status::Pass | Status::Skip | Status::Error => false,
    }
}

/// `sse.data-is-json` as `SseDataIsJson`: SARIF wants names to read, in Pascal case.
fn name(rule: &str) -> String {
    let parts = rule.split(|c: char| !c.is_alphanumeric());
    let capital = |part: &str| {
        let mut letters = part.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    parts.map(capital).collect()
}

fn rule(finding: &Finding) -> Value {
    let level = words::level(finding.level);
    let mut tags = vec![level, &finding.feature];
    let area = words::area(&finding.rule);
    // Tags are a set, and some features are called as their area is.
    if !tags.contains(&area) {
        tags.push(area);
    }
    let clause = sentence(&finding.clause, &finding.rule);
    let why = sentence(&finding.why, "");
    let full = format!("{clause} {why}");
    json!({
        "id": finding.rule,
        "name": name(&finding.rule),
        "shortDescription": {"text": clause},
        "fullDescription": {"text": full.trim()},
        "help": help(finding),
        "defaultConfiguration": {"level": severity(finding.level)},
        "properties": {
            "tags": tags,
            "problem.severity": severity(finding.level),
        },
    })
}

/// What is known of a rule, as text and as Markdown.
fn help(finding: &Finding) -> Value {
    let parts = [
        ("Requirement", &finding.clause),
        ("Why it matters", &finding.why),
        ("How to mend it", &finding.mend),
        ("Source", &finding.source),
    ];
    let known = || parts.iter().filter(|(_, text)| !text.is_empty());
    let plain: Vec<String> = known()
        .map(|(title, text)| format!("{title}: {}", text::clip(text, text::SENTENCE)))
        .collect();
    let marked: Vec<String> = known()
        .map(|(title, text)| format!("**{title}.** {}", text::clip(text, text::SENTENCE)))
        .collect();
    let or_id = |texts: Vec<String>, between: &str| match texts.is_empty() {
        true => finding.rule.clone(),
        false => texts.join(between),
    };
    json!({"text": or_id(plain, "\n"), "markdown": or_id(marked, "\n\n")})
}

fn sentence(text: &str, instead: &str) -> String {
    let text = if text.is_empty() { instead } else { text };
    text::clip(text, text::SENTENCE)
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::Must => "error",
        Level::Should => "warning",
    }
}

fn result(index: usize, finding: &Finding) -> Value {
    let is_open = finding.status == Status::Inconclusive;
    let first = finding.evidence.first();
    let mut result = json!({
        "ruleId": finding.rule,
        "ruleIndex": index,
        // SARIF has `none` for the level of what is no failure.
        "kind": if is_open { "open" } else { "fail" },
        "level": if is_open { "none" } else { severity(finding.level) },
        "message": {"text": message(finding)},
        "locations": [exchange::location(finding, first)],
        // One result a rule, so that the same failure is the same alert from run to run.
        "partialFingerprints": {"acpTckRule/v1": finding.rule},
        "properties": {
            "status": finding.status,
            "checked": finding.checked,
            "unsteady": finding.unsteady,
            "attempts": finding.attempts,
            "failedAttempts": finding.failed_attempts,
        },
    });
    if let Some(evidence) = first {
        result["webRequest"] = exchange::web_request(evidence);
        result["webResponse"] = exchange::web_response(evidence.response.as_ref());
        result["properties"]["curl"] = evidence.curl.as_str().into();
    }
    if finding.status == Status::Expected {
        let why = finding.excuse.as_deref().unwrap_or_default();
        result["suppressions"] = json!([{
            "kind": "external",
            "status": "accepted",
            "justification": text::clip(why, text::SENTENCE),
        }]);
    }
    result
}

/// A result that decides nothing: its rule is later than the profile's revision. A note is what a
/// viewer shows least of.
fn unscored(index: usize, finding: &Finding) -> Value {
    let mut result = result(index, finding);
    if result["kind"] == "fail" {
        result["level"] = "note".into();
    }
    let text = format!(
        "Not scored, since the profile does not hold this rule yet. {}",
        message(finding)
    );
    result["message"]["text"] = text.into();
    result["properties"]["scored"] = false.into();
    result
}

/// What is wrong, what was expected, what came, and the line that shows it.
fn message(finding: &Finding) -> String {
    let mut lines = vec![text::clip(&finding.message, text::SENTENCE)];
    if finding.status == Status::Inconclusive {
        lines[0] = format!("Could not be decided: {}", lines[0]);
    }
    let wanted = ["unsteady", "seen", "expected", "got", "request", "curl"];
    let rows = details::whole(finding).into_iter();
    for row in rows.filter(|row| wanted.contains(&row.label)) {
        lines.push(format!("{}: {}", row.label, row.lines.concat()));
    }
    // `[text](target)` is a link in a SARIF message.
    lines.join("\n").replace("](", "] (")
}

fn invocation(report: &Report) -> Value {
    let told = |error: &String| notice(&text::clip(error, text::SENTENCE), None);
    let run = report.error.iter().map(told);
    let failed = report
        .results
        .iter()
        .filter(|finding| finding.status == Status::Error)
        .map(|finding| notice(&message(finding), Some(&finding.rule)));
    let stale = report.stale_expectations.iter().map(|entry| {
        let said = format!("expected failure of {}: {}", entry.rule, entry.problem);
        notice(&text::clip(&said, text::SENTENCE), None)
    });
    json!({
        "executionSuccessful": report.verdict != Verdict::Error,
        "exitCode": report.verdict.exit_code(),
        "startTimeUtc": report.started_at,
        "toolExecutionNotifications": run.chain(failed).collect::<Vec<_>>(),
        "toolConfigurationNotifications": stale.collect::<Vec<_>>(),
    })
}

fn notice(text: &str, rule: Option<&str>) -> Value {
    let mut notice = json!({"level": "error", "message": {"text": text}});
    if let Some(rule) = rule {
        notice["associatedRule"] = json!({"id": rule});
    }
    notice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    fn run(report: &Report) -> Value {
        let mut log: Value = serde_json::from_str(&written(report)).expect("it is JSON");
        log["runs"][0].take()
    }

    #[test]
    fn the_sample_is_written_as_sarif() {
        insta::assert_snapshot!(written(&sample::report()));
    }

    #[test]
    fn it_holds_to_the_schema_of_oasis() {
        let schema = include_str!("../../fixtures/reports/sarif-2.1.0.schema.json");
        let mut schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
        // Their pattern has a stray bracket, which ECMA 262 with `u` refuses.
        for owner in ["run", "toolComponent"] {
            let pointer = format!("/definitions/{owner}/properties/language");
            *schema.pointer_mut(&pointer).expect("it is there") = json!({"type": "string"});
        }
        let validator = jsonschema::draft7::new(&schema).expect("the schema is one");
        let mut same = sample::report();
        for finding in &mut same.results {
            words::area(&finding.rule).clone_into(&mut finding.feature);
        }
        for report in sample::all()
            .into_iter()
            .chain([same, sample::with_a_later_rule()])
        {
            let log: Value = serde_json::from_str(&written(&report)).expect("it is JSON");
            let faults = validator.iter_errors(&log);
            let faults: Vec<String> = faults
                .map(|fault| format!("{}: {fault}", fault.instance_path()))
                .collect();
            assert_eq!(faults, Vec::<String>::new());
        }
        let nothing = json!({"version": "2.1.0", "runs": [{}]});
        assert!(!validator.is_valid(&nothing));
    }

    #[test]
    fn each_result_names_its_rule_by_id_and_place() {
        let run = run(&sample::report());
        let results = run["results"].as_array().expect("results");
        assert_eq!(results.len(), 6);
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index"));
            let rule = &run["tool"]["driver"]["rules"][index.expect("a small one")];
            assert_eq!(rule["id"], result["ruleId"]);
            assert!(!rule["help"]["text"].as_str().expect("a text").is_empty());
        }
    }

    #[test]
    fn an_excused_failure_is_suppressed_and_an_undecided_must_is_open() {
        let run = run(&sample::report());
        let results = run["results"].as_array().expect("results");
        let of = |rule: &str| results.iter().find(|it| it["ruleId"] == rule);
        let excused = of("config.created-at").expect("it is there");
        assert_eq!(
            excused["suppressions"][0]["justification"],
            "the framework writes epoch seconds; ticket 812"
        );
        let open = of("schema.satisfiable").expect("it is there");
        assert_eq!(
            (&open["kind"], &open["level"]),
            (&json!("open"), &json!("none"))
        );
        assert!(of("transport.head").is_none());
    }

    #[test]
    fn a_later_rule_is_a_note_that_says_that_it_is_not_scored() {
        let run = run(&sample::with_a_later_rule());
        let results = run["results"].as_array().expect("results");
        assert_eq!(results.len(), 1);
        let (result, rules) = (&results[0], &run["tool"]["driver"]["rules"]);
        assert_eq!(
            (&result["kind"], &result["level"]),
            (&json!("fail"), &json!("note"))
        );
        assert_eq!(result["properties"]["scored"], false);
        assert_eq!(rules[4]["id"], result["ruleId"]);
        assert_eq!(result["ruleIndex"], 4);
    }

    #[test]
    fn a_run_without_a_verdict_was_not_successful() {
        let run = run(&sample::unreachable());
        let invocation = &run["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        assert_eq!(invocation["exitCode"], 3);
    }

    #[test]
    fn no_message_holds_a_link() {
        let mut report = sample::report();
        for finding in &mut report.results {
            "[click](http://evil.example)".clone_into(&mut finding.message);
        }
        assert!(!run(&report)["results"].to_string().contains("](http"));
    }
}
