//! `soak`: hours of the same, to see whether latency or the agent's memory drifts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acp_reports::load::{Report, Slice, Soak};

use super::Scenario;
use super::mixed::Journey;
use crate::hot::{Line, Prepared};
use crate::inlet::Reading;
use crate::run::{self, Job, ReadMemory};
use crate::target::Target;
use crate::traffic::say;
use crate::trend::trend;

/// The scenario.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "soak",
    summary: "hours of the same: does latency or the agent's memory drift?",
    attack: |job| Box::pin(attack(job)),
};

/// A process's memory, as Prometheus's clients name it.
const METRIC: &str = "process_resident_memory_bytes";
/// How often the memory is read, in a run: enough for a trend, too seldom to be a load.
const READINGS: u32 = 120;

async fn attack(job: &Job) -> Report {
    let mut report = run::blank(job, SCENARIO.name);
    let Some(traffic) = run::learn(job, &mut report).await else {
        return report;
    };
    let journey = match Journey::find(job, &job.traffic, &traffic).await {
        Ok(journey) => {
            report.notes.extend(journey.notes.iter().cloned());
            Arc::new(journey)
        }
        Err(why) => {
            report.error = Some(why);
            return report;
        }
    };
    let readings = Mutex::new(Vec::new());
    let source = Source::find(job).await;
    let length = job.load.plan().length() + job.load.warm_up;
    let reading = read_on(&source, length / READINGS, job.load.warm_up, &readings);
    tokio::select! {
        _ = run::attack(job, &job.load, journey.clone(), &mut report) => {}
        () = reading => {}
    }
    report.defects.extend(journey.defect());
    let readings = readings
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    put_into_slices(&mut report, &readings);
    report.soak = Some(Soak {
        memory_by: source.name(),
        ..drifts(&report.slices)
    });
    report
}

/// How latency and memory drift from slice to slice.
pub(crate) fn drifts(slices: &[Slice]) -> Soak {
    let points = |value: fn(&Slice) -> Option<f64>| -> Vec<(f64, f64)> {
        let hours = |slice: &Slice| (slice.at_s + slice.length_s / 2.0) / 3600.0;
        let valued = slices.iter();
        let valued = valued.filter_map(|slice| Some((hours(slice), value(slice)?)));
        valued.collect()
    };
    Soak {
        p50_ms: trend(&points(|slice| Some(slice.latency_ms.figures?.p50))),
        p99_ms: trend(&points(|slice| Some(slice.latency_ms.figures?.p99))),
        memory_bytes: trend(&points(|slice| Some(slice.memory_bytes? as f64))),
        memory_by: None,
    }
}

/// Where the agent's memory is read.
enum Source {
    Outside(ReadMemory),
    Metrics(Arc<Target>),
    Nowhere,
}

impl Source {
    async fn find(job: &Job) -> Self {
        if let Some(read) = &job.memory {
            return Self::Outside(read.clone());
        }
        let metrics = Self::Metrics(job.target.clone());
        match metrics.read().await {
            Some(_) => metrics,
            None => Self::Nowhere,
        }
    }

    fn name(&self) -> Option<String> {
        match self {
            Self::Outside(_) => Some("its process".to_owned()),
            Self::Metrics(_) => Some("/metrics".to_owned()),
            Self::Nowhere => None,
        }
    }

    /// In bytes.
    async fn read(&self) -> Option<u64> {
        match self {
            Self::Outside(read) => read(),
            Self::Metrics(target) => {
                let prepared = Prepared::get(target, "/metrics")?;
                let mut line = Line::new(target.clone(), 0);
                let answer = say(&mut line, &prepared, Reading::Kept).await;
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                let line = text.lines().find(|line| line.starts_with(METRIC))?;
                let bytes: f64 = line.rsplit(' ').next()?.parse().ok()?;
                Some(bytes as u64)
            }
            Self::Nowhere => None,
        }
    }
}

type Readings = Mutex<Vec<(f64, u64)>>;

/// Reads for ever; whoever waits for it stops it.
async fn read_on(source: &Source, step: Duration, warm_up: Duration, readings: &Readings) {
    let began = tokio::time::Instant::now();
    loop {
        tokio::time::sleep(step.max(Duration::from_millis(100))).await;
        let at = began.elapsed().as_secs_f64() - warm_up.as_secs_f64();
        if let Some(bytes) = source.read().await.filter(|_| at >= 0.0) {
            let mut readings = readings.lock().unwrap_or_else(PoisonError::into_inner);
            readings.push((at, bytes));
        }
    }
}

/// Each slice gets the last reading before its end.
fn put_into_slices(report: &mut Report, readings: &[(f64, u64)]) {
    for slice in &mut report.slices {
        let end = slice.at_s + slice.length_s;
        let last = readings
            .iter()
            .rfind(|(at, _)| (slice.at_s..end).contains(at));
        slice.memory_bytes = last.map(|(_, bytes)| *bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_has_the_last_reading_in_it() {
        let mut report = Report::new("soak", "");
        report.slices = [0.0, 1.0, 2.0]
            .map(|at_s| Slice {
                at_s,
                length_s: 1.0,
                ..Slice::default()
            })
            .into();
        put_into_slices(&mut report, &[(0.2, 1), (0.9, 2), (2.5, 3)]);
        let memory: Vec<_> = report.slices.iter().map(|it| it.memory_bytes).collect();
        assert_eq!(memory, [Some(2), None, Some(3)]);
    }
}
