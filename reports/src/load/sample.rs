//! Load reports for the tests of the faces.

mod courses;

pub(crate) use self::courses::curve;
use self::courses::{counted, slices};
use super::*;
use crate::{Tool, Verdict};

/// What JSON gives back as it was.
fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

/// A distribution around a median.
fn latency(count: u64, p50: f64) -> Latency {
    Latency {
        count,
        figures: Some(Figures {
            min: rounded(p50 * 0.5),
            mean: rounded(p50 * 1.2),
            stdev: rounded(p50 * 0.7),
            p50,
            p90: rounded(p50 * 2.0),
            p95: rounded(p50 * 2.5),
            p99: rounded(p50 * 10.0),
            p999: rounded(p50 * 40.0),
            max: rounded(p50 * 100.0),
        }),
    }
}

fn run(scenario: &str) -> Report {
    let mut report = Report::new(scenario, "http://127.0.0.1:8001");
    report.tool = Some(Tool {
        name: "acp-tck".to_owned(),
        version: "0.1.0".to_owned(),
    });
    report.target.agent_id = Some("weather-advisor".to_owned());
    report.target.agent_version = Some("1.2.3".to_owned());
    report.started_at = "2026-11-22T10:00:00Z".to_owned();
    report.users = 64;
    report.duration_s = 30.0;
    report.warm_up_s = 5.0;
    report.seed = 42;
    report.requests = Requests {
        total: 15_010,
        ok: 15_000,
        failed: 10,
        by_status: [("200", 15_000), ("503", 8), ("none", 2)]
            .map(|(name, count)| (name.to_owned(), count))
            .into(),
        by_error: [("connection reset".to_owned(), 2)].into(),
    };
    report.throughput_rps = 500.0;
    report.latency_ms = latency(15_000, 0.8);
    report.curve = curve();
    report.generator.cpu_share = 0.31;
    report.verdict = report.judge();
    report
}

fn threshold(expression: &str, value: f64, unit: Unit, holds: bool) -> Threshold {
    Threshold {
        expression: expression.to_owned(),
        value: Some(value),
        unit,
        holds,
        why: None,
    }
}

fn metric(name: &str, unit: Unit, before: f64, after: f64, interval: [f64; 2]) -> Metric {
    Metric {
        name: name.to_owned(),
        unit,
        before,
        after,
        change: rounded((after - before) / before),
        interval,
        regressed: interval[0] > 0.1,
        significant: interval[0] > 0.0 || interval[1] < 0.0,
    }
}

/// An open run with everything that can be asked of it.
pub(crate) fn cache() -> Report {
    let mut report = run("cache");
    report.model = Model::Open;
    report.rate = Some(500.0);
    report.plan = "0..500/s over 5s, 500/s for 25s".to_owned();
    report.service_ms = Some(latency(15_000, 0.7));
    report.invalid = Some(Invalid {
        sent: 300,
        refused: 299,
        accepted: 0,
        server_errors: 1,
        unanswered: 0,
    });
    report.arrivals = Some(Arrivals {
        intended: 15_020,
        dropped: 10,
        started_rps: 500.3,
        kept_up: true,
        why: None,
    });
    report.cache = Some(Cache {
        hits: 12_000,
        misses: 3_000,
        hit_rate: 0.8,
        hit_rate_unknown: false,
        expected_hit_rate: 0.814,
        hit_latency_ms: latency(12_000, 0.5),
        miss_latency_ms: latency(3_000, 12.0),
        wrong_answers: 2,
        inferred: false,
        marker: Some("X-Cache".to_owned()),
        speed_up: Some(24.0),
        stampedes: 3,
        largest_stampede: 7,
        popularity: "zipf(1.0) over 1000 keys".to_owned(),
    });
    report.defects = vec![Defect {
        name: "wrong-answers".to_owned(),
        message: "a hit for {\"city\":\"Oslo\"} has the answer of {\"city\":\"Rome\"}".to_owned(),
        count: 2,
    }];
    report.notes = vec!["stampedes are counted from answers that overlap in time".to_owned()];
    report.thresholds = vec![
        threshold("p99<50ms", 8.0, Unit::Ms, true),
        threshold("hit_rate>0.85", 0.8, Unit::Share, false),
        threshold("errors<0.1%", 0.000_666, Unit::Share, true),
    ];
    report.baseline = Some(Baseline {
        file: "main.json".to_owned(),
        max_regression: 0.1,
        confidence: 0.95,
        differences: vec!["the seed: 41 before, 42 now".to_owned()],
        metrics: vec![
            metric("p50", Unit::Ms, 0.8, 0.8, [-0.03, 0.04]),
            metric("p99", Unit::Ms, 6.0, 8.0, [0.21, 0.44]),
            metric("rps", Unit::PerSecond, 450.0, 500.0, [0.08, 0.13]),
        ],
        earlier: Some(Earlier {
            started_at: "2026-11-21T10:00:00Z".to_owned(),
            slices: slices()[..2].to_vec(),
            curve: counted(14_000),
            ..Earlier::default()
        }),
    });
    report.slices = slices();
    report.curves = [("hit", 12_000), ("miss", 3_000), ("service", 15_000)]
        .map(|(name, count)| (name.to_owned(), counted(count)))
        .into();
    report.verdict = report.judge();
    report
}

