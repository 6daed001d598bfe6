//! What single scenarios find.

use serde::{Deserialize, Serialize};

use super::Latency;

/// What the scenario `cache` found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cache {
    /// Answers that came from the cache.
    pub hits: u64,
    /// Answers that did not.
    pub misses: u64,
    /// Hits as a share of both; says nothing where it is not known.
    pub hit_rate: f64,
    /// Whether hits and misses could not be told apart: `hit_rate` is then 0, and means nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hit_rate_unknown: bool,
    /// What the distribution of keys, the time to live and the size would give.
    pub expected_hit_rate: f64,
    /// Of hits, in milliseconds.
    pub hit_latency_ms: Latency,
    /// Of misses, in milliseconds.
    pub miss_latency_ms: Latency,
    /// Hits that differ from their miss, and answers for another configuration or input.
    pub wrong_answers: u64,
    /// Whether hits were told by latency alone, since the agent marks nothing: then they are a guess.
    #[serde(default)]
    pub inferred: bool,
    /// How the agent marks hits: for example `X-Cache: HIT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// The median of misses by that of hits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed_up: Option<f64>,
    /// How often one key was computed by several requests at once.
    #[serde(default)]
    pub stampedes: u64,
    /// How many requests at once computed one key at most.
    #[serde(default)]
    pub largest_stampede: u64,
    /// How keys were chosen, in a line: `zipf(1.0) over 1000 keys`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub popularity: String,
}

impl Cache {
    /// Hits as a share of hits and misses, where there were any that could be told apart.
    #[must_use]
    pub fn known_hit_rate(&self) -> Option<f64> {
        let is_known = !self.hit_rate_unknown && (self.hits > 0 || self.misses > 0);
        is_known.then_some(self.hit_rate)
    }
}

/// What the scenario `rate-limit` found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RateLimit {
    /// How many requests a client has in a window; absent where no limit was met.
    pub limit: Option<u64>,
    /// The window, in seconds.
    pub window_s: Option<f64>,
    /// How requests are counted.
    pub algorithm: Algorithm,
    /// How many are admitted at once from a full allowance.
    pub burst: Option<u64>,
    /// Who is one client.
    pub scope: Scope,
    /// How many were admitted beyond the limit that the agent tells.
    pub over_admitted: u64,
    /// Whether refusals say when to come back, and say so truly.
    pub retry_after: RetryAfter,
    /// Where the window certainly lies, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_interval_s: Option<[f64; 2]>,
    /// Whether a fixed window begins with its first request (`true`) or by the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_begins_with_a_request: Option<bool>,
    /// How sure each finding is.
    #[serde(default)]
    pub confidence: Confidence,
    /// What the agent tells of its limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// How service returned after it was exhausted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
    /// How clients fare beside each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fairness: Option<Fairness>,
    /// What happens at a multiple of the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressure: Option<Pressure>,
    /// What finding this out took.
    #[serde(default)]
    pub cost: Cost,
    /// What became of its requests, by stretches of time of equal length.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub course: Vec<Admissions>,
}

/// What became of the requests of a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Admissions {
    /// When it began, in seconds of the run.
    pub at_s: f64,
    /// How long it is, in seconds.
    pub length_s: f64,
    /// How many were admitted.
    pub admitted: u64,
    /// How many were refused with 429.
    pub refused: u64,
    /// How many ended otherwise.
    pub other: u64,
    /// How many of one client's were admitted at most in any time as long as the window that ended
    /// in this stretch; absent where no window was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_window: Option<u64>,
}

/// How a limit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// So many in each window; then the whole allowance is back at once.
    FixedWindow,
    /// So many in any window: each comes back a window after it was used, or by an estimate of that.
    SlidingWindow,
    /// Full at first, and filling up evenly (GCRA is one).
    TokenBucket,
    /// Nobody was refused.
    None,
    /// There is a limit, and how it counts could not be told.
    #[default]
    Unknown,
}

/// Who is one client of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// An address.
    Address,
    /// Whoever shows one key.
    Key,
    /// All together.
    Global,
    /// That could not be told.
    #[default]
    Unknown,
}

/// How sure each finding of a rate limit is, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Confidence {
    /// Of the limit.
    pub limit: f64,
    /// Of the window.
    pub window: f64,
    /// Of the algorithm.
    pub algorithm: f64,
    /// Of the scope.
    pub scope: f64,
}

/// Whether refusals say when to come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RetryAfter {
    /// Each has a `Retry-After`.
    pub present: bool,
    /// Each is enough, and not more than the second that rounding costs. `false` where none was seen.
    pub truthful: bool,
    /// How many were held against what came.
    #[serde(default)]
    pub checked: u64,
}

/// What an agent tells of its limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Told {
    /// Where: `RateLimit-Policy`, `/capabilities`.
    pub by: String,
    /// How many requests.
    pub limit: u64,
    /// In how much time, in seconds, if it says.
    pub window_s: Option<f64>,
    /// Whether what it tells of the rest is true.
    pub remaining_truthful: Option<bool>,
    /// Whether the allowance is back when it is told to be; absent where that was not told, or not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_truthful: Option<bool>,
}

