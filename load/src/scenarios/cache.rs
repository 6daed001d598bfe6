//! `cache`: how often answers come from the cache, what that saves, and whether they are right.

mod answers;
mod metrics;
mod modes;
mod questions;

use std::sync::Arc;
use std::time::Duration;

use acp_reports::load::{Cache, Defect, Report};
use hdrhistogram::Histogram;
use serde_json::Value;

use self::questions::{Questions, Seen};
use super::Scenario;
use crate::attack::Taken;
use crate::popularity::{Pace, Room};
use crate::recorder::{Series, histogram};
use crate::run::{self, Job};
use crate::summary::latency;

/// The scenario.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "cache",
    summary: "hit rate, what a hit saves, wrong answers, stampedes",
    attack: |job| Box::pin(attack(job)),
};

async fn attack(job: &Job) -> Report {
    let mut report = run::blank(job, SCENARIO.name);
    let Some(traffic) = run::learn(job, &mut report).await else {
        return report;
    };
    let questions = match Questions::prepare(job, &traffic).await {
        Ok(questions) => Arc::new(questions),
        Err(why) => {
            report.error = Some(why);
            return report;
        }
    };
    report.notes.extend(questions.notes.iter().cloned());
    let before = metrics::counters(&job.target).await;
    let taken = run::attack(job, &job.load, questions.clone(), &mut report).await;
    let Some(taken) = taken else {
        return report;
    };
    let after = metrics::counters(&job.target).await;
    let seen = questions.seen();
    if let (Some(before), Some(after)) = (before, after) {
        let told = before.until(after);
        let has_warm_up = !job.load.warm_up.is_zero();
        report
            .notes
            .push(compare(told, (seen.hits, seen.misses), has_warm_up));
    }
    let mut cache = figures(&questions, &seen, &taken, &mut report.notes);
    let (total, warm_up) = (report.requests.total, taken.tape.warm_up);
    let time = taken.measured + job.load.warm_up;
    let pace = Pace {
        requests: total + warm_up,
        warm_up,
        per_second: (total + warm_up) as f64 / time.as_secs_f64().max(1e-3),
    };
    let expected = questions.expected(room(job.cache, &traffic.capabilities), pace, job.load.seed);
    cache.expected_hit_rate = expected.unwrap_or_default();
    report.cache = Some(cache);
    report.notes.extend(unverified(&seen));
    report.defects.extend(defects(&seen));
    report
}

/// What the user says of the cache, and else what the agent does.
fn room(said: Room, capabilities: &Value) -> Room {
    const TIMES: [&str; 3] = [
        "/cache/ttl_seconds",
        "/caching/ttl_seconds",
        "/cache_ttl_seconds",
    ];
    const SIZES: [&str; 3] = [
        "/cache/max_entries",
        "/caching/max_entries",
        "/cache_max_entries",
    ];
    let told = |names: [&str; 3]| names.iter().find_map(|it| capabilities.pointer(it));
    let seconds = told(TIMES).and_then(Value::as_f64);
    let time_to_live = seconds.and_then(|it| Duration::try_from_secs_f64(it).ok());
    let answers = told(SIZES).and_then(Value::as_u64);
    Room {
        time_to_live: said.time_to_live.or(time_to_live),
        answers: said
            .answers
            .or(answers.and_then(|it| usize::try_from(it).ok())),
    }
}

/// What the agent counted, which counts from the first request on, beside what was seen.
fn compare((hits, misses): (u64, u64), seen: (u64, u64), has_warm_up: bool) -> String {
    let with = if has_warm_up {
        ", warm-up included"
    } else {
        ""
    };
    let told = format!("the agent's own counters say {hits} hits and {misses} misses");
    match (hits, misses) == seen {
        true => format!("{told}: the same as was seen{with}"),
        false => {
            let (hits, misses) = seen;
            format!("{told}; {hits} and {misses} were seen{with}")
        }
    }
}

fn figures(questions: &Questions, seen: &Seen, taken: &Taken, notes: &mut Vec<String>) -> Cache {
    let mut cache = Cache {
        wrong_answers: seen.wrong,
        stampedes: seen.stampedes,
        largest_stampede: seen.largest,
        popularity: questions.popularity(),
        marker: questions.marker(),
        ..Cache::default()
    };
    let tape = &taken.tape;
    let (hits, misses) = if questions.marker().is_some() {
        (tape.whole(Series::Hit), tape.whole(Series::Miss))
    } else {
        // What was not marked can only be told by how long it took.
        let service = tape.whole(Series::Service);
        let times = if service.is_empty() {
            tape.whole(Series::Latency)
        } else {
            service
        };
        match modes::split(&times) {
            Some(halves) => {
                cache.inferred = true;
                halves
            }
            None => {
                notes.push(
                    "no answer is marked as a hit, and no valley parts fast answers from slow ones: nothing can be said of a cache".to_owned(),
                );
                (histogram(), histogram())
            }
        }
    };
    cache.hits = hits.len();
    cache.misses = misses.len();
    let all = cache.hits + cache.misses;
    cache.hit_rate_unknown = all == 0;
    if all > 0 {
        cache.hit_rate = cache.hits as f64 / all as f64;
    }
    if !hits.is_empty() && !misses.is_empty() {
        let median = |it: &Histogram<u64>| it.value_at_quantile(0.5) as f64;
        cache.speed_up = Some(median(&misses) / median(&hits));
    }
    cache.hit_latency_ms = latency(&hits);
    cache.miss_latency_ms = latency(&misses);
    cache
}

fn unverified(seen: &Seen) -> Option<String> {
    let note = format!(
        "{} hits, warm-up included, could not be checked: no answer that was computed for their questions can be held against them",
        seen.unverified
    );
    (seen.unverified > 0).then_some(note)
}

fn defects(seen: &Seen) -> Option<Defect> {
    let message = seen.example.clone()?;
    Some(Defect {
        name: "wrong-answers".to_owned(),
        message,
        count: seen.wrong,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_warm_up_in_the_agents_counters_is_said() {
        let same = compare((914, 486), (914, 486), true);
        assert!(same.ends_with("same as was seen, warm-up included"));
        let other = compare((914, 486), (900, 486), true);
        assert!(other.ends_with("486 were seen, warm-up included"));
        let without = compare((9, 4), (9, 4), false);
        assert!(without.ends_with("the same as was seen"));
    }

    #[test]
    fn what_the_user_says_of_the_cache_comes_before_what_the_agent_does() {
        let told = json!({"cache": {"ttl_seconds": 1.5, "max_entries": 70}});
        let agents = Room {
            time_to_live: Some(Duration::from_millis(1500)),
            answers: Some(70),
        };
        assert_eq!(room(Room::default(), &told), agents);
        assert_eq!(room(Room::default(), &json!({})), Room::default());
        let said = Room {
            answers: Some(5),
            ..Room::default()
        };
        assert_eq!(room(said, &told).answers, Some(5));
        assert_eq!(room(said, &told).time_to_live, agents.time_to_live);
    }
}
