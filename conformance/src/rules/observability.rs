//! Rules on `/health` and `/metrics`.

use std::collections::BTreeMap;
use std::time::Duration;

use acp_reports::Level::{Must, Should};
use serde_json::Value;

use super::looks::{answered, document, settle, whole};
use crate::drive::observability::{UNKNOWN_PATHS, key};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::exposition::{Exposition, Format, parse};
use crate::feature::Feature::Observability;
use crate::rule::{Judgement, Look, Rule, Tally, each};
use crate::show;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "health.responds",
        level: Must,
        feature: Observability,
        clause: "`GET /health` answers 200 with `status`: `healthy`, `degraded` or `unhealthy`.",
        source: "seed, P1",
        why: "Orchestrators restart what they take for dead.",
        mend: "Answer 200 with one of the three words in `status`.",
        reads: &[Topic::Documents],
        judge: health_responds,
    },
    Rule {
        id: "health.healthy",
        level: Should,
        feature: Observability,
        clause: "`status` is `healthy` while the agent serves.",
        source: "seed, P1",
        why: "An agent that calls itself ill gets no work.",
        mend: "Say `healthy` as long as requests are answered.",
        reads: &[Topic::Documents],
        judge: health_healthy,
    },
    Rule {
        id: "health.fast-under-load",
        level: Should,
        feature: Observability,
        clause: "`/health` answers within 1 s while `/invoke` is saturated.",
        source: "seed (probes)",
        why: "A probe that waits in the queue kills the agent when it is needed most.",
        mend: "Answer probes beside the work, not behind it.",
        reads: &[Topic::HealthUnderLoad],
        judge: health_fast_under_load,
    },
    Rule {
        id: "metrics.exposition",
        level: Must,
        feature: Observability,
        clause: "`/metrics` is a valid Prometheus or OpenMetrics text with the content type of its format.",
        source: "seed; Prometheus exposition formats",
        why: "A scraper drops the whole scrape for one line that it cannot read.",
        mend: "Let a client library write the text, and send its content type.",
        reads: &[Topic::Metrics],
        judge: exposition,
    },
    Rule {
        id: "metrics.names",
        level: Should,
        feature: Observability,
        clause: "There are `acp_agent_requests_total{endpoint,status}`, `acp_agent_request_duration_seconds{endpoint}` and `acp_agent_active_configs`.",
        source: "seed",
        why: "Dashboards and alerts are made once, for these names.",
        mend: "Use the seed's names and labels.",
        reads: &[Topic::Metrics],
        judge: names,
    },
    Rule {
        id: "metrics.counts-true",
        level: Must,
        feature: Observability,
        clause: "After N known requests the counters have grown by N, and the histogram's count with them; streams are timed to their end.",
        source: "seed",
        why: "Whoever is paged by a wrong count stops looking.",
        mend: "Count each request once, when its answer has gone out to its end.",
        reads: &[Topic::Metrics],
        judge: counts_true,
    },
    Rule {
        id: "metrics.bounded-labels",
        level: Should,
        feature: Observability,
        clause: "Unknown paths do not each make a time series.",
        source: "design",
        why: "A scanner that asks for made-up paths fills the memory of agent and Prometheus.",
        mend: "Label by the route's template, and by one name for whatever has none.",
        reads: &[Topic::Metrics],
        judge: bounded_labels,
    },
];

const REQUESTS: &str = "acp_agent_requests_total";
const DURATION: &str = "acp_agent_request_duration_seconds";
const CONFIGS: &str = "acp_agent_active_configs";

fn health_responds(evidence: &Evidence) -> Judgement {
    each(
        evidence,
        evidence.at(Topic::Documents, Step::Health),
        |ask| {
            settle(whole(ask).map(|answer| {
                let status = ask.json().and_then(|body| body.get("status")?.as_str());
                let is_word = |word| matches!(word, "healthy" | "degraded" | "unhealthy");
                if answer.status == 200 && status.is_some_and(is_word) {
                    return Look::Fine;
                }
                let expected = "200, and one of the three words in `status`";
                Look::flaw(
                    "/health does not say how the agent is",
                    expected,
                    show::answer(answer),
                )
            }))
        },
    )
}

fn health_healthy(evidence: &Evidence) -> Judgement {
    document(evidence, Step::Health, |body| {
        match body.get("status").and_then(Value::as_str) {
            Some("healthy") => Look::Fine,
            Some("degraded" | "unhealthy") => Look::flaw(
                "the agent serves and does not call itself healthy",
                "healthy",
                show::member(body, "status"),
            ),
            _ => Look::missing("`status` is none of the three words: see health.responds"),
        }
    })
}

fn health_fast_under_load(evidence: &Evidence) -> Judgement {
    const LONGEST: Duration = Duration::from_secs(1);
    each(
        evidence,
        evidence.at(Topic::HealthUnderLoad, Step::Main),
        |ask| {
            settle(
                answered(ask).map(|_| match ask.exchange.elapsed <= LONGEST {
                    true => Look::Fine,
                    false => Look::flaw(
                        "a probe waits behind the work",
                        "an answer within 1 s",
                        format!("an answer after {:.1?}", ask.exchange.elapsed),
                    ),
                }),
            )
        },
    )
}

