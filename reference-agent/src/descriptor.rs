//! The descriptor and the manifest: what is told of the agent to those who have not met it.
//!
//! Both are made from the documents that the agent serves and the paths that it knows, so that
//! they cannot say anything else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    agent::Agent,
    auth::Guard,
    documents,
    endpoints::{Door, ENDPOINTS},
    faults,
    seams::Seams,
    settings::{Error, SETTINGS, Setting, Settings},
    validation::Contracts,
};

/// What the image of this release is called.
const IMAGE: &str = concat!("acp-tck:", env!("CARGO_PKG_VERSION"));

/// The descriptor (`acp-descriptor.json`) of an agent with these settings.
///
/// # Errors
/// If no agent can be made after these settings.
pub fn descriptor(settings: &Settings) -> Result<Value, Error> {
    let settings = faults::effective(settings)?;
    let facts = Facts::of_settings(&settings)?;
    Ok(facts.descriptor(&Seams::of(&settings.faults)))
}

/// The manifest (`agent-manifest.yaml`) of an agent with these settings.
///
/// # Errors
/// If no agent can be made after these settings.
pub fn manifest(settings: &Settings) -> Result<String, Error> {
    let settings = faults::effective(settings)?;
    let facts = Facts::of_settings(&settings)?;
    facts.manifest(&Seams::of(&settings.faults))
}

/// What the documents are made of.
pub(crate) struct Facts<'a> {
    settings: &'a Settings,
    base_url: String,
    port: u16,
    auth: Value,
    capabilities: Value,
    schemas: Value,
}

impl<'a> Facts<'a> {
    /// Those of an agent that serves at `url`, as it is now.
    pub(crate) fn of_agent(agent: &'a Agent, url: String, port: u16) -> Self {
        Self {
            base_url: base_url(&agent.settings, url),
            settings: &agent.settings,
            port,
            auth: agent.guard.document(),
            capabilities: agent.documents.capabilities().borrow().document.clone(),
            schemas: documents::schema(&agent.contracts),
        }
    }

    fn of_settings(settings: &'a Settings) -> Result<Self, Error> {
        let contracts = Contracts::read()?;
        let auth = Guard::of(settings)?.document();
        Ok(Self {
            base_url: base_url(settings, settings.local_url()),
            settings,
            port: settings.port,
            capabilities: documents::capabilities(settings, &contracts, &auth),
            schemas: documents::schema(&contracts),
            auth,
        })
    }

    pub(crate) fn descriptor(&self, seams: &Seams) -> Value {
        let known = &self.capabilities;
        let mut document = json!({
            "agent_id": known["agent_id"],
            "name": known["name"],
            "version": known["version"],
            "description": known["description"],
            "protocol": "acp",
            "protocol_version": known["protocol_version"],
            "base_url": self.base_url,
            "auth": self.auth,
            "endpoints": self.endpoints("auth_required"),
            "streaming": known["streaming"],
            "config_versions": known["config_versions"],
            "metrics": known["metrics"],
            "cache": known["cache"],
            "rate_limit": known["rate_limit"],
            "capabilities": self.abilities("input_schema", "output_schema"),
            "schemas": {
                "input": self.schemas["input"],
                "output": self.schemas["output"],
                "config": self.schemas["config"],
            },
        });
        seams.descriptor(&mut document);
        document
    }

    pub(crate) fn manifest(&self, seams: &Seams) -> Result<String, Error> {
        let known = &self.capabilities;
        let env: Vec<Value> = SETTINGS.iter().map(variable).collect();
        let mut document = json!({
            "apiVersion": "agntcy.org/v1",
            "kind": "AgentManifest",
            "metadata": {
                "name": known["agent_id"],
                "displayName": known["name"],
                "version": known["version"],
                "description": known["description"],
                "labels": {"agent.protocol": "acp", "agent.type": "weather-advisor"},
                "tags": self.tags(),
            },
            "spec": {
                "protocol": {"type": "acp", "version": "v0"},
                "deployment": {"image": IMAGE, "port": self.port, "env": env},
                "auth": self.auth,
                "health": {"live": "/health", "ready": "/health/ready"},
                "endpoints": self.endpoints("authRequired"),
                "capabilities": self.abilities("inputSchema", "outputSchema"),
            },
        });
        seams.manifest(&mut document);
        serde_saphyr::to_string(&document).map_err(|error| Error::Data {
            name: "agent-manifest.yaml",
            reason: error.to_string(),
        })
    }

