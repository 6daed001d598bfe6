//! Drives for what the descriptor and the manifest say: every path that they list, by its method.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::config::{id_in, store};
use super::driver::{Driver, Listen, Question};
use crate::described::{Listed, endpoints, filled, health_paths};
use crate::evidence::{Ask, Step};
use crate::wire::Request;

/// How many paths of the two documents are asked.
const MOST: usize = 256;
/// The methods that are asked; of the others (`DELETE`) asking may cost the agent something.
const ASKED: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH"];
/// No agent can take it: a path is to be seen, and nothing is to come of it.
const UNREADABLE: &str = "{";

/// Where the paths come from; a path that both list is asked once, and has both.
pub mod key {
    /// Listed by the descriptor.
    pub const DESCRIPTOR: usize = 1;
    /// Listed by the manifest, or where it has the health asked.
    pub const MANIFEST: usize = 2;
    /// Added where the path has parts that the checker cannot know, so that a 404 says nothing.
    pub const UNKNOWN_PART: usize = 4;
    /// Said to be open to all; asked without credentials, under
    /// [`Step::Again`](crate::evidence::Step::Again).
    pub const OPEN: usize = 8;
    /// Said to ask for credentials; likewise.
    pub const GUARDED: usize = 16;
}

pub(super) async fn described(driver: &Driver<'_>) -> Vec<Ask> {
    let listed = listed(driver);
    if listed.is_empty() {
        return Vec::new();
    }
    let varies = listed.iter().any(|(one, _)| one.path.contains('{'));
    let stored = if varies { store(driver).await } else { None };
    let id = stored.as_ref().and_then(id_in);
    let id = id.map(|id| utf8_percent_encode(&id, NON_ALPHANUMERIC).to_string());
    let questions = listed.into_iter().map(|(one, key)| {
        let without = key & (key::OPEN | key::GUARDED) != 0;
        let (path, is_known) = filled(&one.path, id.as_deref());
        let key = if is_known {
            key
        } else {
            key | key::UNKNOWN_PART
        };
        let (step, how) = match without {
            true => (Step::Again, "without credentials"),
            false => (Step::Main, "as it is listed"),
        };
        let note = format!("{} {}, {how}", one.method, one.path);
        let mut request = match one.method.as_str() {
            "GET" | "HEAD" => Request::bare(&one.method, &path),
            _ => Request {
                method: one.method,
                ..Request::post(&path, UNREADABLE)
            },
        };
        request.is_anonymous = without;
        // Whatever streams without end is left as soon as it has begun.
        Question::new(step, key, note, request).listening(Listen::FirstPiece)
    });
    let questions: Vec<Question> = questions.collect();
    let mut asks: Vec<Ask> = stored.into_iter().collect();
    asks.extend(driver.spread(questions).await);
    asks
}

fn listed(driver: &Driver<'_>) -> Vec<(Listed, usize)> {
    let facts = &driver.settings.facts;
    let mut all: Vec<(Listed, usize)> = Vec::new();
    let mut add = |one: Listed, key: usize| {
        let is_asked = all.len() < MOST && ASKED.contains(&one.method.as_str());
        // What is said of its guard makes it another question.
        let says = |key: &usize| key & (key::OPEN | key::GUARDED);
        let mut known = all.iter_mut();
        match known.find(|(known, keys)| *known == one && says(keys) == says(&key)) {
            Some((_, keys)) => *keys |= key,
            None if is_asked => all.push((one, key)),
            None => {}
        }
    };
    let spec = facts.manifest.as_ref().and_then(|told| told.get("spec"));
    let documents = [
        (facts.descriptor.as_ref(), key::DESCRIPTOR),
        (spec, key::MANIFEST),
    ];
    for (document, key) in documents {
        for (one, guarded) in document.into_iter().flat_map(endpoints) {
            let says = guarded.map(|guarded| if guarded { key::GUARDED } else { key::OPEN });
            add(one.clone(), key);
            says.into_iter()
                .for_each(|says| add(one.clone(), key | says));
        }
    }
    for path in facts.manifest.iter().flat_map(health_paths) {
        let method = "GET".to_owned();
        add(Listed { method, path }, key::MANIFEST);
    }
    all
}