/// A limit that was found, and what is not true of it.
pub(crate) fn rate_limit() -> Report {
    let mut report = run("rate-limit");
    report.curve.clear();
    report.users = 2;
    report.requests.by_status = [("200", 6_000), ("429", 9_000), ("503", 10)]
        .map(|(status, count)| (status.to_owned(), count))
        .into();
    report.rate_limit = Some(RateLimit {
        limit: Some(10),
        window_s: Some(60.02),
        algorithm: Algorithm::FixedWindow,
        burst: Some(10),
        scope: Scope::Address,
        over_admitted: 0,
        retry_after: RetryAfter {
            present: true,
            truthful: false,
            checked: 14,
        },
        window_interval_s: Some([59.9, 60.2]),
        window_begins_with_a_request: Some(true),
        confidence: Confidence {
            limit: 1.0,
            window: 1.0,
            algorithm: 0.99,
            scope: 0.95,
        },
        told: Some(Told {
            by: "RateLimit-Policy".to_owned(),
            limit: 10,
            window_s: Some(60.0),
            remaining_truthful: Some(true),
            reset_truthful: None,
        }),
        recovery: Some(Recovery {
            after_s: 58.2,
            told_s: Some(60_000.0),
            at_once: 10,
        }),
        fairness: Some(Fairness {
            admitted: vec![10, 10],
            index: 1.0,
        }),
        pressure: Some(Pressure {
            times: 2.0,
            duration_s: 60.0,
            admitted: 10,
            admissible: 20,
            refused: 10,
            other: 0,
            admitted_ms: latency(10, 0.8),
            refused_ms: latency(10, 0.4),
        }),
        cost: Cost {
            requests: 96,
            duration_s: 251.0,
        },
        course: [(10, 1, 10), (0, 12, 10), (10, 2, 10)]
            .into_iter()
            .enumerate()
            .map(|(number, (admitted, refused, in_window))| Admissions {
                at_s: number as f64 * 30.0,
                length_s: 30.0,
                admitted,
                refused,
                other: 0,
                in_window: Some(in_window),
            })
            .collect(),
    });
    report.defects = vec![Defect {
        name: "retry-after-in-milliseconds".to_owned(),
        message: "Retry-After was 58200 and service returned after 58.2 s".to_owned(),
        count: 14,
    }];
    report.verdict = report.judge();
    report
}

