//! Two runs beside each other: what became worse, and whether that is more than noise.
//!
//! One number against another says nothing: each would be another in the next run. So both runs
//! are drawn anew from their own slices of time many times (a bootstrap, in blocks of neighbouring
//! slices, since what is slow now is often slow a moment later), and the change is worked out each time.
//! A figure regressed if its change is past what is allowed *and* the interval of those changes leaves
//! no change at all out. With several runs on a side, runs are drawn first, so that what differs from run to run
//! counts as noise too. The same reports and the same seed give the same intervals.

mod side;

use std::collections::BTreeSet;

use acp_reports::load::{Baseline, Earlier, Metric, Report, Unit};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use self::side::Side;

/// So often are the runs drawn anew: the interval's ends then stand on some ten draws each.
const DRAWS: usize = 1_000;
/// Several figures are looked at, so that each interval is wider than the usual 95 %.
const CONFIDENCE: f64 = 0.99;
/// Of a share, less than a thousandth more or less is no regression, however small it was before.
const LEAST_OF_A_SHARE: f64 = 0.001;
/// With fewer slices a run tells nothing of its noise.
const LEAST_SLICES: usize = 8;
/// A percentile is compared if at least so many requests of each run are above it.
const LEAST_ABOVE: f64 = 20.0;

/// Why runs cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// A report of something else.
    #[error(
        "{0} is a report of the scenario `{1}`, and this run is one of `{2}`: compare like with like"
    )]
    Scenario(String, String, String),
    /// Too few slices.
    #[error(
        "{0} has {1} slices of time, and {LEAST_SLICES} are needed to tell a change from noise: make a longer run"
    )]
    Slices(String, usize),
}

/// A figure that can be drawn anew.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Drawn {
    /// Of a histogram by name; the name before the dot.
    Percentile(&'static str, f64),
    Mean(&'static str),
    PerSecond,
    Errors,
    HitRate,
}

static DRAWN: &[(&str, Drawn)] = &[
    ("rps", Drawn::PerSecond),
    ("errors", Drawn::Errors),
    ("mean", Drawn::Mean("latency")),
    ("p50", Drawn::Percentile("latency", 0.5)),
    ("p90", Drawn::Percentile("latency", 0.9)),
    ("p95", Drawn::Percentile("latency", 0.95)),
    ("p99", Drawn::Percentile("latency", 0.99)),
    ("p999", Drawn::Percentile("latency", 0.999)),
    ("hit_rate", Drawn::HitRate),
    ("hit.p50", Drawn::Percentile("hit", 0.5)),
    ("hit.p99", Drawn::Percentile("hit", 0.99)),
    ("miss.p50", Drawn::Percentile("miss", 0.5)),
    ("miss.p99", Drawn::Percentile("miss", 0.99)),
    ("first_event.p50", Drawn::Percentile("first_event", 0.5)),
    ("first_event.p95", Drawn::Percentile("first_event", 0.95)),
    ("first_event.p99", Drawn::Percentile("first_event", 0.99)),
];

impl Drawn {
    fn unit(self) -> Unit {
        match self {
            Self::PerSecond => Unit::PerSecond,
            Self::Errors | Self::HitRate => Unit::Share,
            Self::Percentile(..) | Self::Mean(_) => Unit::Ms,
        }
    }

    fn more_is_better(self) -> bool {
        matches!(self, Self::PerSecond | Self::HitRate)
    }

    fn series(self) -> Option<&'static str> {
        match self {
            Self::Percentile(name, _) | Self::Mean(name) => Some(name),
            _ => None,
        }
    }
}

/// Compares a run with earlier ones, read from `file`. At least one report on each side.
///
/// # Errors
/// Where there is nothing to be compared.
pub fn compare(
    file: &str,
    before: &[Report],
    after: &[Report],
    max_regression: f64,
    seed: u64,
) -> Result<Baseline, BaselineError> {
    let chance = Chance { draws: DRAWS, seed };
    compare_by(chance, file, before, after, max_regression)
}

