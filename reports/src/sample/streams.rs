//! Samples with a stream in them, and a large one.

use super::{evidence, finding, hostile_evidence, report};
use crate::{Arrival, Evidence, Level, Mark, Report, Response, Span, Status, Summary};

/// A run with a stream of which all is known that can be: arrivals, events, bytes at fault.
pub(crate) fn streaming() -> Report {
    let mut report = report();
    let steps = [40.0, 81.5, 120.0, 122.0, 640.0];
    let mut body = String::new();
    let (mut events, mut arrivals) = (Vec::new(), Vec::new());
    for (number, at_ms) in steps.into_iter().enumerate() {
        let data = match number {
            2 => "{'step': 3}".to_owned(),
            _ => format!("{{\"step\": {}, \"name\": \"forecast\"}}", number + 1),
        };
        let offset = body.len();
        body.push_str(&format!("event: step\ndata: {data}\n\n"));
        events.push(Span {
            offset,
            length: body.len() - offset,
        });
        arrivals.push(Arrival {
            until: body.len(),
            at_ms,
        });
    }
    let finding = report
        .results
        .iter_mut()
        .find(|it| it.rule == "sse.data-is-json");
    let Some(finding) = finding else {
        return report;
    };
    "the data of event 3 is not JSON".clone_into(&mut finding.message);
    "A client that parses each event stops at the first that it cannot read."
        .clone_into(&mut finding.why);
    "profile, section 5".clone_into(&mut finding.source);
    let mut evidence = hostile_evidence("{'step': 3}");
    evidence.elapsed_ms = 655.0;
    evidence.response = Some(Response {
        status: 200,
        headers: vec![("content-type".to_owned(), "text/event-stream".to_owned())],
        marks: vec![Mark {
            span: Span {
                offset: events[2].offset + 18,
                length: 11,
            },
            message: "the data of this event is not JSON".to_owned(),
        }],
        body,
        body_base64: None,
        events,
        arrivals,
    });
    finding.evidence = vec![evidence];
    report
}

/// 120 rules and 2,000 exchanges, each as long as those of a real run.
pub(crate) fn large() -> Report {
    let mut report = streaming();
    let stream = broken_stream_evidence(&report);
    let results = (0..120_usize).map(|number| {
        let status = match number % 4 {
            0 => Status::Pass,
            _ => Status::Fail,
        };
        let area = ["transport", "invoke", "config", "sse"][number / 30];
        let mut finding = finding(&format!("{area}.rule-{number}"), Level::Must, status);
        finding.clause = "Every input that is valid under the schema gets 200.".to_owned();
        finding.why = "A caller cannot rely on the schema.".to_owned();
        finding.mend = "Handle it, or say in the schema that it is not allowed.".to_owned();
        let exchanges = match status {
            Status::Pass => 0,
            _ if number % 30 == 1 => 32,
            _ => 22,
        };
        finding.evidence = vec![evidence(); exchanges];
        if let (Some(first), Some(stream)) = (finding.evidence.first_mut(), &stream) {
            first.clone_from(stream);
        }
        finding
    });
    report.results = results.collect();
    report.summary = Summary::of(&report.results);
    report
}

fn broken_stream_evidence(report: &Report) -> Option<Evidence> {
    let mut findings = report.results.iter();
    let broken = findings.find(|it| it.rule == "sse.data-is-json")?;
    broken.evidence.first().cloned()
}