    /// Every path that is for everybody, with its methods.
    fn endpoints(&self, requirement: &str) -> Vec<Value> {
        let asks = self.auth["required"] == true;
        let served = ENDPOINTS
            .iter()
            .filter(|endpoint| (endpoint.is_on)(self.settings));
        served
            .flat_map(|endpoint| {
                let guarded = match endpoint.door {
                    Door::Open => false,
                    Door::Guarded | Door::Admin => asks,
                    Door::Metrics => asks && self.settings.guard_metrics,
                };
                endpoint.methods().map(move |(method, what)| {
                    json!({
                        "path": endpoint.template,
                        "method": method,
                        "description": what,
                        requirement: guarded,
                    })
                })
            })
            .collect()
    }

    /// What the agent can do, its schemas under names of the document's own.
    fn abilities(&self, input: &str, output: &str) -> Vec<Value> {
        self.known_abilities()
            .map(|ability| {
                json!({
                    "name": ability["name"],
                    "description": ability["description"],
                    input: ability["input_schema"],
                    output: ability["output_schema"],
                })
            })
            .collect()
    }

    fn tags(&self) -> BTreeSet<&str> {
        self.known_abilities()
            .filter_map(|ability| ability["tags"].as_array())
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    fn known_abilities(&self) -> impl Iterator<Item = &Value> {
        self.capabilities["capabilities"]
            .as_array()
            .into_iter()
            .flatten()
    }
}

/// Where others reach the agent: where the settings say, else where it listens.
fn base_url(settings: &Settings, url: String) -> String {
    let public = settings.public_url.as_ref();
    public.map_or(url, |url| url.as_str().trim_end_matches('/').to_owned())
}

/// A variable that the agent reads, and its default. Of a secret there is the name alone.
fn variable(setting: &Setting) -> Value {
    match (setting.is_secret, setting.default) {
        (true, _) => json!({"name": setting.variable(), "secret": true}),
        (false, "") => json!({"name": setting.variable()}),
        (false, default) => json!({"name": setting.variable(), "default": default}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::start;

    /// Whether a request to this path is for a handler; `id` is that of a configuration.
    async fn answers(url: &str, method: &str, template: &str, id: &str) -> bool {
        let url = format!("{url}{}", template.replace("{id}", id));
        let client = reqwest::Client::new();
        let request = match method {
            "GET" => client.get(url),
            _ => client.post(url).json(&json!({})),
        };
        let status = request.send().await.expect("an answer").status();
        !matches!(status.as_u16(), 404 | 405)
    }

    #[tokio::test]
    async fn whatever_answers_is_listed() {
        for is_on in [true, false] {
            let agent = start(Settings {
                enable_streaming: is_on,
                enable_metrics: is_on,
                ..Settings::unlimited()
            });
            let agent = agent.await.expect("the agent starts");
            let (url, document) = (agent.url(), agent.descriptor());
            let stored = reqwest::Client::new()
                .post(format!("{url}/config"))
                .json(&json!({"config": {}}));
            let stored = stored.send().await.expect("an answer").json::<Value>();
            let stored = stored.await.expect("JSON");
            let id = stored["config_id"].as_str().expect("an id");
            for endpoint in &ENDPOINTS {
                for method in ["GET", "POST"] {
                    let mut listed = document["endpoints"].as_array().into_iter().flatten();
                    let is_listed = listed.any(|entry| {
                        entry["path"] == endpoint.template && entry["method"] == method
                    });
                    let hidden = is_listed || endpoint.door == Door::Admin;
                    let path = endpoint.template;
                    assert!(
                        hidden || !answers(&url, method, path, id).await,
                        "{method} {path} answers and is not listed"
                    );
                }
            }
            agent.stop().await;
        }
    }

    #[test]
    fn the_base_url_is_where_others_reach_the_agent() {
        let base_url = |settings| descriptor(&settings).expect("a descriptor")["base_url"].clone();
        let host = |host: &str| Settings {
            host: host.to_owned(),
            ..Settings::default()
        };
        assert_eq!(base_url(host("0.0.0.0")), "http://127.0.0.1:8000");
        assert_eq!(base_url(host("[::]")), "http://[::1]:8000");
        assert_eq!(base_url(host("agent.local")), "http://agent.local:8000");
        let public = Settings {
            public_url: Some("https://weather.example/acp/".parse().expect("a URL")),
            ..Settings::default()
        };
        assert_eq!(base_url(public), "https://weather.example/acp");
    }

    #[test]
    fn no_document_has_a_secret() {
        let mut settings = Settings::default();
        for setting in SETTINGS.iter().filter(|setting| setting.is_secret) {
            setting.apply(&mut settings, "me=hush").expect("a value");
        }
        let document = descriptor(&settings).expect("a descriptor").to_string();
        let manifest = manifest(&settings).expect("a manifest");
        assert!(!document.contains("hush") && !manifest.contains("hush"));
        assert!(manifest.contains("ACP_API_KEYS"));
    }
}
