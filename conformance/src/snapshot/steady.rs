//! Two answers to one question: what they have in common, with marks where they do not.
//!
//! Rules go first, as what changes by itself may come out alike by chance, or out of a cache:
//!
//! - `[timestamp]`: RFC 3339 and HTTP dates within a text, and epochs by their member's name;
//! - `[uuid]`: UUIDs within a text;
//! - `[agent]`: the host and port at which the agent was asked;
//! - `[id]`: ids of a single call by their member's name, and others that differ;
//! - `[duration]`: numbers that their member's name calls a time that something took;
//! - members that say whether an answer was cached are left out.
//!
//! What was sent is no news, and stays as it is. What differs besides is `[volatile]`.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};
use wildmatch::WildMatch;

use crate::cached;

/// Stands for what differs between two askings and falls under no rule.
pub(super) const VOLATILE: &str = "[volatile]";
const TIMESTAMP: &str = "[timestamp]";
const UUID: &str = "[uuid]";
const AGENT: &str = "[agent]";
const ID: &str = "[id]";
const DURATION: &str = "[duration]";
const MARKS: &[&str] = &[VOLATILE, TIMESTAMP, UUID, AGENT, ID, DURATION];

/// Ids of one call: an answer out of a cache repeats them.
const CALL_IDS: &[&str] = &[
    "call_id",
    "correlation_id",
    "execution_id",
    "invocation_id",
    "job_id",
    "request_id",
    "run_id",
    "session_id",
    "span_id",
    "trace_id",
];
/// How the name of a duration ends, in small letters.
const DURATIONS: &[&str] = &[
    "_ms", "_seconds", "duration", "elapsed", "latency", "took", "uptime", "time",
];
/// What such a name holds where it is a setting instead.
const SETTINGS: &[&str] = &[
    "default", "every", "interval", "limit", "max", "min", "timeout", "ttl", "window",
];
/// How the name of a time of day ends.
const TIMES: &[&str] = &[
    "_at",
    "created",
    "date",
    "expires",
    "issued",
    "time",
    "timestamp",
    "updated",
];
/// How much of a name's end is looked at, in bytes: a name that is longer is no word, and it is
/// looked at for each item of a list.
const NAME: usize = 100;
/// How much of places is listed, in bytes; the first place always is. What is not listed is marked.
const LISTED: usize = 64 * 1024;
/// Epochs in seconds from 2001 on are no smaller; what is, counts something else.
const EPOCH: f64 = 1e9;

static FORMS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let forms = [
        (
            r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)?",
            TIMESTAMP,
        ),
        (
            r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
            TIMESTAMP,
        ),
        (
            r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
            UUID,
        ),
    ];
    let compiled = forms
        .into_iter()
        .map(|(form, mark)| Some((Regex::new(form).ok()?, mark)));
    compiled.flatten().collect()
});

/// What the user knows to change by itself: a JSON Pointer into snapshots, with `*` and `?`.
#[derive(Clone, Debug, PartialEq)]
pub struct Ignored(WildMatch);

impl std::str::FromStr for Ignored {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.starts_with('/') {
            true => Ok(Self(WildMatch::new(text))),
            false => Err("a place in a snapshot begins with /, for example /body/output/*".into()),
        }
    }
}

/// What is known when two answers are laid upon each other.
pub(super) struct Rules<'a> {
    /// `host:port` of the agent.
    pub(super) authority: &'a str,
    /// What was sent: what it holds is no news in an answer.
    pub(super) sent: &'a str,
    /// What the user knows.
    pub(super) ignored: &'a [Ignored],
}

/// The answer that two askings have in common, and where they differ for no reason that has a
/// name, as JSON Pointers: the first of them, if they are many.
pub(super) fn steady(left: &Value, right: &Value, rules: &Rules<'_>) -> (Value, Vec<String>) {
    let mut merging = Merging {
        rules,
        at: String::new(),
        volatile: Vec::new(),
        room: LISTED,
    };
    let merged = merging.value("", left, right);
    (merged, merging.volatile)
}

struct Merging<'a> {
    rules: &'a Rules<'a>,
    at: String,
    volatile: Vec<String>,
    /// How many bytes of places can still be listed.
    room: usize,
}

