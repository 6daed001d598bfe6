//! What a run was worth: whether anything was learnt in it, and what no run may show.

use std::iter::once;

use acp_reports::load::{Defect, Endpoint, Report, Requests};

use crate::hot::{Line, Prepared};
use crate::inlet::Reading;
use crate::run::Job;
use crate::traffic::say;

/// Above this share, refusals for asking too often are no accident.
const LIMITED: f64 = 0.01;

/// Asked less often than this, an endpoint that never answered well may have had bad luck.
const ENOUGH: u64 = 10;

/// Adds what holds of every scenario alike: defects, notes, and why there is no verdict.
pub(crate) async fn weigh(job: &Job, report: &mut Report) {
    report.defects.extend(mishandled(report));
    report.defects.extend(never_well(report));
    report.notes.extend(limited(report));
    if report.error.is_none() && !report.interrupted {
        report.error = match is_gone(job, report).await {
            true => Some("the agent stopped answering during the run".to_owned()),
            false => nothing_learnt(report),
        };
    }
}

/// What is invalid must be refused: not with 5xx, not by silence, and not accepted.
fn mishandled(report: &Report) -> Vec<Defect> {
    let Some(invalid) = report.invalid else {
        return Vec::new();
    };
    let all = [
        ("invalid-accepted", invalid.accepted, "were accepted"),
        (
            "invalid-answered-5xx",
            invalid.server_errors,
            "were answered 5xx",
        ),
        (
            "invalid-unanswered",
            invalid.unanswered,
            "were not answered",
        ),
    ];
    let seen = all.into_iter().filter(|(_, count, _)| *count > 0);
    let defects = seen.map(|(name, count, came)| Defect {
        name: name.to_owned(),
        message: format!(
            "of {} invalid requests, {count} {came}; 4xx is right",
            invalid.sent
        ),
        count,
    });
    defects.collect()
}

/// What the rest of the agent does hides nothing of an endpoint that never answered well. Where nothing at all did,
/// there is no verdict.
fn barren(report: &Report) -> impl Iterator<Item = (&Endpoint, &str)> {
    let endpoints = report.endpoints.iter();
    let barren = endpoints.filter(|it| {
        let requests = &it.requests;
        report.requests.ok > 0 && requests.ok == 0 && requests.total >= ENOUGH
    });
    barren.filter_map(|it| {
        let statuses = it.requests.by_status.iter();
        let (status, _) = statuses.max_by_key(|(_, count)| **count)?;
        Some((it, status.as_str()))
    })
}

/// Of these, those that fail by themselves. A stream that breaks is told of where it was heard.
fn never_well(report: &Report) -> Vec<Defect> {
    let failing = barren(report).filter(|(_, status)| *status == "none" || status.starts_with('5'));
    let defects = failing.map(|(it, _)| Defect {
        name: "endpoint-never-answers-well".to_owned(),
        message: format!(
            "{}: of {} requests not one was answered as it should be ({})",
            it.name,
            it.requests.total,
            statuses(&it.requests)
        ),
        count: it.requests.total,
    });
    defects.collect()
}

/// Of these, why nothing was learnt of the first that refuses.
fn refusing(report: &Report) -> Option<String> {
    let mut refusing = barren(report).filter(|(_, status)| status.starts_with(['3', '4']));
    let (it, status) = refusing.next()?;
    let (name, statuses) = (&it.name, statuses(&it.requests));
    let advice = match status {
        "429" => "; switch off its rate limit, or look for it with --scenario rate-limit",
        _ => "",
    };
    Some(format!(
        "nothing was learnt of {name}: not one request was answered as it should be ({statuses}){advice}"
    ))
}

/// By status, in a line.
fn statuses(requests: &Requests) -> String {
    let statuses = requests.by_status.iter();
    let statuses = statuses.map(|(status, count)| format!("{status}: {count}"));
    statuses.collect::<Vec<_>>().join(", ")
}

/// The figures of an agent that refuses are not those of one that works.
fn limited(report: &Report) -> Option<String> {
    let limited = *report.requests.by_status.get("429")?;
    let share = limited as f64 / report.requests.total.max(1) as f64;
    (report.rate_limit.is_none() && share > LIMITED).then(|| {
        format!(
            "{:.1} % of the requests were refused with 429: this run met the agent's rate limit; ask for less, raise the limit, or look for it with --scenario rate-limit",
            share * 100.0
        )
    })
}

