use super::*;

fn histogram(values: &[u64]) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("bounds");
    for value in values {
        histogram.record(*value).expect("in range");
    }
    histogram
}

fn interval(name: &str, start: u64, values: &[u64]) -> Interval {
    Interval {
        name: name.to_owned(),
        start: Duration::from_secs(start),
        length: Duration::from_secs(1),
        histogram: histogram(values),
    }
}

fn log(intervals: Vec<Interval>) -> Log {
    Log {
        began: Duration::from_secs(1_700_000_000),
        intervals,
    }
}

#[test]
fn a_log_is_the_same_after_it_was_written_and_read() {
    let log = log(vec![
        interval("latency", 0, &[1, 500, 70_000]),
        interval("hit", 0, &[90]),
        interval("latency", 1, &[]),
    ]);
    let text = log.write().expect("a log");
    assert!(text.contains("Tag=latency,"), "{text}");
    assert_eq!(Log::read(text.as_bytes()).expect("a log"), log);
}

#[test]
fn a_merge_loses_nothing() {
    let one = log(vec![
        interval("latency", 0, &[1, 2]),
        interval("latency", 1, &[3]),
    ]);
    let other = log(vec![
        interval("latency", 0, &[2, 9_999]),
        interval("gap", 0, &[5]),
    ]);
    let merged = Log::merge(&[one, other]).expect("they can be added");
    assert_eq!(
        merged.intervals,
        [
            interval("gap", 0, &[5]),
            interval("latency", 0, &[1, 2, 2, 9_999]),
            interval("latency", 1, &[3]),
        ]
    );
    let totals = merged.totals().expect("they can be added");
    assert_eq!(totals["latency"], histogram(&[1, 2, 2, 3, 9_999]));
    let text = merged.write().expect("a log");
    assert_eq!(
        Log::read(text.as_bytes()).expect("a log").intervals,
        merged.intervals
    );
}

#[test]
fn what_would_lose_precision_is_not_added() {
    let mut coarse = interval("latency", 0, &[]);
    coarse.histogram = Histogram::new_with_bounds(1, 3_600_000_000, 2).expect("bounds");
    let fine = log(vec![interval("latency", 0, &[1])]);
    let merged = Log::merge(&[fine, log(vec![coarse])]);
    assert!(matches!(merged, Err(LogError::Ranges(name)) if name == "latency"));
}

#[test]
fn what_is_no_log_is_told_and_nothing_panics() {
    let good = log(vec![interval("latency", 0, &[1])])
        .write()
        .expect("a log");
    for text in [
        "",
        "hello",
        "Tag=,0,1,2,xx\n",
        "0.1,0.2,0.3,AAAA\n",
        "\u{0}\u{0}",
    ] {
        assert!(Log::read(text.as_bytes()).is_err(), "{text:?}");
    }
    for cut in 0..good.len() {
        let _ = Log::read(&good.as_bytes()[..cut]);
    }
    assert_eq!(decoded("!"), None);
    assert_eq!(decoded(""), None);
}

/// A run of two slices, and of what ended after them.
fn run() -> Report {
    let mut report = Report::new("cache", "");
    report.duration_s = 2.0;
    let text = |values: &[u64]| encoded(&histogram(values)).expect("text");
    report.histograms = [("latency", text(&[1, 2, 4_000_000])), ("gap", text(&[7]))]
        .map(|(name, text)| (name.to_owned(), text))
        .into();
    for (at_s, value) in [(0.0, 1), (1.0, 2)] {
        report.slices.push(Slice {
            at_s,
            length_s: 1.0,
            histograms: [("latency".to_owned(), text(&[value]))].into(),
            ..Default::default()
        });
    }
    report
}

#[test]
fn a_report_becomes_a_log_of_its_slices_and_of_the_rest() {
    let mut report = run();
    assert_eq!(Log::of(&report).began, Duration::ZERO);
    report.started_at = "2023-11-14T22:13:20.25Z".to_owned();
    let log = Log::of(&report);
    assert_eq!(log.began, Duration::from_millis(1_700_000_000_250));
    let text = log.write().expect("a log");
    assert!(text.contains("StartTime: 1700000000.250"), "{text}");
    let totals = log.totals().expect("they can be added");
    assert_eq!(totals["latency"], histogram(&[1, 2, 4_000_000]));
    assert_eq!(totals["gap"], histogram(&[7]));
    let last = log.intervals.last().expect("the rest");
    assert_eq!(last.start, Duration::from_secs(2));
    assert!(last.length >= Duration::from_secs(4), "{:?}", last.length);
}

#[test]
fn slices_that_are_more_than_the_whole_leave_no_rest() {
    let mut report = run();
    report.slices.push(report.slices[0].clone());
    assert_eq!(rest(&report, "latency"), None);
    report.slices.clear();
    let log = Log::of(&report);
    assert!(
        log.intervals
            .iter()
            .all(|it| it.length == Duration::from_secs(2))
    );
    assert_eq!(log.intervals.len(), 2);
}
