//! A strict reader of the classic text format: what a scraper may refuse, this refuses.

use std::collections::{BTreeMap, BTreeSet};

use acp_reference_agent::Running;

use crate::wire;

/// The content type of the classic text format.
pub(super) const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a scrape has shown: each series with its value.
#[derive(Debug)]
pub(super) struct Scrape {
    pub(super) samples: BTreeMap<Series, f64>,
    pub(super) text: String,
}

/// A name and its labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
}

/// Scrapes an agent.
pub(super) async fn scrape(agent: &Running) -> Result<Scrape, String> {
    let answer = wire::get(agent, "/metrics").await;
    if answer.status != 200 || answer.header("content-type") != Some(CLASSIC) {
        return Err(format!("not an exposition: {:?}", answer.headers));
    }
    parse(&answer.text())
}

impl Scrape {
    /// The sum over all series of this name that have these labels.
    pub(super) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |series: &Series| {
            let same = |(name, value): &(&str, &str)| {
                series.labels.get(*name).map(String::as_str) == Some(*value)
            };
            series.name == name && labels.iter().all(same)
        };
        let found = self.samples.iter().filter(|(series, _)| has(series));
        found.map(|(_, value)| value).sum()
    }

    /// The values that a label has anywhere.
    pub(super) fn values_of(&self, label: &str) -> BTreeSet<&str> {
        let values = self.samples.keys().filter_map(|s| s.labels.get(label));
        values.map(String::as_str).collect()
    }

    /// That buckets never fall, and the last of them holds as many as the counts say.
    pub(super) fn histogram_agrees(&self) -> Result<(), String> {
        let buckets = "acp_agent_request_duration_seconds_bucket";
        for endpoint in self.values_of("endpoint") {
            let bound = |series: &Series| match series.labels["le"].as_str() {
                "+Inf" => f64::INFINITY,
                bound => bound.parse().expect("a bound"),
            };
            let mut found: Vec<_> = self
                .samples
                .iter()
                .filter(|(s, _)| s.name == buckets && s.labels["endpoint"] == endpoint)
                .map(|(series, value)| (bound(series), *value))
                .collect();
            found.sort_by(|left, right| left.0.total_cmp(&right.0));
            let at = [("endpoint", endpoint)];
            let counted = self.sum("acp_agent_requests_total", &at);
            let timed = self.sum("acp_agent_request_duration_seconds_count", &at);
            let last = found.last().map_or(0.0, |(_, value)| *value);
            if counted != timed || (timed != last && !found.is_empty()) {
                return Err(format!("{endpoint}: {counted}, {timed}, {last}"));
            }
            if !found.is_sorted_by_key(|(_, value)| *value) {
                return Err(format!("{endpoint}: {found:?}"));
            }
        }
        Ok(())
    }
}

/// Reads an exposition, or says what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Scrape, String> {
    if !text.ends_with('\n') {
        return Err("the last line does not end".to_owned());
    }
    let mut samples = BTreeMap::new();
    let mut types = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or(line)?;
            if types.insert(name, kind).is_some() {
                return Err(format!("a second type of {name}"));
            }
        } else if !line.starts_with("# HELP ") {
            let (series, value) = sample(line)?;
            let family = ["_bucket", "_count", "_sum"]
                .iter()
                .filter_map(|suffix| series.name.strip_suffix(suffix))
                .find(|name| types.get(name) == Some(&"histogram"));
            if family.is_none() && !types.contains_key(series.name.as_str()) {
                return Err(format!("no type of {}", series.name));
            }
            if samples.insert(series, value).is_some() {
                return Err(format!("twice: {line}"));
            }
        }
    }
    let counted = samples
        .keys()
        .filter(|series: &&Series| series.name.ends_with("_count"));
    for series in counted {
        let mut last = series.clone();
        last.name = last.name.replace("_count", "_bucket");
        last.labels.insert("le".to_owned(), "+Inf".to_owned());
        if !samples.contains_key(&last) {
            return Err(format!("no last bucket of {series:?}"));
        }
    }
    let text = text.to_owned();
    Ok(Scrape { samples, text })
}

fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty() && text.chars().all(is_part) && !text.starts_with(|c: char| c.is_numeric())
}

fn sample(line: &str) -> Result<(Series, f64), String> {
    let wrong = || format!("not a sample: `{line}`");
    let at = line.find(['{', ' ']).ok_or_else(wrong)?;
    let (name, mut rest) = line.split_at(at);
    let mut labels = BTreeMap::new();
    if let Some(mut inner) = rest.strip_prefix('{') {
        while !inner.starts_with('}') {
            let (label, behind) = inner.split_once("=\"").ok_or_else(wrong)?;
            let (value, behind) = quoted(behind).ok_or_else(wrong)?;
            if !is_name(label) || labels.insert(label.to_owned(), value).is_some() {
                return Err(wrong());
            }
            inner = match behind.strip_prefix(',') {
                Some(more) => more,
                None if behind.starts_with('}') => behind,
                None => return Err(wrong()),
            };
        }
        rest = &inner[1..];
    }
    let value = rest.strip_prefix(' ').ok_or_else(wrong)?;
    let value = value.parse().map_err(|_| wrong())?;
    let name = is_name(name).then(|| name.to_owned()).ok_or_else(wrong)?;
    Ok((Series { name, labels }, value))
}

/// The text up to the closing quotation mark, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    loop {
        match chars.next()? {
            (at, '"') => return Some((value, &text[at + 1..])),
            (_, '\\') => value.push(match chars.next()?.1 {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                _ => return None,
            }),
            (_, plain) => value.push(plain),
        }
    }
}