impl Merging<'_> {
    /// `name` is that of the member that it is or lies in, as [`snake`] spells it.
    fn value(&mut self, name: &str, left: &Value, right: &Value) -> Value {
        let mut ignored = self.rules.ignored.iter();
        if ignored.any(|one| one.0.matches(&self.at)) {
            return VOLATILE.into();
        }
        match (left, right) {
            (Value::Object(left), Value::Object(right)) => self.object(left, right),
            (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
                let pairs = left.iter().zip(right).enumerate();
                let items = pairs.map(|(index, (left, right))| {
                    self.within(&index.to_string(), |this| this.value(name, left, right))
                });
                Value::Array(items.collect())
            }
            (Value::String(left), Value::String(right)) => self.text(name, left, right),
            (Value::Number(left), Value::Number(right)) => {
                match mark_of_number(name, left.as_f64()) {
                    Some(mark) => mark.into(),
                    None if left == right => left.clone().into(),
                    None => self.differs(),
                }
            }
            _ if left == right => left.clone(),
            _ => self.differs(),
        }
    }

    /// Members by their names: many agents have no order of their own.
    fn object(&mut self, left: &Map<String, Value>, right: &Map<String, Value>) -> Value {
        let mut names: Vec<&String> = left.keys().chain(right.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let mut kept = Map::new();
        for name in names {
            let (left, right) = (left.get(name), right.get(name));
            if cached::is_mark(name) && left.or(right).is_some_and(Value::is_boolean) {
                continue;
            }
            let value = self.within(name, |this| match (left, right) {
                (Some(left), Some(right)) => this.value(&snake(name), left, right),
                _ => this.differs(),
            });
            kept.insert(name.clone(), value);
        }
        Value::Object(kept)
    }

    fn text(&mut self, name: &str, left: &str, right: &str) -> Value {
        if CALL_IDS.contains(&name) {
            return ID.into();
        }
        let marked = self.marked(left);
        if marked == self.marked(right) {
            return marked.into();
        }
        match is_id(name) {
            true => ID.into(),
            false => self.differs(),
        }
    }

    fn differs(&mut self) -> Value {
        let rest = self.room.checked_sub(self.at.len());
        if rest.is_some() || self.volatile.is_empty() {
            self.volatile.push(self.at.clone());
        }
        self.room = rest.unwrap_or_default();
        VOLATILE.into()
    }

    fn within<T>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.at.len();
        self.at.push('/');
        self.at
            .push_str(&name.replace('~', "~0").replace('/', "~1"));
        let done = work(self);
        self.at.truncate(length);
        done
    }

    /// A text with marks for what is volatile by its form. An agent's own text that looks like a
    /// mark gets a backslash, so that it cannot pass for one.
    fn marked(&self, text: &str) -> String {
        if MARKS.contains(&text.trim_start_matches('\\')) {
            return format!("\\{text}");
        }
        let mut text = Cow::Borrowed(text);
        if !self.rules.authority.is_empty() && text.contains(self.rules.authority) {
            text = text.replace(self.rules.authority, AGENT).into();
        }
        for (form, mark) in FORMS.iter() {
            let replaced = form.replace_all(&text, |found: &regex::Captures<'_>| {
                match self.rules.sent.contains(&found[0]) {
                    true => found[0].to_owned(),
                    false => (*mark).to_owned(),
                }
            });
            if let Cow::Owned(replaced) = replaced {
                text = replaced.into();
            }
        }
        text.into_owned()
    }
}

/// `requestId` as `request_id`; of a long name its end.
fn snake(name: &str) -> String {
    let name = &name[name.ceil_char_boundary(name.len().saturating_sub(NAME))..];
    let mut snake = String::with_capacity(name.len() + 2);
    let mut was_small = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && was_small {
            snake.push('_');
        }
        was_small = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        match letter {
            '-' => snake.push('_'),
            _ => snake.push(letter.to_ascii_lowercase()),
        }
    }
    snake
}

fn is_id(name: &str) -> bool {
    name == "id" || name.ends_with("_id") || name == "etag"
}

