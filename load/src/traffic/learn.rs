//! What is learnt of an agent before the load: its documents, and what can be asked of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use acp_conformance::cases::{Case, Generator};
use acp_conformance::schema::Schema;
use serde_json::Value;

use super::{Wishes, say};
use crate::hot::{Line, Prepared, Trouble};
use crate::inlet::{Manner, Reading};
use crate::target::{Protocol, Target};

/// Load is of common questions: longer ones are left out, if there are enough others.
const LONGEST: usize = 2 * 1024;
/// How many different refusals are provoked.
const PROVOCATIONS: usize = 50;
/// How many configurations are made.
const CONFIGS: usize = 2;
/// Where streams are looked for.
const STREAM_PATHS: [&str; 2] = ["/invoke/stream", "/invoke/advanced-stream"];

/// Why no load can be made: the agent cannot be asked anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LearnError {
    /// It does not answer.
    #[error("the agent does not answer at {url}: {why}")]
    Unreachable {
        /// Where.
        url: String,
        /// The kind of trouble.
        why: &'static str,
    },
    /// `/schema` is of no use.
    #[error("nothing can be asked of the agent: {0}")]
    Schema(String),
}

/// What can be asked of an agent.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Valid inputs, JSON texts.
    pub inputs: Vec<String>,
    /// Invalid ones.
    pub bad_inputs: Vec<String>,
    /// Valid configurations.
    pub configs: Vec<String>,
    /// Invalid ones.
    pub bad_configs: Vec<String>,
    /// Its `/capabilities`, if it has any.
    pub capabilities: Value,
    /// Where it streams, and whether a member `stream` asks for that.
    pub stream: Option<(String, bool)>,
    /// If nowhere: what came of looking for it, in a line.
    pub streamless: String,
    /// What the user should know.
    pub notes: Vec<String>,
}

impl Traffic {
    /// The body of a request to `/invoke`, or to a stream.
    #[must_use]
    pub fn body(input: &str, config: Option<&str>, is_flagged: bool) -> String {
        let mut body = format!("{{\"input\":{input}");
        if let Some(config) = config {
            body.push_str(",\"config_id\":");
            body.push_str(&Value::from(config).to_string());
        }
        if is_flagged {
            body.push_str(",\"stream\":true");
        }
        body.push('}');
        body
    }

    /// A text member of its `/capabilities`.
    #[must_use]
    pub fn says(&self, names: &[&str]) -> Option<String> {
        let found = names
            .iter()
            .find_map(|name| self.capabilities.get(name)?.as_str());
        found.map(str::to_owned)
    }
}

/// Reads the agent's documents, makes cases of its schema, and looks for its streams.
///
/// # Errors
/// If it does not answer, or its schema admits no input that could be made.
pub async fn learn(target: &Arc<Target>, wishes: &Wishes) -> Result<Traffic, LearnError> {
    let mut line = Line::new(target.clone(), 0);
    let schema = document(&mut line, target, "/schema").await?;
    let input = part(&schema, "input")
        .ok_or_else(|| LearnError::Schema("its /schema has no schema for the input".to_owned()))?;
    let told = |error: &dyn std::fmt::Display| LearnError::Schema(error.to_string());
    let input = Schema::compile(input).map_err(|error| told(&error))?;
    let mut generator = Generator::new(&input, wishes.seed);
    let inputs = generator
        .valid(2 * wishes.keys + 40)
        .map_err(|error| told(&error))?;
    let mut traffic = Traffic {
        inputs: different(inputs, wishes.keys),
        ..Traffic::default()
    };
    if traffic.inputs.len() < wishes.keys {
        let (found, wished) = (traffic.inputs.len(), wishes.keys);
        traffic.notes.push(format!(
            "the schema gave {found} different inputs, not the {wished} that were asked for"
        ));
    }
    let provoked = |generator: &mut Generator| match wishes.invalid_share > 0.0 {
        true => different(generator.invalid(PROVOCATIONS).0, PROVOCATIONS),
        false => Vec::new(),
    };
    traffic.bad_inputs = provoked(&mut generator);
    if let Some(Ok(config)) = part(&schema, "config").map(Schema::compile) {
        let mut generator = Generator::new(&config, wishes.seed);
        let configs = generator.valid(CONFIGS * 4);
        traffic.configs = different(configs.unwrap_or_default(), CONFIGS);
        traffic.bad_configs = provoked(&mut generator);
    }
    if let Ok(capabilities) = document(&mut line, target, "/capabilities").await {
        traffic.capabilities = capabilities;
    }
    match stream(&mut line, target, wishes, &traffic).await {
        Ok(stream) => traffic.stream = Some(stream),
        Err(why) => traffic.streamless = why,
    }
    Ok(traffic)
}

