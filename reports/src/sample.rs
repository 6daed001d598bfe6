//! Reports to try the faces on: one finding of every status, and an agent that means harm.

mod streams;

pub(crate) use streams::{large, streaming};

use crate::{
    Dialect, Evidence, Feature, Finding, Level, ProfileLevel, Report, Request, Response, Stale,
    Status, Summary, Target, Tool, Verdict,
};

/// A terminal's colour and title sequences, a bidirectional override, a forged line.
pub(crate) const HOSTILE: &str = "data: {\"status\": \"complete\", \"at\": \u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}evil\u{202c}}\n\ndata: oops\nCERTIFIED: core, errors, streaming\r\n";

/// A finding with nothing in it but what every finding has.
pub(crate) fn finding(rule: &str, level: Level, status: Status) -> Finding {
    let judged = !matches!(status, Status::Skip | Status::Inconclusive | Status::Error);
    Finding {
        rule: rule.to_owned(),
        level,
        feature: "core".to_owned(),
        status,
        message: "looked at 12 exchanges".to_owned(),
        unsteady: false,
        attempts: 1,
        failed_attempts: 0,
        checked: if judged { 12 } else { 0 },
        duration_ms: 3.5,
        clause: String::new(),
        why: String::new(),
        mend: String::new(),
        source: String::new(),
        excuse: None,
        notes: Vec::new(),
        evidence: Vec::new(),
    }
}

/// An exchange that went wrong.
pub(crate) fn evidence() -> Evidence {
    Evidence {
        note: "an input that breaks `minimum` at /days was accepted".to_owned(),
        expected: Some("a status from 400 to 499".to_owned()),
        got: Some("200".to_owned()),
        curl: "curl -sS -X POST http://127.0.0.1:8001/invoke -H 'Content-Type: application/json' -d '{\"input\":{\"city\":\"\",\"days\":-1}}'".to_owned(),
        request: Request {
            method: "POST".to_owned(),
            url: "http://127.0.0.1:8001/invoke".to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: "{\"input\":{\"city\":\"\",\"days\":-1}}".to_owned(),
        },
        response: Some(Response {
            status: 200,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: "{\"output\":{\"city\":\"\",\"condition\":\"sunny\"}}".to_owned(),
            body_base64: None,
        marks: Vec::new(),
        events: Vec::new(),
        arrivals: Vec::new(),
        }),
        elapsed_ms: 12.25,
    }
}

/// An exchange in which everything that an agent may choose is `text`.
pub(crate) fn hostile_evidence(text: &str) -> Evidence {
    let mut evidence = evidence();
    evidence.note = format!("event 1 is not JSON: {text}");
    evidence.expected = Some("a JSON object".to_owned());
    evidence.got = Some(text.to_owned());
    evidence.request.url = "http://127.0.0.1:8001/invoke/stream".to_owned();
    evidence.curl = format!(
        "curl -sSN -d '{{\"input\":\"\u{1b}[2J\"}}' {}",
        evidence.request.url
    );
    evidence.response = Some(Response {
        status: 200,
        headers: vec![(
            "content-type".to_owned(),
            format!("text/event-stream; {text}"),
        )],
        body: text.to_owned(),
        body_base64: None,
        marks: Vec::new(),
        events: Vec::new(),
        arrivals: Vec::new(),
    });
    evidence
}

/// A report with one finding of every status and level that can be, and hostile answers.
pub(crate) fn report() -> Report {
    let results = findings(HOSTILE);
    Report {
        format: Report::FORMAT.to_owned(),
        format_version: Report::FORMAT_VERSION,
        tool: Tool {
            name: "acp-tck".to_owned(),
            version: "0.1.0".to_owned(),
        },
        profile: "five-endpoint/1".to_owned(),
        target: Target {
            url: "http://127.0.0.1:8001".to_owned(),
            agent_id: Some("weather-advisor\u{1b}[31m".to_owned()),
            agent_version: None,
        },
        started_at: "2026-11-22T10:00:00Z".to_owned(),
        duration_ms: 1_843.2,
        seed: 42,
        cases: 100,
        strict: false,
        verdict: Verdict::of(&results, &[], false),
        error: None,
        level: ProfileLevel::None,
        features: ["core", "errors", "streaming", "cache"]
            .map(feature)
            .to_vec(),
        dialects: vec![dialect()],
        summary: Summary::of(&results),
        stale_expectations: vec![
            stale("errors.timestamp", "it passes again"),
            stale(
                "errors.tmestamp",
                "no such rule; did you mean `errors.timestamp`?",
            ),
        ],
        results,
        unscored: Vec::new(),
    }
}