/// That there is no `/metrics`, which an agent may leave out if it does not claim to have it.
fn without_metrics(evidence: &Evidence) -> Option<Judgement> {
    let mut scrapes = evidence.at(Topic::Metrics, Step::Main).peekable();
    let is_asked = scrapes.peek().is_some();
    let is_absent = |ask: &Ask| ask.answer().is_some_and(|answer| answer.status == 404);
    let is_free = !evidence.probe.is_claimed(Observability);
    let why = "there is no /metrics, and nobody claims that there is";
    (is_asked && is_free && scrapes.all(is_absent)).then(|| Judgement::Unseen(why.to_owned()))
}

/// What a scrape says; of a text with defects, what could be read.
fn read(ask: &Ask) -> Result<(Exposition, Vec<crate::exposition::Defect>), Look> {
    let answer = whole(ask)?;
    if answer.status != 200 {
        return Err(Look::missing(format!("/metrics answers {}", answer.status)));
    }
    let kind = answer.media_type().unwrap_or_default();
    let format = Format::of(&kind).unwrap_or(Format::Prometheus);
    let Ok(text) = std::str::from_utf8(&answer.body) else {
        return Err(Look::flaw(
            "the metrics are not UTF-8",
            "UTF-8",
            "other bytes",
        ));
    };
    Ok(parse(text, format))
}

fn scrape(evidence: &Evidence, key: usize) -> Option<(&Ask, Exposition)> {
    let ask = evidence.one(Topic::Metrics, Step::Main, key)?;
    Some((ask, read(ask).ok()?.0))
}

fn exposition(evidence: &Evidence) -> Judgement {
    if let Some(skipped) = without_metrics(evidence) {
        return skipped;
    }
    each(evidence, evidence.at(Topic::Metrics, Step::Main), |ask| {
        settle(read(ask).map(|(_, defects)| {
            let kind = ask.answer().and_then(|answer| answer.media_type());
            if kind.as_deref().and_then(Format::of).is_none() {
                let expected = "text/plain; version=0.0.4, or application/openmetrics-text";
                let got = kind.unwrap_or_else(|| "no content type".to_owned());
                return Look::flaw("the content type is none of an exposition", expected, got);
            }
            let Some(first) = defects.first() else {
                return Look::Fine;
            };
            let got = format!("line {}: {}", first.line, first.message);
            Look::flaw("the text is no valid exposition", "a valid exposition", got)
        }))
    })
}

fn names(evidence: &Evidence) -> Judgement {
    if let Some(skipped) = without_metrics(evidence) {
        return skipped;
    }
    each(evidence, scraped(evidence, key::UNKNOWN), |ask| {
        settle(read(ask).map(|(exposition, _)| {
            if exposition.samples.is_empty() {
                return Look::missing("nothing could be read: see metrics.exposition");
            }
            let has = |name: &str, labels: &[&str]| {
                let held = |sample: &crate::exposition::Sample| {
                    labels
                        .iter()
                        .all(|label| sample.labels.contains_key(*label))
                };
                exposition.of(name).any(held)
            };
            let buckets = format!("{DURATION}_bucket");
            let missing: Vec<&str> = [
                (has(REQUESTS, &["endpoint", "status"]), REQUESTS),
                (has(&buckets, &["endpoint"]), DURATION),
                (has(CONFIGS, &[]), CONFIGS),
            ]
            .into_iter()
            .filter_map(|(is_there, name)| (!is_there).then_some(name))
            .collect();
            match missing.is_empty() {
                true => Look::Fine,
                false => Look::flaw(
                    "a metric of the seed is missing, or lacks a label",
                    "the three metrics of the seed with their labels",
                    format!("no {}", missing.join(", no ")),
                ),
            }
        }))
    })
}

fn scraped(evidence: &Evidence, key: usize) -> impl Iterator<Item = &Ask> {
    evidence
        .at(Topic::Metrics, Step::Main)
        .filter(move |ask| ask.about.key == key)
}

/// Why nothing is counted by endpoint, if so.
fn without_endpoints(exposition: &Exposition) -> Option<Judgement> {
    let mut counted = exposition.of(REQUESTS);
    let has_endpoint = counted.any(|sample| sample.labels.contains_key("endpoint"));
    let why = format!("there is no {REQUESTS} with the label `endpoint`: see metrics.names");
    (!has_endpoint).then_some(Judgement::Inconclusive(why))
}

