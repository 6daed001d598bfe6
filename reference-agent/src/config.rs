//! /config: configurations, what they mean, and the store that keeps them.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde_json::{Value, json};

use crate::{
    agent::Agent,
    documents::{json_response, now},
    failure::Failure,
    invoke::{parse, refuse_if_any},
    seams::Place,
};

/// What a configuration says, with the defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Preferences {
    pub(crate) fahrenheit: bool,
    pub(crate) language: String,
    pub(crate) include_forecast: bool,
    pub(crate) max_recommendations: usize,
}

impl Default for Preferences {
    fn default() -> Self {
        Self::read(&Value::Null)
    }
}

impl Preferences {
    /// Reads a configuration that has been judged; what it leaves out takes its default.
    fn read(config: &Value) -> Self {
        let text = |name: &str| config.get(name).and_then(Value::as_str);
        // `3.0` is an integer to JSON Schema, and so it is here.
        let most = config
            .get("max_recommendations")
            .and_then(Value::as_f64)
            .unwrap_or(3.0);
        Self {
            fahrenheit: text("units") == Some("fahrenheit"),
            language: text("language").unwrap_or("en").to_owned(),
            include_forecast: config.get("include_forecast") == Some(&Value::Bool(true)),
            max_recommendations: most as usize,
        }
    }
}

/// Stored configurations, of which the oldest is forgotten when there are too many: a
/// client cannot fill the memory, and whoever configures now is always served.
#[derive(Debug)]
pub(crate) struct Store {
    limit: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    by_id: HashMap<String, Preferences>,
    oldest_first: VecDeque<String>,
}

impl Store {
    pub(crate) fn holding(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            shelf: Mutex::default(),
        }
    }

    pub(crate) fn find(&self, id: &str) -> Option<Preferences> {
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.by_id.get(id).cloned()
    }

    fn keep(&self, id: String, preferences: Preferences) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if shelf.by_id.insert(id.clone(), preferences).is_none() {
            shelf.oldest_first.push_back(id);
        }
        while shelf.oldest_first.len() > self.limit {
            if let Some(oldest) = shelf.oldest_first.pop_front() {
                shelf.by_id.remove(&oldest);
            }
        }
    }
}

/// `POST /config`. A caller that names an id replaces what is stored under it.
pub(crate) async fn create(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Failure> {
    let body = parse(&headers, &bytes)?;
    let mut violations = agent.contracts.config_request.violations(&body, "");
    let config = body.get("config").cloned().unwrap_or_default();
    if violations.is_empty() {
        violations = agent.contracts.config.violations(&config, "/config");
    }
    agent.seams.verdict(Place::Config, &body, &mut violations);
    refuse_if_any(violations)?;
    let id = match body.get("config_id").and_then(Value::as_str) {
        Some(id) => id.to_owned(),
        None => agent
            .seams
            .minted(format!("cfg_{}", uuid::Uuid::new_v4().simple())),
    };
    agent.store.keep(id.clone(), Preferences::read(&config));
    let mut answer = json!({"config_id": id, "status": "created", "created_at": now()});
    if let Some(version) = body.get("version").filter(|version| version.is_string()) {
        answer["version"] = version.clone();
    }
    Ok(json_response(StatusCode::CREATED, &answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_configuration_goes_when_the_store_is_full() {
        let store = Store::holding(2);
        for id in ["a", "b", "a", "c"] {
            store.keep(id.to_owned(), Preferences::default());
        }
        assert!(store.find("a").is_none());
        assert!(store.find("b").is_some() && store.find("c").is_some());
    }
}
