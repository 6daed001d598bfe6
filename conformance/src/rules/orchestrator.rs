//! Rules on an agent as an orchestrator's client, while all goes well.

use std::time::Duration;

use acp_reports::Level::{Must, Should};
use serde_json::Value;
use url::{Host, Url};

use super::played::{
    Call, calls, given, heartbeats, is_message, life, names, registrations, sent, settled,
    unless_quick,
};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Orchestrator;
use crate::protocol::{CAPABILITIES_UPDATE, HEARTBEAT, REGISTRATION};
use crate::rule::{Judgement, Look, Rule, Tally};
use crate::scenes::mark;
use crate::show;
use crate::wire::End;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "orchestrator.registers",
        level: Must,
        feature: Orchestrator,
        clause: "Within 10 s of its start the agent sends a valid `POST /agents/register`.",
        source: "seed",
        why: "An orchestrator gives no work to an agent that it has not heard of.",
        mend: "Register when the agent starts, with all members of the seed's payload.",
        reads: &[Topic::Registration],
        judge: registers,
    },
    Rule {
        id: "orchestrator.truthful",
        level: Must,
        feature: Orchestrator,
        clause: "The registered `endpoint` answers; id, version and capabilities agree with `/capabilities`.",
        source: "seed",
        why: "Work is sent to the endpoint that was registered, for what was registered.",
        mend: "Register what `/capabilities` says, and an address that others can reach.",
        reads: &[Topic::Registration, Topic::Documents],
        judge: truthful,
    },
    Rule {
        id: "orchestrator.heartbeats",
        level: Must,
        feature: Orchestrator,
        clause: "A valid heartbeat comes each interval (± 20 %), under the id that was given out.",
        source: "seed",
        why: "An agent whose heartbeats are late or go astray is taken for dead.",
        mend: "Send heartbeats by a clock of their own, to `/agents/{registration_id}/heartbeat`.",
        reads: &[Topic::Registration],
        judge: judge_heartbeats,
    },
    Rule {
        id: "orchestrator.single-registration",
        level: Must,
        feature: Orchestrator,
        clause: "There is no second registration while the first one is honoured.",
        source: "design",
        why: "Each registration may be a new agent to the orchestrator, and the old ones look dead.",
        mend: "Register again only after a heartbeat has failed.",
        reads: &[Topic::Registration],
        judge: single_registration,
    },
    Rule {
        id: "orchestrator.updates-capabilities",
        level: Should,
        feature: Orchestrator,
        clause: "A change of the capabilities is sent by `PUT /agents/{registration_id}/capabilities`.",
        source: "seed",
        why: "An orchestrator goes on with what it was told first.",
        mend: "Send the new list when it changes.",
        reads: &[Topic::CapabilitiesChange],
        judge: updates_capabilities,
    },
];

/// How soon after the start a registration is due.
const REGISTRATION_TIME: Duration = Duration::from_secs(10);
/// No interval is so short that heartbeats are judged more closely than this: what a busy machine
/// takes is not the agent's doing.
const LEAST_TOLERANCE: Duration = Duration::from_millis(400);

fn registers(evidence: &Evidence) -> Judgement {
    settled(life(evidence, Topic::Registration).map(|_| {
        let mut tally = Tally::new(evidence);
        let mut all = registrations(evidence, Topic::Registration).peekable();
        if all.peek().is_none()
            && let Some(first) = calls(evidence, Topic::Registration).next()
        {
            let message = "the orchestrator is called, and nobody registers";
            tally.look(
                first,
                Look::flaw(message, "POST /agents/register", line(first)),
            );
        }
        for (index, ask) in all.enumerate() {
            let late = ask.exchange.began > REGISTRATION_TIME && index == 0;
            let look = is_message(ask, &REGISTRATION, "the registration").or_else(|| {
                late.then(|| {
                    Look::flaw(
                        "the agent registers late",
                        format!("a registration within {REGISTRATION_TIME:?} of the start"),
                        format!("after {:.1?}", ask.exchange.began),
                    )
                })
            });
            tally.look(ask, look.unwrap_or(Look::Fine));
        }
        tally.judgement()
    }))
}

fn line(ask: &Ask) -> String {
    let request = &ask.exchange.request;
    format!("{} {}", request.method, request.path)
}

fn truthful(evidence: &Evidence) -> Judgement {
    settled(life(evidence, Topic::Registration).map(|_| {
        let mut tally = Tally::new(evidence);
        let first = registrations(evidence, Topic::Registration).next();
        if let Some((ask, body)) = first.and_then(|ask| Some((ask, sent(ask)?))) {
            tally.look(ask, agrees(&body, evidence));
            tally.look(ask, leads_somewhere(&body));
        }
        for ask in evidence.at(Topic::Registration, Step::Capabilities) {
            tally.look(ask, answers(ask, evidence));
        }
        tally.judgement()
    }))
}

