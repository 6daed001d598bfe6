//! What a run was worth: whether anything was learnt in it, and what no run may show.

use std::iter::once;

use acp_reports::load::{Defect, Report, Requests};

use crate::hot::{Line, Prepared};
use crate::inlet::Reading;
use crate::run::Job;
use crate::traffic::say;

/// Above this share, refusals for asking too often are no accident.
const LIMITED: f64 = 0.01;

/// Adds what holds of every scenario alike: defects, notes, and why there is no verdict.
pub(crate) async fn weigh(job: &Job, report: &mut Report) {
    report.defects.extend(mishandled(report));
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
        let statuses = requests.by_status.iter();
        let statuses = statuses.map(|(status, count)| format!("{status}: {count}"));
        let statuses = statuses.collect::<Vec<_>>().join(", ");
        return Some(format!(
            "not one request was answered as it should be ({statuses})"
        ));
    }
    let capacity = report.capacity.as_ref();
    let capacity = capacity.filter(|it| it.max_rps <= 0.0)?;
    let objective = &capacity.objective;
    Some(format!("at no rate that was tried, `{objective}` held"))
}

fn wants_credentials(requests: &Requests) -> bool {
    requests.total > 0 && requests.by_status.get("401") == Some(&requests.total)
}
