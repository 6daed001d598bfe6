//! The probe: what is learnt of an agent once, from its documents, and read by everyone.
//!
//! A pure reading of the first exchanges; nobody asks the agent again for what stands here.

use std::sync::Arc;

use serde_json::Value;

use crate::evidence::{Ask, Step, Topic};
use crate::feature::Feature;
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
    /// Where streams are.
    pub streams: Vec<StreamPath>,
    /// Whether `GET /health` and `GET /` are there.
    pub extra_paths: Vec<&'static str>,
    input: Result<Schema, String>,
    output: Result<Schema, String>,
    config: Result<Schema, String>,
    claims: Vec<Feature>,
    has_readable_errors: bool,
}

impl Probe {
    /// Reads the documents and the discovery off what was asked.
    #[must_use]
    pub fn of(facts: &Facts, asks: &[Arc<Ask>]) -> Self {
        let schemas = document(asks, Step::Schema);
        let capabilities = document(asks, Step::Capabilities);
        let compiled = |part| compile(schemas.as_ref(), part);
        let mut claims = facts.claims.clone();
        // Who names a path says that there is a stream.
        claims.extend(facts.stream_path.iter().map(|_| Feature::Streaming));
        claims.extend(capabilities.iter().flat_map(claimed));
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
            schemas,
            capabilities,
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
        }
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

fn compile(schemas: Option<&Value>, part: Part) -> Result<Schema, String> {
    let name = part.name();
    let schemas = schemas.ok_or("`/schema` gave no document")?;
    // A dialect of the orchestrator's: `input_schema` for `input`.
    let schema = schemas
        .get(name)
        .or_else(|| schemas.get(format!("{name}_schema")))
        .ok_or_else(|| format!("`/schema` has no `{name}`"))?;
    Schema::compile(schema).map_err(|error| format!("the {name} schema cannot be used: {error}"))
}

/// Features that a `/capabilities` document claims: `"streaming": true`, or a list `features`,
/// at the top or in an entry.
fn claimed(capabilities: &Value) -> Vec<Feature> {
    let entries = capabilities.get("capabilities").and_then(Value::as_array);
    let lists = entries.into_iter().flatten().chain([capabilities]);
    let listed = lists
        .filter_map(|holder| holder.get("features")?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .filter_map(|name| name.parse().ok());
    let flagged = Feature::ALL.iter().copied().filter(|feature| {
        matches!(
            capabilities.get(feature.name()),
            Some(Value::Bool(true) | Value::Object(_))
        )
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
