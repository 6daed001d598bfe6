//! `capacity`: the highest rate at which an objective holds.
//!
//! Rates are doubled until the objective fails, and halved in between until the rest is small; then
//! the rate found is run again and again. What holds once may have held by luck.

use std::sync::Arc;
use std::time::Duration;

use acp_reports::load::{Capacity, CapacityRun, Report};

use super::Scenario;
use super::mixed::Journey;
use crate::attack::{Load, Model};
use crate::figures::failed_of_due;
use crate::plan::Plan;
use crate::run::{self, Job, Miss};
use crate::schedule::Spread;
use crate::script::Script;
use crate::summary::share;

/// The scenario.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "capacity",
    summary: "the highest rate at which an objective holds, confirmed by repeated runs",
    attack: |job| Box::pin(attack(job)),
};

/// Of the time for all, the share of one run of the search, of one that confirms, and the bounds of both.
const SEARCHING: u32 = 20;
const CONFIRMS: u32 = 10;
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
/// A run lasts until about so many have come, if that takes no more than half of the time for all: a p99 is of
/// a hundred at least, and of a few a queue cannot be told from chance.
const ENOUGH: f64 = 100.0;
/// The search begins here, in requests per second, if no `--rate` says otherwise.
const FIRST: f64 = 50.0;
/// Above this nothing is searched: no agent, and no generator, gets there.
const HIGHEST: f64 = 1_000_000.0;
/// The search ends when the bounds are this near to each other.
const NEAR: f64 = 1.05;
/// So many runs confirm a rate.
const CONFIRMING: usize = 5;
/// One of them may fail: that may be the machine's unrest.
const MAY_FAIL: usize = 1;
/// A rate that is not confirmed is lowered by this factor, so often at most.
const LOWERED: f64 = 0.93;
const ATTEMPTS: usize = 6;

async fn attack(job: &Job) -> Report {
    let mut report = run::blank(job, SCENARIO.name);
    let Some(traffic) = run::learn(job, &mut report).await else {
        return report;
    };
    let mut wishes = job.traffic.clone();
    if wishes.mix.is_empty() {
        wishes.mix = vec![("invoke".to_owned(), 1.0)];
    }
    let script = match Journey::find(job, &wishes, &traffic).await {
        Ok(journey) => {
            report.notes.extend(journey.notes.iter().cloned());
            Arc::new(journey)
        }
        Err(why) => {
            report.error = Some(why);
            return report;
        }
    };
    let notes = report.notes.clone();
    let mut search = Search {
        job,
        script,
        runs: Vec::new(),
        last: report,
        untrusted: None,
    };
    let capacity = search.search().await;
    let mut report = search.report(capacity);
    report.notes.splice(0..0, notes);
    report
}

struct Search<'j> {
    job: &'j Job,
    script: Arc<dyn Script>,
    runs: Vec<CapacityRun>,
    /// The last run that held, or else the last one.
    last: Report,
    /// Why a run that failed may have failed because of the generator.
    untrusted: Option<String>,
}

/// What the search found.
struct Capacitance {
    rate: f64,
    interval: Option<[f64; 2]>,
}

