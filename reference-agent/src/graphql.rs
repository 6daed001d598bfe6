//! GraphQL beside REST, at /graphql: the same documents, configurations, answers and errors.
//!
//! A query that was executed is answered 200, whatever came of it; what is no query is refused
//! in the envelope, as everywhere.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_graphql::{
    Context, EmptySubscription, Error, ErrorExtensions, Json, Object, Request, Result, Schema,
    ServerError,
};
use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{MethodRouter, post},
};
use serde_json::{Value, json};

use crate::{
    agent::Agent, auth::Identity, call::Call, config, documents::json_bytes, endpoints::Allowance,
    failure::Failure, gate, health, invoke, validation::Violation,
};

/// Longer than any tool's introspection query by far; what is long belongs into variables.
const LONGEST_QUERY: usize = 16 * 1024;

/// What opens a bracket, wherever it stands: so deep can a query be nested at most, in its
/// values too, which the parser descends into without a bound.
const MOST_BRACKETS: usize = 128;

/// Fragments within fragments multiply: twenty of them make about 1,500 fields at most, a few
/// more would make millions. A tool's introspection query has about ten.
const MOST_SPREADS: usize = 20;

/// The deepest introspection query of the common tools goes down 15 levels.
const DEEPEST: usize = 16;

/// A tool's introspection query costs about 200. Documents and invocations cost more than a
/// field, so that few of them fit into one query.
const MOST_COMPLEX: usize = 300;
const DOCUMENT_COST: usize = 20;
const WORK_COST: usize = 50;

type Graph = Schema<Query, Mutation, EmptySubscription>;

/// `POST /graphql`.
pub(crate) fn route(agent: &Arc<Agent>) -> MethodRouter<Arc<Agent>> {
    let graph = Schema::build(Query, Mutation, EmptySubscription)
        .data(agent.clone())
        .limit_depth(DEEPEST)
        .limit_complexity(MOST_COMPLEX)
        .finish();
    post(
        move |_: State<Arc<Agent>>, call, identity, headers, bytes| {
            answer(graph.clone(), call, identity, headers, bytes)
        },
    )
}

