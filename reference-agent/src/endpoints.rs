//! The paths that the agent knows, one entry each: who may come in, whose allowance a request
//! is taken from, what answers it, what it is called in metrics, and what the descriptor says
//! of it.

use std::sync::Arc;

use axum::routing::{MethodRouter, get, post};
use matchit::Router;

#[cfg(feature = "graphql")]
use crate::graphql::route as graphql;
use crate::{
    admin,
    agent::Agent,
    auth::issuer,
    config, documents, external, health, invoke, metrics,
    settings::{Auth, Settings},
    stream, websocket,
};

/// Who may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// Anybody: what a client must read before it can show anything, and probes.
    Open,
    /// Whoever shows what `/auth` asks for.
    Guarded,
    /// As `Guarded` if the settings say so, else anybody.
    Metrics,
    /// Whoever has the admin key.
    Admin,
}

/// The allowance that a request is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowance {
    /// None: probes and scrapes are always answered, and the admin API.
    Exempt,
    /// That of everything else.
    Ordinary,
    /// That of `/invoke` and its like.
    Invoke,
}

/// What answers at a path, by method.
type Handlers = fn(&Arc<Agent>) -> MethodRouter<Arc<Agent>>;

/// A path that the agent knows.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The path, with names in braces for what varies: what metrics and traces call it.
    pub(crate) template: &'static str,
    pub(crate) door: Door,
    pub(crate) allowance: Allowance,
    pub(crate) handlers: Handlers,
    /// What a `GET` and a `POST` do there; neither for what is not told to everybody.
    get: Option<&'static str>,
    post: Option<&'static str>,
    /// Whether an agent with these settings has it.
    pub(crate) is_on: fn(&Settings) -> bool,
    /// Its place among [`COUNT`], so that what is kept for each endpoint can be an array.
    pub(crate) index: usize,
}

/// How many endpoints there are, the unknown among them.
pub(crate) const COUNT: usize = ENDPOINTS.len() + 1;

/// What every path is that is none: one name, however many there are.
pub(crate) static UNKNOWN: Endpoint = Endpoint {
    template: "unknown",
    door: Door::Open,
    allowance: Allowance::Ordinary,
    handlers: |_| MethodRouter::new(),
    get: None,
    post: None,
    is_on: |_| false,
    index: 0,
};

const fn open(template: &'static str, allowance: Allowance, handlers: Handlers) -> Endpoint {
    endpoint(template, Door::Open, allowance, handlers)
}

const fn guarded(template: &'static str, allowance: Allowance, handlers: Handlers) -> Endpoint {
    endpoint(template, Door::Guarded, allowance, handlers)
}

const fn admin(template: &'static str, handlers: Handlers) -> Endpoint {
    endpoint(template, Door::Admin, Allowance::Exempt, handlers).only_if(|s| s.admin_key.is_some())
}

const fn endpoint(
    template: &'static str,
    door: Door,
    allowance: Allowance,
    handlers: Handlers,
) -> Endpoint {
    Endpoint {
        template,
        door,
        allowance,
        handlers,
        get: None,
        post: None,
        is_on: |_| true,
        index: 0,
    }
}

#[cfg(not(feature = "graphql"))]
fn graphql(_: &Arc<Agent>) -> MethodRouter<Arc<Agent>> {
    MethodRouter::new()
}

impl Endpoint {
    const fn get(mut self, what: &'static str) -> Self {
        self.get = Some(what);
        self
    }

    const fn post(mut self, what: &'static str) -> Self {
        self.post = Some(what);
        self
    }

    const fn only_if(mut self, is_on: fn(&Settings) -> bool) -> Self {
        self.is_on = is_on;
        self
    }

    /// Its methods, each with what it does.
    pub(crate) fn methods(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let all = [("GET", self.get), ("POST", self.post)];
        all.into_iter()
            .filter_map(|(method, what)| Some((method, what?)))
    }
}

const fn numbered<const N: usize>(mut endpoints: [Endpoint; N]) -> [Endpoint; N] {
    let mut at = 0;
    while at < N {
        endpoints[at].index = at + 1;
        at += 1;
    }
    endpoints
}