/// Whether a run can be held against one of this scenario; `name` is what it is called.
///
/// # Errors
/// Why not.
pub fn comparable(name: &str, report: &Report, scenario: &str) -> Result<(), BaselineError> {
    if report.scenario != scenario {
        let theirs = report.scenario.clone();
        let scenario = scenario.to_owned();
        return Err(BaselineError::Scenario(name.to_owned(), theirs, scenario));
    }
    match report.slices.len() {
        few if few < LEAST_SLICES => Err(BaselineError::Slices(name.to_owned(), few)),
        _ => Ok(()),
    }
}

/// How runs are drawn anew.
#[derive(Clone, Copy)]
struct Chance {
    draws: usize,
    seed: u64,
}

fn compare_by(
    chance: Chance,
    file: &str,
    before: &[Report],
    after: &[Report],
    max_regression: f64,
) -> Result<Baseline, BaselineError> {
    let scenario = after.first().map_or("", |report| report.scenario.as_str());
    for (name, report) in before
        .iter()
        .map(|it| (file, it))
        .chain(after.iter().map(|it| ("this run", it)))
    {
        comparable(name, report, scenario)?;
    }
    // As much is answered as is asked: that another load was asked for says nothing of the agent.
    let loads: Vec<_> = before.iter().chain(after).map(asked).collect();
    let is_same_load = loads.windows(2).all(|pair| pair[0] == pair[1]);
    let drawn = DRAWN
        .iter()
        .filter(|(_, drawn)| is_same_load || *drawn != Drawn::PerSecond);
    let metrics = drawn.filter_map(|(name, drawn)| {
        let before = Side::of(before, *drawn)?;
        let after = Side::of(after, *drawn)?;
        metric(name, *drawn, [&before, &after], max_regression, chance)
    });
    Ok(Baseline {
        file: file.to_owned(),
        max_regression,
        confidence: CONFIDENCE,
        differences: differences(before.first(), after.first()),
        metrics: metrics.collect(),
        earlier: before.first().map(Earlier::of),
    })
}

/// The load that a run was to make: the rate of the open model, the users of the closed one.
fn asked(report: &Report) -> (Option<f64>, Option<u64>) {
    (report.rate, report.rate.is_none().then_some(report.users))
}

/// What may be the reason for a change, other than the agent.
fn differences(before: Option<&Report>, after: Option<&Report>) -> Vec<String> {
    let (Some(before), Some(after)) = (before, after) else {
        return Vec::new();
    };
    let told = |what: &str, one: String, other: String| {
        (one != other).then(|| format!("{what}: {one} before, {other} now"))
    };
    let version = |report: &Report| {
        let tool = report.tool.as_ref();
        tool.map_or("unknown".to_owned(), |tool| tool.version.clone())
    };
    let rate = |report: &Report| {
        report
            .rate
            .map_or("none".to_owned(), |rate| rate.to_string())
    };
    let plan = |report: &Report| match report.plan.as_str() {
        "" => "none".to_owned(),
        plan => plan.to_owned(),
    };
    let trusted = |report: &Report| {
        if report.generator.trusted {
            "yes"
        } else {
            "no"
        }
        .to_owned()
    };
    let all = [
        told(
            "the agent",
            before.target.url.clone(),
            after.target.url.clone(),
        ),
        told("users", before.users.to_string(), after.users.to_string()),
        told("the rate", rate(before), rate(after)),
        told("the plan", plan(before), plan(after)),
        told("the seed", before.seed.to_string(), after.seed.to_string()),
        told("acp-tck", version(before), version(after)),
        told("trusted", trusted(before), trusted(after)),
    ];
    let names: BTreeSet<_> = before.asked.keys().chain(after.asked.keys()).collect();
    let value = |report: &Report, name: &String| {
        let value = report.asked.get(name);
        value.map_or("none".to_owned(), Clone::clone)
    };
    let asked = names
        .into_iter()
        .filter_map(|name| told(name, value(before, name), value(after, name)));
    all.into_iter().flatten().chain(asked).collect()
}

