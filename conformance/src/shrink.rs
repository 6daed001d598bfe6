//! Shrinking: asking with ever smaller cases while the rule still fails.

use std::sync::Arc;

use crate::cases::{self, Case};
use crate::drive::{Driver, Question};
use crate::evidence::{Ask, Evidence};
use crate::judge::{Outcome, judge};
use crate::probe::Part;
use crate::rule::{Flaw, Rule};

/// How many smaller cases are asked for one failure; streams take their time.
const TRIES: usize = 48;
const STREAM_TRIES: usize = 12;

/// The smallest case found, and what is wrong with its answer.
#[derive(Debug)]
pub(crate) struct Shrunk {
    pub(crate) ask: Arc<Ask>,
    pub(crate) flaw: Flaw,
}

/// The failing ask to begin with: the one with the shortest generated case. There is none if
/// everything fails: then it is not the case that makes it fail.
pub(crate) fn candidate<'e>(outcome: &Outcome, evidence: &'e Evidence) -> Option<&'e Ask> {
    let Outcome::Fail(judged) = outcome else {
        return None;
    };
    if judged.failures.len() == judged.checked {
        return None;
    }
    let failing = judged
        .failures
        .iter()
        .filter_map(|failure| evidence.asks.get(failure.ask?));
    let generated = failing.filter_map(|ask| Some((ask.about.case.as_ref()?.0.text.len(), ask)));
    generated
        .min_by_key(|(length, _)| *length)
        .map(|(_, ask)| ask.as_ref())
}

/// The smallest case that still fails, if there is a smaller one.
pub(crate) async fn shrink(
    rule: &'static Rule,
    ask: &Ask,
    evidence: &Evidence,
    driver: &Driver<'_>,
) -> Option<Shrunk> {
    let (mut case, frame) = ask.about.case.clone()?;
    let part = if frame.path == "/config" {
        Part::Config
    } else {
        Part::Input
    };
    let schema = evidence.probe.schema(part).ok()?;
    let mut tries = if frame.is_stream { STREAM_TRIES } else { TRIES };
    let mut smallest = None;
    'smaller: loop {
        let candidates = cases::shrink_until(&case, schema, &evidence.deadline);
        let candidates: Vec<Case> = candidates.take(tries).collect();
        for candidate in candidates {
            tries = tries.checked_sub(1)?;
            let question = Question::case(ask.about.step, ask.about.key, &candidate, &frame);
            let Some(asked) = driver.ask(question).await else {
                return smallest;
            };
            if let Some(shrunk) = judged(rule, Arc::new(asked), evidence) {
                smallest = Some(shrunk);
                case = candidate;
                continue 'smaller;
            }
        }
        return smallest;
    }
}

/// Judges one ask by itself.
pub(crate) fn judged(rule: &Rule, ask: Arc<Ask>, evidence: &Evidence) -> Option<Shrunk> {
    let alone = evidence.with_only(Arc::clone(&ask));
    let Outcome::Fail(judged) = judge(rule, &alone) else {
        return None;
    };
    let flaw = judged.failures.into_iter().next()?.flaw;
    Some(Shrunk { ask, flaw })
}