/// Whether somebody who asks alone gets no answer any more. Only asked where something got none.
async fn is_gone(job: &Job, report: &Report) -> bool {
    let is_doubtful = report.capacity.is_some() || report.requests.by_status.contains_key("none");
    let Some(question) = Prepared::get(&job.target, "/schema").filter(|_| is_doubtful) else {
        return false;
    };
    let mut line = Line::new(job.target.clone(), 0);
    say(&mut line, &question, Reading::Over).await.status == 0
}

fn nothing_learnt(report: &Report) -> Option<String> {
    let endpoints = report.endpoints.iter();
    let named = endpoints.map(|it| (it.name.as_str(), &it.requests));
    let all = named.chain(once(("the agent", &report.requests)));
    let mut shut = all.filter(|(_, requests)| wants_credentials(requests));
    if let Some((name, requests)) = shut.next() {
        let count = requests.total;
        return Some(format!(
            "{name} answered 401 to all {count} requests: give credentials with --header or --api-key-env"
        ));
    }
    let requests = &report.requests;
    if requests.ok == 0 && requests.failed > 0 && report.defects.is_empty() {
        let statuses = statuses(requests);
        return Some(format!(
            "not one request was answered as it should be ({statuses})"
        ));
    }
    if let Some(why) = refusing(report) {
        return Some(why);
    }
    let capacity = report.capacity.as_ref();
    let capacity = capacity.filter(|it| it.max_rps <= 0.0)?;
    let objective = &capacity.objective;
    Some(match capacity.runs.iter().any(|run| run.holds) {
        true => {
            format!("`{objective}` held now and then, and at no rate whenever it was tried again")
        }
        false => format!("at no rate that was tried, `{objective}` held"),
    })
}

fn wants_credentials(requests: &Requests) -> bool {
    requests.total > 0 && requests.by_status.get("401") == Some(&requests.total)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run in which one endpoint answers, and the other as said.
    fn run(status: &str, count: u64) -> Report {
        let mut report = Report::new("mixed", "http://127.0.0.1:8000");
        let requests = |status: &str, ok, failed| Requests {
            total: ok + failed,
            ok,
            failed,
            by_status: [(status.to_owned(), ok + failed)].into(),
            ..Requests::default()
        };
        let endpoint = |name: &str, requests| Endpoint {
            name: name.to_owned(),
            requests,
            ..Endpoint::default()
        };
        report.endpoints = vec![
            endpoint("GET /schema", requests("200", 90, 0)),
            endpoint("POST /invoke", requests(status, 0, count)),
        ];
        report.requests = requests("200", 90, count);
        report
    }

    #[test]
    fn an_endpoint_that_never_answers_well_is_no_pass() {
        for status in ["500", "503", "none"] {
            let defects = never_well(&run(status, 10));
            assert!(defects[0].message.contains("POST /invoke"), "{status}");
            assert_eq!(nothing_learnt(&run(status, 10)), None);
        }
        for status in ["429", "404", "422"] {
            assert_eq!(never_well(&run(status, 10)), []);
            let why = nothing_learnt(&run(status, 10)).expect("why");
            assert!(
                why.starts_with("nothing was learnt of POST /invoke"),
                "{why}"
            );
            assert_eq!(why.contains("rate limit"), status == "429", "{why}");
        }
    }

    #[test]
    fn few_requests_and_streams_that_broke_are_not_judged_again() {
        for (status, count) in [("500", 9), ("429", 9), ("200", 10)] {
            assert_eq!(never_well(&run(status, count)), []);
            assert_eq!(nothing_learnt(&run(status, count)), None, "{status}");
        }
    }

    #[test]
    fn where_nothing_was_answered_well_there_is_no_verdict() {
        let mut report = run("503", 10);
        report.endpoints.remove(0);
        report.requests = report.endpoints[0].requests.clone();
        assert_eq!(never_well(&report), []);
        let why = nothing_learnt(&report).expect("why");
        assert!(why.contains("not one request"), "{why}");
    }
}