async fn answer(
    graph: Graph,
    Extension(call): Extension<Call>,
    identity: Option<Extension<Identity>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Failure> {
    let request = judged(invoke::parse(&headers, &bytes)?)?;
    let caller = Caller {
        peer: call.peer,
        identity: identity.map(|Extension(identity)| identity),
        has_worked: AtomicBool::new(false),
    };
    let mut response = graph.execute(request.data(caller)).await;
    response.errors.iter_mut().for_each(complete);
    match serde_json::to_vec(&response) {
        Ok(written) => Ok(json_bytes(StatusCode::OK, written.into())),
        Err(_) => Err(Failure::execution()),
    }
}

/// The request that a body makes, if it makes one.
fn judged(body: Value) -> Result<Request, Failure> {
    let is_or_null = |member: &str, is: fn(&Value) -> bool| {
        body.get(member)
            .is_none_or(|value| value.is_null() || is(value))
    };
    let query = body.get("query").and_then(Value::as_str);
    let count = |text| query.map_or(0, |query: &str| query.matches(text).count());
    let brackets: usize = ["(", "[", "{"].map(count).iter().sum();
    let wrong = if query.is_none() {
        Some(("/query", "required", "is required, and is a text"))
    } else if query.is_some_and(|query| query.len() > LONGEST_QUERY) {
        Some(("/query", "maxLength", "is too long; use variables"))
    } else if brackets > MOST_BRACKETS || count("...") > MOST_SPREADS {
        Some(("/query", "maxItems", "has too many brackets or fragments"))
    } else if !is_or_null("variables", Value::is_object) {
        Some(("/variables", "type", "is an object"))
    } else if !is_or_null("operationName", Value::is_string) {
        Some(("/operationName", "type", "is a text"))
    } else {
        None
    };
    if let Some((path, keyword, message)) = wrong {
        let fields = vec![Violation::at(path, keyword, message)];
        return Err(Failure::invalid_input("this is no GraphQL request", fields));
    }
    let plain = json!({
        "query": body["query"],
        "operationName": body["operationName"],
        "variables": body["variables"],
    });
    let request = serde_json::from_value(plain);
    request.map_err(|_| Failure::invalid_input("this is no GraphQL request", Vec::new()))
}

/// Who asks, and whether the request has paid for work already: the gate took one request from
/// the allowance, which is for the first.
struct Caller {
    peer: IpAddr,
    identity: Option<Identity>,
    has_worked: AtomicBool,
}

impl Caller {
    fn pay(&self, agent: &Agent) -> Result<(), Failure> {
        if !self.has_worked.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        gate::pay(agent, Allowance::Invoke, self.peer, self.identity.as_ref())
    }
}

/// What can be read.
struct Query;

#[Object]
impl Query {
    /// What the agent can do: `GET /capabilities`.
    #[graphql(complexity = "DOCUMENT_COST")]
    async fn capabilities(&self, context: &Context<'_>) -> Result<Json<Value>> {
        let known = agent(context)?.documents.capabilities().borrow().clone();
        Ok(Json(known.document.clone()))
    }

    /// How to be let in: `GET /auth`.
    async fn auth(&self, context: &Context<'_>) -> Result<Json<Value>> {
        Ok(Json(agent(context)?.guard.document()))
    }

    /// What questions, answers and configurations look like: `GET /schema`.
    #[graphql(complexity = "DOCUMENT_COST")]
    async fn schema(&self, context: &Context<'_>) -> Result<Json<Value>> {
        Ok(Json(agent(context)?.documents.schema()))
    }

    /// The active version of a configuration.
    async fn config(&self, context: &Context<'_>, id: String) -> Result<Json<Value>> {
        config::show(agent(context)?, &id).map(Json).map_err(told)
    }

    /// How the agent is: `GET /health`.
    async fn health(&self, context: &Context<'_>) -> Result<Json<Value>> {
        Ok(Json(health::body(agent(context)?, "healthy")))
    }
}

/// What can be done.
struct Mutation;

#[Object]
impl Mutation {
    /// Stores a configuration: `POST /config`.
    #[graphql(complexity = "WORK_COST")]
    async fn create_config(
        &self,
        context: &Context<'_>,
        config: Json<Value>,
        config_id: Option<String>,
        version: Option<String>,
    ) -> Result<Json<Value>> {
        let agent = agent(context)?;
        context.data::<Caller>()?.pay(agent).map_err(told)?;
        let body = json!({"config": config.0, "config_id": config_id, "version": version});
        config::store(agent, body).await.map(Json).map_err(told)
    }

    /// Answers a question: `POST /invoke`.
    #[graphql(complexity = "WORK_COST")]
    async fn invoke(
        &self,
        context: &Context<'_>,
        input: Json<Value>,
        config_id: Option<String>,
    ) -> Result<Json<Value>> {
        let agent = agent(context)?;
        context.data::<Caller>()?.pay(agent).map_err(told)?;
        let body = json!({"input": input.0, "config_id": config_id});
        invoke::run(agent, body).await.map(Json).map_err(told)
    }
}

fn agent<'a>(context: &Context<'a>) -> Result<&'a Arc<Agent>> {
    context.data::<Arc<Agent>>()
}

/// The envelope as GraphQL has it.
fn told(failure: Failure) -> Error {
    let mut error = failure.error();
    let message = error["message"].as_str().unwrap_or_default().to_owned();
    let details = async_graphql::Value::from_json(error["details"].take()).unwrap_or_default();
    Error::new(message).extend_with(|_, extensions| {
        extensions.set("code", failure.code());
        extensions.set("status", failure.status().as_u16());
        extensions.set("details", details);
    })
}

/// What the library itself refuses goes against the schema or a limit, and has a code, too.
fn complete(error: &mut ServerError) {
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        extensions.set("code", "INVALID_INPUT");
        extensions.set("status", StatusCode::BAD_REQUEST.as_u16());
        extensions.set("details", async_graphql::Value::Object(Default::default()));
    }
}