fn metric(
    name: &str,
    drawn: Drawn,
    [before, after]: [&Side; 2],
    max_regression: f64,
    chance: Chance,
) -> Option<Metric> {
    let change = |before: f64, after: f64| match drawn.unit() {
        Unit::Share => after - before,
        _ if before == 0.0 => after - before,
        _ => after / before - 1.0,
    };
    // Each figure has draws of its own: what others there are does not change its interval.
    let mut random = ChaCha8Rng::seed_from_u64(chance.seed);
    let mut changes: Vec<f64> = (0..chance.draws)
        .filter_map(|_| {
            let before = before.draw(drawn, &mut random)?;
            Some(change(before, after.draw(drawn, &mut random)?))
        })
        .collect();
    changes.sort_by(f64::total_cmp);
    let edge = ((1.0 - CONFIDENCE) / 2.0 * changes.len() as f64) as usize;
    let interval = [*changes.get(edge)?, *changes.get(changes.len() - 1 - edge)?];
    let change = change(before.whole, after.whole);
    let significant = interval[0] > 0.0 || interval[1] < 0.0;
    let worse = if drawn.more_is_better() {
        -change
    } else {
        change
    };
    // A change of a share is in points; what is allowed of it is a part of what it was.
    let allowed = match drawn.unit() {
        Unit::Share => (max_regression * before.whole).max(LEAST_OF_A_SHARE),
        _ => max_regression,
    };
    Some(Metric {
        name: name.to_owned(),
        unit: drawn.unit(),
        before: before.whole,
        after: after.whole,
        change,
        interval,
        regressed: significant && worse > allowed,
        significant,
    })
}

#[cfg(test)]
mod tests {
    use acp_reports::load::Slice;
    use hdrhistogram::Histogram;
    use rand_chacha::rand_core::Rng as _;

    use super::*;
    use crate::hlog::encoded;