impl Search<'_> {
    async fn search(&mut self) -> Capacitance {
        let (mut low, mut high): (f64, Option<f64>) = (0.0, None);
        let mut rate = match self.job.load.model {
            Model::Open { ref plan, .. } => plan.highest(),
            Model::Closed(_) => FIRST,
        };
        while self.goes_on() && high.is_none_or(|high: f64| high > low * NEAR) {
            if self.holds(rate, false).await {
                low = rate;
                rate = high.map_or(rate * 2.0, |high| (low * high).sqrt());
            } else {
                high = Some(rate);
                rate = if low > 0.0 {
                    (low * rate).sqrt()
                } else {
                    rate / 4.0
                };
            }
            if !(0.1..=HIGHEST).contains(&rate) {
                break;
            }
        }
        self.confirm(low, high).await
    }

    /// Runs the rate several times; one that does not hold is lowered.
    async fn confirm(&mut self, mut rate: f64, mut high: Option<f64>) -> Capacitance {
        for _ in 0..ATTEMPTS {
            let mut failed = 0;
            for _ in 0..CONFIRMING {
                if rate <= 0.0 || !self.goes_on() {
                    let interval = None;
                    return Capacitance { rate, interval };
                }
                failed += usize::from(!self.holds(rate, true).await);
                if !self.goes_on() {
                    let interval = None;
                    return Capacitance { rate, interval };
                }
                if failed > MAY_FAIL {
                    break;
                }
            }
            if failed <= MAY_FAIL {
                let interval = Some([rate, high.unwrap_or(rate)]);
                return Capacitance { rate, interval };
            }
            high = Some(rate);
            rate *= LOWERED;
        }
        let (rate, interval) = (0.0, high.map(|high| [0.0, high]));
        Capacitance { rate, interval }
    }

    fn goes_on(&self) -> bool {
        !self.job.stop.is_cancelled() && self.last.error.is_none()
    }

    fn length(&self, rate: f64, confirms: bool) -> Duration {
        let whole = self.job.load.plan().length();
        let share = whole / if confirms { CONFIRMS } else { SEARCHING };
        let enough = Duration::try_from_secs_f64(ENOUGH / rate).unwrap_or(LONGEST);
        share.max(enough.min(whole / 2)).clamp(SHORTEST, LONGEST)
    }

    /// Runs a rate, and says whether the objective held.
    async fn holds(&mut self, rate: f64, confirms: bool) -> bool {
        let length = self.length(rate, confirms);
        let load = Load {
            model: Model::Open {
                plan: Plan::constant(rate, length),
                spread: Spread::Poisson,
                backlog: backlog(rate),
            },
            warm_up: self.job.load.warm_up.min(length),
            seed: self.job.load.seed + self.runs.len() as u64,
            ..self.job.load.clone()
        };
        let mut report = run::blank(self.job, SCENARIO.name);
        report.target = self.last.target.clone();
        run::attack(self.job, &load, self.script.clone(), &mut report).await;
        if self.job.stop.is_cancelled() {
            // Part of a run says nothing of the rate.
            if self.runs.is_empty() {
                self.last = report;
            }
            return false;
        }
        let why = why_not(&report, &*self.job.objective.missed);
        let holds = why.is_none();
        let (failed, due) = failed_of_due(&report);
        self.runs.push(CapacityRun {
            rate,
            throughput_rps: report.throughput_rps,
            holds,
            why,
            confirms,
            latency_ms: report.latency_ms,
            errors: share(failed, due),
        });
        if !holds {
            self.untrusted = report.generator.why.clone();
        }
        if holds || self.runs.iter().all(|run| !run.holds) || report.error.is_some() {
            self.last = report;
        }
        holds
    }

    fn report(self, found: Capacitance) -> Report {
        let mut report = self.last;
        let few = self
            .runs
            .iter()
            .filter(|run| run.confirms && run.rate == found.rate);
        let few = few.map(|run| run.latency_ms.count).min();
        if let Some(few) = few.filter(|few| (*few as f64) < ENOUGH / 2.0) {
            report.notes.push(format!(
                "a confirming run had {few} answers only; with a longer --duration they are longer, and say more"
            ));
        }
        if self.runs.len() > 1 {
            report.notes.push(format!(
                "{} runs were made; what is said of requests and latency is of one, the last that held if any did",
                self.runs.len()
            ));
        }
        report.capacity = Some(Capacity {
            max_rps: found.rate,
            users: self.job.load.users as u64,
            objective: self.job.objective.text.clone(),
            interval_rps: found.interval,
            runs: self.runs,
        });
        report.interrupted = self.job.stop.is_cancelled();
        // A limit that the generator set is not the agent's capacity.
        if let Some(why) = self.untrusted.filter(|_| report.generator.trusted) {
            report.generator.trusted = false;
            report.generator.why = Some(format!(
                "a run that did not hold may have failed here: {why}"
            ));
        }
        report
    }
}

/// Why a run does not hold, if it does not.
fn why_not(report: &Report, missed: &Miss) -> Option<String> {
    let not_kept_up = |report: &Report| {
        let arrivals = report.arrivals.as_ref()?;
        let why = arrivals.why.clone();
        (!arrivals.kept_up).then(|| why.unwrap_or_else(|| "the rate was not kept up".to_owned()))
    };
    let error = report.error.clone();
    error
        .or_else(|| not_kept_up(report))
        .or_else(|| missed(report))
}

/// A second's worth may wait, and some.
fn backlog(rate: f64) -> usize {
    rate as usize + 100
}
