//! The rules on limits, each on a made-up agent that keeps or breaks it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::json;

use super::rate_limit_found::measured;
use crate::drive::rate_limit::key;
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::judge::{Outcome, judge};
use crate::limits::{self, Client, MEANS, Probe, Seen};
use crate::made_up;
use crate::params::Params;
use crate::rules::find;
use crate::settings::Facts;
use crate::wire::{Exchange, Request};

/// The limit that all of these agents declare: so many in ten seconds.
const LIMIT: u32 = 8;
const WINDOW: f64 = 10.0;

/// An agent: what it admits, and what it says.
#[derive(Clone, Copy)]
struct Agent {
    algorithm: &'static str,
    admits: u32,
    window: f64,
    code: &'static str,
    /// Added to what is told of waiting, and of what is left.
    wait: i64,
    left: i64,
    /// The health, while invocations are refused.
    health: u16,
}

const GOOD: Agent = Agent {
    algorithm: "fixed",
    admits: LIMIT,
    window: WINDOW,
    code: "RATE_LIMIT_EXCEEDED",
    wait: 0,
    left: 0,
    health: 200,
};

/// The search's questions, to the made-up agent.
struct Searching<'t> {
    talk: &'t mut Talk,
    origin: Option<Duration>,
}

impl Probe for Searching<'_> {
    async fn ask(&mut self, _: Client, at: Duration) -> Option<Seen> {
        if let Some(origin) = self.origin {
            self.talk.now = self.talk.now.max((origin + at).as_secs_f64());
        }
        self.talk.invoke(Step::Main, key::SEARCH);
        let ask = self.talk.asks.last().expect("an ask");
        let origin = *self.origin.get_or_insert(ask.exchange.began);
        Some(limits::seen(ask, origin))
    }
}

/// What an agent has admitted, and a client's record of it.
struct Talk {
    agent: Agent,
    now: f64,
    /// When each was admitted (for a bucket: what is in it, and since when).
    admitted: Vec<f64>,
    tokens: (f64, f64),
    asks: Vec<Arc<Ask>>,
}

impl Talk {
    fn with(agent: Agent) -> Self {
        let tokens = (f64::from(agent.admits), 0.0);
        let mut talk = Self {
            agent,
            now: 100.0,
            admitted: Vec::new(),
            tokens,
            asks: Vec::new(),
        };
        talk.tell();
        talk
    }

    /// As the drive asks.
    fn tell(&mut self) {
        while self.invoke(Step::Main, key::BURST) && self.asks.len() < 40 {}
        for _ in 0..4 {
            self.invoke(Step::Disturb, key::PRESSED);
            self.push(
                Step::Health,
                key::PRESSED,
                self.agent.health,
                Vec::new(),
                String::new(),
            );
        }
        self.now += (self.time_to_more().ceil() + self.agent.wait as f64).max(0.0) + 0.05;
        self.invoke(Step::After, key::PRESSED);
        self.now += 40.0;
        let mut searching = Searching {
            talk: self,
            origin: None,
        };
        limits::find(&mut searching, &MEANS)
            .now_or_never()
            .expect("nothing made up waits");
        self.now += 80.0;
        while self.invoke(Step::Main, key::TOGETHER) {}
    }

    fn is_bucket(&self) -> bool {
        self.agent.algorithm == "bucket"
    }

    /// When the first of those that count now no longer does.
    fn leaves(&self) -> Option<f64> {
        match self.agent.algorithm {
            "fixed" => self.window_start().map(|start| start + self.agent.window),
            _ => self.counting().first().map(|at| at + self.agent.window),
        }
    }

    /// Where the fixed window began that holds now.
    fn window_start(&self) -> Option<f64> {
        let mut start: Option<f64> = None;
        for at in &self.admitted {
            if start.is_none_or(|start| *at >= start + self.agent.window) {
                start = Some(*at);
            }
        }
        start.filter(|start| self.now < start + self.agent.window)
    }

    fn counting(&self) -> Vec<f64> {
        let from = match self.agent.algorithm {
            "fixed" => self.window_start().unwrap_or(f64::INFINITY),
            _ => self.now - self.agent.window + 1e-9,
        };
        self.admitted
            .iter()
            .copied()
            .filter(|at| *at >= from)
            .collect()
    }

    fn rate(&self) -> f64 {
        f64::from(self.agent.admits) / self.agent.window
    }

    fn left(&self) -> f64 {
        if self.is_bucket() {
            let (tokens, since) = self.tokens;
            return (tokens + (self.now - since) * self.rate()).min(f64::from(self.agent.admits));
        }
        f64::from(self.agent.admits) - self.counting().len() as f64
    }

    fn time_to_more(&self) -> f64 {
        if self.is_bucket() {
            return (1.0 - self.left()).max(0.0) / self.rate();
        }
        self.leaves().map_or(0.0, |at| (at - self.now).max(0.0))
    }

    fn invoke(&mut self, step: Step, key: usize) -> bool {
        self.now += 0.01;
        let is_admitted = self.left() >= 1.0;
        if is_admitted {
            self.tokens = (self.left() - 1.0, self.now);
            self.admitted.push(self.now);
        }
        let reset = self.time_to_more().ceil() as i64;
        let left = self.left().floor() as i64 + self.agent.left * i64::from(is_admitted);
        let mut headers = vec![
            ("X-RateLimit-Remaining".to_owned(), left.to_string()),
            ("X-RateLimit-Reset".to_owned(), reset.to_string()),
        ];
        let (status, body) = match is_admitted {
            true => (200, "{\"output\": {}}".to_owned()),
            false => {
                let wait = (reset + self.agent.wait).max(0).to_string();
                headers.push(("Retry-After".to_owned(), wait));
                let error = json!({"error": {"code": self.agent.code, "message": "slower"}});
                (429, error.to_string())
            }
        };
        self.push(step, key, status, headers, body);
        is_admitted
    }

