//! Which reports belong together, and why others do not.

use acp_reports::load::Report;

use crate::hlog::{LogError, decoded};

/// Runs that began farther apart than this share of the shortest did not run at the same time.
const APART: f64 = 0.25;

/// Why reports cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There are none.
    #[error("nothing to merge")]
    Nothing,
    /// Scenarios that look for one number.
    #[error(
        "{0}: a run of `{1}` finds a limit by itself and is no part of another; reports of mixed, cache, stream and soak can be merged"
    )]
    Scenario(String, String),
    /// One that did not come to figures.
    #[error("{0}: the run came to nothing: {1}")]
    Void(String, String),
    /// One differs from the first.
    #[error("{file}: not of the same load: {what} is {other}, and {first} in {first_file}")]
    Differs {
        /// The report that differs.
        file: String,
        /// In what.
        what: &'static str,
        /// What it says.
        other: String,
        /// What the first says.
        first: String,
        /// The first report.
        first_file: String,
    },
    /// Not at the same time.
    #[error(
        "{0}: began at {1}, and {2} at {3}: they did not run at the same time; compare such runs with --baseline"
    )]
    Apart(String, String, String, String),
    /// The figures of a run cannot be made from its histograms.
    #[error("{0}: has no histograms, so that nothing can be merged without loss")]
    Bare(String),
    /// A histogram that is none.
    #[error("{0}: its histogram of `{1}` cannot be read")]
    Unreadable(String, String),
    /// Histograms that cannot be added.
    #[error(transparent)]
    Log(#[from] LogError),
}

type Trait = (&'static str, fn(&Report) -> String);

const TRAITS: [Trait; 5] = [
    ("the scenario", |it| it.scenario.clone()),
    ("the agent", |it| {
        let id = it.target.agent_id.as_ref();
        id.unwrap_or(&it.target.url).clone()
    }),
    ("the agent's version", |it| {
        it.target.agent_version.clone().unwrap_or_default()
    }),
    ("the model", |it| format!("{:?}", it.model).to_lowercase()),
    ("the mix", |it| {
        let mix = it.asked.get("mix");
        mix.map_or("the usual one".to_owned(), Clone::clone)
    }),
];

pub(super) fn belong_together(reports: &[(String, Report)]) -> Result<(), MergeError> {
    let Some((first_file, first)) = reports.first() else {
        return Err(MergeError::Nothing);
    };
    for (file, report) in reports {
        let why = report.error.clone().filter(|_| report.requests.total == 0);
        if report.requests.total == 0 {
            let why = why.unwrap_or_else(|| "no request was made".to_owned());
            return Err(MergeError::Void(file.clone(), why));
        }
        if matches!(report.scenario.as_str(), "rate-limit" | "capacity") {
            let scenario = report.scenario.clone();
            return Err(MergeError::Scenario(file.clone(), scenario));
        }
        if report.requests.ok > 0 && report.histograms.is_empty() {
            return Err(MergeError::Bare(file.clone()));
        }
        if let Some(name) = unreadable(report) {
            return Err(MergeError::Unreadable(file.clone(), name));
        }
        for (what, of) in TRAITS {
            let (mine, theirs) = (of(first), of(report));
            if mine != theirs {
                return Err(MergeError::Differs {
                    file: file.clone(),
                    what,
                    other: acp_reports::shorten(&theirs, 80).into_owned(),
                    first: acp_reports::shorten(&mine, 80).into_owned(),
                    first_file: first_file.clone(),
                });
            }
        }
        if !at_the_same_time(first, report) {
            return Err(MergeError::Apart(
                file.clone(),
                report.started_at.clone(),
                first_file.clone(),
                first.started_at.clone(),
            ));
        }
    }
    Ok(())
}

/// What is no histogram would be lost without a word.
fn unreadable(report: &Report) -> Option<String> {
    let slices = report.slices.iter().flat_map(|slice| &slice.histograms);
    let mut all = report.histograms.iter().chain(slices);
    let (name, _) = all.find(|(_, text)| decoded(text).is_none())?;
    Some(acp_reports::shorten(name, 40).into_owned())
}

/// Whether two runs overlap by most of the shorter. What says no time is believed.
fn at_the_same_time(one: &Report, other: &Report) -> bool {
    let began = |report: &Report| report.started_at.parse::<jiff::Timestamp>().ok();
    let (Some(first), Some(second)) = (began(one), began(other)) else {
        return true;
    };
    let apart = second.duration_since(first).as_secs_f64().abs();
    let lasted = |report: &Report| report.warm_up_s + report.duration_s;
    // The program learns for a moment before it measures.
    apart <= (lasted(one).min(lasted(other)) * APART).max(5.0)
}
