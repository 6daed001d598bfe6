//! Which paths of an agent have never answered: waiting for them once more, topic after topic,
//! would take most of an hour.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::wire::{End, Exchange};

/// After this many exchanges in vain, none of which was answered, a path is not asked any more.
const MOST: usize = 3;

/// What has come of each path, in a whole run.
#[derive(Debug, Default)]
pub struct Silences(Mutex<BTreeMap<String, Heard>>);

#[derive(Debug, Default)]
struct Heard {
    in_vain: usize,
    has_answered: bool,
}

impl Silences {
    /// Takes note of an exchange that was given so much time.
    pub(super) fn note(&self, exchange: &Exchange, patience: Duration) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = all.entry(key(&exchange.request.path)).or_default();
        heard.has_answered |= exchange.answer.is_some();
        let is_in_vain = exchange.end == End::TimedOut && exchange.elapsed >= patience;
        heard.in_vain += usize::from(is_in_vain);
    }

    /// Whether nothing at this path has ever been answered, often enough.
    pub(super) fn is_mute(&self, path: &str) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = all.get(&key(path));
        heard.is_some_and(|heard| !heard.has_answered && heard.in_vain >= MOST)
    }
}

fn key(path: &str) -> String {
    path.split('?').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up;
    use crate::wire::Request;

    #[test]
    fn a_path_that_has_answered_once_is_never_mute() {
        let silences = Silences::default();
        let in_vain = |path| made_up::exchange(Request::get(path), Err(End::TimedOut));
        for _ in 0..MOST {
            assert!(!silences.is_mute("/invoke"));
            silences.note(&in_vain("/invoke?a=b"), Duration::ZERO);
        }
        assert!(silences.is_mute("/invoke") && !silences.is_mute("/auth"));
        let answered = made_up::json(200, "{}");
        let answered = made_up::exchange(Request::get("/invoke"), Ok(answered));
        silences.note(&answered, Duration::ZERO);
        assert!(!silences.is_mute("/invoke"));
    }
}