fn dialect() -> Dialect {
    Dialect {
        name: "completed".to_owned(),
        point: "the word that completes a stream".to_owned(),
        form: "`completed`".to_owned(),
        canonical: "`complete`".to_owned(),
        cost: "A client that waits for `complete` waits for ever.".to_owned(),
        rule: Some("stream.known-vocabulary".to_owned()),
        seen: 12,
    }
}

/// [`report`] with a rule that the profile does not hold yet, and that fails.
pub(crate) fn with_a_later_rule() -> Report {
    let mut report = clean();
    let mut later = warning();
    later.rule = "config.rejects-unknown".to_owned();
    later.level = Level::Must;
    later.status = Status::Fail;
    report.unscored.push(later);
    report
}

/// [`report`] with an answer of 100 kB.
pub(crate) fn flooding() -> Report {
    let results = findings(&format!("{HOSTILE}{}", "\u{1b}A".repeat(50_000)));
    Report {
        results,
        ..report()
    }
}

/// A run in which all that was judged holds.
pub(crate) fn clean() -> Report {
    let mut report = report();
    report
        .results
        .retain(|finding| finding.status == Status::Pass);
    report.summary = Summary::of(&report.results);
    report.stale_expectations.clear();
    report.dialects.clear();
    report.verdict = Verdict::Pass;
    report.level = ProfileLevel::Core;
    report.target.agent_id = Some("weather-advisor".to_owned());
    report.target.agent_version = Some("1.2.3".to_owned());
    report.features.truncate(2);
    report.features[0].certified = true;
    report
}

/// A run that no agent answered.
pub(crate) fn unreachable() -> Report {
    let mut report = report();
    report.target = Target {
        url: "http://127.0.0.1:9".to_owned(),
        agent_id: None,
        agent_version: None,
    };
    report.results.clear();
    report.features.clear();
    report.dialects.clear();
    report.stale_expectations.clear();
    report.summary = Summary::default();
    report.verdict = Verdict::Error;
    report.error = Some("the agent at http://127.0.0.1:9 refused the connection".to_owned());
    report
}

/// A run whose agent was gone before anything could be decided.
pub(crate) fn undecided() -> Report {
    let mut report = unreachable();
    report.results = findings(HOSTILE);
    for finding in &mut report.results {
        if finding.status != Status::Skip {
            *finding = self::finding(&finding.rule, finding.level, Status::Inconclusive);
            "nothing was sent".clone_into(&mut finding.message);
        }
    }
    report.summary = Summary::of(&report.results);
    report
}

/// All of them.
pub(crate) fn all() -> [Report; 6] {
    [
        report(),
        flooding(),
        clean(),
        unreachable(),
        undecided(),
        streaming(),
    ]
}

fn findings(answer: &str) -> Vec<Finding> {
    use Level::{Must, Should};
    use Status::{Error, Inconclusive, Pass, Skip};
    let said = |mut finding: Finding, message: &str| {
        message.clone_into(&mut finding.message);
        finding
    };
    vec![
        finding("transport.json-content-type", Must, Pass),
        noted(finding("transport.json-is-valid", Must, Pass)),
        said(
            finding("transport.head", Should, Inconclusive),
            "HEAD /auth was never answered",
        ),
        finding("auth.responds", Must, Pass),
        said(
            finding("schema.satisfiable", Must, Inconclusive),
            "no instance of `config` was found in 1000 tries",
        ),
        rejects_invalid(),
        said(
            finding("config.ids-unique", Must, Error),
            "thread panicked: index out of bounds",
        ),
        excused(),
        warning(),
        finding("errors.envelope", Must, Pass),
        broken_stream(answer),
        not_text(),
        said(
            finding("stream.closes", Must, Skip),
            "`streaming` is neither claimed nor found",
        ),
        said(
            finding("stream.isolated", Must, Skip),
            "`streaming` is neither claimed nor found",
        ),
        said(
            finding("auth.enforced", Must, Skip),
            "the agent asks for no credentials",
        ),
    ]
}