/// Whether a registration says the same as `/capabilities`, as far as that says anything.
fn agrees(body: &Value, evidence: &Evidence) -> Look {
    let Some(known) = &evidence.probe.capabilities else {
        return Look::missing("there is no /capabilities: see capabilities.responds");
    };
    let texts = [("agent_id", "/agent_id"), ("version", "/metadata/version")];
    for (name, pointer) in texts {
        let (said, told) = (known.get(name), body.pointer(pointer));
        if let (Some(Value::String(said)), Some(Value::String(told))) = (said, told)
            && said != told
        {
            return Look::flaw(
                format!("the registration's {name} is not that of /capabilities"),
                said.clone(),
                told.clone(),
            );
        }
    }
    let said = known.get("capabilities").and_then(names);
    let told = body.get("capabilities").and_then(names);
    match (said, told) {
        (Some(said), Some(told)) if said != told => Look::flaw(
            "the registration's capabilities are not those of /capabilities",
            said.join(", "),
            match told.is_empty() {
                true => "none".to_owned(),
                false => told.join(", "),
            },
        ),
        _ => Look::Fine,
    }
}

fn leads_somewhere(body: &Value) -> Look {
    let told = body
        .get("endpoint")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let Ok(url) = Url::parse(told) else {
        return Look::missing("the registration has no endpoint: see orchestrator.registers");
    };
    let is_nowhere = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => ip.is_unspecified(),
        Some(Host::Domain(_)) => false,
        None => true,
    };
    match is_nowhere {
        true => Look::flaw(
            "the endpoint is an address that leads nobody to the agent",
            "an address at which others reach the agent",
            told,
        ),
        false => Look::Fine,
    }
}

fn answers(ask: &Ask, evidence: &Evidence) -> Look {
    let expected = "an agent that answers at the registered endpoint";
    let message = "the registered endpoint does not answer";
    if ask.exchange.end == End::Left {
        return Look::missing(
            "the registered endpoint is not on this machine, and the checker asks nobody else: start the \
             agent so that it registers the address that it listens on",
        );
    }
    let Some(answer) = ask.answer() else {
        return Look::flaw(message, expected, show::end(&ask.exchange.end));
    };
    let wants_credentials = matches!(answer.status, 401 | 403);
    if !answer.is_success() && !wants_credentials {
        return Look::flaw(message, expected, show::answer(answer));
    }
    let answering = ask.json().and_then(|body| body.get("agent_id")?.as_str());
    match (answering, evidence.probe.says("agent_id")) {
        (Some(other), Some(own)) if other != own => Look::flaw(
            "another agent answers at the registered endpoint",
            own,
            other,
        ),
        _ => Look::Fine,
    }
}

fn judge_heartbeats(evidence: &Evidence) -> Judgement {
    let judgement = unless_quick(evidence).and_then(|()| {
        let life = life(evidence, Topic::Registration)?;
        let terms = evidence.facts.launched;
        let interval = terms.map_or(Duration::ZERO, |terms| terms.heartbeat);
        let mut tally = Tally::new(evidence);
        let mut course = Course::new(interval);
        for ask in calls(evidence, Topic::Registration) {
            let look = match Call::of(ask) {
                Call::Register => course.registered(ask),
                Call::Heartbeat(id) => course.beaten(ask, id),
                _ => Look::Beside,
            };
            tally.look(ask, look);
        }
        if let (Some(last), Some(watched)) = (course.last, life.at(mark::WATCHED)) {
            tally.look(last, course.silent(last, watched));
        }
        let beats = heartbeats(evidence, Topic::Registration).count();
        tally.note(format!(
            "{beats} heartbeats were watched, {interval:?} apart"
        ));
        Ok(tally.judgement())
    });
    settled(judgement)
}

/// Registrations and heartbeats in the order of arrival.
struct Course<'e> {
    interval: Duration,
    tolerance: Duration,
    id: Option<&'e str>,
    last: Option<&'e Ask>,
    has_beaten: bool,
}

impl<'e> Course<'e> {
    fn new(interval: Duration) -> Self {
        Self {
            interval,
            tolerance: interval.mul_f64(0.2).max(LEAST_TOLERANCE),
            id: None,
            last: None,
            has_beaten: false,
        }
    }

    fn registered(&mut self, ask: &'e Ask) -> Look {
        self.last = None;
        if let Some(id) = given(ask) {
            (self.id, self.last, self.has_beaten) = (Some(id), Some(ask), false);
        }
        Look::Beside
    }

    fn beaten(&mut self, ask: &'e Ask, id: &str) -> Look {
        // How soon something follows on a failure is for other rules.
        let last = std::mem::replace(&mut self.last, is_taken(ask).then_some(ask));
        let is_first = !std::mem::replace(&mut self.has_beaten, true);
        if let Some(known) = self.id
            && known != id
        {
            return Look::flaw(
                "a heartbeat goes to an id that was not given out",
                format!("/agents/{known}/heartbeat"),
                line(ask),
            );
        }
        if let Some(look) = is_message(ask, &HEARTBEAT, "the heartbeat") {
            return look;
        }
        let gap = last.map_or(self.interval, |last| {
            ask.exchange.began.saturating_sub(last.exchange.began)
        });
        // The first may come at once: it says what the registration has just said.
        let is_early = !is_first && gap + self.tolerance < self.interval;
        match is_early || gap > self.interval + self.tolerance {
            true => Look::flaw(
                "a heartbeat is not in time",
                self.due(),
                format!("{gap:.2?}"),
            ),
            false => Look::Fine,
        }
    }

