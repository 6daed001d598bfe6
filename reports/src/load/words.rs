//! The words that every face of the load report uses for figures.

use super::{Latency, Metric, Report, Unit};
use crate::{Verdict, text};

/// The head of a table of distributions.
pub(crate) const LATENCY_HEAD: [&str; 9] = [
    "", "count", "mean", "p50", "p90", "p95", "p99", "p99.9", "max",
];

/// A distribution as cells under [`LATENCY_HEAD`].
pub(crate) fn latency_row(name: &str, latency: &Latency) -> Vec<String> {
    let mut cells = vec![name.to_owned(), latency.count.to_string()];
    match latency.figures {
        Some(it) => {
            let figures = [it.mean, it.p50, it.p90, it.p95, it.p99, it.p999, it.max];
            cells.extend(figures.map(ms));
        }
        None => cells.extend(std::iter::repeat_n("-".to_owned(), LATENCY_HEAD.len() - 2)),
    }
    cells
}

/// Three significant digits, as the histograms have them, without a unit.
pub(crate) fn ms(milliseconds: f64) -> String {
    match milliseconds {
        tiny if tiny.abs() < 1.0 => format!("{tiny:.3}"),
        small if small.abs() < 10.0 => format!("{small:.2}"),
        medium if medium.abs() < 100.0 => format!("{medium:.1}"),
        great => format!("{great:.0}"),
    }
}

/// A time in seconds, in the unit that suits it.
pub(crate) fn seconds(seconds: f64) -> String {
    match seconds {
        short if short < 1.0 => format!("{} ms", trimmed(short * 1_000.0)),
        some if some < 120.0 => format!("{} s", trimmed(some)),
        long if long < 7_200.0 => format!("{} min", trimmed(long / 60.0)),
        hours => format!("{} h", trimmed(hours / 3_600.0)),
    }
}

/// At most two decimals, and none that are nothing.
fn trimmed(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `499.7/s`.
pub(crate) fn rate(per_second: f64) -> String {
    format!("{}/s", self::per_second(per_second))
}

/// A number a second, without its unit.
pub(crate) fn per_second(number: f64) -> String {
    match number {
        great if great >= 1_000.0 => format!("{great:.0}"),
        small => trimmed(small),
    }
}

/// A share from 0 to 1 as per cent.
pub(crate) fn share(share: f64) -> String {
    format!("{} %", trimmed(share * 100.0))
}

/// How sure a finding is.
pub(crate) fn sure(confidence: f64) -> String {
    format!("({:.0} % sure)", (confidence * 100.0).floor())
}

/// A figure, in its own unit.
pub(crate) fn figure(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Ms => format!("{} ms", ms(value)),
        Unit::Seconds => seconds(value),
        Unit::Share => share(value),
        Unit::PerSecond => rate(value),
        Unit::Count => trimmed(value),
        Unit::Bytes => format!("{:.1} MiB", value / 1_048_576.0),
    }
}

/// What became of a compared figure.
pub(crate) fn comparison(metric: &Metric) -> &'static str {
    match (metric.regressed, metric.significant) {
        (true, _) => "REGRESSED",
        (false, true) => "changed, within what is allowed or for the better",
        (false, false) => "no change that can be told from noise",
    }
}

/// The report's last line: what the run says, in a sentence.
pub(crate) fn verdict(report: &Report) -> String {
    let said = match report.verdict {
        Verdict::Pass => passed(report),
        Verdict::Fail => format!("FALLS SHORT: {}", shortcomings(report)),
        Verdict::Error => {
            let why = report.error.as_deref().unwrap_or("nothing was asked");
            format!("NO VERDICT: {}", text::clip(why, text::SENTENCE))
        }
    };
    let early = if report.interrupted {
        " (ended early)"
    } else {
        ""
    };
    format!("{said}{early}")
}

fn passed(report: &Report) -> String {
    let compared = report.baseline.as_ref();
    let compared = compared.map_or(0, |baseline| baseline.metrics.len());
    match (report.thresholds.len(), compared) {
        (0, 0) => "DONE: nothing was asked of the figures".to_owned(),
        (thresholds, 0) => format!("HOLDS: {}", count(thresholds, "threshold")),
        (0, compared) => format!("HOLDS: no regression in {}", count(compared, "figure")),
        (thresholds, compared) => format!(
            "HOLDS: {}, and no regression in {}",
            count(thresholds, "threshold"),
            count(compared, "figure")
        ),
    }
}

fn shortcomings(report: &Report) -> String {
    let missed = report.thresholds.iter().filter(|it| !it.holds).count();
    let metrics = report.baseline.iter().flat_map(|it| &it.metrics);
    let regressed = metrics.filter(|metric| metric.regressed).count();
    let parts = [
        (missed, "threshold missed", "thresholds missed"),
        (regressed, "figure regressed", "figures regressed"),
        (report.defects.len(), "defect", "defects"),
    ];
    let said = parts.into_iter().filter(|(number, ..)| *number > 0);
    let said = said.map(|(number, one, many)| crate::words::count(number, one, many));
    said.collect::<Vec<_>>().join(", ")
}

fn count(number: usize, one: &str) -> String {
    crate::words::count(number, one, &format!("{one}s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_no_more() {
        let shown = [0.0421, 0.42, 4.2, 42.0, 420.0, 4_200.0].map(ms);
        assert_eq!(shown, ["0.042", "0.420", "4.20", "42.0", "420", "4200"]);
    }

    #[test]
    fn times_rates_and_shares_are_said_as_people_say_them() {
        assert_eq!(
            [0.25, 60.0, 90.5, 600.0].map(seconds),
            ["250 ms", "60 s", "90.5 s", "10 min"]
        );
        assert_eq!(rate(12_345.6), "12346/s");
        assert_eq!(rate(12.5), "12.5/s");
        assert_eq!(share(0.001), "0.1 %");
    }

    #[test]
    fn nothing_is_called_wholly_sure_that_is_not() {
        assert_eq!(sure(0.999), "(99 % sure)");
        assert_eq!(sure(1.0), "(100 % sure)");
    }
}
