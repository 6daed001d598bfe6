//! The probe: what is learnt of an agent once, from its documents, and read by everyone.
//!
//! A pure reading of the first exchanges; nobody asks the agent again for what stands here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::cached;
use crate::drive::auth::key;
use crate::evidence::{Ask, Step, Topic};
use crate::feature::Feature;
use crate::limits::{self, Limit};
use crate::params::Params;
use crate::schema::Schema;
use crate::settings::Facts;

/// Which of an agent's three schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Of `/invoke`'s `input`.
    Input,
    /// Of its `output`.
    Output,
    /// Of `/config`'s `config`.
    Config,
}

impl Part {
    /// All three.
    pub const ALL: &'static [Self] = &[Self::Input, Self::Output, Self::Config];

    /// Its name in `/schema`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Config => "config",
        }
    }
}

/// A way to get a stream from the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPath {
    /// Where to post to.
    pub path: String,
    /// Whether the body must say `"stream": true` (a dialect).
    pub by_flag: bool,
}

/// What is known of the agent.
#[derive(Debug)]
pub struct Probe {
    /// The document at `/schema`, if it is an object.
    pub schemas: Option<Value>,
    /// The document at `/capabilities`, if it is an object.
    pub capabilities: Option<Value>,
    /// The document at `/auth`, if it is an object.
    pub auth: Option<Value>,
    /// Where streams are.
    pub streams: Vec<StreamPath>,
    /// Whether `GET /health` and `GET /` are there.
    pub extra_paths: Vec<&'static str>,
    input: Result<Schema, String>,
    output: Result<Schema, String>,
    config: Result<Schema, String>,
    claims: Vec<Feature>,
    has_readable_errors: bool,
    seen: BTreeSet<Feature>,
    told: Params,
    announced: Option<Limit>,
}

impl Probe {
    /// Reads the documents and the discovery off what was asked.
    #[must_use]
    pub fn of(facts: &Facts, asks: &[Arc<Ask>]) -> Self {
        // A 429 that was waited out has kept nobody from anything, and is no sign of a feature.
        let asks = asks.iter().filter(|ask| !ask.is_waited_out());
        let asks: &[Arc<Ask>] = &asks.cloned().collect::<Vec<_>>();
        let schemas = document(asks, Step::Schema);
        let capabilities = document(asks, Step::Capabilities);
        let auth = document(asks, Step::Auth);
        let compiled = |part| compile(schemas.as_ref(), part);
        let mut claims = facts.claims.clone();
        // Who names a path says that there is a stream.
        claims.extend(facts.stream_path.iter().map(|_| Feature::Streaming));
        claims.extend(capabilities.iter().flat_map(claimed));
        claims.extend(facts.descriptor.iter().flat_map(claimed));
        let mut seen = seen(asks);
        // FEATURES: descriptor
        if facts.descriptor.is_some() || facts.manifest.is_some() {
            seen.insert(Feature::Descriptor);
        }
        if claims.contains(&Feature::Cache) && asks.iter().any(|ask| denies_cache(ask)) {
            seen.insert(Feature::Cache);
        }
        let exists = |step| {
            at(asks, step)
                .and_then(Ask::answer)
                .is_some_and(|a| a.is_success())
        };
        let extra_paths = [(Step::Health, "/health"), (Step::Root, "/")];
        Self {
            input: compiled(Part::Input),
            output: compiled(Part::Output),
            config: compiled(Part::Config),
            extra_paths: extra_paths
                .into_iter()
                .filter(|(step, _)| exists(*step))
                .map(|(_, path)| path)
                .collect(),
            streams: streams(asks),
            has_readable_errors: asks.iter().any(|ask| says_what_went_wrong(ask)),
            claims,
            seen,
            told: facts.params.clone(),
            announced: asks.iter().find_map(|ask| limits::announced(ask)),
            schemas,
            capabilities,
            auth,
        }
    }

    /// A schema of the agent's, or why there is none to work with.
    ///
    /// # Errors
    /// The reason, in a fragment.
    pub fn schema(&self, part: Part) -> Result<&Schema, &str> {
        let schema = match part {
            Part::Input => &self.input,
            Part::Output => &self.output,
            Part::Config => &self.config,
        };
        schema.as_ref().map_err(String::as_str)
    }

