//! What the answers to one question give away: which were computed, and which hits agree with
//! these. Pure.
//!
//! What is right is learnt from computed answers alone. A hit that none of them agrees with yet is
//! held until the end: the one that it came from may be seen later.

use std::collections::VecDeque;

/// Hits may be of an answer that was computed before the last one, and answers that are another each
/// time may be computed by as many users at once.
const REMEMBERED: usize = 64;
/// So many different answers are held for one question; what comes beyond is only counted.
const HELD: usize = 8;

/// The answers to one question, by the digests of what of them stays the same.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Of the last computed ones, the newest (or last hit) last.
    computed: VecDeque<u64>,
    /// Hits that no computed answer agrees with.
    held: Vec<Held>,
    hits: u64,
}

/// Hits with one answer.
#[derive(Debug, Default)]
struct Held {
    /// None for all that there was no room for.
    digest: Option<u64>,
    /// Those that came before any computed answer.
    early: u64,
    /// Those that came after one.
    late: u64,
    /// Whether this answer came when nobody had been answered otherwise.
    is_foreign: bool,
}

/// What can be said of held hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Hits with what was never computed for their question, since every ask of it was a hit.
    pub(super) foreign: u64,
    /// Hits that differ from what was computed.
    pub(super) differing: u64,
    /// Hits that nothing can be said of.
    pub(super) unverified: u64,
}

impl Answers {
    /// An answer was computed. Whether it is the one that was computed before, if one was.
    pub(super) fn compute(&mut self, digest: u64) -> Option<bool> {
        let is_same = self.computed.back().map(|last| *last == digest);
        self.held.retain(|it| it.digest != Some(digest));
        self.keep(digest);
        is_same
    }

    /// An answer came from the cache. `asks` is how often this question was asked so far, where nobody
    /// can have asked it before the run.
    pub(super) fn hit(&mut self, digest: u64, asks: Option<u64>) {
        self.hits += 1;
        if self.computed.contains(&digest) {
            self.keep(digest);
            return;
        }
        let is_late = !self.computed.is_empty();
        let held = self.hold(digest);
        held.late += u64::from(is_late);
        held.early += u64::from(!is_late);
        // Each ask so far was answered, and each from the cache: no one can have computed these.
        if asks == Some(self.hits) {
            for it in &mut self.held {
                it.is_foreign = true;
            }
        }
    }

    /// What can be said of all hits; `is_steady` says that the agent computes the same each time.
    pub(super) fn found(&self, is_steady: bool) -> Found {
        let mut found = Found::default();
        for it in &self.held {
            found.differing += it.late;
            // An answer of which only the number is known may be one that was computed later.
            let can_differ = is_steady && !self.computed.is_empty() && it.digest.is_some();
            if it.is_foreign {
                found.foreign += it.early;
            } else if can_differ {
                found.differing += it.early;
            } else {
                found.unverified += it.early;
            }
        }
        found
    }

    fn keep(&mut self, digest: u64) {
        if self.computed.back() == Some(&digest) {
            return;
        }
        self.computed.retain(|it| *it != digest);
        self.computed.push_back(digest);
        if self.computed.len() > REMEMBERED {
            self.computed.pop_front();
        }
    }

    fn hold(&mut self, digest: u64) -> &mut Held {
        let is_held = self.held.iter().any(|it| it.digest == Some(digest));
        let digest = Some(digest).filter(|_| is_held || self.held.len() < HELD);
        let known = self.held.iter().position(|it| it.digest == digest);
        let index = known.unwrap_or(self.held.len());
        if known.is_none() {
            self.held.push(Held {
                digest,
                ..Held::default()
            });
        }
        &mut self.held[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed answers, and hits, by one letter each: `A` is computed, `a` is a hit with the same.
    fn after(told: &str) -> Answers {
        let mut answers = Answers::default();
        for letter in told.bytes() {
            let digest = u64::from(letter.to_ascii_lowercase());
            if letter.is_ascii_uppercase() {
                answers.compute(digest);
            } else {
                answers.hit(digest, None);
            }
        }
        answers
    }

    fn found(foreign: u64, differing: u64, unverified: u64) -> Found {
        Found {
            foreign,
            differing,
            unverified,
        }
    }

    #[test]
    fn what_is_right_is_learnt_from_computed_answers_alone() {
        // Told, what is found of an agent that computes the same each time, and of another one.
        let cases = [
            ("Aaaa", found(0, 0, 0), found(0, 0, 0)),
            ("Abbba", found(0, 3, 0), found(0, 3, 0)),
            // Nothing was computed: nothing is known.
            ("aaa", found(0, 0, 3), found(0, 0, 3)),
            // It is held against what is computed later, if that is sure to be the same.
            ("bbA", found(0, 2, 0), found(0, 0, 2)),
            ("aaA", found(0, 0, 0), found(0, 0, 0)),
            // Those that waited for the computed answer may be looked at before it.
            ("AabbB", found(0, 0, 0), found(0, 0, 0)),
            // Another each time, and an old one for a while.
            ("AaBbab", found(0, 0, 0), found(0, 0, 0)),
        ];
        for (told, steady, other) in cases {
            let answers = after(told);
            assert_eq!(answers.found(true), steady, "{told}");
            assert_eq!(answers.found(false), other, "{told}");
        }
    }

    #[test]
    fn a_new_question_that_only_hits_was_answered_with_anothers() {
        let mut answers = Answers::default();
        answers.hit(1, Some(2));
        assert_eq!(answers.found(false), found(0, 0, 1));
        answers.hit(1, Some(2));
        assert_eq!(answers.found(false), found(2, 0, 0));
        // The same goes on, among other asks; what is another answer may have been computed by one.
        answers.hit(1, Some(4));
        answers.hit(2, Some(5));
        assert_eq!(answers.found(false), found(3, 0, 1));
        // If it comes to the same when it is computed, it was right.
        answers.compute(1);
        assert_eq!(answers.found(false), found(0, 0, 1));
    }

    #[test]
    fn memory_is_bounded_and_counts_are_not_lost() {
        let mut answers = Answers::default();
        for digest in 0..1_000 {
            answers.hit(digest, None);
        }
        assert_eq!(answers.held.len(), HELD + 1);
        assert_eq!(answers.found(false), found(0, 0, 1_000));
        for digest in 0..1_000 {
            answers.compute(digest);
        }
        assert_eq!(answers.computed.len(), REMEMBERED);
        // Of those beyond, it is not known which they were: none is accused.
        let beyond = 1_000 - HELD as u64;
        assert_eq!(answers.found(true), found(0, 0, beyond));
    }

    #[test]
    fn it_says_whether_the_same_is_computed_again() {
        let mut answers = Answers::default();
        let told = [1, 1, 2].map(|digest| answers.compute(digest));
        assert_eq!(told, [None, Some(true), Some(false)]);
    }
}
