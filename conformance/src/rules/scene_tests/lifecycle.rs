//! A process, from its start to its end.

use serde_json::{Value, json};

use super::{answer, asked, evidence, got, holds, is_open, life, main_scene, seconds};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::judge::{Outcome, judge};
use crate::launch::Exit;
use crate::rules::find;
use crate::scenes::{Life, TOLD_ID, TOLD_VERSION, key, mark};
use crate::wire::{Answer, End, Request};

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
