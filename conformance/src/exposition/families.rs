//! What the samples make up: families by type, and whether those hold together.

use std::collections::{BTreeMap, BTreeSet};

use super::Defect;
use super::lines::{MOST_SAMPLES, Sample, is_name};

/// A family's name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its type: `counter`, `gauge`, `histogram` and so on.
    pub kind: String,
}

type Labels = BTreeMap<String, String>;

/// All that an exposition says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition {
    /// The declared families, by name.
    pub families: BTreeMap<String, Family>,
    /// The samples, in order.
    pub samples: Vec<Sample>,
    series: BTreeSet<(String, Vec<(String, String)>)>,
}

/// The types of both formats.
const KINDS: &[&str] = &[
    "counter",
    "gauge",
    "histogram",
    "summary",
    "untyped",
    "unknown",
    "info",
    "stateset",
    "gaugehistogram",
];

impl Exposition {
    pub(super) fn declare(&mut self, name: &str, kind: &str) -> Result<(), String> {
        if !is_name(name) {
            return Err("a type for what is no name of a metric".to_owned());
        }
        if !KINDS.contains(&kind) {
            return Err(format!("the type of {name} is none that there is"));
        }
        let kind = kind.to_owned();
        match self.families.insert(name.to_owned(), Family { kind }) {
            Some(_) => Err(format!("{name} has two types")),
            None => Ok(()),
        }
    }

    pub(super) fn add(&mut self, sample: Sample) -> Result<(), String> {
        if self.samples.len() >= MOST_SAMPLES {
            return Err(format!("more than {MOST_SAMPLES} samples"));
        }
        let labels = sample.labels.clone().into_iter().collect();
        if !self.series.insert((sample.name.clone(), labels)) {
            return Err(format!("{} comes twice with the same labels", sample.name));
        }
        self.samples.push(sample);
        Ok(())
    }

    /// The samples of this name.
    pub fn of<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Sample> {
        self.samples
            .iter()
            .filter(move |sample| sample.name == name)
    }

    /// The sum of all samples of this name that have these labels.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&Sample| {
            labels
                .iter()
                .all(|(name, value)| sample.labels.get(*name).is_some_and(|held| held == value))
        };
        self.of(name).filter(has).map(|sample| sample.value).sum()
    }

    /// Counters that are no counts, and histograms that do not hold together.
    pub(super) fn defects(&self) -> Vec<Defect> {
        let mut defects = Vec::new();
        for (name, family) in &self.families {
            match family.kind.as_str() {
                "counter" => defects.extend(self.counter(name)),
                "histogram" => defects.extend(self.histogram(name)),
                _ => {}
            }
        }
        defects
    }

    fn counter(&self, name: &str) -> Vec<Defect> {
        let total = format!("{name}_total");
        let samples = self.of(name).chain(self.of(&total));
        let wrong = samples.filter(|sample| sample.value.is_nan() || sample.value < 0.0);
        wrong
            .map(|sample| Defect {
                line: sample.line,
                message: format!("the counter {name} is {}", sample.value),
            })
            .collect()
    }

    /// A histogram of which a bucket holds less than a narrower one, if there is any: that is a
    /// text without a defect, but no truth.
    #[must_use]
    pub fn falling_buckets(&self) -> Option<String> {
        let histograms = self.families.iter();
        let mut names = histograms.filter(|(_, family)| family.kind == "histogram");
        names.find_map(|(name, _)| {
            let falls = |(labels, buckets): (Labels, Vec<&Sample>)| {
                let bounds = bounds(&buckets).ok()?;
                let falls = bounds.windows(2).any(|pair| pair[1].1 < pair[0].1);
                falls.then(|| {
                    let labels: Vec<String> = labels.into_values().collect();
                    format!("those of {name} of {} fall", labels.join(", "))
                })
            };
            self.buckets(name).into_iter().find_map(falls)
        })
    }

    /// The buckets of each of a histogram's series, by their labels without `le`.
    fn buckets(&self, name: &str) -> BTreeMap<Labels, Vec<&Sample>> {
        let bucket = format!("{name}_bucket");
        let mut series: BTreeMap<Labels, Vec<&Sample>> = BTreeMap::new();
        for sample in self.samples.iter().filter(|sample| sample.name == bucket) {
            let mut labels = sample.labels.clone();
            labels.remove("le");
            series.entry(labels).or_default().push(sample);
        }
        series
    }

    /// Each series' buckets end with `+Inf`, and agree with the count.
    fn histogram(&self, name: &str) -> Vec<Defect> {
        let mut defects = Vec::new();
        for (labels, buckets) in &self.buckets(name) {
            let count = format!("{name}_count");
            let count = self.of(&count).find(|sample| sample.labels == *labels);
            if let Some(message) = held_together(buckets, count) {
                let line = buckets.first().map_or(0, |sample| sample.line);
                let message = format!("the histogram {name}: {message}");
                defects.push(Defect { line, message });
            }
        }
        defects
    }
}

/// The bounds of a series' buckets with what they hold, from the narrowest; or what is wrong with
/// one.
fn bounds(buckets: &[&Sample]) -> Result<Vec<(f64, f64)>, &'static str> {
    let mut bounds = Vec::with_capacity(buckets.len());
    for sample in buckets {
        let bound = match sample.labels.get("le").map(String::as_str) {
            Some("+Inf") => f64::INFINITY,
            Some(text) => match text.parse::<f64>() {
                Ok(bound) if !bound.is_nan() => bound,
                _ => return Err("a bucket whose `le` is no number"),
            },
            None => return Err("a bucket without `le`"),
        };
        if sample.value.is_nan() {
            return Err("a bucket that holds NaN");
        }
        bounds.push((bound, sample.value));
    }
    bounds.sort_by(|left, right| left.0.total_cmp(&right.0));
    Ok(bounds)
}

