//! What is shown of a cache under load.

use super::blocks::{Block, Kind, distributions};
use super::words::share;
use super::{Cache, Model};

pub(super) fn of(cache: &Cache, model: Model) -> Block {
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
        // In the open model the latency above counts from when a request was due.
        title: match model {
            Model::Closed => "Cache, in ms",
            Model::Open => "Cache, in ms of service",
        },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_no_rate() {
        let cache = Cache {
            hit_rate_unknown: true,
            ..Cache::default()
        };
        assert_eq!(cache.known_hit_rate(), None);
        let block = of(&cache, Model::Closed);
        assert!(block.rows[0].1.starts_with("not known"), "{block:?}");
    }

    #[test]
    fn times_from_when_a_request_was_sent_are_called_service() {
        let title = |model| of(&Cache::default(), model).title;
        assert_eq!(title(Model::Closed), "Cache, in ms");
        assert_eq!(title(Model::Open), "Cache, in ms of service");
    }
}