    /// What it means that nothing came any more.
    fn silent(&self, last: &Ask, watched: Duration) -> Look {
        let silence = watched.saturating_sub(last.exchange.began);
        match silence > self.interval + self.tolerance {
            true => Look::flaw(
                "no more heartbeats come",
                self.due(),
                format!("none for {silence:.2?}"),
            ),
            false => Look::Beside,
        }
    }

    fn due(&self) -> String {
        let (interval, tolerance) = (self.interval, self.tolerance);
        format!("{interval:?} ± {tolerance:?} from one to the next")
    }
}

fn single_registration(evidence: &Evidence) -> Judgement {
    let judgement = unless_quick(evidence).and_then(|()| {
        life(evidence, Topic::Registration)?;
        let mut tally = Tally::new(evidence);
        let mut honoured: Option<&str> = None;
        let mut last = Duration::ZERO;
        let interval = evidence.facts.launched.map(|terms| terms.heartbeat);
        for ask in calls(evidence, Topic::Registration) {
            let silence = ask.exchange.began.saturating_sub(last);
            last = ask.exchange.began;
            let look = match (Call::of(ask), honoured) {
                // A heartbeat was due in between, and has not come through.
                (Call::Register, Some(_))
                    if interval.is_some_and(|interval| silence > interval) =>
                {
                    honoured = None;
                    Look::Beside
                }
                (Call::Register, Some(id)) => Look::flaw(
                    "the agent registers again though it is registered",
                    format!("heartbeats under {id}"),
                    line(ask),
                ),
                (Call::Register, None) => Look::Fine,
                (Call::Goodbye(id), Some(known)) if id == known => {
                    honoured = None;
                    Look::Beside
                }
                // Of one that failed, whatever the cause, it may make sure.
                (Call::Heartbeat(_), _) if !is_taken(ask) => {
                    honoured = None;
                    Look::Beside
                }
                _ => Look::Beside,
            };
            honoured = given(ask).or(honoured);
            tally.look(ask, look);
        }
        Ok(tally.judgement())
    });
    settled(judgement)
}

fn is_taken(ask: &Ask) -> bool {
    ask.answer().is_some_and(|answer| answer.is_success())
}

fn updates_capabilities(evidence: &Evidence) -> Judgement {
    let topic = Topic::CapabilitiesChange;
    if evidence.facts.params.change_capabilities.is_none() {
        let told = "give --feature-param change-capabilities='POST /path'";
        return Judgement::Unseen(format!("nobody says how the capabilities change: {told}"));
    }
    settled(life(evidence, topic).map(|_| {
        let mut tally = Tally::new(evidence);
        let Some(asked) = evidence.at(topic, Step::Disturb).next() else {
            return Judgement::Inconclusive(
                "the agent did not register: see orchestrator.registers".to_owned(),
            );
        };
        tally.look(asked, told_of_change(asked, evidence));
        tally.judgement()
    }))
}

fn told_of_change(asked: &Ask, evidence: &Evidence) -> Look {
    let topic = Topic::CapabilitiesChange;
    let listed = |step| {
        let ask = evidence.at(topic, step).next()?;
        Some(
            names(ask.json()?.get("capabilities")?)?
                .into_iter()
                .map(str::to_owned)
                .collect(),
        )
    };
    let (before, after): (Option<Vec<String>>, _) = (listed(Step::Baseline), listed(Step::Again));
    let (Some(before), Some(after)) = (before, after) else {
        return Look::missing("/capabilities could not be read: see capabilities.responds");
    };
    if before == after {
        let got = match (&asked.exchange.end, asked.answer()) {
            (End::Complete, Some(answer)) => show::answer(answer),
            (end, _) => show::end(end),
        };
        return Look::missing(format!(
            "the request did not change the capabilities: {got}"
        ));
    }
    let expected = "PUT /agents/{registration_id}/capabilities with the new list";
    let id = registrations(evidence, topic).filter_map(given).last();
    let is_own = |ask: &&Ask| matches!(Call::of(ask), Call::Update(to) if Some(to) == id);
    let Some(update) = calls(evidence, topic).filter(is_own).last() else {
        let strays = calls(evidence, topic).filter(|ask| Call::of(ask) == Call::Stray);
        let got = strays.map(line).next();
        let got = got.unwrap_or_else(|| "no word of it".to_owned());
        return Look::flaw("the orchestrator is not told of the change", expected, got);
    };
    if let Some(look) = is_message(update, &CAPABILITIES_UPDATE, "the update") {
        return look;
    }
    let body = sent(update).unwrap_or_default();
    let told = body.get("capabilities").and_then(names).unwrap_or_default();
    match told == after {
        true => Look::Fine,
        false => Look::flaw(
            "the update does not say what /capabilities says now",
            after.join(", "),
            told.join(", "),
        ),
    }
}
