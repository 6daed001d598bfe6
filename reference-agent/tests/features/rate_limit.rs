//! How much a client is allowed.

use std::time::Duration;

use acp_reference_agent::{
    Running, Settings,
    settings::{Algorithm, Auth, Client, Quota, Secret},
    start,
};
use futures_util::future::join_all;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    shown::{Question, Shown, holds_and_fails},
    wire::{Answer, get, post, raw, request},
};

/// The default limit of `/invoke`: what all of this runs against.
const LIMIT: usize = 10;
const WINDOW: u64 = 60;

async fn invoke(agent: &Running) -> Answer {
    post(agent, "/invoke", &json!({"input": {"city": "x"}})).await
}

async fn invoke_times(agent: &Running, times: usize) -> Vec<Answer> {
    let mut answers = Vec::new();
    for _ in 0..times {
        answers.push(invoke(agent).await);
    }
    answers
}

/// The answers to all that is allowed, and then to one request more.
async fn exhaust(agent: &Running) -> (Vec<Answer>, Answer) {
    let admitted = invoke_times(agent, LIMIT).await;
    (admitted, invoke(agent).await)
}

/// Requests of as many clients at the same moment: how many are admitted.
async fn admitted_at_once(agent: &Running, clients: usize) -> usize {
    let body = json!({"input": {"city": "x"}}).to_string();
    let json = ["Content-Type: application/json"];
    let bytes = request("POST", "/invoke", &json, body.as_bytes());
    let connect = || TcpStream::connect(agent.addr());
    let sockets = join_all((0..clients).map(|_| connect())).await;
    let ask = async |mut socket: TcpStream| {
        let mut all = Vec::new();
        socket.write_all(&bytes).await.expect("taken");
        socket.read_to_end(&mut all).await.expect("an answer");
        Answer::parse(&all).status
    };
    let sockets = sockets
        .into_iter()
        .map(|socket| socket.expect("a connection"));
    let statuses = join_all(sockets.map(ask)).await;
    statuses.iter().filter(|status| **status == 200).count()
}

fn number(answer: &Answer, name: &str) -> Option<u64> {
    answer.header(name)?.parse().ok()
}

fn expect(holds: bool, wrong: impl FnOnce() -> String) -> Result<(), String> {
    holds.then_some(()).ok_or_else(wrong)
}

/// Whether a refusal is told as it should be: under its status, and its code.
fn is_refused(answer: &Answer) -> Result<(), String> {
    let is_told = answer.status == 429 && answer.json()["error"]["code"] == "RATE_LIMIT_EXCEEDED";
    expect(is_told, || format!("{} {}", answer.status, answer.text()))
}

const REFUSES: Question = |agent| {
    Box::pin(async move {
        let (_, refused) = exhaust(&agent).await;
        is_refused(&refused)
    })
};

const REFUSES_AGAIN_AND_AGAIN: Question = |agent| {
    Box::pin(async move {
        let (_, refused) = exhaust(&agent).await;
        is_refused(&refused)?;
        invoke_times(&agent, 8)
            .await
            .iter()
            .try_for_each(is_refused)
    })
};

const ADMITS_AS_DECLARED: Question = |agent| {
    Box::pin(async move {
        let answers = invoke_times(&agent, LIMIT + 3).await;
        let admitted = answers.iter().filter(|one| one.status == 200).count();
        expect(admitted == LIMIT, || format!("{admitted} were admitted"))
    })
};

const ADMITS_AS_DECLARED_AT_ONCE: Question = |agent| {
    Box::pin(async move {
        let admitted = admitted_at_once(&agent, 3 * LIMIT).await;
        expect(admitted == LIMIT, || format!("{admitted} were admitted"))
    })
};

/// The window is as long as it is said to be, by the time that the first answer tells.
const COUNTS_FOR_A_WINDOW: Question = |agent| {
    Box::pin(async move {
        let reset = number(&invoke(&agent).await, "x-ratelimit-reset");
        expect(reset == Some(WINDOW), || {
            format!("the reset is in {reset:?}")
        })
    })
};

/// Here the reset is when there is one request more: the same as when to come back.
const SAYS_WHEN_TO_COME_BACK: Question = |agent| {
    Box::pin(async move {
        let (_, refused) = exhaust(&agent).await;
        let (wait, reset) = (
            number(&refused, "retry-after"),
            number(&refused, "x-ratelimit-reset"),
        );
        expect(wait.is_some() && wait == reset, || {
            format!("{wait:?}, and the reset is in {reset:?}")
        })
    })
};

