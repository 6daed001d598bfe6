//! Looks that many rules share: whether there is an answer, and what can be read of it.

use serde_json::Value;

use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::probe::Part;
use crate::rule::{Judgement, Look};
use crate::schema::Violation;
use crate::show;
use crate::wire::{Answer, End};

/// What is said of JSON that may well be right, and that the checker does not read to its end.
pub(super) const TOO_DEEP: &str = "the document nests deeper than the checker reads";

/// The answer's head, or what it means that there is none.
///
/// No answer is a flaw where one is due; a 401 or a 429 leaves nothing to judge.
pub(super) fn answered(ask: &Ask) -> Result<&Answer, Look> {
    let Some(answer) = ask.answer() else {
        return Err(no_answer(ask));
    };
    match show::turned_away(answer) {
        Some(why) => Err(Look::missing(why)),
        None => Ok(answer),
    }
}

/// The same, of an answer whose body came whole.
pub(super) fn whole(ask: &Ask) -> Result<&Answer, Look> {
    let answer = answered(ask)?;
    match &ask.exchange.end {
        End::Complete => Ok(answer),
        End::TooLarge => Err(Look::missing("the body is larger than the checker reads")),
        _ => Err(no_answer(ask)),
    }
}

fn no_answer(ask: &Ask) -> Look {
    match &ask.exchange.end {
        End::Unreachable(why) => Look::missing(format!("the agent could not be reached: {why}")),
        End::Left | End::TooLarge | End::Complete => Look::Beside,
        end => Look::flaw("there is no whole answer", "an answer", show::end(end)),
    }
}

/// An answer with a body of JSON.
pub(super) fn json(ask: &Ask) -> Result<&Value, Look> {
    whole(ask)?;
    ask.json()
        .ok_or_else(|| Look::missing("the body is not JSON: see transport.json-is-valid"))
}

/// Settles a look that may end early.
pub(super) fn settle(look: Result<Look, Look>) -> Look {
    look.unwrap_or_else(|early| early)
}

/// Fine if the answer's status is one of these.
pub(super) fn status_is(ask: &Ask, wanted: &[u16], message: &str) -> Look {
    settle(answered(ask).map(|answer| {
        if wanted.contains(&answer.status) {
            return Look::Fine;
        }
        let expected: Vec<String> = wanted.iter().map(u16::to_string).collect();
        Look::flaw(message, expected.join(" or "), show::answer(answer))
    }))
}

/// Fine if the answer's status is 4xx.
pub(super) fn is_refused(ask: &Ask, message: &str) -> Look {
    settle(answered(ask).map(|answer| {
        if answer.is_client_error() {
            return Look::Fine;
        }
        Look::flaw(message, "4xx", show::answer(answer))
    }))
}

/// What a rule over one document says when the document is not there.
pub(super) fn document(
    evidence: &Evidence,
    step: Step,
    look: impl Fn(&Value) -> Look,
) -> Judgement {
    crate::rule::each(evidence, evidence.at(Topic::Documents, step), |ask| {
        settle(answered(ask).and_then(|answer| {
            if answer.status != 200 {
                return Err(Look::missing(format!(
                    "{} answers {}",
                    ask.exchange.request.path, answer.status
                )));
            }
            json(ask).map(&look)
        }))
    })
}

/// Outputs of successful invocations under these topics, with the asks that gave them.
pub(super) fn outputs<'e>(
    evidence: &'e Evidence,
    topics: &'e [Topic],
) -> impl Iterator<Item = (&'e Ask, &'e Value)> {
    evidence
        .all()
        .filter(|ask| topics.contains(&ask.topic) && is_invoke(ask))
        .filter_map(|ask| Some((ask, output(ask)?)))
}

/// Whether an ask is a plain `/invoke`.
pub(super) fn is_invoke(ask: &Ask) -> bool {
    let request = &ask.exchange.request;
    request.method == "POST" && request.path == "/invoke" && !ask.is_stream()
}

/// The `output` of a successful invocation.
pub(super) fn output(ask: &Ask) -> Option<&Value> {
    ask.answer().filter(|answer| answer.status == 200)?;
    ask.json()?.get("output")
}

/// Violations in a line.
pub(super) fn list(violations: &[Violation]) -> String {
    const SHOWN: usize = 3;
    let mut lines: Vec<String> = violations
        .iter()
        .take(SHOWN)
        .map(|violation| {
            let path = if violation.instance_path.is_empty() {
                "/"
            } else {
                &violation.instance_path
            };
            format!("at {path}: {}", violation.message)
        })
        .collect();
    if violations.len() > SHOWN {
        lines.push(format!("and {} more", violations.len() - SHOWN));
    }
    lines.join("; ")
}

/// Skips a rule over generated invalid cases when the schema forbids nothing, and says why there
/// are none when there are none.
pub(super) fn without_cases(evidence: &Evidence, topic: Topic, part: Part) -> Option<Judgement> {
    if evidence.of(topic).next().is_some() || evidence.incomplete.contains_key(&topic) {
        return None;
    }
    Some(match evidence.probe.schema(part) {
        Err(why) => Judgement::Inconclusive(why.to_owned()),
        Ok(_) => Judgement::Skip(format!(
            "nothing invalid can be made under the {} schema: it allows everything",
            part.name()
        )),
    })
}

/// Why no valid case could be asked, if none was.
pub(super) fn without_valid(evidence: &Evidence, topic: Topic, part: Part) -> Option<Judgement> {
    if evidence.of(topic).next().is_some() || evidence.incomplete.contains_key(&topic) {
        return None;
    }
    let why = evidence.probe.schema(part).err().map_or_else(
        || {
            format!(
                "nothing valid could be made under the {} schema: see schema.satisfiable",
                part.name()
            )
        },
        str::to_owned,
    );
    Some(Judgement::Inconclusive(why))
}