    /// Whether the agent, or the user for it, says that it has a feature.
    #[must_use]
    pub fn is_claimed(&self, feature: Feature) -> bool {
        feature == Feature::Core || self.claims.contains(&feature)
    }

    /// Whether the feature was seen.
    #[must_use]
    pub fn is_found(&self, feature: Feature) -> bool {
        match feature {
            Feature::Core => true,
            Feature::Errors => self.has_readable_errors,
            Feature::Streaming => !self.streams.is_empty(),
            _ => self.seen.contains(&feature),
        }
    }

    /// How long an answer stays in the cache, as far as anybody says.
    #[must_use]
    pub fn cache_ttl(&self) -> Option<Duration> {
        let declared = || {
            let cache = self.capabilities.as_ref()?.get("cache")?;
            let seconds = cache.get("ttl_seconds")?.as_f64()?;
            Duration::try_from_secs_f64(seconds).ok()
        };
        self.told.cache_ttl.or_else(declared)
    }

    /// Whether `/auth` says that credentials are needed.
    #[must_use]
    pub fn wants_credentials(&self) -> bool {
        self.auth.as_ref().is_some_and(wants_credentials)
    }

    /// How many invocations are allowed in how much time, as far as anybody says.
    #[must_use]
    pub(crate) fn rate_limit(&self) -> Option<Limit> {
        let told = self
            .told
            .rate_limit
            .map(|(requests, window)| Limit { requests, window });
        let declared = || limits::declared(self.capabilities.as_ref()?);
        told.or_else(declared).or(self.announced)
    }

    /// A string member of `/capabilities`.
    #[must_use]
    pub fn says(&self, name: &str) -> Option<String> {
        self.capabilities
            .as_ref()?
            .get(name)?
            .as_str()
            .map(str::to_owned)
    }
}

fn at(asks: &[Arc<Ask>], step: Step) -> Option<&Ask> {
    asks.iter()
        .map(Arc::as_ref)
        .find(|ask| ask.topic == Topic::Documents && ask.about.step == step)
}

fn document(asks: &[Arc<Ask>], step: Step) -> Option<Value> {
    let ask = at(asks, step)?;
    let is_there = ask.answer().is_some_and(|answer| answer.status == 200);
    ask.json()
        .filter(|document| is_there && document.is_object())
        .cloned()
}

/// One of the schemas in the document at `/schema`; a dialect says `input_schema` for `input`.
pub(crate) fn part_of(schemas: &Value, part: Part) -> Option<&Value> {
    let name = part.name();
    let suffixed = || schemas.get(format!("{name}_schema"));
    schemas.get(name).or_else(suffixed)
}

fn compile(schemas: Option<&Value>, part: Part) -> Result<Schema, String> {
    let name = part.name();
    let schemas = schemas.ok_or("`/schema` gave no document")?;
    let schema = part_of(schemas, part).ok_or_else(|| format!("`/schema` has no `{name}`"))?;
    Schema::compile(schema).map_err(|error| format!("the {name} schema cannot be used: {error}"))
}

/// The features that some answer shows, one look a feature.
fn seen(asks: &[Arc<Ask>]) -> BTreeSet<Feature> {
    type Shows = fn(&Ask) -> bool;
    let looks: &[(Feature, Shows)] = &[
        // FEATURES: config-versions
        (Feature::ConfigVersions, shows_history),
        // FEATURES: cache
        (Feature::Cache, shows_cache),
        // FEATURES: auth
        (Feature::Auth, shows_guard),
        // FEATURES: rate-limit
        (Feature::RateLimit, limits::shows),
        // FEATURES: observability
        (Feature::Observability, shows_metrics),
        // FEATURES: orchestrator
        (Feature::Orchestrator, shows_registration),
        // FEATURES: lifecycle
        (Feature::Lifecycle, shows_life),
    ];
    let shown = looks
        .iter()
        .filter(|(_, shows)| asks.iter().any(|ask| shows(ask)));
    shown.map(|(feature, _)| *feature).collect()
}

/// Any call to an orchestrator, right or wrong.
fn shows_registration(ask: &Ask) -> bool {
    ask.topic == Topic::Registration && ask.about.step == Step::Call
}

/// Whoever could be started has a start.
fn shows_life(ask: &Ask) -> bool {
    matches!(ask.topic, Topic::Lifetime | Topic::Registration) && ask.answer().is_some()
}