    fn push(
        &mut self,
        step: Step,
        key: usize,
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    ) {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let answer = made_up::answer(status, &headers, body);
        let exchange = Exchange {
            began: Duration::from_secs_f64(self.now - 0.002),
            elapsed: Duration::from_millis(4),
            ..made_up::exchange(Request::post("/invoke", "{}"), Ok(answer))
        };
        let ask = made_up::ask(Topic::RateLimit, step, key, exchange);
        self.asks.push(Arc::new(ask));
    }
}

fn evidence(agent: Agent, rate_limit: Option<(u32, Duration)>) -> Evidence {
    let params = Params {
        rate_limit,
        ..Params::default()
    };
    let facts = Facts {
        cases: 1,
        params,
        ..Facts::default()
    };
    Evidence::new(facts, Talk::with(agent).asks, Default::default())
}

/// The rules that do not hold for an agent, by the part of their ids after the dot.
fn broken(agent: Agent) -> Vec<&'static str> {
    let declared = Some((LIMIT, Duration::from_secs_f64(WINDOW)));
    let evidence = evidence(agent, declared);
    let names = [
        "refuses",
        "retry-after",
        "as-declared",
        "recovers",
        "health-exempt",
        "headers",
    ];
    let mut broken = Vec::new();
    for name in names {
        let rule = find(&format!("rate-limit.{name}")).expect("a rule");
        match judge(rule, &evidence) {
            Outcome::Fail(_) => broken.push(name),
            Outcome::Pass(judged) => assert!(judged.checked > 0, "{name}"),
            other => panic!("{name} of {}: {other:?}", agent.algorithm),
        }
    }
    broken
}

const ALGORITHMS: [&str; 3] = ["fixed", "sliding", "bucket"];

#[test]
fn each_algorithm_that_keeps_its_limit_holds_every_rule() {
    for algorithm in ALGORITHMS {
        let nothing: [&str; 0] = [];
        assert_eq!(broken(Agent { algorithm, ..GOOD }), nothing, "{algorithm}");
    }
}

#[test]
fn one_too_many_and_one_too_few_are_seen_in_each_algorithm() {
    for algorithm in ALGORITHMS {
        for admits in [LIMIT - 1, LIMIT + 1] {
            let agent = Agent {
                algorithm,
                admits,
                ..GOOD
            };
            assert_eq!(broken(agent), ["as-declared"], "{algorithm} {admits}");
        }
    }
}

/// Of the longer one service is back soon enough for `recovers`, and yet it is another limit.
#[test]
fn a_window_that_is_half_as_long_or_a_little_longer_is_not_the_declared_one() {
    for window in [WINDOW / 2.0, WINDOW * 1.08] {
        for algorithm in ALGORITHMS {
            let agent = Agent {
                algorithm,
                window,
                ..GOOD
            };
            assert_eq!(broken(agent), ["as-declared"], "{algorithm} {window}");
        }
    }
}

#[test]
fn what_is_found_does_not_depend_on_what_is_declared() {
    for algorithm in ALGORITHMS {
        let agent = Agent { algorithm, ..GOOD };
        let found = |declared: Option<(u32, u64)>| {
            let declared = declared.map(|(number, seconds)| (number, Duration::from_secs(seconds)));
            let evidence = evidence(agent, declared);
            measured(&evidence).expect("a search").told(None)
        };
        let blind = found(None);
        assert!(blind.starts_with("8 in "), "{blind}");
        assert_eq!(blind, found(Some((LIMIT, 10))), "{algorithm}");
        assert_eq!(blind, found(Some((3, 1))), "{algorithm}");
    }
}

#[test]
fn a_window_that_is_twice_as_long_does_not_give_back_in_time() {
    let window = WINDOW * 2.5;
    let agent = Agent { window, ..GOOD };
    assert!(broken(agent).contains(&"recovers"));
}

#[test]
fn a_refusal_needs_its_status_and_its_code() {
    let code = "TOO_MANY";
    assert_eq!(broken(Agent { code, ..GOOD }), ["refuses"]);
}

#[test]
fn a_wait_that_is_too_short_is_seen() {
    let agent = Agent { wait: -2, ..GOOD };
    assert_eq!(broken(agent), ["retry-after"]);
}

#[test]
fn what_is_left_must_be_what_is_admitted() {
    for left in [1, 3] {
        assert_eq!(broken(Agent { left, ..GOOD }), ["headers"], "{left}");
    }
}

#[test]
fn a_health_that_is_refused_too_is_a_warning() {
    for health in [429, 503] {
        assert_eq!(broken(Agent { health, ..GOOD }), ["health-exempt"]);
    }
}

#[test]
fn a_limit_that_nobody_declares_is_measured_all_the_same() {
    for (algorithm, name) in [
        ("fixed", "a fixed window"),
        ("sliding", "a sliding window"),
        ("bucket", "a token bucket"),
    ] {
        let agent = Agent { algorithm, ..GOOD };
        let rule = find("rate-limit.as-declared").expect("a rule");
        let Outcome::Unseen(told) = judge(rule, &evidence(agent, None)) else {
            panic!("{algorithm}: something was declared");
        };
        let why = format!("{told:?}");
        assert!(why.contains("found by measuring: 8 in "), "{why}");
        assert!(why.contains(&format!("by {name}")), "{algorithm}: {why}");
    }
}
