//! The merge itself: what is added, and what is made anew.

use acp_reports::load::{Report, Soak};

use super::kin::{MergeError, belong_together};
use super::parts;
use crate::hlog::Log;
use crate::scenarios::soak;

/// Merges reports, which come with the names of their files.
///
/// What cannot be made from counts and histograms is left out, and a note says so: the latency by
/// endpoint, the comparison with a baseline, the generators' lags.
///
/// # Errors
/// The first report that does not belong to the others.
pub fn merge(reports: &[(String, Report)]) -> Result<Report, MergeError> {
    let (_, first) = reports.first().ok_or(MergeError::Nothing)?;
    belong_together(reports)?;
    let all: Vec<&Report> = reports.iter().map(|(_, report)| report).collect();
    let logs: Vec<Log> = all.iter().map(|report| Log::whole(report)).collect();
    let totals = Log::merge(&logs)?.totals()?;
    let mut whole = Report::new(&first.scenario, &first.target.url);
    whole.tool.clone_from(&first.tool);
    whole.target.clone_from(&first.target);
    whole.started_at = all
        .iter()
        .map(|it| it.started_at.clone())
        .min()
        .unwrap_or_default();
    whole.model = first.model;
    whole.users = parts::sum(all.iter().map(|it| it.users));
    whole.rate = all.iter().map(|it| it.rate).sum::<Option<f64>>();
    whole.plan = parts::plans(&all);
    whole.duration_s = all.iter().map(|it| it.duration_s).fold(0.0, f64::max);
    whole.warm_up_s = all.iter().map(|it| it.warm_up_s).fold(0.0, f64::max);
    whole.seed = first.seed;
    whole.asked.clone_from(&first.asked);
    whole.requests = parts::requests(all.iter().map(|it| &it.requests));
    whole.throughput_rps = all.iter().map(|it| it.throughput_rps).sum();
    whole.invalid = all
        .iter()
        .filter_map(|it| it.invalid)
        .reduce(parts::invalid);
    whole.endpoints = parts::endpoints(&all);
    whole.arrivals = parts::arrivals(&all);
    whole.interrupted = all.iter().any(|it| it.interrupted);
    whole.generator = parts::generator(reports);
    whole.defects = parts::defects(&all);
    parts::figures(&mut whole, &totals);
    whole.cache = parts::cache(&all, &totals);
    whole.stream = parts::stream(&all, &totals);
    whole.slices = parts::slices(&all)?;
    if first.soak.is_some() {
        whole.soak = Some(Soak {
            memory_by: first.soak.as_ref().and_then(|it| it.memory_by.clone()),
            ..soak::drifts(&whole.slices)
        });
    }
    whole.notes = parts::notes(&all, &whole);
    whole.thresholds = parts::thresholds(&all, &whole);
    whole.verdict = whole.judge();
    Ok(whole)
}
