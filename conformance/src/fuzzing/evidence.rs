//! Evidence as no run yields it: any topic, any answers, in any number.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde_json::json;

use super::answers::{self, SECRET};
use super::lives::{self, time};
use super::pick::Pick;
use crate::cases::{Case, Generator};
use crate::evidence::{About, Ask, Evidence, Frame, Step, Topic};
use crate::schema::Schema;
use crate::wire::{Exchange, Request};

/// Groups of asks, and asks in one.
const GROUPS: usize = 24;
const IN_A_GROUP: usize = 6;
const STEPS: &[Step] = &[
    Step::Main,
    Step::Baseline,
    Step::Again,
    Step::Setup,
    Step::After,
    Step::Disturb,
    Step::Health,
    Step::Call,
    Step::Schema,
    Step::Capabilities,
    Step::Auth,
    Step::Root,
    Step::WaitedOut,
];
/// What a group goes through again and again.
const ROUNDS: &[&[Step]] = &[
    &[Step::Main],
    &[Step::Call],
    &[Step::Baseline, Step::Main],
    &[Step::Baseline, Step::Again, Step::Main],
    &[Step::Setup, Step::Main],
    &[Step::Main, Step::After],
];
/// Keys that some drive gives a meaning.
const KEYS: &[usize] = &[
    0, 1, 2, 3, 4, 5, 10, 100, 1_000, 1_001, 1_003, 10_000, 1_000_000,
];
const PATHS: &[&str] = &[
    "/invoke",
    "/invoke/stream",
    "/config",
    "/metrics",
    "/health",
    "/config/c1/history",
    "/config/c1/rollback",
    "/config/c1",
    "/auth",
    "/schema",
    "/capabilities",
    "/agents/register",
    "/agents/r1/heartbeat",
    "/agents/r1/capabilities",
    "/nowhere",
    "/invoke?api_key=sK-fuzz-0123456789",
];
/// The exchanges that the probe is read off.
const READ: &[(Topic, Step, &str)] = &[
    (Topic::Documents, Step::Auth, "/auth"),
    (Topic::Documents, Step::Schema, "/schema"),
    (Topic::Documents, Step::Capabilities, "/capabilities"),
    (Topic::Documents, Step::Health, "/health"),
    (Topic::Documents, Step::Root, "/"),
    (Topic::UnknownPath, Step::Main, "/acp-tck-nowhere"),
    (Topic::Discovery, Step::Main, "/invoke/stream"),
];

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let document = json!({
        "type": "object",
        "properties": {"city": {"type": "string", "minLength": 1}, "days": {"type": "integer"}},
        "required": ["city"]
    });
    let Ok(schema) = Schema::compile(&document) else {
        return Vec::new();
    };
    let mut generator = Generator::new(&schema, 0);
    let mut cases = generator.valid(4).unwrap_or_default();
    cases.extend(generator.invalid(4).0);
    cases
});

/// Evidence, as the bytes choose it.
pub(super) fn evidence(pick: &mut Pick<'_>) -> Evidence {
    let facts = lives::facts(pick);
    let mut clock = Duration::ZERO;
    let mut asks = Vec::new();
    for (topic, step, path) in READ {
        if !pick.once_in(16) {
            let key = usize::from(*topic == Topic::Discovery);
            asks.push(ask(pick, *topic, (*step, key), path, &mut clock));
        }
    }
    for _ in 0..GROUPS {
        if pick.is_done() {
            break;
        }
        group(pick, &mut asks, &mut clock);
    }
    asks.sort_by_key(|ask| ask.topic);
    let mut incomplete = BTreeMap::new();
    if pick.once_in(4) {
        incomplete.insert(pick.of(Topic::ALL), "the agent is gone".to_owned());
    }
    let lives = lives::lives(pick);
    let asks = asks.into_iter().map(Arc::new).collect();
    Evidence::new(facts, asks, incomplete).with_lives(lives)
}

fn group(pick: &mut Pick<'_>, asks: &mut Vec<Ask>, clock: &mut Duration) {
    let topic = pick.of(Topic::ALL);
    let steps = pick.of(ROUNDS);
    let path = pick.of(PATHS);
    for index in 0..=pick.below(IN_A_GROUP) {
        let step = match pick.below(6) {
            5 => pick.of(STEPS),
            _ => steps[index % steps.len()],
        };
        let key = match pick.below(3) {
            2 => pick.of(KEYS),
            _ => index / steps.len(),
        };
        let path = if pick.once_in(6) {
            pick.of(PATHS)
        } else {
            path
        };
        asks.push(ask(pick, topic, (step, key), path, clock));
    }
}

fn ask(
    pick: &mut Pick<'_>,
    topic: Topic,
    (step, key): (Step, usize),
    path: &str,
    clock: &mut Duration,
) -> Ask {
    let is_stream = path.ends_with("stream");
    let (case, request) = request(pick, path, is_stream);
    let (answer, end) = answers::answer(pick, path, is_stream);
    *clock += time(pick);
    let exchange = Exchange {
        request,
        began: *clock,
        elapsed: time(pick),
        answer,
        end,
    };
    let about = About {
        step,
        key,
        note: pick.of(&["a note", "London", ""]).to_owned(),
        case,
        is_beneath: pick.once_in(16),
        wants_stream: is_stream,
    };
    Ask::new(topic, about, exchange)
}

fn request(pick: &mut Pick<'_>, path: &str, is_stream: bool) -> (Option<(Case, Frame)>, Request) {
    let frame = Frame {
        path: path.to_owned(),
        before: "{\"input\": ".to_owned(),
        after: pick.of(&["}", ", \"config_id\": \"c1\"}", ""]).to_owned(),
        is_stream,
    };
    if let Some(case) = CASES.get(pick.below(CASES.len() + 3)) {
        let request = Request::post(path, frame.body(case));
        return (Some((case.clone(), frame)), request);
    }
    let mut body = json!({
        "agent_id": "weather", "name": "Weather", "protocol": "acp", "status": "healthy",
        "endpoint": "http://127.0.0.1:8001", "timestamp": "2026-09-21T13:33:20Z",
        "capabilities": ["advise"], "metadata": {"version": "1.2.3", "tags": ["a"]},
        "input": {"city": "London"}, "config": {"city": "Paris"}, "config_id": "c1", "version": "v1"
    });
    for _ in 0..pick.below(3) {
        answers::bend(pick, &mut body);
    }
    let mut request = match pick.below(4) {
        0 => Request::bare(pick.of(&["GET", "HEAD", "PUT", "OPTIONS"]), path),
        1 => Request::post(path, pick.bytes(32)),
        _ => Request::post(path, body.to_string()),
    };
    if pick.once_in(4) {
        request = request.with_header("X-API-Key", SECRET);
    }
    (None, request)
}
