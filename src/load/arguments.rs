//! What `acp-tck load` is told.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use acp_load::scenarios;
use acp_load::threshold::Threshold;
use acp_load::traffic::Popularity;
use acp_reports::load::Format;
use clap::builder::{PossibleValuesParser, RangedU64ValueParser, TypedValueParser};
use url::Url;

use super::fits::{KEYS, OBJECTIVE, POPULARITY};
use crate::input;

/// Put an agent under load, and say what its users would feel
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The agent's base URL, for example http://localhost:8000
    #[arg(value_parser = input::agent_url)]
    pub(super) url: Url,
    /// What to find out
    #[arg(long, value_name = "NAME", default_value = "mixed", value_parser = scenario_names())]
    pub(super) scenario: String,
    /// How many users there are, each waiting for its answers; with --rate: connections
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    pub(super) users: Option<usize>,
    /// Requests per second, whatever becomes of those before: 100/s, or a ramp: 10..500/s over 60s
    #[arg(long, value_name = "R/s", conflicts_with = "plan")]
    pub(super) rate: Option<String>,
    /// Stages, in one line: "10..500/s over 60s, 500/s for 2m", or "1..64 users over 30s"
    #[arg(long, value_name = "PLAN", conflicts_with = "duration")]
    pub(super) plan: Option<String>,
    /// Spread requests of a rate evenly, not as people come
    #[arg(long)]
    pub(super) even: bool,
    /// How many requests of a rate may wait for a connection before the oldest are dropped
    #[arg(long, value_name = "N")]
    pub(super) backlog: Option<usize>,
    /// How long to measure; in `rate-limit`, how long to ask for twice the limit [default: as long as --rate's own
    /// times, or 10s; in `rate-limit` 1m, or 2.6 windows, up to 5m]
    #[arg(long, value_name = "D", value_parser = time)]
    pub(super) duration: Option<humantime::Duration>,
    /// How long to make requests before anything counts
    #[arg(long, value_name = "D", default_value = "0s", value_parser = any_time)]
    pub(super) warm_up: humantime::Duration,
    /// How long users think before they ask again: 1s, or 500ms..2s
    #[arg(long, value_name = "D", value_parser = think)]
    pub(super) think: Option<(Duration, Duration)>,
    /// How many different questions are asked
    #[arg(long, value_name = "N", default_value_t = KEYS, value_parser = RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    pub(super) keys: usize,
    /// How often each is asked: zipf, zipf:1.2, uniform, sequential
    #[arg(long, value_name = "P", default_value = POPULARITY)]
    pub(super) popularity: Popularity,
    /// The share of invocations and configurations to make invalid, which the agent must refuse: 5%
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = share)]
    pub(super) invalid_share: f64,
    /// What users do, by weight: discover=1,configure=1,invoke=8,stream=2
    #[arg(long, value_name = "WEIGHTS", value_delimiter = ',', value_parser = weight)]
    pub(super) mix: Vec<(String, f64)>,
    /// In `stream`: the share of clients that leaves half way
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = share)]
    pub(super) leaving: f64,
    /// In `stream`: the share of clients that reads slowly
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = share)]
    pub(super) slow: f64,
    /// In `cache`: how long an answer stays there, if the agent does not say so
    #[arg(long, value_name = "D", value_parser = time)]
    pub(super) cache_ttl: Option<humantime::Duration>,
    /// In `cache`: how many answers there is room for, if the agent does not say so
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub(super) cache_entries: Option<usize>,
    /// In `capacity`: what must hold
    #[arg(long, value_name = "EXPR", default_value = OBJECTIVE)]
    pub(super) objective: String,
    /// In `soak`: the agent's process, whose memory is watched
    #[arg(long, value_name = "PID")]
    pub(super) pid: Option<u32>,
    /// A header field to send with every request; its value is kept out of all output
    #[arg(long = "header", value_name = "K: V", value_parser = input::header)]
    pub(super) headers: Vec<(String, String)>,
    /// The environment variable that holds the key to send as X-API-Key; of several, users take turns
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(super) api_key_env: Vec<String>,
    /// A file of keys to send as X-API-Key, one on each line; users take turns
    #[arg(long, value_name = "F")]
    pub(super) api_key_file: Option<PathBuf>,
    /// An address of this machine to ask from; of several, users take turns
    #[arg(
        long,
        visible_alias = "source-address",
        value_name = "IP",
        value_delimiter = ','
    )]
    pub(super) source: Vec<IpAddr>,
    /// Speak HTTP/2
    #[arg(long)]
    pub(super) http2: bool,
    /// Make a connection for each request
    #[arg(long)]
    pub(super) reconnect: bool,
    /// The certificates to trust, a PEM file, instead of the system's
    #[arg(long, value_name = "F")]
    pub(super) ca: Option<PathBuf>,
    /// How long an answer may take; of a stream, how long it may be silent
    #[arg(long, value_name = "D", default_value = "30s", value_parser = time)]
    pub(super) timeout: humantime::Duration,
    /// Where the agent streams, if not at the profile's paths
    #[arg(long, value_name = "P", value_parser = input::path)]
    pub(super) stream_path: Option<String>,
    /// The seed that questions, keys and arrivals come from
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
    /// How many threads make the load
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = RangedU64ValueParser::<usize>::new().range(1..=256))]
    pub(super) threads: usize,
    /// Serve goose's live page while the run goes on; only in a build with --features dashboard
    #[arg(long)]
    pub(super) dashboard: bool,
    /// Exit with 3 if the generator was the bottleneck
    #[arg(long)]
    pub(super) require_trusted: bool,
    /// What must hold: p99<50ms, errors<0.1%, hit_rate>0.8, first_event.p95<200ms; repeatable
    #[arg(long = "threshold", value_name = "EXPR", value_delimiter = ',')]
    pub(super) thresholds: Vec<Threshold>,
    /// An earlier report, as JSON, to compare with
    #[arg(long, value_name = "F")]
    pub(super) baseline: Option<PathBuf>,
    /// By how much a figure may have become worse, and surely so: 10%
    #[arg(long, value_name = "SHARE", default_value = "10%", value_parser = share, requires = "baseline")]
    pub(super) max_regression: f64,
    /// Write the histograms of all time slices, in HdrHistogram's interval log format
    #[arg(long, value_name = "F")]
    pub(super) histogram: Option<PathBuf>,
    /// Write the figures as metrics for Prometheus, in its text format
    #[arg(long, value_name = "F")]
    pub(super) prometheus: Option<PathBuf>,
    /// Push the figures as metrics to this OpenTelemetry collector: http://localhost:4318
    #[arg(long, value_name = "URL", value_parser = input::collector_url)]
    pub(super) otlp: Option<Url>,
    /// The report's format; repeatable, in pairs with --output. Without any, the suffix of each
    /// --output tells
    #[arg(long, value_name = "FORMAT", value_parser = format())]
    pub(super) format: Vec<Format>,
    /// The file to write the report to, - for standard output; repeatable
    #[arg(long, value_name = "F")]
    pub(super) output: Vec<PathBuf>,
}