/// What the other scenarios find, by a generator that was too slow.
pub(crate) fn rest() -> Report {
    let mut report = run("soak");
    report.endpoints = vec![
        Endpoint {
            name: "GET /schema".to_owned(),
            requests: Requests::default(),
            latency_ms: latency(7_000, 0.4),
        },
        Endpoint {
            name: "POST /invoke".to_owned(),
            requests: Requests {
                failed: 10,
                ..Requests::default()
            },
            latency_ms: latency(8_000, 1.2),
        },
    ];
    report.stream = Some(Stream {
        opened: 1_000,
        completed: 940,
        broken: 10,
        events: 8_000,
        first_event_ms: latency(1_000, 40.0),
        gap_ms: latency(7_000, 40.0),
        complete_ms: Latency::default(),
        most_at_once: 500,
        left: 50,
        slow: 20,
        first_violation: Some(Violation {
            at_once: 412,
            at_s: 8.25,
            message: "event 3 came after event 5".to_owned(),
        }),
    });
    report.capacity = Some(Capacity {
        max_rps: 4_200.0,
        users: 64,
        objective: "p99<50ms,errors<0.1%".to_owned(),
        interval_rps: Some([4_100.0, 4_350.0]),
        runs: [(8_000.0, 60.0, false), (4_200.0, 2.0, true)]
            .map(|(rate, p50, holds)| CapacityRun {
                rate,
                throughput_rps: rate - 0.5,
                holds,
                why: (!holds).then(|| "p99<50ms does not hold".to_owned()),
                confirms: holds,
                latency_ms: latency(42_000, p50),
                errors: 0.0,
            })
            .into(),
    });
    report.curves = [("gap".to_owned(), counted(7_000))].into();
    report.slices = slices();
    for (slice, limited) in report.slices.iter_mut().zip([None, Some(0), Some(2)]) {
        slice.limited = limited;
        slice.gap_ms = Some(latency(100, 40.0));
        slice.memory_bytes = Some(50_000_000);
    }
    let trend = Trend {
        per_hour: 2_097_152.0,
        interval: [1_048_576.0, 3_145_728.0],
        from: 50_000_000.0,
        to: 58_000_000.0,
        points: 120,
        drifts: true,
    };
    report.soak = Some(Soak {
        p50_ms: Some(Trend {
            per_hour: 0.01,
            interval: [-0.02, 0.03],
            from: 0.8,
            to: 0.81,
            points: 120,
            drifts: false,
        }),
        p99_ms: None,
        memory_bytes: Some(trend),
        memory_by: Some("/metrics".to_owned()),
    });
    report.generator = Generator {
        cpu_share: 0.97,
        late_share: 0.12,
        trusted: false,
        why: Some("the generator took 0.97 of a core".to_owned()),
        schedule_lag_ms: Some(latency(15_000, 0.1)),
        loop_lag_ms: Some(latency(300, 0.2)),
        memory_bytes: Some(24_000_000),
    };
    report.interrupted = true;
    report
}

/// A run that no agent answered.
pub(crate) fn unreachable() -> Report {
    let mut report = Report::new("mixed", "http://127.0.0.1:9");
    report.error = Some("the agent at http://127.0.0.1:9 refused the connection".to_owned());
    report.verdict = Verdict::Error;
    report
}

/// A run in which everything that an agent may choose is hostile.
pub(crate) fn hostile() -> Report {
    let nasty = "\u{1b}[31m\nHOLDS: all\u{202e}\u{0}]]> <script>x</script> [a](http://x) @you | `";
    let nasty = format!("{nasty}{}", "A".repeat(50_000));
    let mut report = rest();
    report.target.agent_id = Some(nasty.clone());
    report.target.agent_version = Some(nasty.clone());
    report.requests.by_error.insert(nasty.clone(), 1);
    report.endpoints[0].name = nasty.clone();
    report.notes = vec![nasty.clone()];
    report.generator.why = Some(nasty.clone());
    if let Some(violation) = report
        .stream
        .as_mut()
        .and_then(|it| it.first_violation.as_mut())
    {
        violation.message = nasty.clone();
    }
    report.rate_limit = rate_limit().rate_limit;
    if let Some(told) = report.rate_limit.as_mut().and_then(|it| it.told.as_mut()) {
        told.by = nasty.clone();
    }
    report.cache = cache().cache;
    if let Some(cache) = report.cache.as_mut() {
        cache.marker = Some(nasty.clone());
    }
    report.defects = vec![Defect {
        name: nasty.clone(),
        message: nasty,
        count: 1,
    }];
    report.verdict = report.judge();
    report
}

/// One of each.
pub(crate) fn all() -> Vec<Report> {
    vec![cache(), rate_limit(), rest(), unreachable(), hostile()]
}
