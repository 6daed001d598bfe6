//! Who is registered, and what each call is answered: a state machine without I/O or clock.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::{
    journal::{Act, Entry, Journal, LONGEST_PATH},
    mischief::{Mischief, What},
};

/// More registrations than this are not kept: the oldest goes.
const MOST: usize = 1000;

/// The longest body that is read, in bytes, and the longest id and name that are kept.
/// What an agent tells fits tens of times.
const LONGEST_BODY: usize = 64 << 10;
const LONGEST_NAME: usize = 256;

/// A call, as it came in.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// When it had arrived whole, since the start.
    pub at: Duration,
    /// The method.
    pub method: &'a str,
    /// The path, with the query if there is one.
    pub path: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// What a call is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status; `None`: the connection is cut.
    pub status: Option<u16>,
    /// The body.
    pub body: Vec<u8>,
    /// How late it comes.
    pub delay: Duration,
}

/// A registration that is honoured.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Registration {
    agent_id: String,
    number: u64,
    beats: u32,
}

/// Who is registered, the mischief, and the journal.
#[derive(Debug, Default)]
pub struct Registry {
    mischief: Vec<Mischief>,
    registrations: BTreeMap<String, Registration>,
    given: u64,
    journal: Journal,
}

/// A status, a body, and the registration that was given out.
type Answer = (u16, Value, Option<String>);

impl Registry {
    /// An empty one that misbehaves in these ways.
    #[must_use]
    pub fn with(mischief: Vec<Mischief>) -> Self {
        Self {
            mischief,
            ..Self::default()
        }
    }

    /// All that came in.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The ids of the registrations that are honoured, each with the agent's own id.
    pub fn registered(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.registrations.iter();
        all.map(|(id, registration)| (id.as_str(), registration.agent_id.as_str()))
    }

    /// Misbehaves otherwise from now on.
    pub fn misbehave(&mut self, mischief: Vec<Mischief>) {
        self.mischief = mischief;
    }

    /// Forgets all registrations, as an orchestrator does that was started anew.
    pub fn forget(&mut self) {
        self.registrations.clear();
    }

    /// Whether nobody is to listen at this time.
    #[must_use]
    pub fn is_down(&self, at: Duration) -> bool {
        self.acting(at, |what| (what == What::Down).then_some(()))
            .is_some()
    }

    /// Takes a call in: answers it, and notes it in the journal.
    pub fn receive(&mut self, call: Call<'_>) -> Reply {
        let act = Act::of(call.method, call.path);
        let is_read = call.body.len() <= LONGEST_BODY;
        let read = is_read.then(|| serde_json::from_slice(call.body).ok());
        let body: Option<Value> = read.flatten();
        let is_known = self.knows(&act);
        let cuts = self.acting(call.at, |what| (what == What::Cuts).then_some(()));
        let fails = self.acting(call.at, |what| match what {
            What::Fails(status) => Some(status),
            _ => None,
        });
        let answer = match (cuts, fails) {
            (Some(()), _) => None,
            (None, Some(status)) => Some((status, json!({"error": "told to fail"}), None)),
            (None, None) if !is_read => Some(too_long()),
            (None, None) => Some(self.answer(&act, body.as_ref(), call.at)),
        };
        let (status, reply, registration_id) = match answer {
            Some((status, reply, id)) => (Some(status), reply.to_string(), id),
            None => (None, String::new(), None),
        };
        let entry = Entry {
            at: call.at,
            act,
            method: beginning(call.method, LONGEST_NAME).to_owned(),
            path: beginning(call.path, LONGEST_PATH).to_owned(),
            body,
            status,
            registration_id,
            is_known,
        };
        let kept = if is_read { call.body } else { &[] };
        self.journal.add(entry, kept);
        let garbage = self.acting(call.at, |what| (what == What::Garbage).then_some(()));
        let late = self.acting(call.at, |what| match what {
            What::Late(time) => Some(time),
            _ => None,
        });
        Reply {
            status,
            body: match garbage {
                Some(()) => b"<html>\xff{".to_vec(),
                None => reply.into_bytes(),
            },
            delay: late.unwrap_or_default(),
        }
    }

