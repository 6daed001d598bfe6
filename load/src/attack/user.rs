//! The life of one user: ask, read, put down, until the plan is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::field::Field;
use super::pacer::Due;
use crate::hot::{Line, Trouble};
use crate::recorder::{Sample, Verdict};
use crate::script::{Ask, Judged, User};

/// How often a user who has no place in the plan looks whether there is one.
const LOOK: Duration = Duration::from_millis(20);

/// Nobody listens, and a user who asks again at once would only hammer on the door.
const PAUSE: Duration = Duration::from_millis(100);

/// What goose is told of a request, for its live page.
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) time: Duration,
    pub(super) status: u16,
    pub(super) is_well: bool,
}

/// Where a user tells goose of its requests, if anyone looks.
pub(super) type Window = Option<mpsc::Sender<Shown>>;

/// When a request was due and when somebody was free for it.
struct Start {
    /// Since the clock started.
    intended: Duration,
    due: Option<Due>,
}

pub(super) async fn live(field: Arc<Field>, number: usize, window: Window) {
    let mut user = User::new(number, field.seed, field.recorder.clone());
    let mut line = Line::new(field.target.clone(), number);
    line.connect().await;
    let begin = field.arrive().await;
    while let Some(start) = start(&field, &mut user, begin).await {
        let Some(under_way) = field.set_out() else {
            return;
        };
        let ask = field.script.next(&mut user);
        user.inlet.expect(ask.reading);
        let exchange = line.exchange(ask.prepared, &mut user.inlet).await;
        user.counts = start.intended >= field.warm_up;
        let judged = field.script.judge(&mut user, &ask, &exchange);
        user.inlet.end();
        user.turn += 1;
        put_down(&field, begin, &start, &ask, &exchange, judged);
        if let Some(window) = &window {
            let shown = Shown {
                name: field.script.endpoints()[ask.endpoint].clone(),
                time: exchange.ended - exchange.began,
                status: exchange.status,
                is_well: !matches!(judged.verdict, Verdict::Failed(_)),
            };
            // What a full page cannot show is measured all the same.
            let _ = window.try_send(shown);
        }
        drop(under_way);
        if exchange.trouble == Some(Trouble::Unreachable) && field.pacer.is_none() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Waits until the user is to ask again; `None` when it is over.
async fn start(field: &Field, user: &mut User, begin: Instant) -> Option<Start> {
    if let Some(pacer) = &field.pacer {
        let due = pacer.next(begin, field.warm_up, &field.recorder).await?;
        return field.goes_on(due.at).then_some(Start {
            intended: due.at,
            due: Some(due),
        });
    }
    if user.turn > 0 && !field.think.most.is_zero() {
        let span = field.think.most.saturating_sub(field.think.least);
        let think = field.think.least + span.mul_f64(user.chance.fraction());
        tokio::time::sleep(think).await;
    }
    let crowd = field.crowd.as_ref()?;
    loop {
        let now = begin.elapsed();
        if !field.goes_on(now) {
            return None;
        }
        if (user.number as f64) < crowd.at(now) {
            return Some(Start {
                intended: now,
                due: None,
            });
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn put_down(
    field: &Field,
    begin: Instant,
    start: &Start,
    ask: &Ask<'_>,
    exchange: &crate::hot::Exchange,
    judged: Judged,
) {
    let service = exchange.ended - exchange.began;
    let intended = match start.due {
        Some(due) => begin + due.at,
        None => exchange.began,
    };
    let sample = Sample {
        endpoint: ask.endpoint,
        status: exchange.status,
        trouble: exchange.trouble,
        verdict: judged.verdict,
        hit: judged.hit,
        latency: exchange.ended.saturating_duration_since(intended),
        service,
    };
    let at = exchange
        .ended
        .saturating_duration_since(begin + field.warm_up);
    let lateness = exchange.began.saturating_duration_since(intended);
    field.recorder.with(|tape| {
        if start.intended < field.warm_up {
            tape.warm_up += 1;
            return;
        }
        if let Some(due) = start.due {
            let lag = if due.was_awaited {
                lateness
            } else {
                Duration::ZERO
            };
            tape.begin(lag, lateness);
        }
        tape.add(&sample, at, field.users as u64);
    });
}
