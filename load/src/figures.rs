//! Every figure of a load report that something can be asked of, by name: the list that thresholds,
//! objectives and baselines go by.

use acp_reports::load::{Figures, Latency, Report, Unit};

use crate::hlog::decoded;
use crate::recorder::Series;
use crate::summary::latency;

/// A figure of a report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// What it is counted in.
    pub unit: Unit,
    /// Whether more is better.
    pub more_is_better: bool,
    /// Its value, if the run has one.
    pub value: Option<f64>,
}

/// One that is no percentile.
struct Single {
    name: &'static str,
    unit: Unit,
    more_is_better: bool,
    of: fn(&Report) -> Option<f64>,
}

const fn less(name: &'static str, unit: Unit, of: fn(&Report) -> Option<f64>) -> Single {
    let more_is_better = false;
    Single {
        name,
        unit,
        more_is_better,
        of,
    }
}

const fn more(name: &'static str, unit: Unit, of: fn(&Report) -> Option<f64>) -> Single {
    Single {
        more_is_better: true,
        ..less(name, unit, of)
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// What failed, and of how many: an arrival that was dropped was never answered, and is a failure of
/// those who were due.
pub(crate) fn failed_of_due(report: &Report) -> (u64, u64) {
    let dropped = report.arrivals.as_ref().map_or(0, |it| it.dropped);
    let requests = &report.requests;
    (
        requests.failed.saturating_add(dropped),
        requests.total.saturating_add(dropped),
    )
}

static SINGLES: &[Single] = &[
    less("errors", Unit::Share, |it| {
        let (failed, due) = failed_of_due(it);
        share(failed, due)
    }),
    more("rps", Unit::PerSecond, |it| Some(it.throughput_rps)),
    more("requests", Unit::Count, |it| Some(it.requests.total as f64)),
    less("failed", Unit::Count, |it| Some(it.requests.failed as f64)),
    more("hit_rate", Unit::Share, |it| {
        it.cache.as_ref()?.known_hit_rate()
    }),
    more("speed_up", Unit::Count, |it| it.cache.as_ref()?.speed_up),
    less("wrong_answers", Unit::Count, |it| {
        Some(it.cache.as_ref()?.wrong_answers as f64)
    }),
    less("stampedes", Unit::Count, |it| {
        Some(it.cache.as_ref()?.stampedes as f64)
    }),
    more("limit", Unit::Count, |it| {
        Some(it.rate_limit.as_ref()?.limit? as f64)
    }),
    more("window", Unit::Seconds, |it| {
        it.rate_limit.as_ref()?.window_s
    }),
    more("burst", Unit::Count, |it| {
        Some(it.rate_limit.as_ref()?.burst? as f64)
    }),
    less("over_admitted", Unit::Count, |it| {
        Some(it.rate_limit.as_ref()?.over_admitted as f64)
    }),
    less("recovery", Unit::Seconds, |it| {
        Some(it.rate_limit.as_ref()?.recovery?.after_s)
    }),
    more("fairness", Unit::Share, |it| {
        Some(it.rate_limit.as_ref()?.fairness.as_ref()?.index)
    }),
    more("streams", Unit::Count, |it| {
        Some(it.stream.as_ref()?.opened as f64)
    }),
    less("broken", Unit::Share, |it| {
        let stream = it.stream.as_ref()?;
        share(stream.broken, stream.opened)
    }),
    more("completed", Unit::Share, |it| {
        let stream = it.stream.as_ref()?;
        share(stream.completed, stream.opened.saturating_sub(stream.left))
    }),
    more("events", Unit::Count, |it| {
        Some(it.stream.as_ref()?.events as f64)
    }),
    more("max_rps", Unit::PerSecond, |it| {
        Some(it.capacity.as_ref()?.max_rps)
    }),
    less("memory_per_hour", Unit::Bytes, |it| {
        Some(it.soak.as_ref()?.memory_bytes?.per_hour)
    }),
    less("p50_per_hour", Unit::Ms, |it| {
        Some(it.soak.as_ref()?.p50_ms?.per_hour)
    }),
    less("p99_per_hour", Unit::Ms, |it| {
        Some(it.soak.as_ref()?.p99_ms?.per_hour)
    }),
    less("dropped", Unit::Share, |it| {
        let arrivals = it.arrivals.as_ref()?;
        share(arrivals.dropped, arrivals.intended)
    }),
    less("late", Unit::Share, |it| Some(it.generator.late_share)),
    less("cpu", Unit::Count, |it| Some(it.generator.cpu_share)),
    less("invalid_accepted", Unit::Count, |it| {
        Some(it.invalid?.accepted as f64)
    }),
    less("invalid_errors", Unit::Count, |it| {
        let invalid = it.invalid?;
        Some((invalid.server_errors + invalid.unanswered) as f64)
    }),
];

type Distribution = fn(&Report) -> Option<Latency>;

/// Distributions, by what stands before the dot; the latency has nothing there.
static DISTRIBUTIONS: &[(&str, Distribution)] = &[
    ("", |it| Some(it.latency_ms)),
    ("service", |it| it.service_ms),
    ("hit", |it| Some(it.cache.as_ref()?.hit_latency_ms)),
    ("miss", |it| Some(it.cache.as_ref()?.miss_latency_ms)),
    ("first_event", |it| {
        let told = it.stream.as_ref().map(|stream| stream.first_event_ms);
        told.or_else(|| measured(it, Series::FirstEvent))
    }),
    ("gap", |it| {
        let told = it.stream.as_ref().map(|stream| stream.gap_ms);
        told.or_else(|| measured(it, Series::Gap))
    }),
    ("complete", |it| {
        let told = it.stream.as_ref().map(|stream| stream.complete_ms);
        told.or_else(|| measured(it, Series::Complete))
    }),
    ("admitted", |it| {
        Some(it.rate_limit.as_ref()?.pressure.as_ref()?.admitted_ms)
    }),
    ("refused", |it| {
        Some(it.rate_limit.as_ref()?.pressure.as_ref()?.refused_ms)
    }),
    ("lag", |it| it.generator.schedule_lag_ms),
];

/// What the run's own histograms have of it: streams are asked for in other scenarios, too.
fn measured(report: &Report, series: Series) -> Option<Latency> {
    let text = report.histograms.get(series.name())?;
    Some(latency(&decoded(text)?))
}

/// The distributions that say how long one waits who was due; who was dropped waits for ever.
const OF_ALL_WHO_WERE_DUE: [&str; 3] = ["", "first_event", "complete"];

/// Why a figure says nothing though something was measured: its rank lies among the arrivals that
/// were dropped, of which no time is known.
pub(crate) fn beyond(report: &Report, name: &str) -> Option<String> {
    let (before, part) = name.split_once('.').unwrap_or(("", name));
    let (_, quantile) = QUANTILES.iter().find(|(known, _)| *known == part)?;
    let arrivals = report.arrivals.as_ref()?;
    let dropped = share(arrivals.dropped, arrivals.intended)?;
    let is_beyond = dropped > 0.0 && *quantile > 1.0 - dropped;
    (is_beyond && OF_ALL_WHO_WERE_DUE.contains(&before)).then(|| {
        format!(
            "{} of the {} arrivals were dropped, and {part} lies among them: they waited for ever",
            arrivals.dropped, arrivals.intended
        )
    })
}

type Part = fn(&Figures) -> f64;

static PARTS: &[(&str, Part)] = &[
    ("p50", |it| it.p50),
    ("p90", |it| it.p90),
    ("p95", |it| it.p95),
    ("p99", |it| it.p99),
    ("p999", |it| it.p999),
    ("mean", |it| it.mean),
    ("stdev", |it| it.stdev),
    ("min", |it| it.min),
    ("max", |it| it.max),
];

/// The share of all that is not above a part; of those that are no ranks there is none.
const QUANTILES: [(&str, f64); 6] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p999", 0.999),
    ("max", 1.0),
];

/// What a run has of those that are no percentiles: name, unit, value.
pub(crate) fn singles(report: &Report) -> impl Iterator<Item = (&'static str, Unit, f64)> {
    let singles = SINGLES.iter();
    singles.filter_map(|it| Some((it.name, it.unit, (it.of)(report)?)))
}

/// The distributions that a run has, by what stands before the dot.
pub(crate) fn distributions(report: &Report) -> impl Iterator<Item = (&'static str, Latency)> {
    let all = DISTRIBUTIONS.iter();
    all.filter_map(|(name, of)| Some((*name, of(report)?)))
}

/// The figure of this name in a report; `None` if no report has one of that name.
#[must_use]
pub fn named(report: &Report, name: &str) -> Option<Figure> {
    if let Some(single) = SINGLES.iter().find(|single| single.name == name) {
        return Some(Figure {
            unit: single.unit,
            more_is_better: single.more_is_better,
            value: (single.of)(report),
        });
    }
    let (before, part) = name.split_once('.').unwrap_or(("", name));
    let (_, distribution) = DISTRIBUTIONS.iter().find(|(known, _)| *known == before)?;
    let (_, part) = PARTS.iter().find(|(known, _)| *known == part)?;
    Some(Figure {
        unit: Unit::Ms,
        more_is_better: false,
        value: distribution(report)
            .and_then(|it| it.figures)
            .filter(|_| beyond(report, name).is_none())
            .map(|figures| part(&figures)),
    })
}

/// Every name, those that are asked for most first.
#[must_use]
pub fn names() -> Vec<String> {
    let of = |(before, _): &(&'static str, Distribution)| {
        let before = *before;
        PARTS.iter().map(move |(part, _)| match before {
            "" => (*part).to_owned(),
            before => format!("{before}.{part}"),
        })
    };
    let singles = SINGLES.iter().map(|single| single.name.to_owned());
    let (plain, rest) = DISTRIBUTIONS.split_at(1);
    let plain = plain.iter().flat_map(of);
    plain
        .chain(singles)
        .chain(rest.iter().flat_map(of))
        .collect()
}

/// The names as a person reads them, each distribution once.
#[must_use]
pub fn summary() -> String {
    let parts: Vec<_> = PARTS.iter().map(|(part, _)| *part).collect();
    let singles: Vec<_> = SINGLES.iter().map(|single| single.name).collect();
    let before: Vec<_> = DISTRIBUTIONS[1..].iter().map(|(name, _)| *name).collect();
    format!(
        "{}, {}; and after {}. those from p50 to max",
        parts.join(", "),
        singles.join(", "),
        before.join("., ")
    )
}

#[cfg(test)]
mod tests {
    use acp_reports::load::{Arrivals, Requests};

    use super::*;

    #[test]
    fn each_name_is_known_and_there_once() {
        let report = Report::new("mixed", "");
        let names = names();
        for name in &names {
            assert!(named(&report, name).is_some(), "{name}");
        }
        let mut once = names.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), names.len());
        assert_eq!(named(&report, "p42"), None);
        assert_eq!(named(&report, "nothing.p50"), None);
    }

    fn dropping(dropped: u64) -> Report {
        let mut report = Report::new("mixed", "");
        report.requests = Requests {
            total: 800 - dropped,
            ok: 784 - dropped,
            failed: 16,
            ..Requests::default()
        };
        report.arrivals = Some(Arrivals {
            intended: 800,
            dropped,
            ..Arrivals::default()
        });
        report.latency_ms = Latency {
            count: report.requests.ok,
            figures: Some(Figures::default()),
        };
        report
    }

    #[test]
    fn who_was_dropped_was_failed_and_waited_for_ever() {
        let value = |dropped, name| named(&dropping(dropped), name).expect("a known name").value;
        assert_eq!(value(0, "errors"), Some(0.02));
        assert_eq!(value(288, "errors"), Some(304.0 / 800.0));
        for (dropped, name, is_known) in [
            (0, "max", true),
            (1, "max", false),
            (1, "p99", true),
            (9, "p99", false),
            (40, "p95", true),
            (288, "p50", true),
            (288, "p90", false),
            (288, "mean", true),
        ] {
            assert_eq!(value(dropped, name).is_some(), is_known, "{dropped} {name}");
        }
    }

    #[test]
    fn streams_have_their_figures_in_every_scenario() {
        let mut histogram = crate::recorder::histogram();
        crate::recorder::record(&mut histogram, 90_000);
        let text = crate::hlog::encoded(&histogram).expect("text");
        let mut report = Report::new("mixed", "");
        for name in ["first_event", "gap", "complete"] {
            report.histograms.insert(name.to_owned(), text.clone());
            let figure = named(&report, &format!("{name}.p95")).expect("a known name");
            assert_eq!(figure.value.map(f64::round), Some(90.0), "{name}");
        }
    }

    #[test]
    fn what_a_run_does_not_have_has_no_value() {
        let mut report = Report::new("mixed", "");
        // Nothing could be told apart: that is no rate of 0 %.
        report.cache = Some(acp_reports::load::Cache::default());
        for name in ["p99", "hit_rate", "errors", "first_event.p95", "limit"] {
            let figure = named(&report, name).expect("a known name");
            assert_eq!(figure.value, None, "{name}");
        }
    }
}
