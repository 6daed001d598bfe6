//! Rules on an agent as an orchestrator's client, when all does not go well.

use std::time::Duration;

use acp_reports::Level::{Must, Should};

use super::played::{Call, calls, given, heartbeats, life, registrations, settled, unless_quick};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Orchestrator;
use crate::rule::{Judgement, Look, Rule, Tally};
use crate::scenes::{
    Life, OUTAGE_REFUSES, READY_TIME, mark, next_beat, registration_patience, without_orchestrator,
};
use crate::show;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "orchestrator.re-registers",
        level: Must,
        feature: Orchestrator,
        clause: "After a heartbeat that failed the agent registers again, and uses the new id.",
        source: "seed",
        why: "An orchestrator that was started anew knows nobody.",
        mend: "Take a heartbeat's 404 for the end of the registration, and register.",
        reads: &[Topic::Forgotten],
        judge: re_registers,
    },
    Rule {
        id: "orchestrator.survives-outage",
        level: Must,
        feature: Orchestrator,
        clause: "Without an orchestrator the agent serves, tries on with back-off, and registers when there is one.",
        source: "design",
        why: "Agents and orchestrators start in any order, and at night nobody starts them again.",
        mend: "Try in the background, with growing pauses, for as long as the agent serves.",
        reads: &[Topic::Outage, Topic::Documents],
        judge: survives_outage,
    },
    Rule {
        id: "orchestrator.accepts-201",
        level: Should,
        feature: Orchestrator,
        clause: "A 201 with a `registration_id` is a success.",
        source: "HTTP",
        why: "201 is what many answer to a registration; who takes it for a failure is registered and silent.",
        mend: "Take every 2xx with a `registration_id` for a success.",
        reads: &[Topic::Created],
        judge: accepts_201,
    },
];

/// So many tries a second are no back-off any more.
const MOST_TRIES: u64 = 5;

fn interval(evidence: &Evidence) -> Duration {
    let terms = evidence.facts.launched;
    terms.map_or(Duration::ZERO, |terms| terms.heartbeat)
}

fn gap(from: &Ask, to: &Ask) -> Duration {
    to.exchange.began.saturating_sub(from.exchange.began)
}

fn re_registers(evidence: &Evidence) -> Judgement {
    let judgement = unless_quick(evidence).and_then(|()| {
        let topic = Topic::Forgotten;
        let life = life(evidence, topic)?;
        if registrations(evidence, topic).all(|ask| given(ask).is_none()) {
            return Ok(unregistered());
        }
        let is_failed = |ask: &&Ask| ask.answer().is_none_or(|answer| !answer.is_success());
        let Some(failed) = heartbeats(evidence, topic).find(is_failed) else {
            let why = "no heartbeat came that could fail: see orchestrator.heartbeats";
            return Ok(Judgement::Inconclusive(why.to_owned()));
        };
        let patience = next_beat(interval(evidence));
        let mut tally = Tally::new(evidence);
        let mut later = calls(evidence, topic).filter(|ask| ask.about.key > failed.about.key);
        let tried = later.find(|ask| Call::of(ask) == Call::Register);
        let Some(tried) = tried.filter(|tried| gap(failed, tried) <= patience) else {
            let got = match tried {
                Some(tried) => format!("a registration after {:.1?}", gap(failed, tried)),
                None => "no registration".to_owned(),
            };
            let message = "a heartbeat fails and the agent does not register again";
            let expected = format!("a registration within {patience:.1?}");
            let look = Look::flaw(message, expected, got);
            tally.look(failed, if_watched(life, failed, patience, look));
            return Ok(tally.judgement());
        };
        tally.look(failed, Look::Fine);
        let Some(again) = [tried]
            .into_iter()
            .chain(&mut later)
            .find(|ask| given(ask).is_some())
        else {
            tally.look(tried, Look::missing("no registration succeeded any more"));
            return Ok(tally.judgement());
        };
        let id = given(again).unwrap_or_default();
        let beat = later.find(|ask| matches!(Call::of(ask), Call::Heartbeat(_)));
        match beat {
            Some(beat) => tally.look(beat, uses(beat, id)),
            None => {
                let why = "no heartbeat came after the second registration";
                tally.look(
                    again,
                    Look::flaw(why, format!("heartbeats under {id}"), "none"),
                );
            }
        }
        Ok(tally.judgement())
    });
    settled(judgement)
}

/// The look, if it was watched for so long that something had to come.
fn if_watched(life: &Life, since: &Ask, patience: Duration, look: Look) -> Look {
    match life.at(mark::WATCHED) {
        Some(watched) if watched < since.exchange.began + patience => {
            Look::missing("it was not watched for long enough")
        }
        _ => look,
    }
}

fn uses(beat: &Ask, id: &str) -> Look {
    match Call::of(beat) {
        Call::Heartbeat(used) if used == id => Look::Fine,
        _ => Look::flaw(
            "after it has registered again the agent goes on under the old id",
            format!("/agents/{id}/heartbeat"),
            beat.exchange.request.path.clone(),
        ),
    }
}