fn mark_of_number(name: &str, value: Option<f64>) -> Option<&'static str> {
    let ends = |all: &[&str]| all.iter().any(|end| name.ends_with(end));
    let holds = |all: &[&str]| all.iter().any(|part| name.contains(part));
    if ends(TIMES) && value.is_some_and(|value| value >= EPOCH) {
        return Some(TIMESTAMP);
    }
    (ends(DURATIONS) && !holds(SETTINGS)).then_some(DURATION)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(left: &Value, right: &Value) -> (Value, Vec<String>) {
        let rules = Rules {
            authority: "127.0.0.1:8000",
            sent: "on 2026-01-01T00:00:00Z",
            ignored: &["/mood*".parse().expect("a place")],
        };
        steady(left, right, &rules)
    }

    fn alike(value: &Value) -> Value {
        let (merged, volatile) = told(value, value);
        assert_eq!(volatile, Vec::<String>::new());
        merged
    }

    #[test]
    fn what_a_rule_names_is_marked_though_it_came_twice_alike() {
        let answer = json!({
            "timestamp": "2026-11-22T10:00:00.123Z",
            "Date": "Sun, 22 Nov 2026 10:00:00 GMT",
            "text": "at 2026-11-22 10:00:00+01:00 by 6FA459EA-EE8A-3CA4-894E-DB77E160355E",
            "requestId": "abc", "execution_time_ms": 1, "created_at": 1_790_000_000.5,
            "url": "http://127.0.0.1:8000/invoke", "_from_cache": true,
        });
        let expected = json!({
            "timestamp": "[timestamp]", "Date": "[timestamp]",
            "text": "at [timestamp] by [uuid]", "requestId": "[id]",
            "execution_time_ms": "[duration]", "created_at": "[timestamp]",
            "url": "http://[agent]/invoke",
        });
        assert_eq!(alike(&answer), expected);
    }

    #[test]
    fn what_only_looks_volatile_stays() {
        let answer = json!({
            "timeout_ms": 30_000, "max_duration": 5, "lead": 1, "created_at": 12, "id": "weather",
            "day": "2026-11-22", "echo": "2026-01-01T00:00:00Z", "cached": "yes",
        });
        assert_eq!(alike(&answer), answer);
    }

    #[test]
    fn what_differs_is_volatile_and_listed() {
        let left = json!({"a": 1, "b": [1, 2], "c": [1], "d": "x", "id": "x", "e/f": 1, "same": 1});
        let right = json!({"a": 2, "b": [1, 3], "c": [], "d": null, "id": "y", "same": 1, "g": 0});
        let (merged, volatile) = told(&left, &right);
        let v = VOLATILE;
        let expected =
            json!({"a": v, "b": [1, v], "c": v, "d": v, "e/f": v, "g": v, "id": ID, "same": 1});
        assert_eq!(merged, expected);
        assert_eq!(volatile, ["/a", "/b/1", "/c", "/d", "/e~1f", "/g"]);
    }

    #[test]
    fn of_many_places_with_long_names_the_first_are_listed_and_all_are_marked() {
        let name = "n".repeat(100_000) + "Ms";
        let answer = |number: usize| json!({ name.as_str(): vec![json!([number]); 50_000] });
        assert_eq!(alike(&answer(1))[&name][9], json!([DURATION]));
        let name = "n".repeat(100_000);
        let answer = |number: usize| json!({ name.as_str(): vec![number; 50_000], "m": number });
        let (merged, volatile) = told(&answer(1), &answer(2));
        assert_eq!(volatile, ["/m"]);
        let marked = merged[&name].as_array().expect("a list");
        assert!(marked.iter().all(|item| item == VOLATILE));
    }

    #[test]
    fn what_the_user_knows_to_change_is_marked_and_not_listed() {
        let (merged, volatile) = told(&json!({"mood": {"a": 1}}), &json!({"mood": {"a": 2}}));
        assert_eq!((merged, volatile), (json!({"mood": VOLATILE}), Vec::new()));
        assert!("mood".parse::<Ignored>().is_err());
    }

    #[test]
    fn an_agent_cannot_forge_a_mark() {
        let answer = json!(["[volatile]", "\\[id]", "[other]"]);
        assert_eq!(
            alike(&answer),
            json!(["\\[volatile]", "\\\\[id]", "[other]"])
        );
    }

    #[test]
    fn the_order_of_members_is_no_difference() {
        let left: Value = serde_json::from_str(r#"{"b": 1, "a": 2}"#).expect("JSON");
        let right: Value = serde_json::from_str(r#"{"a": 2, "b": 1}"#).expect("JSON");
        assert_eq!(told(&left, &right).0.to_string(), r#"{"a":2,"b":1}"#);
    }
}