    /// A run whose latencies are log-normal around a median, with a level that wanders from slice to slice.
    fn run(seed: u64, median_ms: f64, errors: u64) -> Report {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut normal = || {
            let sum: f64 = (0..12)
                .map(|_| f64::from(random.next_u32()) / f64::from(u32::MAX))
                .sum();
            sum - 6.0
        };
        let mut report = Report::new("cache", "http://127.0.0.1:8000");
        let mut level = 0.0;
        for number in 0..24_u32 {
            level = 0.6 * level + 0.03 * normal();
            let mut histogram =
                Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3).expect("bounds");
            for _ in 0..250 {
                let ms = median_ms * (level + 0.4 * normal()).exp();
                histogram.record((ms * 1_000.0) as u64).expect("in range");
            }
            report.slices.push(Slice {
                at_s: f64::from(number) * 0.5,
                length_s: 0.5,
                ok: 250 - (10.0 * normal().abs()) as u64,
                failed: errors,
                hits: Some(200),
                misses: Some(50),
                histograms: [("latency".to_owned(), encoded(&histogram).expect("text"))].into(),
                ..Slice::default()
            });
        }
        report
    }

    fn compared(before: &[Report], after: &[Report]) -> Baseline {
        // Fewer draws than in earnest: unoptimised, they take their time.
        let chance = Chance {
            draws: 100,
            seed: 7,
        };
        compare_by(chance, "main.json", before, after, 0.1).expect("they can be compared")
    }

    fn find<'b>(baseline: &'b Baseline, name: &str) -> &'b Metric {
        let found = baseline.metrics.iter().find(|it| it.name == name);
        found.expect("the figure is compared")
    }

    #[test]
    fn two_runs_of_the_same_agent_do_not_differ() {
        let mut alarms = 0;
        for seed in 0..4 {
            let baseline = compared(&[run(seed, 5.0, 0)], &[run(seed + 100, 5.0, 0)]);
            alarms += baseline.metrics.iter().filter(|it| it.regressed).count();
        }
        assert_eq!(alarms, 0);
    }

    #[test]
    fn a_regression_past_what_is_allowed_is_found() {
        let baseline = compared(&[run(1, 5.0, 0)], &[run(2, 6.5, 0)]);
        for name in ["p50", "p90", "mean"] {
            let metric = find(&baseline, name);
            assert!(metric.regressed && metric.interval[0] > 0.0, "{metric:?}");
            assert!((metric.change - 0.3).abs() < 0.1, "{metric:?}");
        }
        assert!(!find(&baseline, "hit_rate").regressed);
        // The other way round it became better.
        let better = compared(&[run(2, 6.5, 0)], &[run(1, 5.0, 0)]);
        assert!(!better.metrics.iter().any(|it| it.regressed));
        assert!(find(&better, "p50").significant);
    }

    #[test]
    fn a_small_regression_is_told_and_does_not_fail() {
        let metric = compared(&[run(1, 5.0, 0)], &[run(2, 5.3, 0)]);
        let metric = find(&metric, "p50");
        assert!(metric.change > 0.0 && !metric.regressed, "{metric:?}");
    }

    #[test]
    fn more_errors_are_a_regression_of_their_share() {
        let baseline = compared(&[run(1, 5.0, 0)], &[run(2, 5.0, 50)]);
        let errors = find(&baseline, "errors");
        assert!(errors.regressed && errors.unit == Unit::Share, "{errors:?}");
        assert!((errors.change - 1.0 / 6.0).abs() < 0.02, "{errors:?}");
    }

    #[test]
    fn what_is_allowed_of_a_share_is_a_part_of_what_it_was() {
        // A tenth more is allowed, and these are points: from none to 2 %, and from 17 % to 18 %.
        for (before, after, regressed) in [(0, 5, true), (50, 54, false), (50, 70, true)] {
            let baseline = compared(&[run(1, 5.0, before)], &[run(2, 5.0, after)]);
            let errors = find(&baseline, "errors");
            assert_eq!(errors.regressed, regressed, "{errors:?}");
        }
    }

    #[test]
    fn what_differs_from_run_to_run_is_noise_too() {
        let before = [run(1, 4.0, 0), run(2, 6.0, 0), run(3, 5.0, 0)];
        let after = [run(4, 6.2, 0), run(5, 4.9, 0), run(6, 5.9, 0)];
        let single = compared(&before[2..], &after[..1]);
        assert!(find(&single, "p50").regressed);
        let several = compared(&before, &after);
        assert!(
            !find(&several, "p50").regressed,
            "{:?}",
            find(&several, "p50")
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_intervals() {
        let (before, after) = ([run(1, 5.0, 0)], [run(2, 5.0, 0)]);
        assert_eq!(compared(&before, &after), compared(&before, &after));
    }

    #[test]
    fn a_tail_that_nothing_was_measured_of_is_not_compared() {
        let baseline = compared(&[run(1, 5.0, 0)], &[run(2, 5.0, 0)]);
        let names: Vec<_> = baseline.metrics.iter().map(|it| it.name.as_str()).collect();
        assert!(
            names.contains(&"p99") && !names.contains(&"p999"),
            "{names:?}"
        );
        assert!(!names.contains(&"first_event.p95"), "{names:?}");
    }

    #[test]
    fn what_cannot_be_compared_is_refused_in_a_line() {
        let mut other = run(1, 5.0, 0);
        other.scenario = "stream".to_owned();
        let error = compare("main.json", &[other], &[run(2, 5.0, 0)], 0.1, 0)
            .expect_err("another scenario");
        assert_eq!(
            error.to_string(),
            "main.json is a report of the scenario `stream`, and this run is one of `cache`: compare like with like"
        );
        let mut short = run(1, 5.0, 0);
        short.slices.truncate(3);
        let error =
            compare("main.json", &[run(2, 5.0, 0)], &[short], 0.1, 0).expect_err("too short");
        assert!(
            error
                .to_string()
                .starts_with("this run has 3 slices of time"),
            "{error}"
        );
    }

    #[test]
    fn what_differs_between_the_runs_is_told() {
        let mut after = run(2, 5.0, 0);
        after.users = 64;
        let mut before = run(1, 5.0, 0);
        before.plan = "500/s".to_owned();
        let baseline = compared(&[before], &[after]);
        assert_eq!(
            baseline.differences,
            [
                "users: 0 before, 64 now",
                "the plan: 500/s before, none now"
            ]
        );
        // How much was answered is then no figure of the agent's.
        assert!(baseline.metrics.iter().all(|it| it.name != "rps"));
        assert!(baseline.metrics.iter().any(|it| it.name == "p99"));
    }
}