fn unregistered() -> Judgement {
    Judgement::Inconclusive("the agent did not register: see orchestrator.registers".to_owned())
}

fn survives_outage(evidence: &Evidence) -> Judgement {
    let judgement = unless_quick(evidence).and_then(|()| {
        let Some(life) = evidence.lives.get(&Topic::Outage) else {
            return life(evidence, Topic::Outage).map(|_| unregistered());
        };
        let mut tally = Tally::new(evidence);
        for ask in evidence
            .of(Topic::Outage)
            .filter(|ask| without_orchestrator(ask))
        {
            tally.look(ask, serves(ask, evidence));
        }
        let (Some(back), None) = (life.at(mark::BACK), &life.exit) else {
            let trouble = life.trouble.clone().unwrap_or_default();
            return Err(Judgement::Inconclusive(trouble));
        };
        let refused = tries(evidence, back);
        if let Some(first) = refused.first() {
            tally.look(first, backs_off(refused.len()));
        }
        let registered = registrations(evidence, Topic::Outage).find(|ask| given(ask).is_some());
        match (registered, evidence.of(Topic::Outage).next()) {
            (Some(ask), _) => tally.look(ask, Look::Fine),
            (None, Some(any)) => tally.look(any, never_came(evidence)),
            (None, None) => {}
        }
        Ok(tally.judgement())
    });
    settled(judgement)
}

/// The registrations that were refused on purpose.
fn tries(evidence: &Evidence, back: Duration) -> Vec<&Ask> {
    let refused = registrations(evidence, Topic::Outage).filter(|ask| given(ask).is_none());
    refused.filter(|ask| ask.exchange.began < back).collect()
}

fn backs_off(tries: usize) -> Look {
    let most = MOST_TRIES * OUTAGE_REFUSES.as_secs();
    match tries as u64 > most {
        true => Look::flaw(
            "the agent tries to register without a pause",
            format!("no more than {MOST_TRIES} tries a second"),
            format!("{tries} tries within {OUTAGE_REFUSES:?}"),
        ),
        false => Look::Fine,
    }
}

fn never_came(evidence: &Evidence) -> Look {
    let patience = registration_patience(interval(evidence));
    Look::flaw(
        "the agent does not register when its orchestrator is back",
        format!("a registration within {patience:.1?}"),
        "none",
    )
}

/// Whether it serves as it does when there is an orchestrator.
fn serves(ask: &Ask, evidence: &Evidence) -> Look {
    let mut ready = evidence
        .lives
        .get(&Topic::Registration)
        .and_then(|life| life.at(mark::READY));
    if ready.take_if(|ready| *ready <= READY_TIME).is_none() {
        return Look::missing("the agent is slow to start: see lifecycle.ready");
    }
    let usual = evidence.at(Topic::Documents, Step::Capabilities).next();
    if !usual
        .and_then(Ask::answer)
        .is_some_and(|answer| answer.is_success())
    {
        return Look::missing("the agent does not answer anyway: see capabilities.responds");
    }
    let is_served = ask.answer().is_some_and(|answer| answer.status < 500);
    match is_served {
        true => Look::Fine,
        false => Look::flaw(
            "the agent does not serve while there is no orchestrator",
            "an answer that is no 5xx",
            ask.answer()
                .map_or_else(|| show::end(&ask.exchange.end), show::answer),
        ),
    }
}

fn accepts_201(evidence: &Evidence) -> Judgement {
    let judgement = unless_quick(evidence).and_then(|()| {
        let topic = Topic::Created;
        let life = life(evidence, topic)?;
        let is_created = |ask: &&Ask| ask.answer().is_some_and(|answer| answer.status == 201);
        let Some(first) = registrations(evidence, topic).find(is_created) else {
            return Ok(unregistered());
        };
        let mut tally = Tally::new(evidence);
        let mut later = calls(evidence, topic).filter(|ask| ask.about.key > first.about.key);
        let look = match later.next().map(|next| (Call::of(next), next)) {
            Some((Call::Register, next)) => Look::flaw(
                "the agent takes a 201 for a failure",
                "heartbeats under the id that came with it",
                format!("another registration after {:.1?}", gap(first, next)),
            ),
            Some(_) => Look::Fine,
            None if heartbeats(evidence, Topic::Registration).next().is_none() => {
                Look::missing("the agent sends no heartbeats anyway: see orchestrator.heartbeats")
            }
            None => if_watched(
                life,
                first,
                next_beat(interval(evidence)),
                Look::flaw(
                    "after a 201 nothing is heard of the agent",
                    "heartbeats under the id that came with it",
                    format!("none within {:.1?}", next_beat(interval(evidence))),
                ),
            ),
        };
        tally.look(first, look);
        Ok(tally.judgement())
    });
    settled(judgement)
}
