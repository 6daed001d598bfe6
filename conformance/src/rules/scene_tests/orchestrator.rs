//! What an agent says to an orchestrator.

use serde_json::{Value, json};

use super::{
    TOPIC, answer, asked, beats, call, evidence, got, holds, is_open, life, main_scene, refused,
    registers_as, registration,
};
use crate::evidence::{Ask, Step, Topic};
use crate::scenes::mark;
use crate::wire::{End, Request};

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
