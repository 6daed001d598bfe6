//! How the metrics are written: as OpenMetrics for those that ask for it, else in the
//! classic text format, which every reader of metrics knows.

use std::{fmt, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
    },
    registry::Registry,
};

use crate::{agent::Agent, endpoints, failure::Failure};

const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`.
pub(crate) async fn read(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let open = write(&agent).map_err(|_| Failure::execution())?;
    let (kind, body) = match wants_open(&headers) {
        true => (OPEN, open),
        false => (CLASSIC, classic(&open)),
    };
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(kind))];
    Ok((kind, body).into_response())
}

fn wants_open(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    accepted
        .filter_map(|accept| accept.to_str().ok())
        .flat_map(|accept| accept.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_open = parts
                .next()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("application/openmetrics-text"));
            is_open && !parts.any(|part| part.strip_prefix("q=").and_then(zero).is_some())
        })
}

fn zero(weight: &str) -> Option<f32> {
    weight.parse().ok().filter(|weight| *weight <= 0.0)
}

fn write(agent: &Agent) -> Result<String, fmt::Error> {
    let mut open = String::new();
    text::encode_registry(&mut open, &agent.metrics.registry)?;
    text::encode_registry(&mut open, &standing(agent))?;
    text::encode_registry(&mut open, &process())?;
    text::encode_eof(&mut open)?;
    Ok(sorted(&open))
}

/// The same with the series of each family in the order of their labels, not of a hash: so that
/// people find what they look for. The samples of one histogram stay as they are.
fn sorted(open: &str) -> String {
    let mut lines: Vec<&str> = open.lines().collect();
    for family in lines.chunk_by_mut(|left, right| left.starts_with('#') == right.starts_with('#'))
    {
        if family[0].starts_with('#') {
            continue;
        }
        family.sort_by_key(|line| labels(line));
    }
    lines.join("\n") + "\n"
}

/// The labels of a sample, its bucket aside.
fn labels(sample: &str) -> &str {
    let from = sample.find('{').map_or(sample.len(), |at| at + 1);
    let labels = sample[from..]
        .rsplit_once('}')
        .map_or("", |(labels, _)| labels);
    match labels.strip_prefix("le=\"") {
        Some(bucket) => bucket.split_once("\",").map_or("", |(_, rest)| rest),
        None => labels,
    }
}

/// What others count or hold, as it is at this moment.
fn standing(agent: &Agent) -> Registry {
    let counts = Counts::of(agent);
    let mut all = Registry::with_prefix("acp_agent");
    all.register(
        "active_configs",
        "Configurations that are stored",
        gauge(agent.store.count()),
    );
    all.register(
        "open_streams",
        "Streams that are open",
        gauge(*agent.open_streams.borrow()),
    );
    all.register(
        "rate_limit_clients",
        "Clients whose requests are counted",
        gauge(usize::try_from(agent.limiter.clients()).unwrap_or(usize::MAX)),
    );
    all.register(
        "cache_hits",
        "Answers that came out of the cache",
        ConstCounter::new(counts.cache_hits),
    );
    all.register(
        "cache_misses",
        "Answers that were looked for in the cache and had to be computed",
        ConstCounter::new(counts.cache_misses),
    );
    let refusals = Family::<Allowance, Counter>::default();
    for (allowance, count) in counts.refusals {
        refusals
            .get_or_create(&Allowance { allowance })
            .inc_by(count);
    }
    all.register(
        "rate_limit_refusals",
        "Requests that were refused for coming too often",
        refusals,
    );
    all
}

/// What Prometheus's own clients tell of a process, by their name for it.
fn process() -> Registry {
    let mut all = Registry::default();
    if let Some(bytes) = resident_memory() {
        let help = "Resident memory size in bytes";
        all.register("process_resident_memory_bytes", help, gauge(bytes));
    }
    all
}

/// Linux alone tells it in a file, which is in memory: to read it does not wait.
fn resident_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kibibytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Allowance {
    allowance: &'static str,
}

/// What other parts count for themselves.
struct Counts {
    cache_hits: u64,
    cache_misses: u64,
    refusals: [(&'static str, u64); 2],
}

impl Counts {
    fn of(agent: &Agent) -> Self {
        Self {
            cache_hits: agent.results.hits(),
            cache_misses: agent.results.misses(),
            refusals: [
                (
                    "ordinary",
                    agent.limiter.refused(endpoints::Allowance::Ordinary),
                ),
                (
                    "invoke",
                    agent.limiter.refused(endpoints::Allowance::Invoke),
                ),
            ],
        }
    }
}

fn gauge(value: usize) -> ConstGauge {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

/// The same in the classic format, in which a counter's family is called as its samples are,
/// and nothing marks the end.
fn classic(open: &str) -> String {
    let mut text = String::with_capacity(open.len() + 256);
    let mut help = None;
    for line in open.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or((rest, "untyped"));
            let total = if kind == "counter" { "_total" } else { "" };
            if let Some((_, help)) = help.take() {
                text += &format!("# HELP {name}{total} {help}\n");
            }
            text += &format!("# TYPE {name}{total} {kind}\n");
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classic_format_calls_a_counter_as_its_samples_are_called() {
        let open = "# HELP a_x Things.\n# TYPE a_x counter\na_x_total{b=\"c d\"} 1\n\
                    # HELP a_y More.\n# TYPE a_y gauge\na_y 2\n# EOF\n";
        let expected = "# HELP a_x_total Things.\n# TYPE a_x_total counter\n\
                        a_x_total{b=\"c d\"} 1\n# HELP a_y More.\n# TYPE a_y gauge\na_y 2\n";
        assert_eq!(classic(open), expected);
    }

    #[test]
    fn series_are_in_the_order_of_their_labels() {
        let open = "# TYPE a counter\na_total{e=\"b\"} 1\na_total{e=\"a\",s=\"2\"} 1\n\
                    # TYPE h histogram\nh_sum{e=\"b\"} 1\nh_bucket{le=\"9\",e=\"b\"} 1\n\
                    h_sum{e=\"a\"} 1\nh_bucket{le=\"9\",e=\"a\"} 1\nh_bucket{le=\"+Inf\",e=\"a\"} 1\n\
                    # TYPE g gauge\ng 1\n# EOF\n";
        let expected = "# TYPE a counter\na_total{e=\"a\",s=\"2\"} 1\na_total{e=\"b\"} 1\n\
                    # TYPE h histogram\nh_sum{e=\"a\"} 1\nh_bucket{le=\"9\",e=\"a\"} 1\n\
                    h_bucket{le=\"+Inf\",e=\"a\"} 1\nh_sum{e=\"b\"} 1\nh_bucket{le=\"9\",e=\"b\"} 1\n\
                    # TYPE g gauge\ng 1\n# EOF\n";
        assert_eq!(sorted(open), expected);
    }

    #[test]
    fn openmetrics_is_for_those_that_ask_for_it() {
        let asked = |accept: &str| {
            let accept = HeaderValue::from_str(accept).expect("a value");
            wants_open(&HeaderMap::from_iter([(header::ACCEPT, accept)]))
        };
        assert!(asked(
            "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
        ));
        assert!(asked(
            "text/plain;q=0.5, Application/OpenMetrics-Text; q=0.1"
        ));
        assert!(!asked("*/*"));
        assert!(!asked("text/plain"));
        assert!(!asked("application/openmetrics-text;q=0"));
        assert!(!wants_open(&HeaderMap::new()));
    }
}
