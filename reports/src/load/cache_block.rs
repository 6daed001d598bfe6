//! What is shown of a cache under load.

use super::Cache;
use super::blocks::{Block, Kind, distributions};
use super::words::share;

pub(super) fn of(cache: &Cache) -> Block {
    let told = match (&cache.marker, cache.inferred) {
        (_, true) => {
            "inferred from latency alone, since the agent marks nothing: a guess".to_owned()
        }
        (Some(marker), _) => format!("told by {marker}"),
        (None, false) => "told by the agent".to_owned(),
    };
    let seen = cache.known_hit_rate().map(|rate| {
        let (rate, hits, misses) = (share(rate), cache.hits, cache.misses);
        format!("{rate} ({hits} hits, {misses} misses; {told})")
    });
    let unknown = || "not known: the agent marks nothing, and latency tells nothing".to_owned();
    let mut rows = vec![
        ("hit rate", seen.unwrap_or_else(unknown)),
        ("computed", computed(cache)),
        ("wrong", format!("{} answers", cache.wrong_answers)),
    ];
    if let Some(speed_up) = cache.speed_up {
        let text = format!("a hit is {speed_up:.1} times as fast as a miss (medians)");
        rows.push(("speed-up", text));
    }
    let stampedes = match cache.stampedes {
        0 => "none seen".to_owned(),
        count => format!("{count}; at most {} at once", cache.largest_stampede),
    };
    rows.push(("stampedes", stampedes));
    Block {
        kind: Kind::Cache,
        title: "Cache, in ms",
        rows,
        table: Some(distributions(&[
            ("hits", &cache.hit_latency_ms),
            ("misses", &cache.miss_latency_ms),
        ])),
    }
}

fn computed(cache: &Cache) -> String {
    let rate = share(cache.expected_hit_rate);
    match cache.popularity.as_str() {
        "" => format!("{rate} for these keys, time to live and size"),
        keys => format!("{rate} for {keys}"),
    }
}