const IS_BACK_WITHIN_A_WINDOW: Question = |agent| {
    Box::pin(async move {
        let (_, refused) = exhaust(&agent).await;
        let wait = number(&refused, "retry-after");
        expect(wait.is_some_and(|wait| wait <= WINDOW), || {
            format!("back in {wait:?}")
        })
    })
};

/// Asked over and over, it admits again: when, is not looked at.
const RECOVERS_UNDER_FIRE: Question = |agent| {
    Box::pin(async move {
        let mut was_refused = false;
        for _ in 0..80 {
            let is_refused = invoke(&agent).await.status == 429;
            if was_refused && !is_refused {
                return Ok(());
            }
            was_refused |= is_refused;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("it does not recover".to_owned())
    })
};

const IS_HEALTHY_AT_THE_LIMIT: Question = |agent| {
    Box::pin(async move {
        let (_, refused) = exhaust(&agent).await;
        is_refused(&refused)?;
        let health = get(&agent, "/health").await;
        let is_free = health.header("ratelimit").is_none();
        expect(health.status == 200 && is_free, || health.text())
    })
};

const SAYS_WHAT_IS_LEFT: Question = |agent| {
    Box::pin(async move {
        let (admitted, _) = exhaust(&agent).await;
        for (n, answer) in admitted.iter().enumerate() {
            let left = number(answer, "x-ratelimit-remaining");
            let state = answer.header("ratelimit").unwrap_or_default();
            let is_told = state.starts_with(&format!("\"invoke\";r={};t=", LIMIT - n - 1));
            expect(left == Some((LIMIT - n - 1) as u64) && is_told, || {
                format!("{n}: {left:?}, {state}")
            })?;
        }
        Ok(())
    })
};

/// The time to the reset falls. A second has to pass for that, however long it takes.
const COUNTS_DOWN_TO_THE_RESET: Question = |agent| {
    Box::pin(async move {
        let first = number(&invoke(&agent).await, "x-ratelimit-reset");
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let second = number(&invoke(&agent).await, "x-ratelimit-reset");
        expect(second.is_some() && second < first, || {
            format!("{first:?}, {second:?}")
        })
    })
};

pub(crate) const SHOWN: &[Shown] = &[
    ("applies-no-limit", REFUSES),
    ("refuses-as-slowapi-does", REFUSES),
    ("refuses-under-a-code-of-its-own", REFUSES),
    ("says-503-when-pressed", REFUSES_AGAIN_AND_AGAIN),
    ("forgets-retry-after", SAYS_WHEN_TO_COME_BACK),
    ("calls-back-a-second-early", SAYS_WHEN_TO_COME_BACK),
    ("calls-back-in-the-past", SAYS_WHEN_TO_COME_BACK),
    ("admits-one-too-many", ADMITS_AS_DECLARED),
    ("admits-one-too-few", ADMITS_AS_DECLARED),
    ("counts-in-each-worker", ADMITS_AS_DECLARED),
    ("forgets-after-half-the-window", COUNTS_FOR_A_WINDOW),
    ("checks-then-counts", ADMITS_AS_DECLARED_AT_ONCE),
    ("punishes-persistence", RECOVERS_UNDER_FIRE),
    ("stays-shut-for-three-windows", IS_BACK_WITHIN_A_WINDOW),
    ("refuses-health-checks-too", IS_HEALTHY_AT_THE_LIMIT),
    ("falls-ill-under-load", IS_HEALTHY_AT_THE_LIMIT),
    ("tells-nothing-of-its-limits", SAYS_WHAT_IS_LEFT),
    ("counts-what-is-left-too-late", SAYS_WHAT_IS_LEFT),
    (
        "promises-more-and-then-less-than-nothing",
        SAYS_WHAT_IS_LEFT,
    ),
    ("never-counts-down", SAYS_WHAT_IS_LEFT),
    ("resets-a-window-from-now", COUNTS_DOWN_TO_THE_RESET),
];

/// This one shows only in time, and so with a window that can be waited for.
const IN_TIME: &str = "punishes-persistence";

fn limited() -> Settings {
    Settings {
        port: 0,
        ..Settings::default()
    }
}

#[tokio::test]
async fn each_fault_of_the_limits_shows() {
    let at_once = SHOWN.iter().filter(|(name, _)| *name != IN_TIME);
    let at_once: Vec<_> = at_once.copied().collect();
    holds_and_fails(&at_once, limited).await;
}

#[tokio::test]
async fn a_client_that_goes_on_asking_is_let_in_again() {
    let in_time = SHOWN.iter().filter(|(name, _)| *name == IN_TIME);
    let in_time: Vec<_> = in_time.copied().collect();
    let settings = || Settings {
        rate_limit_invoke: Some(Quota {
            requests: 3,
            // Longer than a busy machine may stall: then nobody would go on asking.
            window: Duration::from_secs(3),
        }),
        ..limited()
    };
    holds_and_fails(&in_time, settings).await;
}

#[tokio::test]
async fn requests_at_once_are_admitted_to_the_last_by_every_algorithm() {
    for algorithm in [
        Algorithm::FixedWindow,
        Algorithm::SlidingWindow,
        Algorithm::TokenBucket,
    ] {
        let settings = Settings {
            rate_limit_algorithm: algorithm,
            // So long that not even a bucket gets anything back while this runs.
            rate_limit_invoke: Some(Quota {
                requests: 10,
                window: Duration::from_secs(36_000),
            }),
            ..limited()
        };
        let agent = start(settings).await.expect("the agent starts");
        assert_eq!(admitted_at_once(&agent, 40).await, 10, "{algorithm:?}");
        agent.stop().await;
    }
}

#[tokio::test]
async fn a_refusal_says_what_the_limit_is() {
    let agent = start(limited()).await.expect("the agent starts");
    let (_, refused) = exhaust(&agent).await;
    let details = refused.json()["error"]["details"].clone();
    assert_eq!(
        (&details["limit"], &details["window_seconds"]),
        (&json!(10), &json!(60.0))
    );
    assert_eq!(
        details["retry_after_seconds"].as_u64(),
        number(&refused, "retry-after")
    );
    assert_eq!(
        refused.header("ratelimit-policy"),
        Some("\"invoke\";q=10;w=60")
    );
    agent.stop().await;
}

#[tokio::test]
async fn streams_are_counted_with_invoke_and_the_rest_apart() {
    let agent = start(limited()).await.expect("the agent starts");
    let (_, refused) = exhaust(&agent).await;
    assert_eq!(refused.status, 429);
    for path in ["/invoke/stream", "/invoke/advanced-stream", "/invoke"] {
        assert_eq!(post(&agent, path, &json!({})).await.status, 429, "{path}");
    }
    for path in ["/auth", "/schema", "/nowhere"] {
        let answer = get(&agent, path).await;
        assert_ne!(answer.status, 429);
        assert_eq!(
            answer.header("ratelimit-policy"),
            Some("\"default\";q=100;w=60")
        );
    }
    agent.stop().await;
}

#[tokio::test]
async fn probes_are_never_counted() {
    let settings = Settings {
        rate_limit: Some(Quota::a_minute(1)),
        ..limited()
    };
    let agent = start(settings).await.expect("the agent starts");
    for _ in 0..3 {
        for path in ["/health", "/health/ready", "/metrics"] {
            let answer = get(&agent, path).await;
            assert_ne!(answer.status, 429, "{path}");
            assert_eq!(answer.header("ratelimit"), None);
        }
    }
    assert_eq!(get(&agent, "/auth").await.status, 200);
    assert_eq!(get(&agent, "/auth").await.status, 429);
    agent.stop().await;
}

#[tokio::test]
async fn a_key_is_counted_by_itself_where_none_is_asked_for_too() {
    let keys = ["a", "b"].map(|name| (name.to_owned(), Secret::of(&format!("key-of-{name}"))));
    let agent = start(Settings {
        auth: Auth::ApiKey,
        api_keys: keys.into(),
        rate_limit: Some(Quota::a_minute(1)),
        rate_limit_by: Client::Key,
        ..Settings::unlimited()
    })
    .await
    .expect("the agent starts");
    for (name, expected) in [("a", 200), ("a", 429), ("b", 200)] {
        let key = format!("X-API-Key: key-of-{name}");
        let request = request("GET", "/capabilities", &[&key], b"");
        let answer = Answer::parse(&raw(agent.addr(), &request).await);
        assert_eq!(answer.status, expected, "{name}");
    }
    agent.stop().await;
}
