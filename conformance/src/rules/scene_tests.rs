//! The rules over scenes, on evidence that was made up: each both ways.

mod lifecycle;
mod orchestrator;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::find;
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::judge::{Outcome, judge};
use crate::made_up;
use crate::params::Params;
use crate::scenes::{Life, mark};
use crate::settings::{Facts, Terms};
use crate::wire::{Answer, End, Request};

const TOPIC: Topic = Topic::Registration;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn answer(status: u16, body: &Value) -> Answer {
    made_up::json(status, body.to_string())
}

/// An exchange of a scene that ended in this way.
fn asked(topic: Topic, step: Step, request: Request, end: Result<Answer, End>) -> Ask {
    made_up::ask(topic, step, 0, made_up::exchange(request, end))
}

fn got(topic: Topic, step: Step, path: &str, body: &Value) -> Ask {
    asked(topic, step, Request::get(path), Ok(answer(200, body)))
}

/// A call to the orchestrator at this second, answered so.
fn call(topic: Topic, at: f64, line: &str, body: &Value, answered: (u16, Value)) -> Ask {
    let (method, path) = line.split_once(' ').expect("a method and a path");
    let request = Request::bare(method, path).with_body(body.to_string());
    let answer = answer(answered.0, &answered.1);
    let mut ask = asked(topic, Step::Call, request, Ok(answer));
    ask.about.key = (at * 1000.0) as usize;
    ask.exchange.began = seconds(at);
    ask
}

fn registration() -> Value {
    json!({
        "agent_id": "a", "name": "A", "protocol": "acp", "endpoint": "http://127.0.0.1:1",
        "capabilities": ["x", {"name": "y"}],
        "metadata": {"version": "1.0.0", "tags": [], "discovery_method": "self_registration"},
    })
}

fn registers_as(topic: Topic, at: f64, status: u16, id: &str) -> Ask {
    let answered = (status, json!({"registration_id": id}));
    call(
        topic,
        at,
        "POST /agents/register",
        &registration(),
        answered,
    )
}

fn refused(topic: Topic, at: f64) -> Ask {
    call(
        topic,
        at,
        "POST /agents/register",
        &registration(),
        (503, json!({})),
    )
}

fn beats(topic: Topic, at: f64, id: &str, status: u16) -> Ask {
    let body = json!({"status": "healthy", "timestamp": 1});
    let line = format!("POST /agents/{id}/heartbeat");
    call(topic, at, &line, &body, (status, json!({})))
}

fn capabilities() -> Value {
    json!({"agent_id": "a", "version": "1.0.0", "capabilities": [{"name": "y"}, {"name": "x"}]})
}

/// A life with these moments.
fn life(marks: &[(&'static str, f64)]) -> Life {
    Life {
        marks: marks
            .iter()
            .map(|(mark, at)| (*mark, seconds(*at)))
            .collect(),
        ..Life::default()
    }
}

/// Evidence of an agent that beats every two seconds, and of these processes.
fn evidence(mut asks: Vec<Ask>, lives: &[(Topic, Life)]) -> Evidence {
    let params = Params {
        slow_input: Some(json!({})),
        change_capabilities: Some(("POST".to_owned(), "/x".to_owned())),
        ..Params::default()
    };
    let facts = Facts {
        cases: 1,
        params,
        launched: Some(Terms {
            heartbeat: Duration::from_secs(2),
            is_quick: false,
        }),
        ..Facts::default()
    };
    // What makes the features be there.
    asks.push(got(TOPIC, Step::Main, "/auth", &json!({})));
    asks.push(call(TOPIC, 100.0, "GET /", &json!({}), (404, json!({}))));
    asks.push(got(
        Topic::Documents,
        Step::Capabilities,
        "/capabilities",
        &capabilities(),
    ));
    let lives: BTreeMap<Topic, Life> = lives.iter().cloned().collect();
    let asks = asks.into_iter().map(Arc::new).collect();
    Evidence::new(facts, asks, BTreeMap::new()).with_lives(lives)
}

/// Whether a rule holds; a test that expects neither has made up too little.
fn holds(rule: &str, evidence: &Evidence) -> bool {
    match judge(find(rule).expect(rule), evidence) {
        Outcome::Pass(_) => true,
        Outcome::Fail(_) => false,
        other => panic!("{rule}: {other:?}"),
    }
}

fn is_open(rule: &str, evidence: &Evidence) -> bool {
    matches!(
        judge(find(rule).expect(rule), evidence),
        Outcome::Inconclusive(_)
    )
}

/// The main scene, watched until this second.
fn main_scene(asks: Vec<Ask>, watched: f64) -> Evidence {
    evidence(
        asks,
        &[(TOPIC, life(&[(mark::READY, 1.0), (mark::WATCHED, watched)]))],
    )
}
