//! The admin API, for those who run the agent: it shows what is stored, forgets what is cached,
//! changes the capabilities, switches faults, and lets the agent run dry.
//!
//! It exists if there is an admin key; it is not limited, and no fault steps in.

use std::{collections::BTreeSet, sync::Arc};

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use crate::{
    agent::Agent,
    documents::json_response,
    failure::Failure,
    faults::{self, Fault},
    invoke::{parse, refuse_if_any},
    settings::Secret,
    validation::{Violation, is_schema},
};

/// The capability that comes and goes when nobody says which.
const EXAMPLE: &str = "weather_alerts";

/// So many capabilities are more than anybody reads.
const MOST_CAPABILITIES: usize = 100;

/// The paths of the admin API: none without a key.
pub(crate) fn routes(agent: &Arc<Agent>) -> Router<Arc<Agent>> {
    let Some(key) = agent.settings.admin_key.clone() else {
        return Router::new();
    };
    Router::new()
        .route("/admin/configs", get(configs))
        .route("/admin/cache/flush", post(flush))
        .route("/admin/capabilities", post(capabilities))
        .route("/admin/faults", get(list_faults).put(switch_faults))
        .route("/admin/drain", post(drain))
        .route_layer(from_fn_with_state(key, guard))
}

/// Lets nobody in without the key, and has nobody keep the answers.
async fn guard(State(key): State<Secret>, request: Request, next: Next) -> Response {
    let shown = request.headers().get("x-admin-key");
    let mut response = match shown.is_some_and(|shown| is_the_key(&key, shown.as_bytes())) {
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

/// Takes as long whatever is shown: the digests are of one length.
fn is_the_key(key: &Secret, shown: &[u8]) -> bool {
    let digest = |text| digest::digest(&digest::SHA256, text);
    let [key, shown] = [digest(key.reveal().as_bytes()), digest(shown)];
    verify_slices_are_equal(key.as_ref(), shown.as_ref()).is_ok()
}

/// `GET /admin/configs`.
async fn configs(State(agent): State<Arc<Agent>>) -> Response {
    ok(json!({"count": agent.store.count()}))
}

/// `POST /admin/cache/flush`.
async fn flush(State(agent): State<Arc<Agent>>) -> Response {
    agent.results.flush();
    ok(json!({"status": "flushed"}))
}

/// `POST /admin/capabilities`: others in place of those that there are; without a body, one
/// more, and the next time one less.
async fn capabilities(
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
async fn list_faults(State(agent): State<Arc<Agent>>) -> Response {
    let known: Vec<_> = faults::catalogue()
        .map(|fault| {
            json!({
                "name": fault.name,
                "summary": fault.summary,
                "trips": fault.trips,
                "can_be_switched": !fault.acts_before_the_start(),
            })
        })
        .collect();
    ok(json!({"faults": active(&agent), "known": known}))
}

/// `PUT /admin/faults`: these, and no others but those that act before the start.
async fn switch_faults(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Failure> {
    let body = parse(&headers, &bytes)?;
    let chosen = chosen(&agent, &body)?;
    agent.seams.switch(&chosen);
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
async fn drain(State(agent): State<Arc<Agent>>) -> Response {
    agent.drain();
    ok(json!({"status": "draining", "open_streams": *agent.open_streams.borrow()}))
}

fn ok(body: Value) -> Response {
    json_response(StatusCode::OK, &body)
}