    fn answer(&mut self, act: &Act, body: Option<&Value>, at: Duration) -> Answer {
        match act {
            Act::Register => self.register(body, at),
            Act::Heartbeat(id) => match self.beat(id, at) {
                true => (200, json!({"status": "ok"}), None),
                false => not_found(),
            },
            Act::Capabilities(id) if self.registrations.contains_key(id) => {
                (200, json!({"status": "updated"}), None)
            }
            Act::Goodbye(id) if self.registrations.remove(id).is_some() => {
                (200, json!({"status": "gone"}), None)
            }
            Act::Capabilities(_) | Act::Goodbye(_) | Act::Stray => not_found(),
        }
    }

    fn register(&mut self, body: Option<&Value>, at: Duration) -> Answer {
        let agent_id = body.and_then(|body| body.get("agent_id")?.as_str());
        let Some(agent_id) = agent_id else {
            return (
                400,
                json!({"error": "a registration needs an agent_id"}),
                None,
            );
        };
        if agent_id.len() > LONGEST_NAME {
            return too_long();
        }
        let renames = self.acting(at, |what| (what == What::Renames).then_some(()));
        let known = self
            .registrations
            .iter()
            .find(|(_, known)| known.agent_id == agent_id)
            .map(|(id, _)| id.clone());
        let id = match (known, renames) {
            (Some(id), None) => id,
            (known, _) => {
                known.map(|old| self.registrations.remove(&old));
                self.give(agent_id)
            }
        };
        let created = self.acting(at, |what| (what == What::Created).then_some(()));
        let status = if created.is_some() { 201 } else { 200 };
        let goodbye = format!("/agents/{id}");
        let answer = json!({"registration_id": id, "deregister": goodbye});
        (status, answer, Some(id))
    }

    fn give(&mut self, agent_id: &str) -> String {
        self.given += 1;
        let id = format!("reg-{}", self.given);
        let registration = Registration {
            agent_id: agent_id.to_owned(),
            number: self.given,
            beats: 0,
        };
        self.registrations.insert(id.clone(), registration);
        if self.registrations.len() > MOST {
            let oldest = self.registrations.iter().min_by_key(|(_, one)| one.number);
            let oldest = oldest.map(|(id, _)| id.clone());
            oldest.map(|id| self.registrations.remove(&id));
        }
        id
    }

    /// Counts a heartbeat; whether its registration is honoured.
    fn beat(&mut self, id: &str, at: Duration) -> bool {
        let patience = self.acting(at, |what| match what {
            What::Forgets(beats) => Some(beats),
            _ => None,
        });
        let Some(registration) = self.registrations.get_mut(id) else {
            return false;
        };
        if patience.is_some_and(|most| registration.beats >= most) {
            self.registrations.remove(id);
            return false;
        }
        registration.beats += 1;
        true
    }

    fn knows(&self, act: &Act) -> bool {
        match act {
            Act::Heartbeat(id) | Act::Capabilities(id) | Act::Goodbye(id) => {
                self.registrations.contains_key(id)
            }
            Act::Register | Act::Stray => false,
        }
    }

    /// What the first mischief of a kind says that acts at this time.
    fn acting<T>(&self, at: Duration, kind: impl Fn(What) -> Option<T>) -> Option<T> {
        let acting = self.mischief.iter().filter(|mischief| mischief.acts(at));
        acting.map(|mischief| mischief.what).find_map(kind)
    }
}

fn too_long() -> Answer {
    (413, json!({"error": "longer than is read"}), None)
}