fn noted(mut finding: Finding) -> Finding {
    finding.notes = vec!["2 bodies begin with spaces, which JSON allows".to_owned()];
    finding
}

fn rejects_invalid() -> Finding {
    let mut finding = finding("invoke.rejects-invalid", Level::Must, Status::Fail);
    finding.message = "4 of 100 invalid inputs were accepted".to_owned();
    finding.clause = "every generated input that is invalid under the schema gets a 4xx, so that a caller learns at once, and not from a wrong answer, that it asked for the impossible".to_owned();
    finding.mend = "validate `input` against your own schema before you work on it, and answer 400 INVALID_INPUT".to_owned();
    finding.unsteady = true;
    finding.attempts = 3;
    finding.failed_attempts = 2;
    finding.evidence = vec![evidence(); 5];
    for (further, keyword) in finding.evidence[1..]
        .iter_mut()
        .zip(["type", "enum", "maxLength"])
    {
        further.note = format!("an input that breaks `{keyword}` at /city was accepted");
    }
    finding
}

fn broken_stream(answer: &str) -> Finding {
    let mut finding = finding("sse.data-is-json", Level::Must, Status::Fail);
    finding.feature = "streaming".to_owned();
    finding.message = format!("the data of event 1 is not JSON: {answer}");
    finding.clause = "each `data` is one JSON object".to_owned();
    finding.mend = "serialise each event once, with a JSON library".to_owned();
    finding.evidence = vec![hostile_evidence(answer)];
    finding
}

fn not_text() -> Finding {
    let mut finding = finding("sse.utf8", Level::Must, Status::Fail);
    finding.feature = "streaming".to_owned();
    finding.message = "byte 7 begins no UTF-8 character".to_owned();
    let mut evidence = evidence();
    evidence.note = "a streamed invocation".to_owned();
    evidence.request.url = "http://127.0.0.1:8001/invoke/stream".to_owned();
    evidence.curl = String::new();
    evidence.expected = None;
    evidence.got = None;
    evidence.response = Some(Response {
        status: 200,
        headers: Vec::new(),
        body: "data: {\"\u{fffd}\": 1}\n\n".to_owned(),
        body_base64: Some("ZGF0YTogeyL/IjogMX0KCg==".to_owned()),
        marks: Vec::new(),
        events: Vec::new(),
        arrivals: Vec::new(),
    });
    finding.evidence = vec![evidence];
    finding
}

fn excused() -> Finding {
    let mut finding = finding("config.created-at", Level::Must, Status::Expected);
    finding.message = "`created_at` is no RFC 3339 time: 1732269600".to_owned();
    finding.excuse = Some("the framework writes epoch seconds; ticket 812".to_owned());
    finding.evidence = vec![evidence()];
    finding
}

fn warning() -> Finding {
    let mut finding = finding("config.rejects-missing", Level::Should, Status::Warn);
    finding.message = "a body without `config` got no answer".to_owned();
    finding.clause = "a body without `config` gets a 4xx".to_owned();
    let mut evidence = evidence();
    evidence.note = "a body without `config`".to_owned();
    evidence.request.url = "http://127.0.0.1:8001/config".to_owned();
    evidence.request.body = "{}".to_owned();
    evidence.curl = "curl -sS -X POST http://127.0.0.1:8001/config -d '{}'".to_owned();
    evidence.expected = Some("a status from 400 to 499".to_owned());
    evidence.got = Some("the connection was closed without an answer".to_owned());
    evidence.response = None;
    finding.evidence = vec![evidence];
    finding
}

fn feature(name: &str) -> Feature {
    Feature {
        name: name.to_owned(),
        claimed: name == "streaming",
        found: name != "cache",
        certified: name == "errors",
        reason: (name == "streaming").then(|| "no stream was slow enough to tell".to_owned()),
    }
}

fn stale(rule: &str, problem: &str) -> Stale {
    Stale {
        rule: rule.to_owned(),
        problem: problem.to_owned(),
    }
}
