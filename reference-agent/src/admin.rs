//! The admin API, for those who run the agent: it shows what is stored, forgets what is cached,
//! changes the capabilities, switches faults, and lets the agent run dry.
//!
//! It exists if there is an admin key; it is not limited, and no fault steps in.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::MethodRouter,
};
use serde_json::{Value, json};

use crate::{
    agent::Agent,
    auth::keys::Hashed,
    documents::json_response,
    failure::Failure,
    faults::{self, Fault},
    invoke::{parse, refuse_if_any},
    validation::{Violation, is_schema},
};

/// The capability that comes and goes when nobody says which.
const EXAMPLE: &str = "weather_alerts";

/// So many configurations are on a page, unless somebody says.
const PAGE: usize = 100;

/// So many capabilities are more than anybody reads.
const MOST_CAPABILITIES: usize = 100;

/// These handlers, for whoever has the key.
pub(crate) fn locked(
    agent: &Arc<Agent>,
    handlers: MethodRouter<Arc<Agent>>,
) -> MethodRouter<Arc<Agent>> {
    let key = agent.settings.admin_key.as_ref().map(Hashed::of);
    handlers.layer(from_fn_with_state(key, guard))
}

/// Lets nobody in without the key, and has nobody keep the answers.
async fn guard(State(key): State<Option<Hashed>>, request: Request, next: Next) -> Response {
    let mut all = request.headers().get_all("x-admin-key").iter();
    // Of two, somebody else might look at the other one.
    let shown = all.next().filter(|_| all.next().is_none());
    let is_let_in = key
        .zip(shown)
        .is_some_and(|(key, shown)| key.matches(shown.as_bytes()));
    let mut response = match is_let_in {
        true => next.run(request).await,
        false => {
            let refused = Failure::unauthorized("the admin API asks for its key, in X-Admin-Key");
            let challenge = [(header::WWW_AUTHENTICATE, "ApiKey header=\"X-Admin-Key\"")];
            (challenge, refused).into_response()
        }
    };
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

/// `GET /admin/configs?after=ID&limit=N`: how many configurations there are, and a page of
/// them in the order of their ids.
pub(crate) async fn configs(
    State(agent): State<Arc<Agent>>,
    uri: Uri,
) -> Result<Response, Failure> {
    let (after, limit) = page(uri.query().unwrap_or_default())?;
    let list = agent.store.list(after.as_deref(), limit)?;
    let configs: Vec<_> = list
        .into_iter()
        .map(|one| {
            json!({
                "config_id": one.config_id,
                "active_version": one.version,
                "versions": one.versions,
                "created_at": one.created_at,
            })
        })
        .collect();
    Ok(ok(
        json!({"count": agent.store.count(), "configs": configs}),
    ))
}

/// After which id a page begins, and how long it is.
fn page(query: &str) -> Result<(Option<String>, usize), Failure> {
    let (mut after, mut limit) = (None, PAGE);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match (name.as_ref(), value.parse()) {
            ("after", _) => after = Some(value.into_owned()),
            ("limit", Ok(number)) => limit = number,
            _ => {
                let message = "the query is none of after=ID, limit=N";
                return Err(Failure::invalid_input(message, Vec::new()));
            }
        }
    }
    Ok((after, limit))
}

/// `POST /admin/cache/flush`.
pub(crate) async fn flush(State(agent): State<Arc<Agent>>) -> Response {
    agent.results.flush();
    ok(json!({"status": "flushed"}))
}