async fn document(line: &mut Line, target: &Target, path: &str) -> Result<Value, LearnError> {
    let unusable = |why: &str| LearnError::Schema(format!("GET {path} {why}"));
    let prepared = Prepared::get(target, path).ok_or_else(|| unusable("cannot be asked"))?;
    let answer = say(line, &prepared, Reading::Kept).await;
    if let Some(trouble) = answer.trouble.filter(|_| answer.status == 0) {
        let url = target.url.to_string();
        let why = match trouble {
            Trouble::Broken | Trouble::Unreadable if target.protocol == Protocol::Http2 => {
                "it speaks no HTTP/2; leave out --http2"
            }
            Trouble::Tls => "tls-failed; if its certificate is to be trusted, name it with --ca",
            other => other.name(),
        };
        return Err(LearnError::Unreachable { url, why });
    }
    if let Some(trouble) = answer.trouble {
        let (status, trouble) = (answer.status, trouble.name());
        return Err(unusable(&format!(
            "answers {status}, and was {trouble} then"
        )));
    }
    if !answer.is_well() {
        return Err(unusable(&format!("answers {}", answer.status)));
    }
    answer.json().ok_or_else(|| unusable("is no JSON"))
}

/// A schema of `/schema`, or of its dialect with `_schema`.
fn part<'d>(document: &'d Value, name: &str) -> Option<&'d Value> {
    let found = document.get(name);
    found.or_else(|| document.get(format!("{name}_schema")))
}

/// Cases that differ in what they say, not in how it is spelt; short ones before long ones.
fn different(cases: Vec<Case>, count: usize) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut cases: Vec<Case> = cases
        .into_iter()
        .filter(|case| seen.insert(one_writing(&case.value).to_string()))
        .collect();
    cases.sort_by_key(|case| case.text.len() > LONGEST);
    let texts = cases.into_iter().map(|case| case.text);
    texts.take(count).collect()
}

/// The same with its members sorted and one spelling for each number, as a cache's key has them
/// (RFC 8785): 5 and 5.0 are one.
fn one_writing(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map(|number| number + 0.0).into(),
        Value::Array(items) => items.iter().map(one_writing).collect(),
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, member)| (name.clone(), one_writing(member)));
            let sorted: BTreeMap<String, Value> = members.collect();
            sorted.into_iter().collect()
        }
        scalar => scalar.clone(),
    }
}

/// Where the agent streams, and whether a member asks for that; else what came of each try.
async fn stream(
    line: &mut Line,
    target: &Target,
    wishes: &Wishes,
    traffic: &Traffic,
) -> Result<(String, bool), String> {
    let nothing = || "nothing can be asked".to_owned();
    let input = traffic.inputs.first().ok_or_else(nothing)?;
    let mut tried = Vec::new();
    let told = wishes.stream_path.as_deref();
    let paths = told
        .into_iter()
        .chain(STREAM_PATHS)
        .map(|path| (path, false));
    for (path, is_flagged) in paths.chain([("/invoke", true)]) {
        let body = Traffic::body(input, None, is_flagged);
        let prepared = Prepared::post(target, path, body).ok_or_else(nothing)?;
        let reading = Reading::Heard(Manner::Leaves(1));
        let answer = say(line, &prepared, reading).await;
        if answer.is_well() && answer.heard.is_some() {
            return Ok((path.to_owned(), is_flagged));
        }
        tried.push(match (answer.status, answer.trouble) {
            (0, Some(trouble)) => format!("POST {path} was {}", trouble.name()),
            (200..300, _) => format!("POST {path} answers without a stream"),
            (401, _) => {
                format!("POST {path} answers 401 (give credentials with --header or --api-key-env)")
            }
            (status, _) => format!("POST {path} answers {status}"),
        });
    }
    tried.dedup();
    Err(tried.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn writings_of_one_question_are_one_and_other_questions_are_not() {
        let texts = [
            r#"{"days": 5, "place": {"a": 0, "b": [1]}}"#,
            r#"{"place": {"b": [1.0], "a": -0.0}, "days": 5.0}"#,
        ];
        let read = texts.map(|text| serde_json::from_str(text).expect("JSON"));
        let [one, other] = read.map(|value: Value| one_writing(&value).to_string());
        assert_eq!(one, other);
        assert_ne!(one, one_writing(&json!({"days": "5"})).to_string());
    }
}