fn scenario_names() -> PossibleValuesParser {
    PossibleValuesParser::new(scenarios::ALL.iter().map(|scenario| scenario.name))
}

fn format() -> impl TypedValueParser<Value = Format> {
    let names = Format::ALL.iter().map(|format| format.name);
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

fn time(text: &str) -> Result<humantime::Duration, String> {
    match any_time(text)? {
        none if none.is_zero() => Err("it takes no time; give it some".to_owned()),
        some => Ok(some),
    }
}

/// A time that moments of this machine's clock can be told by.
fn any_time(text: &str) -> Result<humantime::Duration, String> {
    const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
    match text.trim().parse::<humantime::Duration>() {
        Ok(time) if *time > LONGEST => Err("it is longer than a year".to_owned()),
        Ok(time) => Ok(time),
        Err(error) => Err(format!(
            "{error}; write for example 500ms, 10s, 2m or 1h 30m"
        )),
    }
}

fn think(text: &str) -> Result<(Duration, Duration), String> {
    let time = |text: &str| any_time(text).map(Duration::from);
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    let (least, most) = (time(least)?, time(most)?);
    match least <= most {
        true => Ok((least, most)),
        false => Err("the shorter time comes first: 500ms..2s".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    let share = number.trim().parse::<f64>().map(|number| number / unit);
    match share {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is from 0% to 100%".to_owned()),
    }
}

fn weight(text: &str) -> Result<(String, f64), String> {
    const STEPS: [&str; 4] = ["discover", "configure", "invoke", "stream"];
    let (name, weight) = text.split_once('=').unwrap_or((text, "1"));
    if !STEPS.contains(&name) {
        return Err(format!("there are {}", STEPS.join(", ")));
    }
    match weight.parse::<f64>() {
        Ok(weight) if weight > 0.0 && weight.is_finite() => Ok((name.to_owned(), weight)),
        _ => Err("a weight is a number above 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_weights_are_read() {
        assert_eq!(share("5%"), Ok(0.05));
        assert_eq!(share("0.5"), Ok(0.5));
        assert!(share("120%").is_err());
        assert_eq!(weight("invoke=8"), Ok(("invoke".to_owned(), 8.0)));
        assert!(weight("invoke=0").is_err() && weight("invok=1").is_err());
        let ms = Duration::from_millis;
        assert_eq!(think("500ms..2s"), Ok((ms(500), ms(2000))));
        assert!(think("2s..1s").is_err());
        assert!(time("0s").is_err() && any_time("0s").is_ok());
        for wrong in ["5", "-2s", "500000000000y", "200000000000y"] {
            assert!(time(wrong).is_err() && any_time(wrong).is_err(), "{wrong}");
        }
    }
}