/// `POST /admin/capabilities`: others in place of those that there are; without a body, one
/// more, and the next time one less.
pub(crate) async fn capabilities(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Failure> {
    if bytes.is_empty() {
        agent.documents.change_capabilities(toggle);
    } else {
        let body = parse(&headers, &bytes)?;
        let others = judged(&body)?;
        agent.documents.change_capabilities(|list| *list = others);
    }
    let known = agent.documents.capabilities().borrow().clone();
    Ok(ok(json!({"capabilities": known.document["capabilities"]})))
}

fn toggle(list: &mut Vec<Value>) {
    let before = list.len();
    list.retain(|known| known["name"] != EXAMPLE);
    if list.len() == before || list.is_empty() {
        list.push(json!({
            "name": EXAMPLE,
            "description": "Word of storms and floods before they come.",
            "tags": ["weather", "alerts"],
        }));
    }
}

/// The capabilities of a body, if clients can make something of them.
fn judged(body: &Value) -> Result<Vec<Value>, Failure> {
    let list = body["capabilities"].as_array().ok_or_else(|| {
        let field = Violation::at("/capabilities", "type", "is required, and is a list");
        Failure::invalid_input("the request has no capabilities", vec![field])
    })?;
    let mut found = Vec::new();
    if !(1..=MOST_CAPABILITIES).contains(&list.len()) {
        let message = format!("has 1 to {MOST_CAPABILITIES} entries");
        found.push(Violation::at("/capabilities", "minItems", &message));
    }
    let mut names = BTreeSet::new();
    for (index, one) in list.iter().take(MOST_CAPABILITIES).enumerate() {
        found.extend(wrong_in(one, &format!("/capabilities/{index}"), &mut names));
    }
    refuse_if_any(found)?;
    Ok(list.clone())
}

/// What is wrong with one capability beside those of these names.
fn wrong_in<'a>(one: &'a Value, path: &str, names: &mut BTreeSet<&'a str>) -> Vec<Violation> {
    let at =
        |member, keyword, message| Violation::at(&format!("{path}/{member}"), keyword, message);
    let mut found = Vec::new();
    match one["name"].as_str().filter(|name| !name.is_empty()) {
        None => found.push(at("name", "required", "is a text, and not empty")),
        Some(name) if names.insert(name) => {}
        Some(_) => found.push(at("name", "uniqueItems", "is the name of another")),
    }
    for schema in ["input_schema", "output_schema"] {
        if one.get(schema).is_some_and(|schema| !is_schema(schema)) {
            found.push(at(schema, "type", "is not a JSON Schema"));
        }
    }
    found
}

/// `GET /admin/faults`: those that are active, and all that there are.
pub(crate) async fn list_faults(State(agent): State<Arc<Agent>>) -> Response {
    let known: Vec<_> = faults::catalogue()
        .map(|fault| {
            json!({
                "name": fault.name,
                "summary": fault.summary,
                "trips": fault.trips,
                "shows_under_load_alone": fault.shows_under_load_alone(),
                "can_be_switched": !fault.acts_before_the_start(),
            })
        })
        .collect();
    ok(json!({"faults": active(&agent), "known": known}))
}

/// `PUT /admin/faults`: these, and no others but those that act before the start.
pub(crate) async fn switch_faults(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Failure> {
    let body = parse(&headers, &bytes)?;
    let chosen = chosen(&agent, &body)?;
    agent.seams.switch(&chosen);
    match faults::names(&chosen) {
        None => tracing::info!("all faults are switched off"),
        Some(faults) => tracing::warn!(faults, "faults are switched"),
    }
    Ok(ok(json!({"faults": active(&agent)})))
}

fn active(agent: &Agent) -> Vec<&'static str> {
    let faults = agent.seams.faults();
    faults.iter().map(|fault| fault.name).collect()
}

/// The faults that a body names, and those that stay in any case.
fn chosen(agent: &Agent, body: &Value) -> Result<Vec<&'static Fault>, Failure> {
    let names = body["faults"].as_array().ok_or_else(|| {
        let field = Violation::at("/faults", "type", "is required, and is a list of names");
        Failure::invalid_input("the request does not name faults", vec![field])
    })?;
    let started = agent.settings.faults.iter().copied();
    let mut chosen: Vec<_> = started.filter(|one| one.acts_before_the_start()).collect();
    let mut found = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match by_name(agent, name, &chosen) {
            Ok(fault) if !is_among(&chosen, fault) => chosen.push(fault),
            Ok(_) => {}
            Err(message) => {
                found.push(Violation::at(&format!("/faults/{index}"), "enum", &message));
            }
        }
        // As many as anybody reads.
        if found.len() == 10 {
            break;
        }
    }
    refuse_if_any(found)?;
    Ok(chosen)
}

/// The fault of this name, if it can be had now.
fn by_name(agent: &Agent, name: &Value, kept: &[&Fault]) -> Result<&'static Fault, String> {
    let fault = name.as_str().and_then(faults::find);
    let fault = fault.ok_or("is no fault; GET /admin/faults names all")?;
    if fault.acts_before_the_start() && !is_among(kept, fault) {
        return Err("acts before the start, and cannot be switched".to_owned());
    }
    match faults::lacks(fault, &agent.settings) {
        Some(needs) => Err(format!("shows only with {needs}")),
        None => Ok(fault),
    }
}

fn is_among(faults: &[&Fault], fault: &Fault) -> bool {
    faults.iter().any(|one| std::ptr::eq(*one, fault))
}

/// `POST /admin/drain`: no new work from now on, and no way back.
pub(crate) async fn drain(State(agent): State<Arc<Agent>>) -> Response {
    agent.drain();
    ok(json!({"status": "draining", "open_streams": *agent.open_streams.borrow()}))
}

fn ok(body: Value) -> Response {
    json_response(StatusCode::OK, &body)
}