fn counts_true(evidence: &Evidence) -> Judgement {
    if let Some(skipped) = without_metrics(evidence) {
        return skipped;
    }
    let (before, after) = (scrape(evidence, key::BEFORE), scrape(evidence, key::AFTER));
    let (Some((_, before)), Some((ask, after))) = (before, after) else {
        return Judgement::Inconclusive("the metrics could not be read twice".to_owned());
    };
    if let Some(judgement) = without_endpoints(&after) {
        return judgement;
    }
    let mut asked: BTreeMap<(&str, u16), Vec<&Ask>> = BTreeMap::new();
    for ask in counted(evidence) {
        if let Some(answer) = ask.answer() {
            let path = ask.exchange.request.path.as_str();
            asked.entry((path, answer.status)).or_default().push(ask);
        }
    }
    let mut tally = Tally::new(evidence);
    for ((path, status), asks) in &asked {
        let labels = [("endpoint", *path), ("status", &status.to_string())];
        let grown = after.sum(REQUESTS, &labels) - before.sum(REQUESTS, &labels);
        let what = format!("{REQUESTS} of {path} with {status}");
        tally.look(ask, has_grown(&what, grown, asks.len()));
    }
    for (path, asks) in by_path(&asked) {
        let labels = [("endpoint", path)];
        let grown = |name: &str| after.sum(name, &labels) - before.sum(name, &labels);
        let what = format!("the count of {DURATION} of {path}");
        tally.look(
            ask,
            has_grown(&what, grown(&format!("{DURATION}_count")), asks.len()),
        );
        if let [stream] = asks.as_slice()
            && stream.is_stream()
        {
            let seconds = grown(&format!("{DURATION}_sum"));
            tally.look(ask, is_timed_to_its_end(stream, seconds));
        }
    }
    let look = match after.falling_buckets() {
        None => Look::Fine,
        Some(got) => Look::flaw(
            "the buckets of a histogram do not add up",
            "each bucket holds all that is in the narrower ones",
            got,
        ),
    };
    tally.look(ask, look);
    tally.judgement()
}

/// What was sent between the two scrapes, what was refused for a while and waited out with it.
fn counted(evidence: &Evidence) -> impl Iterator<Item = &Ask> {
    let known = || evidence.at(Topic::Metrics, Step::Disturb);
    let last = known().map(|ask| ask.exchange.began).max();
    let refused = evidence
        .at(Topic::Metrics, Step::WaitedOut)
        .filter(move |ask| Some(ask.exchange.began) < last)
        .filter(move |ask| known().any(|it| it.exchange.request.path == ask.exchange.request.path));
    known().chain(refused)
}

fn by_path<'e>(asked: &BTreeMap<(&'e str, u16), Vec<&'e Ask>>) -> BTreeMap<&'e str, Vec<&'e Ask>> {
    let mut paths: BTreeMap<&str, Vec<&Ask>> = BTreeMap::new();
    for ((path, _), asks) in asked {
        paths.entry(path).or_default().extend(asks);
    }
    paths
}

fn has_grown(what: &str, grown: f64, by: usize) -> Look {
    if grown.total_cmp(&(by as f64)).is_eq() {
        return Look::Fine;
    }
    Look::flaw(
        format!("{what} has not grown by as many requests as were sent"),
        format!("{by} more"),
        format!("{grown} more"),
    )
}

/// The agent's own clock runs from the request to the last byte: at least as long as the time from
/// the first byte that came to the last.
fn is_timed_to_its_end(stream: &Ask, seconds: f64) -> Look {
    let Some(answer) = stream.answer() else {
        return Look::Beside;
    };
    let arrivals = [0, answer.body.len().saturating_sub(1)].map(|at| answer.arrival(at));
    let [Some(first), Some(last)] = arrivals else {
        return Look::Beside;
    };
    // Half of it: the network may deliver late and together what was sent in time.
    let least = last.saturating_sub(first).as_secs_f64() / 2.0;
    if seconds >= least {
        return Look::Fine;
    }
    Look::flaw(
        "a stream is not timed to its end",
        format!("at least {least:.3} s"),
        format!("{seconds:.3} s"),
    )
}

fn bounded_labels(evidence: &Evidence) -> Judgement {
    if let Some(skipped) = without_metrics(evidence) {
        return skipped;
    }
    let (before, after) = (scrape(evidence, key::AFTER), scrape(evidence, key::UNKNOWN));
    let (Some((_, before)), Some((ask, after))) = (before, after) else {
        return Judgement::Inconclusive("the metrics could not be read twice".to_owned());
    };
    if let Some(judgement) = without_endpoints(&after) {
        return judgement;
    }
    let grown = after.samples.len().saturating_sub(before.samples.len());
    let names: Vec<&str> = evidence
        .at(Topic::Metrics, Step::Setup)
        .filter_map(|ask| ask.exchange.request.path.rsplit('/').next())
        .collect();
    let told = after.samples.iter().filter(|sample| {
        let mut values = sample.labels.values();
        values.any(|value| names.iter().any(|name| value.contains(name)))
    });
    let mut tally = Tally::new(evidence);
    let told = told.count();
    let look = match told {
        0 => Look::Fine,
        _ => Look::flaw(
            "each unknown path makes a time series",
            "one name for all unknown paths",
            format!("{grown} more samples after {UNKNOWN_PATHS} unknown paths"),
        ),
    };
    tally.look(ask, look);
    tally.judgement()
}