/// Why a series' buckets do not make a histogram, if they do not.
fn held_together(buckets: &[&Sample], count: Option<&Sample>) -> Option<String> {
    let bounds = match bounds(buckets) {
        Ok(bounds) => bounds,
        Err(why) => return Some(why.to_owned()),
    };
    match (bounds.last(), count) {
        (Some((bound, _)), _) if bound.is_finite() => Some("no bucket for `+Inf`".to_owned()),
        (_, None) => Some("buckets without a `_count`".to_owned()),
        (Some((_, all)), Some(count)) if all.total_cmp(&count.value).is_ne() => Some(format!(
            "its `_count` is {}, and its bucket for `+Inf` {all}",
            count.value
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, parse};

    const CLASSIC: &str = "\
# HELP a_total Some \\n help\n\
# TYPE a_total counter\n\
a_total{endpoint=\"/x\",status=\"200\"} 3 1790000000000\n\
a_total{endpoint=\"/\\\"\\\\\\n\", status=\"404\",} 1\n\
\n\
# just a comment\n\
# TYPE h histogram\n\
h_bucket{le=\"0.1\"} 1\n\
h_bucket{le=\"+Inf\"} 2\n\
h_sum 3.5e0\n\
h_count 2\n\
odd NaN\n";

    #[test]
    fn what_a_text_says_is_read() {
        let (exposition, defects) = parse(CLASSIC, Format::Prometheus);
        assert_eq!(defects, []);
        assert_eq!(exposition.sum("a_total", &[]), 4.0);
        assert_eq!(exposition.sum("a_total", &[("endpoint", "/x")]), 3.0);
        assert_eq!(exposition.sum("a_total", &[("endpoint", "/\"\\\n")]), 1.0);
        assert_eq!(exposition.families["h"].kind, "histogram");
    }

    #[test]
    fn open_metrics_has_an_end() {
        let text = "# TYPE a counter\na_total 1 # {trace_id=\"x\"} 1\n# EOF\n";
        assert_eq!(parse(text, Format::OpenMetrics).1, []);
        for (text, hint) in [
            ("a 1\n", "no `# EOF`"),
            ("a 1\n\n# EOF\n", "empty line"),
            ("# EOF\na 1\n", "follows `# EOF`"),
        ] {
            let (_, defects) = parse(text, Format::OpenMetrics);
            assert!(
                defects.iter().any(|one| one.message.contains(hint)),
                "{text}"
            );
        }
    }

    #[test]
    fn buckets_that_fall_are_no_defect_of_the_text_and_are_told() {
        let (whole, _) = parse(CLASSIC, Format::Prometheus);
        assert_eq!(whole.falling_buckets(), None);
        let text = "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_count 1\n";
        let (falling, defects) = parse(text, Format::Prometheus);
        assert_eq!(defects, []);
        assert!(falling.falling_buckets().is_some());
    }

    #[test]
    fn each_defect_is_found() {
        for (text, hint) in [
            ("a 1", "line feed"),
            ("a\n", "without a value"),
            ("a one\n", "no value"),
            ("a 0x10\n", "no value"),
            ("a 1 noon\n", "no timestamp"),
            ("a 1 2 3\n", "more than a value"),
            ("1a 1\n", "no name of a metric"),
            ("a{b=\"c\" 1\n", "no comma"),
            ("a{b=c} 1\n", "without quotes"),
            ("a{b=\"c} 1\n", "without an end"),
            ("a{b=\"\\x\"} 1\n", "escapes nothing"),
            ("a{b=\"1\",b=\"2\"} 1\n", "comes twice"),
            ("a{b-c=\"1\"} 1\n", "no name of a label"),
            ("a 1\na 2\n", "comes twice"),
            ("# TYPE a clock\n", "none that there is"),
            ("# TYPE a gauge\n# TYPE a gauge\n", "two types"),
            ("# TYPE a counter\na -1\n", "is -1"),
            ("# TYPE a counter\na NaN\n", "is NaN"),
            (
                "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_count 1\n",
                "`+Inf`",
            ),
            (
                "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 2\n",
                "`_count` is 2",
            ),
            (
                "# TYPE h histogram\nh_bucket 1\nh_count 1\n",
                "without `le`",
            ),
        ] {
            let (_, defects) = parse(text, Format::Prometheus);
            let found = defects.iter().any(|one| one.message.contains(hint));
            assert!(found, "{text:?}: {defects:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_at_all_is_read_to_its_end(text in "(?s).{0,200}") {
            let _ = parse(&text, Format::Prometheus);
            let _ = parse(&text, Format::OpenMetrics);
        }

        #[test]
        fn pieces_of_expositions_are_read_to_their_end(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec![
                    "a", "{", "}", "=", "\"", "\\", ",", " ", "\n", "# TYPE h histogram\n",
                    "h_bucket", "le=\"+Inf\"", "1", "NaN", "# EOF\n", "é",
                ]),
                0..40,
            )
        ) {
            let text = pieces.concat();
            let _ = parse(&text, Format::Prometheus);
            let _ = parse(&text, Format::OpenMetrics);
        }
    }
}
