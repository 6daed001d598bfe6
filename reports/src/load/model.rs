//! One load run, whole: the model that every face renders, and the JSON that others rely on.
//!
//! Field names and values are fixed (`acp-tck/load`, version 1): more may be added, none is
//! changed. Times are milliseconds, floating point, from histograms with three significant
//! digits, 1 µs to 1 h.
//!
//! **What a comparison needs.** Two runs are compared by resampling [`Report::slices`], stretches
//! of a run of equal length, each with its own counts and histograms. A report without
//! them can be read and shown, but is no baseline. Between 20 and 120 slices, none shorter than a quarter
//! of a second, serve well: fewer tell nothing of the noise, more cost space.
//! **What a merge needs.** [`Report::histograms`], by the same names, for the whole run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Baseline, Cache, Capacity, RateLimit, Soak, Stream, Threshold, words};
use crate::{Tool, Verdict};

/// One run of `load`, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// Always `acp-tck/load`.
    #[cfg_attr(test, schemars(extend("const" = Report::FORMAT)))]
    pub format: String,
    /// Always 1.
    #[cfg_attr(test, schemars(extend("const" = Report::FORMAT_VERSION)))]
    pub format_version: u32,
    /// What made this report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Tool>,
    /// What the users did: `cache`, `rate-limit`, `stream`, `mixed`, `capacity`, `soak`.
    pub scenario: String,
    /// The agent under load.
    pub target: Target,
    /// When the run began, RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub started_at: String,
    /// Whether requests wait for answers.
    pub model: Model,
    /// How many users there were at most; in the open model, connections.
    pub users: u64,
    /// Requests per second that were aimed at; absent in the closed model. Of a ramp, the mean.
    pub rate: Option<f64>,
    /// The stages of the run as they were asked for, in one line; empty for a constant load.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub plan: String,
    /// How long was measured, in seconds; the warm-up is not in it.
    pub duration_s: f64,
    /// How long requests were made before anything was counted, in seconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub warm_up_s: f64,
    /// The seed that requests, keys and arrivals come from.
    pub seed: u64,
    /// How requests were made, by the names of the flags that said so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub asked: BTreeMap<String, String>,
    /// What was asked, by how it ended.
    pub requests: Requests,
    /// Successful requests per second of the measured time.
    pub throughput_rps: f64,
    /// Of successful requests: in the open model from the *intended* start, so that an
    /// agent that stalls cannot hide it; in the closed model the same as `service_ms`.
    pub latency_ms: Latency,
    /// Of successful requests, from the moment they were really sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_ms: Option<Latency>,
    /// The whole distribution of `latency_ms`, for a curve: from the least to the greatest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<Curve>,
    /// The same of what else was measured, by the names of [`Report::histograms`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub curves: BTreeMap<String, Vec<Curve>>,
    /// What was sent that the agent must refuse, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<Invalid>,
    /// The same figures by what was asked, if more than one thing was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// What became of the arrivals that the open model intended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<Arrivals>,
    /// What the scenario `cache` found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    /// What the scenario `rate-limit` found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// What the scenario `stream` found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// What the scenario `capacity` found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// What the scenario `soak` found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak: Option<Soak>,
    /// What is wrong whatever the thresholds say; each fails the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<Defect>,
    /// Facts worth knowing that fail nothing: what was inferred, what was left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Whether the figures can be believed.
    pub generator: Generator,
    /// What was asked of the figures.
    pub thresholds: Vec<Threshold>,
    /// The run beside an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// Whether the run was ended early, by Ctrl-C.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// Why the verdict is `error`, in one line; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the run as a whole says.
    pub verdict: Verdict,
    /// Stretches of the measured time, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<Slice>,
    /// Histograms of the whole run, in microseconds: V2 with deflate, in base64, by name:
    /// `latency`, `service`, `hit`, `miss`, `first_event`, `gap`, `complete`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub histograms: BTreeMap<String, String>,
}

/// The agent under load.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Target {
    /// The base URL that was given, without credentials.
    pub url: String,
    /// What the agent calls itself, if it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The version that it declares, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
}

/// Whether requests wait for answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// Each user waits for an answer before it asks again.
    #[default]
    Closed,
    /// Requests begin when they are due, whatever became of those before.
    Open,
}

/// What was asked, by how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Requests {
    /// All that were counted; invalid ones are not, where they are sent on purpose.
    pub total: u64,
    /// Answered as they should be.
    pub ok: u64,
    /// The others: a wrong status, a broken answer, none at all.
    pub failed: u64,
    /// By status code; what got none is under `none`.
    pub by_status: BTreeMap<String, u64>,
    /// What went wrong, by kind, for what got no answer that can be read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_error: BTreeMap<String, u64>,
}

/// How long something took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Latency {
    /// How many were measured.
    #[serde(default)]
    pub count: u64,
    /// The figures; without anything measured there are none.
    #[serde(flatten)]
    pub figures: Option<Figures>,
}