/// How service returned after it was exhausted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Recovery {
    /// From the last that was admitted to the first that was admitted again, in seconds.
    pub after_s: f64,
    /// How long the first refusal said that it would take, in seconds.
    pub told_s: Option<f64>,
    /// How many were then admitted at once.
    pub at_once: u64,
}

/// How clients fare beside each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Fairness {
    /// How many of each client's requests were admitted.
    pub admitted: Vec<u64>,
    /// Jain's index of them: 1 where all have the same, 1/n where one has all.
    pub index: f64,
}

impl Pressure {
    /// Whether no more were asked than may be admitted: then that none were admitted beyond says nothing.
    #[must_use]
    pub fn is_too_short(&self) -> bool {
        self.admitted + self.refused + self.other <= self.admissible
    }
}

/// What happens at a multiple of the limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Pressure {
    /// How many times the limit's rate was asked for.
    pub times: f64,
    /// For how long, in seconds.
    pub duration_s: f64,
    /// How many were admitted.
    pub admitted: u64,
    /// How many a limit as it was found would have admitted at most.
    pub admissible: u64,
    /// How many were refused with 429.
    pub refused: u64,
    /// How many ended otherwise: 5xx, broken, unanswered.
    pub other: u64,
    /// Of the admitted, in milliseconds.
    pub admitted_ms: Latency,
    /// Of the refused, in milliseconds.
    pub refused_ms: Latency,
}

/// What finding something out took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cost {
    /// How many requests.
    pub requests: u64,
    /// How much time, in seconds.
    pub duration_s: f64,
}

/// What the scenario `stream` found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Stream {
    /// Streams whose head came as it should.
    pub opened: u64,
    /// Those that came to their proper end.
    pub completed: u64,
    /// Those that did not, or whose framing or sequence was wrong. Clients that left are not among them.
    pub broken: u64,
    /// Events on all of them; comments are none.
    pub events: u64,
    /// From the request to the first event, in milliseconds; heads, comments and keep-alives are none.
    pub first_event_ms: Latency,
    /// From one event to the next, in milliseconds; of streams that came to their proper end, as the other two,
    /// and were not read slowly.
    pub gap_ms: Latency,
    /// From the request to the end, in milliseconds.
    pub complete_ms: Latency,
    /// How many were open at once at most.
    #[serde(default)]
    pub most_at_once: u64,
    /// Clients that left half way, on purpose.
    #[serde(default)]
    pub left: u64,
    /// Clients that read slowly, on purpose.
    #[serde(default)]
    pub slow: u64,
    /// The first violation of framing or sequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_violation: Option<Violation>,
}

/// A violation of a stream's framing or sequence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Violation {
    /// How many streams were open when it appeared.
    pub at_once: u64,
    /// When, in seconds of the measured time.
    pub at_s: f64,
    /// What was wrong, in a line.
    pub message: String,
}

/// What the scenario `capacity` found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Capacity {
    /// The highest rate at which the objective holds, in requests per second.
    pub max_rps: f64,
    /// How many users or connections that took.
    pub users: u64,
    /// The objective: `p99<50ms,errors<0.1%`.
    pub objective: String,
    /// The rate that was confirmed by repeated runs, and the lowest above it that did not hold: the bounds of
    /// the search, no statistical interval. Nothing if the rate was not confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_rps: Option<[f64; 2]>,
    /// Every run of the search and of the confirmation, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<CapacityRun>,
}

/// One run of a search for the capacity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CapacityRun {
    /// Requests per second that were aimed at.
    pub rate: f64,
    /// Requests per second that ended well.
    pub throughput_rps: f64,
    /// Whether the objective held.
    pub holds: bool,
    /// If not: why, in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether this run confirms, and does not search.
    pub confirms: bool,
    /// Of successful requests.
    pub latency_ms: Latency,
    /// The share of what was due that failed or was dropped.
    pub errors: f64,
}

/// What the scenario `soak` found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Soak {
    /// How the median latency drifts, in milliseconds per hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<Trend>,
    /// How the 99th percentile drifts, in milliseconds per hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<Trend>,
    /// How the agent's memory drifts, in bytes per hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<Trend>,
    /// Where the memory was read: `/metrics`, a process id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_by: Option<String>,
}

/// How a figure drifts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Trend {
    /// The change per hour, in the unit of the figure.
    pub per_hour: f64,
    /// Where that lies, with 95 % confidence.
    pub interval: [f64; 2],
    /// The figure at the beginning, on the line that fits.
    pub from: f64,
    /// The figure at the end, on the same line.
    pub to: f64,
    /// How many points it was made from.
    pub points: u64,
    /// Whether there surely is a drift: whether the interval leaves 0 out.
    pub drifts: bool,
}