pub(crate) static ENDPOINTS: [Endpoint; 24] = numbered([
    open("/", Allowance::Ordinary, |_| get(documents::read_index))
        .get("Names the agent and its paths"),
    open("/auth", Allowance::Ordinary, |_| get(documents::auth))
        .get("Says what credentials are asked for"),
    open("/schema", Allowance::Ordinary, |_| {
        get(documents::read_schema)
    })
    .get("Gives the JSON Schemas of input, output and configuration"),
    open("/capabilities", Allowance::Ordinary, |_| {
        get(documents::read_capabilities)
    })
    .get("Says what the agent can do"),
    open("/health", Allowance::Exempt, |_| get(health::live)).get("Says whether the agent lives"),
    open("/health/ready", Allowance::Exempt, |_| get(health::ready))
        .get("Says whether the agent takes work"),
    endpoint("/metrics", Door::Metrics, Allowance::Exempt, |_| {
        get(metrics::read)
    })
    .get("Gives counts and times, for Prometheus")
    .only_if(|s| s.enable_metrics),
    guarded("/config", Allowance::Ordinary, |_| post(config::create))
        .post("Stores a configuration, or another version of one"),
    guarded("/config/{id}", Allowance::Ordinary, |_| get(config::read))
        .get("Gives a configuration"),
    guarded("/config/{id}/history", Allowance::Ordinary, |_| {
        get(config::history)
    })
    .get("Lists the versions of a configuration"),
    guarded("/config/{id}/rollback", Allowance::Ordinary, |_| {
        post(config::roll_back)
    })
    .post("Makes an earlier version the active one"),
    guarded(invoke::PATH, Allowance::Invoke, |_| post(invoke::answer)).post("Answers a question"),
    guarded("/invoke/stream", Allowance::Invoke, |_| {
        post(stream::by_status)
    })
    .post("Answers a question as a stream of states")
    .only_if(|s| s.enable_streaming),
    guarded("/invoke/advanced-stream", Allowance::Invoke, |_| {
        post(stream::by_step)
    })
    .post("Answers a question as a stream of steps")
    .only_if(|s| s.enable_streaming),
    guarded("/invoke-external", Allowance::Invoke, |_| {
        post(external::answer)
    })
    .post("Answers a question with the weather of a service outside"),
    guarded("/graphql", Allowance::Invoke, graphql)
        .post("Answers GraphQL queries")
        .only_if(|_| cfg!(feature = "graphql")),
    guarded("/ws", Allowance::Invoke, |_| get(websocket::open))
        .get("Opens a WebSocket, for questions and their streams")
        .only_if(|s| s.enable_streaming),
    open(issuer::TOKEN_PATH, Allowance::Ordinary, |_| {
        post(issuer::token)
    })
    .post("Gives a token for the credentials of a client")
    .only_if(|s| s.auth == Auth::OAuth2),
    open(issuer::JWKS_PATH, Allowance::Ordinary, |_| {
        get(issuer::jwks)
    })
    .get("Gives the keys that tokens are signed with")
    .only_if(|s| s.auth == Auth::OAuth2),
    admin("/admin/configs", |_| get(admin::configs)),
    admin("/admin/cache/flush", |_| post(admin::flush)),
    admin("/admin/capabilities", |_| post(admin::capabilities)),
    admin("/admin/faults", |_| {
        get(admin::list_faults).put(admin::switch_faults)
    }),
    admin("/admin/drain", |_| post(admin::drain)),
]);

/// Finds the endpoint of a path.
#[derive(Debug)]
pub(crate) struct Map(Router<&'static Endpoint>);

impl Map {
    pub(crate) fn new() -> Self {
        let mut router = Router::new();
        for endpoint in &ENDPOINTS {
            // The table is fixed and a test inserts it all: there is nothing to refuse.
            let _ = router.insert(endpoint.template, endpoint);
        }
        Self(router)
    }

    pub(crate) fn find(&self, path: &str) -> &'static Endpoint {
        self.0.at(path).map_or(&UNKNOWN, |found| found.value)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::*;
    use crate::{settings::Secret, start};

    #[test]
    fn each_path_is_found_and_any_other_is_unknown() {
        let map = Map::new();
        for endpoint in &ENDPOINTS {
            let path = endpoint.template.replace("{id}", "cfg_1");
            assert_eq!(map.find(&path).template, endpoint.template);
        }
        let indices: std::collections::BTreeSet<_> =
            ENDPOINTS.iter().map(|one| one.index).collect();
        assert_eq!(indices, (1..COUNT).collect());
        for path in ["/invokes", "/config/a/b", "/config/", "/health/", ""] {
            assert_eq!(map.find(path).template, "unknown", "{path}");
        }
    }

    /// Whether a request that shows no credentials is refused for it, with a `GET` or a `POST`.
    async fn asks_for_credentials(url: &str, endpoint: &Endpoint) -> bool {
        let url = format!("{url}{}", endpoint.template.replace("{id}", "cfg_1"));
        let client = reqwest::Client::new();
        let mut statuses = Vec::new();
        for request in [client.get(&url), client.post(&url).json(&json!({}))] {
            statuses.push(request.send().await.expect("an answer").status());
        }
        statuses.contains(&StatusCode::UNAUTHORIZED)
    }

    #[tokio::test]
    async fn each_path_has_the_door_that_the_table_says() {
        let secret = || Secret::of("sk_test_Xyz789");
        let agent = start(Settings {
            auth: Auth::OAuth2,
            oauth_clients: vec![("me".to_owned(), secret())],
            admin_key: Some(secret()),
            guard_metrics: true,
            ..Settings::unlimited()
        });
        let agent = agent.await.expect("the agent starts");
        for endpoint in &ENDPOINTS {
            let is_shut = asks_for_credentials(&agent.url(), endpoint).await;
            assert_eq!(is_shut, endpoint.door != Door::Open, "{endpoint:?}");
        }
        agent.stop().await;
    }
}