/// A distribution in a few figures, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Figures {
    /// The least.
    #[serde(default)]
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    #[serde(default)]
    pub stdev: f64,
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The 99.9th percentile.
    pub p999: f64,
    /// The greatest.
    pub max: f64,
}

/// A point of a percentile curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Curve {
    /// From 0 to 100.
    pub percentile: f64,
    /// What this many per cent are not above, in milliseconds.
    pub ms: f64,
    /// How many are not above it.
    pub count: u64,
}

/// Requests that the agent must refuse, sent on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Invalid {
    /// How many were sent.
    pub sent: u64,
    /// Answered 4xx, as they should be.
    pub refused: u64,
    /// Answered as if they were valid.
    pub accepted: u64,
    /// Answered 5xx.
    pub server_errors: u64,
    /// Not answered at all.
    pub unanswered: u64,
}

/// The figures of one thing that was asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Endpoint {
    /// For example `POST /invoke`.
    pub name: String,
    /// What was asked, by how it ended.
    pub requests: Requests,
    /// Of successful requests.
    pub latency_ms: Latency,
}

/// What became of the arrivals that the open model intended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Arrivals {
    /// How many were due in the measured time.
    pub intended: u64,
    /// Never begun: too many were waiting already, or they still waited a timeout after the end.
    pub dropped: u64,
    /// Requests per second that were really begun.
    pub started_rps: f64,
    /// Whether the intended rate was kept up.
    pub kept_up: bool,
    /// If not: why, in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Something that is wrong whatever the thresholds say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Defect {
    /// A name in kebab-case: `wrong-answers`, `retry-after-in-milliseconds`.
    pub name: String,
    /// What was seen, in a line.
    pub message: String,
    /// How often; 0 where counting says nothing.
    pub count: u64,
}

/// Whether the generator of the load was up to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Generator {
    /// Its processor time, as a share of one core.
    pub cpu_share: f64,
    /// The share of requests that began later than they should have.
    pub late_share: f64,
    /// Whether the figures are the agent's, and not the generator's.
    pub trusted: bool,
    /// If not: why, in a line.
    pub why: Option<String>,
    /// How much later than due requests began, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_lag_ms: Option<Latency>,
    /// How late the generator's own timers fired, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loop_lag_ms: Option<Latency>,
    /// Its memory at most, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

/// A stretch of the measured time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Slice {
    /// When it began, in seconds of the measured time.
    pub at_s: f64,
    /// How long it is, in seconds.
    pub length_s: f64,
    /// Requests that ended well in it.
    pub ok: u64,
    /// Requests that failed in it.
    pub failed: u64,
    /// Of those, how many were refused with 429, where any were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited: Option<u64>,
    /// Answers from the cache in it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hits: Option<u64>,
    /// Answers that were not from the cache, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misses: Option<u64>,
    /// Users, connections or streams at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<u64>,
    /// The agent's memory at its end, in bytes, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Of the requests that ended well in it.
    pub latency_ms: Latency,
    /// From one event of a stream to the next, of the streams that ended well in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_ms: Option<Latency>,
    /// Its histograms, as in [`Report::histograms`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub histograms: BTreeMap<String, String>,
}

impl Report {
    /// The value of `format`.
    pub const FORMAT: &'static str = "acp-tck/load";
    /// The value of `format_version`.
    pub const FORMAT_VERSION: u32 = 1;

    /// What the run comes to, in one line for people.
    #[must_use]
    pub fn in_a_line(&self) -> String {
        words::verdict(self)
    }

    /// A report of a run in which nothing has happened yet.
    #[must_use]
    pub fn new(scenario: &str, url: &str) -> Self {
        Self {
            format: Self::FORMAT.to_owned(),
            format_version: Self::FORMAT_VERSION,
            tool: None,
            scenario: scenario.to_owned(),
            target: Target {
                url: url.to_owned(),
                ..Target::default()
            },
            started_at: String::new(),
            model: Model::Closed,
            users: 0,
            rate: None,
            plan: String::new(),
            duration_s: 0.0,
            warm_up_s: 0.0,
            seed: 0,
            asked: BTreeMap::new(),
            requests: Requests::default(),
            throughput_rps: 0.0,
            latency_ms: Latency::default(),
            service_ms: None,
            curve: Vec::new(),
            curves: BTreeMap::new(),
            invalid: None,
            endpoints: Vec::new(),
            arrivals: None,
            cache: None,
            rate_limit: None,
            stream: None,
            capacity: None,
            soak: None,
            defects: Vec::new(),
            notes: Vec::new(),
            generator: Generator {
                trusted: true,
                ..Generator::default()
            },
            thresholds: Vec::new(),
            baseline: None,
            interrupted: false,
            error: None,
            verdict: Verdict::Error,
            slices: Vec::new(),
            histograms: BTreeMap::new(),
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_zero(number: &f64) -> bool {
    *number == 0.0
}
