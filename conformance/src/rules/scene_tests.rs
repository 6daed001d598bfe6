//! The rules over scenes, on evidence that was made up: each both ways.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::find;
use crate::evidence::{About, Ask, Evidence, Step, Topic};
use crate::judge::{Outcome, judge};
use crate::launch::Exit;
use crate::params::Params;
use crate::scenes::{Life, TOLD_ID, TOLD_VERSION, key, mark};
use crate::settings::{Facts, Terms};
use crate::wire::{Answer, End, Exchange, Request};

const TOPIC: Topic = Topic::Registration;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn answer(status: u16, body: &Value) -> Answer {
    Answer {
        status,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
        reads: Vec::new(),
        surplus: 0,
    }
}

/// An exchange of a scene that ended in this way.
fn asked(topic: Topic, step: Step, request: Request, end: Result<Answer, End>) -> Ask {
    let about = About {
        step,
        key: 0,
        note: String::new(),
        case: None,
        is_beneath: false,
        wants_stream: false,
    };
    let (answer, end) = match end {
        Ok(answer) => (Some(answer), End::Complete),
        Err(end) => (None, end),
    };
    let exchange = Exchange {
        request,
        began: Duration::ZERO,
        elapsed: Duration::ZERO,
        answer,
        end,
    };
    Ask::new(topic, about, exchange)
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

#[test]
fn a_registration_is_valid_and_in_time() {
    let rule = "orchestrator.registers";
    let at = |at| main_scene(vec![registers_as(TOPIC, at, 200, "r1")], 20.0);
    assert!(holds(rule, &at(9.0)));
    assert!(!holds(rule, &at(11.0)));
    let body = json!({"agent_id": "a"});
    let short = call(TOPIC, 1.0, "POST /agents/register", &body, (200, json!({})));
    assert!(!holds(rule, &main_scene(vec![short], 20.0)));
    assert!(
        !holds(rule, &main_scene(Vec::new(), 20.0)),
        "another call alone"
    );
}

#[test]
fn what_is_registered_is_what_the_agent_says_of_itself() {
    let rule = "orchestrator.truthful";
    let with = |pointer: &str, value: Value| {
        let mut body = registration();
        *body.pointer_mut(pointer).expect("a member") = value;
        let told = call(TOPIC, 1.0, "POST /agents/register", &body, (200, json!({})));
        main_scene(vec![told], 20.0)
    };
    assert!(holds(rule, &with("/name", json!("B"))));
    for (pointer, value) in [
        ("/agent_id", json!("b")),
        ("/metadata/version", json!("0.9.0")),
        ("/capabilities", json!([])),
        ("/capabilities", json!(["x"])),
        ("/endpoint", json!("http://0.0.0.0:1")),
        ("/endpoint", json!("http://[::]:1")),
    ] {
        assert!(!holds(rule, &with(pointer, value)), "{pointer}");
    }
    let look = |end| {
        let look = asked(
            TOPIC,
            Step::Capabilities,
            Request::get("/capabilities"),
            end,
        );
        main_scene(vec![registers_as(TOPIC, 1.0, 200, "r1"), look], 20.0)
    };
    assert!(holds(rule, &look(Ok(answer(401, &json!({}))))));
    assert!(!holds(
        rule,
        &look(Ok(answer(200, &json!({"agent_id": "b"}))))
    ));
    assert!(!holds(
        rule,
        &look(Err(End::Unreachable("refused".to_owned())))
    ));
}

#[test]
fn heartbeats_are_regular_and_go_to_the_id_that_was_given_out() {
    let rule = "orchestrator.heartbeats";
    let at = |times: &[f64], id, watched| {
        let beats = times.iter().map(|at| beats(TOPIC, *at, id, 200));
        let asks = [registers_as(TOPIC, 1.0, 200, "r1")]
            .into_iter()
            .chain(beats);
        main_scene(asks.collect(), watched)
    };
    assert!(holds(rule, &at(&[3.0, 5.3, 6.9], "r1", 7.5)));
    assert!(holds(rule, &at(&[1.1, 3.1, 5.1], "r1", 5.5)), "one at once");
    assert!(
        !holds(rule, &at(&[2.0, 3.0, 4.0], "r1", 4.5)),
        "twice as often"
    );
    assert!(
        !holds(rule, &at(&[3.0, 7.0], "r1", 7.5)),
        "ever more slowly"
    );
    assert!(!holds(rule, &at(&[3.0, 5.0], "r1", 9.0)), "no more");
    assert!(
        !holds(rule, &at(&[3.0, 5.0, 7.0], "a", 7.5)),
        "the agent's own id"
    );
    assert!(!holds(rule, &at(&[], "", 9.0)), "none at all");
    let odd = call(
        TOPIC,
        3.0,
        "POST /agents/r1/heartbeat",
        &json!({"status": "ok"}),
        (200, json!({})),
    );
    assert!(!holds(
        rule,
        &main_scene(vec![registers_as(TOPIC, 1.0, 200, "r1"), odd], 3.5)
    ));
}

#[test]
fn an_agent_that_is_registered_does_not_register_again() {
    let rule = "orchestrator.single-registration";
    let with = |status| {
        let asks = vec![
            registers_as(TOPIC, 1.0, 200, "r1"),
            beats(TOPIC, 3.0, "r1", status),
            registers_as(TOPIC, 3.1, 200, "r2"),
        ];
        main_scene(asks, 9.0)
    };
    assert!(holds(rule, &with(404)));
    assert!(!holds(rule, &with(200)));
}

#[test]
fn an_agent_that_was_forgotten_registers_and_goes_on_under_the_new_id() {
    let (rule, topic) = ("orchestrator.re-registers", Topic::Forgotten);
    let with = |later: Vec<Ask>| {
        let mut asks = vec![
            registers_as(topic, 1.0, 200, "r1"),
            beats(topic, 3.0, "r1", 404),
        ];
        asks.extend(later);
        evidence(asks, &[(topic, life(&[]))])
    };
    let again = |at| registers_as(topic, at, 200, "r2");
    assert!(holds(
        rule,
        &with(vec![again(3.1), beats(topic, 5.1, "r2", 200)])
    ));
    assert!(
        holds(rule, &with(vec![again(5.0), beats(topic, 7.0, "r2", 200)])),
        "with the next beat"
    );
    assert!(!holds(
        rule,
        &with(vec![again(3.1), beats(topic, 5.1, "r1", 404)])
    ));
    assert!(!holds(
        rule,
        &with(vec![again(7.0), beats(topic, 9.0, "r2", 200)])
    ));
    assert!(!holds(rule, &with(vec![beats(topic, 5.0, "r1", 404)])));
    let never = vec![registers_as(topic, 1.0, 200, "r1")];
    assert!(is_open(rule, &evidence(never, &[(topic, life(&[]))])));
}

#[test]
fn an_outage_is_borne_with_patience() {
    let (rule, topic) = ("orchestrator.survives-outage", Topic::Outage);
    let lives = [
        (TOPIC, life(&[(mark::READY, 1.0)])),
        (topic, life(&[(mark::READY, 1.0), (mark::BACK, 7.0)])),
    ];
    let with = |tries: u32, is_back: bool, status| {
        let mut asks: Vec<Ask> = (0..tries)
            .map(|n| refused(topic, 3.0 + f64::from(n) / 100.0))
            .collect();
        let request = Request::get("/capabilities");
        asks.push(asked(
            topic,
            Step::After,
            request,
            Ok(answer(status, &json!({}))),
        ));
        asks.extend(is_back.then(|| registers_as(topic, 8.0, 200, "r1")));
        evidence(asks, &lives)
    };
    assert!(holds(rule, &with(20, true, 200)));
    assert!(!holds(rule, &with(21, true, 200)));
    assert!(!holds(rule, &with(2, false, 200)));
    assert!(!holds(rule, &with(2, true, 503)));
}

#[test]
fn a_201_is_a_success() {
    let (rule, topic) = ("orchestrator.accepts-201", Topic::Created);
    let with = |later: Ask| {
        let asks = vec![registers_as(topic, 1.0, 201, "r1"), later];
        evidence(asks, &[(topic, life(&[]))])
    };
    assert!(holds(rule, &with(beats(topic, 3.0, "r1", 200))));
    assert!(!holds(rule, &with(registers_as(topic, 1.5, 201, "r1"))));
}

#[test]
fn a_change_of_the_capabilities_is_told_as_it_is() {
    let (rule, topic) = (
        "orchestrator.updates-capabilities",
        Topic::CapabilitiesChange,
    );
    let list = |names: &[&str]| json!({"capabilities": names});
    let with = |line: &str, told: &[&str], now: &[&str]| {
        let asks = vec![
            registers_as(topic, 1.0, 200, "r1"),
            got(topic, Step::Baseline, "/capabilities", &list(&["x"])),
            got(topic, Step::Disturb, "/x", &json!({})),
            got(topic, Step::Again, "/capabilities", &list(now)),
            call(topic, 2.0, line, &list(told), (200, json!({}))),
        ];
        evidence(asks, &[(topic, life(&[]))])
    };
    let line = "PUT /agents/r1/capabilities";
    assert!(holds(rule, &with(line, &["y", "x"], &["x", "y"])));
    assert!(!holds(rule, &with(line, &["x"], &["x", "y"])));
    assert!(!holds(
        rule,
        &with("POST /agents/r1/capabilities", &["x", "y"], &["x", "y"])
    ));
    assert!(!holds(
        rule,
        &with("PUT /agents/r0/capabilities", &["x", "y"], &["x", "y"])
    ));
    assert!(is_open(rule, &with(line, &["x"], &["x"])));
}

/// The scene of a process: these asks beside the first look, and its life.
fn lifetime(mut asks: Vec<Ask>, life: Life) -> Evidence {
    asks.push(got(Topic::Lifetime, Step::Main, "/auth", &json!({})));
    evidence(asks, &[(Topic::Lifetime, life)])
}

#[test]
fn an_agent_is_who_it_is_told_to_be() {
    let with = |said: Value| {
        let said = got(Topic::Lifetime, Step::Capabilities, "/capabilities", &said);
        lifetime(vec![said], life(&[(mark::READY, 1.0)]))
    };
    let rule = "lifecycle.env";
    assert!(holds(
        rule,
        &with(json!({"agent_id": TOLD_ID, "version": TOLD_VERSION}))
    ));
    assert!(holds(rule, &with(json!({}))), "it need not say");
    assert!(!holds(rule, &with(json!({"agent_id": "a"}))));
    assert!(!holds(rule, &with(json!({"version": "1.0.0"}))));
}

#[test]
fn an_agent_serves_within_thirty_seconds() {
    let at = |at| lifetime(Vec::new(), life(&[(mark::READY, at)]));
    assert!(holds("lifecycle.ready", &at(29.0)));
    assert!(!holds("lifecycle.ready", &at(31.0)));
    let never = Life {
        trouble: Some("it does not serve".to_owned()),
        ..Life::default()
    };
    assert!(!holds("lifecycle.ready", &lifetime(Vec::new(), never)));
}

/// A process that was sent SIGTERM at 2 s and ended so, with a request under way that ended so.
fn stopped(
    exit: Option<(f64, Option<i32>, Option<i32>)>,
    work: Option<Result<Answer, End>>,
) -> Evidence {
    let mut asks = Vec::new();
    if let Some(end) = work {
        let mut ask = asked(
            Topic::Lifetime,
            Step::Main,
            Request::post("/invoke", "{}"),
            end,
        );
        ask.about.key = key::SLOW;
        (ask.exchange.began, ask.exchange.elapsed) = (seconds(1.0), seconds(2.0));
        asks.push(ask);
    }
    let mut life = life(&[(mark::READY, 1.0), (mark::SIGNALLED, 2.0)]);
    life.exit = exit.map(|(at, code, signal)| (seconds(at), Exit { code, signal }));
    lifetime(asks, life)
}

#[test]
fn an_agent_finishes_its_work_and_ends() {
    let rule = "lifecycle.graceful-stop";
    let done = || Some(Ok(answer(200, &json!({}))));
    let clean = Some((3.0, Some(0), None));
    assert!(holds(rule, &stopped(clean, done())));
    assert!(holds(rule, &stopped(clean, None)), "nothing was in flight");
    assert!(!holds(
        rule,
        &stopped(clean, Some(Err(End::Cut("reset".to_owned()))))
    ));
    assert!(!holds(rule, &stopped(Some((3.0, Some(1), None)), done())));
    assert!(!holds(rule, &stopped(Some((12.5, Some(0), None)), done())));
    assert!(!holds(rule, &stopped(None, done())));
    // The very signal passed on, as uvicorn does.
    let passed_on = Some((3.0, None, Some(15)));
    assert!(holds(rule, &stopped(passed_on, done())));
    assert!(is_open(rule, &stopped(passed_on, None)));
    assert!(!holds(rule, &stopped(Some((3.0, None, Some(9))), done())));
}

#[test]
fn new_work_is_turned_away_once_an_agent_is_told_to_stop() {
    let with = |at, status| {
        let request = Request::post("/invoke", "{}");
        let mut ask = asked(
            Topic::Lifetime,
            Step::After,
            request,
            Ok(answer(status, &json!({}))),
        );
        ask.exchange.began = seconds(at);
        let mut life = life(&[(mark::READY, 1.0), (mark::SIGNALLED, 2.0)]);
        let code = Some(0);
        life.exit = Some((seconds(5.0), Exit { code, signal: None }));
        lifetime(vec![ask], life)
    };
    let rule = "lifecycle.graceful-stop";
    assert!(holds(rule, &with(2.5, 200)), "the word has to spread");
    assert!(holds(rule, &with(3.5, 503)));
    assert!(!holds(rule, &with(3.5, 200)));
}

#[test]
fn a_request_past_its_time_is_a_timeout() {
    let topic = Topic::RequestTimeout;
    let with = |status, code: &str, elapsed| {
        let body = json!({"error": {"code": code}});
        let request = Request::post("/invoke", "{}");
        let mut ask = asked(topic, Step::After, request, Ok(answer(status, &body)));
        ask.exchange.elapsed = seconds(elapsed);
        evidence(vec![ask], &[(topic, life(&[]))])
    };
    let rule = "lifecycle.request-timeout";
    assert!(holds(rule, &with(504, "TIMEOUT", 1.1)));
    assert!(!holds(rule, &with(500, "EXECUTION_ERROR", 1.1)));
    assert!(!holds(rule, &with(504, "UNAVAILABLE", 1.1)));
    assert!(!holds(rule, &with(504, "TIMEOUT", 6.0)));
    assert!(!holds(rule, &with(200, "", 3.0)));
    assert!(is_open(rule, &with(200, "", 0.1)));
}

#[test]
fn without_a_launch_these_rules_are_skipped_and_say_what_to_give() {
    let mut evidence = main_scene(Vec::new(), 1.0);
    evidence.facts.launched = None;
    for rule in ["orchestrator.registers", "lifecycle.ready"] {
        match judge(find(rule).expect(rule), &evidence) {
            Outcome::Skip(why) => assert!(why.contains("--launch CMD"), "{why}"),
            other => panic!("{rule}: {other:?}"),
        }
    }
}