fn beginning(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

fn not_found() -> Answer {
    (404, json!({"error": "there is no such registration"}), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call a second after the one before.
    fn calls(registry: &mut Registry, calls: &[(&str, &str, &str)]) -> Vec<Reply> {
        let from = registry.journal().entries.len() as u64;
        let numbered = (from..).zip(calls);
        numbered
            .map(|(second, (method, path, body))| {
                registry.receive(Call {
                    at: Duration::from_secs(second),
                    method,
                    path,
                    body: body.as_bytes(),
                })
            })
            .collect()
    }

    fn statuses(replies: &[Reply]) -> Vec<u16> {
        replies
            .iter()
            .map(|reply| reply.status.unwrap_or(0))
            .collect()
    }

    const REGISTER: (&str, &str, &str) = ("POST", "/agents/register", r#"{"agent_id":"a"}"#);
    const BEAT: (&str, &str, &str) = ("POST", "/agents/reg-1/heartbeat", "{}");

    fn told(mischief: &str) -> Registry {
        let all = mischief.split(' ').filter(|one| !one.is_empty());
        Registry::with(all.map(|one| one.parse().expect(one)).collect())
    }

    #[test]
    fn an_agent_registers_and_beats_and_says_goodbye() {
        let mut registry = told("");
        let update = ("PUT", "/agents/reg-1/capabilities", "{}");
        let goodbye = ("DELETE", "/agents/reg-1", "");
        let replies = calls(&mut registry, &[REGISTER, BEAT, update, goodbye, BEAT]);
        assert_eq!(statuses(&replies), [200, 200, 200, 200, 404]);
        let entries = &registry.journal().entries;
        assert_eq!(entries[0].registration_id.as_deref(), Some("reg-1"));
        assert!(entries[1].is_known && !entries[4].is_known);
        assert_eq!(entries[2].at, Duration::from_secs(2));
    }

    #[test]
    fn an_agent_that_registers_twice_keeps_its_id() {
        let mut registry = told("");
        calls(&mut registry, &[REGISTER, REGISTER]);
        assert_eq!(registry.registered().collect::<Vec<_>>(), [("reg-1", "a")]);
    }

    #[test]
    fn what_is_none_of_its_paths_is_stray_and_noted() {
        let mut registry = told("");
        let replies = calls(
            &mut registry,
            &[("GET", "/agents/register", ""), ("POST", "/", "\u{0}")],
        );
        assert_eq!(statuses(&replies), [404, 404]);
        let entries = &registry.journal().entries;
        assert!(entries.iter().all(|entry| entry.act == Act::Stray));
    }

    #[test]
    fn each_mischief_acts_and_stops_acting() {
        let beats = [REGISTER, BEAT, BEAT, BEAT];
        for (mischief, expected) in [
            ("fails=503@..2s", vec![503, 503, 404, 404]),
            ("forgets=1", vec![200, 200, 404, 404]),
            ("cuts@1s..2s", vec![200, 0, 200, 200]),
            ("created", vec![201, 200, 200, 200]),
        ] {
            let mut registry = told(mischief);
            let replies = calls(&mut registry, &beats);
            assert_eq!(statuses(&replies), expected, "{mischief}");
        }
        let mut registry = told("renames late=3s garbage");
        let replies = calls(&mut registry, &[REGISTER, REGISTER]);
        assert_eq!(registry.registered().collect::<Vec<_>>(), [("reg-2", "a")]);
        assert_eq!(replies[0].delay, Duration::from_secs(3));
        assert!(serde_json::from_slice::<Value>(&replies[0].body).is_err());
        assert!(told("down@1s..2s").is_down(Duration::from_secs(1)));
    }

    #[test]
    fn what_is_longer_than_any_agent_has_reason_for_is_not_kept() {
        let mut registry = told("");
        let long = "x".repeat(100_000);
        let named = |length| json!({"agent_id": "x".repeat(length)}).to_string();
        let path = format!("/agents/{long}/heartbeat");
        let (name, body) = (named(1_000), named(100_000));
        let told = [
            ("POST", "/agents/register", name.as_str()),
            ("POST", "/agents/register", body.as_str()),
            ("POST", path.as_str(), "{}"),
        ];
        let replies = calls(&mut registry, &told);
        assert_eq!(statuses(&replies), [413, 413, 404]);
        let entries = &registry.journal().entries;
        assert!(entries[1].body.is_none() && entries[2].path.len() == LONGEST_PATH);
        assert_eq!(registry.registered().count(), 0);
        let heavy = format!("[{}0]", "{\"a\":0},".repeat(5_000));
        for _ in 0..1_000 {
            calls(&mut registry, &[("POST", "/agents/register", &heavy)]);
        }
        assert!(registry.journal().entries.len() < 20);
        assert!(registry.journal().dropped > 900);
    }

    #[test]
    fn neither_journal_nor_registrations_grow_without_end() {
        let mut registry = told("");
        for number in 0..11_000 {
            let body = json!({"agent_id": number.to_string()}).to_string();
            calls(&mut registry, &[("POST", "/agents/register", &body)]);
        }
        let journal = registry.journal();
        assert!((5_000..=10_000).contains(&journal.entries.len()));
        assert_eq!(journal.dropped as usize + journal.entries.len(), 11_000);
        assert_eq!(registry.registered().count(), 1000);
    }
}
