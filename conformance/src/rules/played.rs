//! What the rules over scenes share: the agent's calls to an orchestrator, read; and what it
//! means that there are none.

use serde_json::Value;

use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::protocol::Message;
use crate::rule::{Judgement, Look};
use crate::rules::looks::list;
use crate::scenes::Life;

/// What a call to an orchestrator is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call<'e> {
    Register,
    Heartbeat(&'e str),
    Update(&'e str),
    Goodbye(&'e str),
    Stray,
}

impl<'e> Call<'e> {
    /// By its method and path.
    pub(super) fn of(ask: &'e Ask) -> Self {
        let request = &ask.exchange.request;
        let path = request.path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["agents", "register"]) => Self::Register,
            ("POST", ["agents", id, "heartbeat"]) => Self::Heartbeat(id),
            ("PUT", ["agents", id, "capabilities"]) => Self::Update(id),
            ("DELETE", ["agents", id]) => Self::Goodbye(id),
            _ => Self::Stray,
        }
    }
}

/// The agent's calls in a scene, in the order of arrival.
pub(super) fn calls(evidence: &Evidence, topic: Topic) -> impl Iterator<Item = &Ask> {
    evidence.at(topic, Step::Call)
}

/// The registrations among them.
pub(super) fn registrations(evidence: &Evidence, topic: Topic) -> impl Iterator<Item = &Ask> {
    calls(evidence, topic).filter(|ask| Call::of(ask) == Call::Register)
}

/// The heartbeats among them.
pub(super) fn heartbeats(evidence: &Evidence, topic: Topic) -> impl Iterator<Item = &Ask> {
    calls(evidence, topic).filter(|ask| matches!(Call::of(ask), Call::Heartbeat(_)))
}

/// The id that a registration was answered with.
pub(super) fn given(ask: &Ask) -> Option<&str> {
    ask.answer().filter(|answer| answer.is_success())?;
    ask.json()?.get("registration_id")?.as_str()
}

/// What the agent sent.
pub(super) fn sent(ask: &Ask) -> Option<Value> {
    serde_json::from_slice(&ask.exchange.request.body).ok()
}

/// A flaw if what was sent is not such a message.
pub(super) fn is_message(ask: &Ask, message: &Message, what: &str) -> Option<Look> {
    let expected = format!("a body that is valid under the schema of {what}");
    let Some(body) = sent(ask) else {
        return Some(Look::flaw(
            format!("{what} is not JSON"),
            expected,
            "no JSON",
        ));
    };
    let violations = message.violations(&body);
    (!violations.is_empty()).then(|| {
        Look::flaw(
            format!("{what} is not as it should be"),
            expected,
            list(&violations),
        )
    })
}

/// The names of some capabilities: texts, or objects with a name.
pub(super) fn names(capabilities: &Value) -> Option<Vec<&str>> {
    let name = |one: &'_ Value| one.as_str().is_some();
    let entries = capabilities.as_array()?;
    let mut names: Vec<&str> = entries
        .iter()
        .filter_map(|one| match name(one) {
            true => one.as_str(),
            false => one.get("name")?.as_str(),
        })
        .collect();
    names.sort_unstable();
    Some(names)
}

/// The life of a scene's process, or what it means that there is none to speak of.
pub(super) fn life(evidence: &Evidence, topic: Topic) -> Result<&Life, Judgement> {
    let Some(life) = evidence.lives.get(&topic) else {
        return Err(Judgement::Inconclusive(
            match evidence.incomplete.values().next() {
                Some(why) => why.clone(),
                None => "the agent was not started for it".to_owned(),
            },
        ));
    };
    match &life.trouble {
        Some(trouble) => Err(Judgement::Inconclusive(trouble.clone())),
        None => Ok(life),
    }
}

/// Skips what must wait, if the user has no time.
pub(super) fn unless_quick(evidence: &Evidence) -> Result<(), Judgement> {
    match evidence.facts.launched {
        Some(terms) if terms.is_quick => Err(Judgement::Unseen(
            "--quick leaves out what has to wait".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Settles a judgement that may come early.
pub(super) fn settled(judgement: Result<Judgement, Judgement>) -> Judgement {
    judgement.unwrap_or_else(|early| early)
}
