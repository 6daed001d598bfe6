//! Taking secrets out of what was gathered, before it is judged, shown or written down.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::Recording;
use crate::cases::Case;
use crate::drive::Stop;
use crate::evidence::{About, Ask, Evidence, Frame, Topic};
use crate::redact::{REDACTED, Redactor};
use crate::scenes::Life;
use crate::settings::Facts;
use crate::verdict::Round;
use crate::wire::{Answer, End, Exchange, Request};

/// The same recording without the secrets that its redactor knows.
pub(super) fn recording(from: Recording) -> Recording {
    let redactor = &from.redactor;
    let stop = from.ended.stop.map(|stop| match stop {
        Stop::Gone(why) => Stop::Gone(redactor.text(&why)),
        other => other,
    });
    let rounds = from.rounds.into_iter().map(|round| Round {
        topics: round.topics,
        asks: asks(redactor, round.asks),
        incomplete: reasons(redactor, round.incomplete),
    });
    let shrunk = from.shrunk.into_iter();
    let shrunk = shrunk.map(|(rule, shrunk)| (rule, ask(redactor, shrunk)));
    Recording {
        url: redactor.text(&from.url),
        evidence: evidence(redactor, from.evidence),
        rounds: rounds.collect(),
        shrunk: shrunk.collect(),
        ended: super::Ended { stop, ..from.ended },
        redactor: from.redactor.clone(),
        ..from
    }
}

fn evidence(redactor: &Redactor, from: Evidence) -> Evidence {
    let Evidence {
        facts,
        asks: gathered,
        incomplete,
        lives,
        ..
    } = from;
    let lives = lives.into_iter();
    let lives = lives.map(|(topic, one)| (topic, life(redactor, one)));
    let facts = self::facts(redactor, facts);
    let gathered = asks(redactor, gathered);
    Evidence::new(facts, gathered, reasons(redactor, incomplete)).with_lives(lives.collect())
}

fn facts(redactor: &Redactor, mut facts: Facts) -> Facts {
    let params = &mut facts.params;
    for refused in &mut params.refused_credentials {
        REDACTED.clone_into(refused);
    }
    let documents = [
        &mut params.slow_input,
        &mut facts.descriptor,
        &mut facts.manifest,
    ];
    for document in documents.into_iter().flatten() {
        redactor.document(document);
    }
    if let Some((_, path)) = &mut params.change_capabilities {
        *path = redactor.text(path);
    }
    facts.stream_path = facts.stream_path.map(|path| redactor.text(&path));
    facts
}

fn reasons(redactor: &Redactor, reasons: BTreeMap<Topic, String>) -> BTreeMap<Topic, String> {
    let reasons = reasons.into_iter();
    reasons
        .map(|(topic, why)| (topic, redactor.text(&why)))
        .collect()
}

fn life(redactor: &Redactor, life: Life) -> Life {
    Life {
        trouble: life.trouble.map(|trouble| redactor.text(&trouble)),
        last_words: redactor.text(&life.last_words),
        ..life
    }
}

fn asks(redactor: &Redactor, asks: Vec<Arc<Ask>>) -> Vec<Arc<Ask>> {
    let asks = asks.into_iter();
    asks.map(|one| ask(redactor, one)).collect()
}

/// Takes the ask apart if nobody else holds it, so that no body is there twice.
fn ask(redactor: &Redactor, ask: Arc<Ask>) -> Arc<Ask> {
    let (topic, about, exchange) = match Arc::try_unwrap(ask) {
        Ok(ask) => (ask.topic, ask.about, ask.exchange),
        Err(ask) => (ask.topic, ask.about.clone(), ask.exchange.clone()),
    };
    let about = self::about(redactor, about);
    Arc::new(Ask::new(topic, about, self::exchange(redactor, exchange)))
}

fn about(redactor: &Redactor, about: About) -> About {
    let case = about.case.map(|(case, frame)| {
        let text = redactor.text(&case.text);
        let case = Case {
            name: redactor.text(&case.name),
            value: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
            class: case.class,
        };
        let frame = Frame {
            path: redactor.text(&frame.path),
            ..frame
        };
        (case, frame)
    });
    About {
        note: redactor.text(&about.note),
        case,
        ..about
    }
}

fn exchange(redactor: &Redactor, exchange: Exchange) -> Exchange {
    Exchange {
        request: request(redactor, exchange.request),
        answer: exchange.answer.map(|one| answer(redactor, one)),
        end: end(redactor, exchange.end),
        ..exchange
    }
}

fn request(redactor: &Redactor, mut request: Request) -> Request {
    let before = request.body.len();
    let body = redactor.body(std::mem::take(&mut request.body), &mut []);
    // Whether it was cut is told from the two lengths.
    let left_out = request.body_length.saturating_sub(before);
    request.body_length = match request.body_length > before {
        true => body.len().saturating_add(left_out),
        false => body.len(),
    };
    Request {
        path: redactor.text(&request.path),
        headers: headers(redactor, request.headers),
        body,
        ..request
    }
}

fn answer(redactor: &Redactor, mut answer: Answer) -> Answer {
    let body = redactor.body(std::mem::take(&mut answer.body), &mut answer.reads);
    Answer {
        headers: headers(redactor, answer.headers),
        body,
        ..answer
    }
}

fn headers(redactor: &Redactor, headers: Vec<(String, String)>) -> Vec<(String, String)> {
    let shown = |(name, value): (String, String)| {
        let value = redactor.header(&name, &value);
        (redactor.text(&name), value)
    };
    headers.into_iter().map(shown).collect()
}

fn end(redactor: &Redactor, end: End) -> End {
    match end {
        End::Cut(how) => End::Cut(redactor.text(&how)),
        End::NotHttp(why) => End::NotHttp(redactor.text(&why)),
        End::Unreachable(why) => End::Unreachable(redactor.text(&why)),
        other => other,
    }
}