fn shows_cache(ask: &Ask) -> bool {
    ask.topic == Topic::Cache && ask.about.step == Step::Main && cached::mark(ask).is_some()
}

/// Who says that a repeat was not cached, and claims a cache, has one whose marks are to be judged.
fn denies_cache(ask: &Ask) -> bool {
    ask.topic == Topic::Cache && ask.about.step == Step::Main && cached::denies(ask)
}

/// Metrics, or the word that probes look for: a path `/health` alone may be anything.
fn shows_metrics(ask: &Ask) -> bool {
    let is_there = ask.answer().is_some_and(|answer| answer.is_success());
    let says_how = || ask.json().is_some_and(|body| body.get("status").is_some());
    match (ask.topic, ask.about.step) {
        (Topic::Metrics, Step::Main) => is_there,
        (Topic::Documents, Step::Health) => is_there && says_how(),
        _ => false,
    }
}

/// A word in `/auth` that credentials are needed, or a refusal of a request without any.
fn shows_guard(ask: &Ask) -> bool {
    let is_success = ask.answer().is_some_and(|answer| answer.is_success());
    let is_refused = ask
        .answer()
        .is_some_and(|answer| matches!(answer.status, 401 | 403));
    match (ask.topic, ask.about.step) {
        (Topic::Documents, Step::Auth) => is_success && ask.json().is_some_and(wants_credentials),
        (Topic::Auth, Step::Main) => ask.about.key == key::NONE && is_refused,
        _ => false,
    }
}

/// Whether an `/auth` document says that credentials are needed: by naming a scheme, and not
/// calling it optional.
fn wants_credentials(auth: &Value) -> bool {
    let kind = auth.get("type").and_then(Value::as_str);
    kind.is_some_and(|kind| kind != "none") && auth.get("required") != Some(&Value::Bool(false))
}

fn shows_history(ask: &Ask) -> bool {
    ask.topic == Topic::ConfigVersions
        && ask.exchange.request.path.ends_with("/history")
        && ask.answer().is_some_and(|answer| answer.is_success())
}

/// Features that a `/capabilities` document claims: `"streaming": true`, an object with what
/// there is to say of one (`"cache": {"ttl_seconds": 300}`), or a list `features`, at the top or in
/// an entry.
fn claimed(capabilities: &Value) -> Vec<Feature> {
    let entries = capabilities.get("capabilities").and_then(Value::as_array);
    let lists = entries.into_iter().flatten().chain([capabilities]);
    let listed = lists
        .filter_map(|holder| holder.get("features")?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .filter_map(|name| name.parse().ok());
    let flagged = Feature::ALL.iter().copied().filter(|feature| {
        // What credentials are asked for, `/auth` says.
        *feature != Feature::Auth
            && match capabilities.get(feature.name().replace('-', "_")) {
                Some(Value::Bool(claimed)) => *claimed,
                Some(Value::Object(told)) => {
                    !told.is_empty() && told.get("enabled") != Some(&Value::Bool(false))
                }
                _ => false,
            }
    });
    listed.chain(flagged).collect()
}

fn streams(asks: &[Arc<Ask>]) -> Vec<StreamPath> {
    let unknown = asks
        .iter()
        .find(|ask| ask.topic == Topic::UnknownPath && ask.exchange.request.method == "POST")
        .and_then(|ask| Some(ask.answer()?.status));
    asks.iter()
        .filter(|ask| ask.topic == Topic::Discovery)
        .filter_map(|ask| {
            let by_flag = ask.about.key == 0;
            let answer = ask.answer()?;
            let is_stream = answer.media_type().as_deref() == Some("text/event-stream");
            let is_absent =
                matches!(answer.status, 404 | 405 | 501) || unknown == Some(answer.status);
            let is_there = if by_flag { is_stream } else { !is_absent };
            is_there.then(|| StreamPath {
                path: ask.exchange.request.path.clone(),
                by_flag,
            })
        })
        .collect()
}

/// Whether an error answer is an object that says something: the feature `errors` is there.
fn says_what_went_wrong(ask: &Ask) -> bool {
    !ask.about.is_beneath
        && ask.answer().is_some_and(|answer| answer.is_error())
        && ask.json().is_some_and(|body| {
            ["error", "detail", "message"]
                .iter()
                .any(|name| body.get(name).is_some())
        })
}
