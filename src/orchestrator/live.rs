//! What is told of an orchestrator while it listens: each call, who is registered, and who is
//! overdue. Knows neither clock nor terminal.

use std::collections::BTreeMap;
use std::time::Duration;

use acp_mock_orchestrator::{Act, Entry};

/// Of those who are registered, so many are named.
const NAMED: usize = 8;
/// No interval is so short that a heartbeat is overdue sooner than this after it was due, as the
/// rules have it.
const LEAST_TOLERANCE: Duration = Duration::from_millis(400);

/// What was told so far.
#[derive(Debug)]
pub(super) struct Live {
    interval: Duration,
    /// When each id was last heard of.
    heard: BTreeMap<String, Duration>,
    /// Who is registered: ids, each with the agent's own.
    registered: Vec<(String, String)>,
    /// After how much silence an id that is overdue is told of again.
    again: BTreeMap<String, Duration>,
}

impl Live {
    /// Nothing was told yet; heartbeats are due this often.
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            heard: BTreeMap::new(),
            registered: Vec::new(),
            again: BTreeMap::new(),
        }
    }

    /// A call that came in: who, what, and how long after the last word.
    pub(super) fn call(&mut self, entry: &Entry) -> String {
        let answer = match entry.status {
            Some(status) if (200..300).contains(&status) => String::new(),
            Some(status) => format!(" (answered {status})"),
            None => " (cut)".to_owned(),
        };
        let told = match &entry.act {
            Act::Register => {
                let body = entry.body.as_ref();
                let agent = body.and_then(|body| body.get("agent_id")?.as_str());
                let agent = agent.unwrap_or("somebody without an agent_id");
                match &entry.registration_id {
                    Some(id) => format!("{agent} registers, as {id}"),
                    None => format!("{agent} registers"),
                }
            }
            Act::Heartbeat(id) => match self.heard.get(id) {
                Some(last) => {
                    let gap = entry.at.saturating_sub(*last).as_secs_f64();
                    format!("{id} beats, {gap:.1} s after its last word")
                }
                None => format!("{id} beats, and nobody knows it"),
            },
            Act::Capabilities(id) => format!("{id} tells its capabilities"),
            Act::Goodbye(id) => format!("{id} takes its leave"),
            Act::Stray => format!("somebody asks {} {}", entry.method, entry.path),
        };
        let spoke = match &entry.act {
            Act::Register => entry.registration_id.as_ref(),
            Act::Heartbeat(id) => Some(id),
            _ => None,
        };
        if let Some(id) = spoke {
            self.heard.insert(id.clone(), entry.at);
            self.again.remove(id);
        }
        told + &answer
    }

    /// Who is registered now, if that has changed, and who of them is overdue: told of at once, and
    /// again each time that the silence has doubled.
    pub(super) fn look(&mut self, registered: Vec<(String, String)>, now: Duration) -> Vec<String> {
        let mut told = Vec::new();
        if registered != self.registered {
            told.push(list(&registered));
            self.registered = registered;
        }
        let due = self.interval + self.interval.mul_f64(0.2).max(LEAST_TOLERANCE);
        for (id, agent) in &self.registered {
            let Some(last) = self.heard.get(id) else {
                continue;
            };
            let silence = now.saturating_sub(*last);
            let from = self.again.get(id).copied().unwrap_or(due);
            if silence > from {
                let late = silence.saturating_sub(self.interval).as_secs_f64();
                told.push(format!("{id} ({agent}) is {late:.1} s overdue"));
                self.again.insert(id.clone(), silence * 2);
            }
        }
        told
    }
}

fn list(registered: &[(String, String)]) -> String {
    if registered.is_empty() {
        return "nobody is registered any more".to_owned();
    }
    let named = registered.iter().take(NAMED);
    let mut named: Vec<String> = named.map(|(id, agent)| format!("{id} ({agent})")).collect();
    if registered.len() > NAMED {
        named.push(format!("and {} more", registered.len() - NAMED));
    }
    format!("registered: {}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(at: u64, line: &str, agent: Option<&str>) -> Entry {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        Entry {
            at: Duration::from_secs(at),
            act: Act::of(method, path),
            method: method.to_owned(),
            path: path.to_owned(),
            body: agent.map(|agent| json!({ "agent_id": agent })),
            status: Some(200),
            registration_id: agent.map(|_| "reg-1".to_owned()),
            is_known: true,
        }
    }

    #[test]
    fn who_falls_silent_is_overdue_until_the_next_word() {
        let mut live = Live::new(Duration::from_secs(10));
        let ay = || vec![("reg-1".to_owned(), "ay".to_owned())];
        let at = Duration::from_secs;
        let told = live.call(&entry(0, "POST /agents/register", Some("ay")));
        assert_eq!(told, "ay registers, as reg-1");
        assert_eq!(live.look(ay(), at(0)), ["registered: reg-1 (ay)"]);
        assert!(live.look(ay(), at(12)).is_empty());
        assert_eq!(live.look(ay(), at(13)), ["reg-1 (ay) is 3.0 s overdue"]);
        assert!(live.look(ay(), at(26)).is_empty());
        assert_eq!(live.look(ay(), at(27)), ["reg-1 (ay) is 17.0 s overdue"]);
        let told = live.call(&entry(30, "POST /agents/reg-1/heartbeat", None));
        assert_eq!(told, "reg-1 beats, 30.0 s after its last word");
        assert!(live.look(ay(), at(40)).is_empty());
        assert_eq!(live.look(ay(), at(43)), ["reg-1 (ay) is 3.0 s overdue"]);
        let gone = live.look(Vec::new(), at(99));
        assert_eq!(gone, ["nobody is registered any more"]);
    }

    #[test]
    fn a_crowd_is_counted_and_not_listed() {
        let mut live = Live::new(Duration::from_secs(10));
        let crowd = (0..100).map(|number| (format!("reg-{number}"), "a".to_owned()));
        let told = live.look(crowd.collect(), Duration::ZERO);
        assert!(told[0].ends_with("reg-7 (a), and 92 more"), "{told:?}");
    }
}
