//! What is told of a run besides its exchanges: facts, and what became of processes.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::pick::Pick;
use crate::evidence::Topic;
use crate::feature::Feature;
use crate::launch::Exit;
use crate::params::Params;
use crate::scenes::{Life, mark};
use crate::settings::{Facts, Terms};

/// Times as they come about, and as an agent may make them up.
const TIMES: &[Duration] = &[
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_millis(3),
    Duration::from_millis(150),
    Duration::from_secs(1),
    Duration::from_secs(10),
    Duration::from_secs(31),
    Duration::from_secs(3_600),
    Duration::from_secs(1 << 40),
];

/// A time.
pub(super) fn time(pick: &mut Pick<'_>) -> Duration {
    match pick.below(3) {
        0 => Duration::from_millis(pick.below(2_000) as u64),
        1 => Duration::from_micros(pick.below(1 << 26) as u64),
        _ => pick.of(TIMES),
    }
}

/// What the user says.
pub(super) fn facts(pick: &mut Pick<'_>) -> Facts {
    let claims = (0..pick.below(4)).map(|_| pick.of(Feature::ALL)).collect();
    let params = Params {
        cache_ttl: pick.once_in(3).then(|| time(pick)),
        rate_limit: pick.once_in(3).then(|| {
            (
                pick.of(&[1, 2, 5, 1_000, u32::MAX]),
                time(pick).max(TIMES[1]),
            )
        }),
        slow_input: pick.once_in(3).then(|| json!({"city": "Atlantis"})),
        refused_credentials: vec!["revoked-key".to_owned(); pick.below(2)],
        change_capabilities: pick
            .once_in(3)
            .then(|| ("POST".to_owned(), "/admin/capabilities".to_owned())),
    };
    let launched = pick.once_in(2).then(|| Terms {
        heartbeat: pick.of(TIMES).max(Duration::from_millis(100)),
        is_quick: pick.once_in(3),
    });
    Facts {
        seed: 0,
        cases: 10,
        claims,
        stream_path: pick.once_in(4).then(|| "/stream".to_owned()),
        params,
        descriptor: pick.once_in(4).then(|| json!({"agent_id": "weather"})),
        manifest: pick.once_in(4).then(|| json!({"agent_id": "weather"})),
        launched,
        started_at: Timestamp::from_second(1_790_000_000).unwrap_or(Timestamp::MIN),
    }
}

/// What became of the processes of some scenes.
pub(super) fn lives(pick: &mut Pick<'_>) -> BTreeMap<Topic, Life> {
    let scenes = Topic::ALL.iter().filter(|topic| topic.is_scene());
    let mut lives = BTreeMap::new();
    for scene in scenes {
        if pick.once_in(2) {
            lives.insert(*scene, life(pick));
        }
    }
    lives
}

fn life(pick: &mut Pick<'_>) -> Life {
    let mut life = Life::default();
    for name in [mark::READY, mark::SIGNALLED, mark::BACK, mark::WATCHED] {
        if !pick.once_in(3) {
            life.marks.insert(name, time(pick));
        }
    }
    if pick.once_in(6) {
        life.trouble = Some("it did not come".to_owned());
    }
    if pick.once_in(2) {
        let exit = Exit {
            code: pick.of(&[Some(0), Some(1), Some(143), Some(-1), None]),
            signal: pick.of(&[None, Some(15), Some(9)]),
        };
        life.exit = Some((time(pick), exit));
    }
    life
}
