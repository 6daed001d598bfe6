//! What a rule is, and what judging one yields.

use std::collections::BTreeMap;
use std::time::Duration;

use acp_reports::Level;

use crate::evidence::{Ask, Evidence, Topic};
use crate::feature::Feature;

/// One requirement of the profile: all that is known of it, in one value.
///
/// Lists, pages, `rules explain`, reports and the expected-failures file are read from these.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// `area.name`; for ever.
    pub id: &'static str,
    /// How binding it is.
    pub level: Level,
    /// The feature that it belongs to.
    pub feature: Feature,
    /// The requirement, in a sentence.
    pub clause: &'static str,
    /// Where the requirement comes from.
    pub source: &'static str,
    /// What goes wrong for a client when it does not hold.
    pub why: &'static str,
    /// How to mend a failure.
    pub mend: &'static str,
    /// The topics that the judge reads; beside them it may read the probe.
    pub reads: &'static [Topic],
    /// Decides it: a pure function of the evidence.
    pub judge: fn(&Evidence) -> Judgement,
}

impl Rule {
    /// The part of the id before the dot.
    #[must_use]
    pub fn area(&self) -> &'static str {
        self.id.split('.').next().unwrap_or(self.id)
    }
}

/// What a judge says.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    /// The rule does not apply, and why.
    Skip(String),
    /// The rule applies, or might, and was not looked at: what it would take. It is reported as
    /// skipped, and its feature is not certified.
    Unseen(String),
    /// The evidence to decide it is missing, and which.
    Inconclusive(String),
    /// It was decided.
    Judged(Judged),
}

/// A decision, and what it rests on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// How many exchanges or cases were looked at; never 0.
    pub checked: usize,
    /// How many of them under each topic.
    pub seen: BTreeMap<Topic, usize>,
    /// How long the exchanges took.
    pub spent: Duration,
    /// What was wrong; none is a pass.
    pub failures: Vec<Failure>,
    /// Facts worth knowing that decide nothing.
    pub notes: Vec<String>,
}

/// Something wrong in one exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Which of the evidence's asks shows it; none where it stands in a document that the user
    /// handed over.
    pub ask: Option<usize>,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What is wrong, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// In one line.
    pub message: String,
    /// What the rule asks for.
    pub expected: String,
    /// What came instead.
    pub got: String,
}

/// What looking at one exchange shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// The rule holds here.
    Fine,
    /// It does not.
    Flaw(Flaw),
    /// It cannot be told here, and why.
    Missing(String),
    /// There is nothing here for the rule.
    Beside,
}

impl Look {
    /// A flaw.
    pub fn flaw(
        message: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Self::Flaw(Flaw {
            message: message.into(),
            expected: expected.into(),
            got: got.into(),
        })
    }

    /// Evidence that is missing.
    pub fn missing(reason: impl Into<String>) -> Self {
        Self::Missing(reason.into())
    }
}

/// Adds up looks to a judgement.
///
/// There is no way to a pass but through [`Tally::look`]: a pass has looked at something.
#[derive(Debug)]
pub struct Tally<'e> {
    evidence: &'e Evidence,
    judged: Judged,
    missing: Vec<String>,
}

impl<'e> Tally<'e> {
    /// Nothing looked at yet.
    #[must_use]
    pub fn new(evidence: &'e Evidence) -> Self {
        Self {
            evidence,
            judged: Judged::default(),
            missing: Vec::new(),
        }
    }

    /// Counts what one ask shows.
    pub fn look(&mut self, ask: &Ask, look: Look) {
        match look {
            Look::Beside => return,
            Look::Missing(reason) => {
                if !self.missing.contains(&reason) {
                    self.missing.push(reason);
                }
                return;
            }
            Look::Fine => {}
            Look::Flaw(flaw) => {
                let mut known = self.evidence.asks.iter();
                let index = known.position(|known| std::ptr::eq(known.as_ref(), ask));
                if index.is_none() {
                    return;
                }
                self.judged.failures.push(Failure { ask: index, flaw });
            }
        }
        self.judged.checked += 1;
        *self.judged.seen.entry(ask.topic).or_default() += 1;
        self.judged.spent += ask.exchange.elapsed;
    }

    /// Counts what a document shows that the user handed over: there is no exchange.
    pub fn read(&mut self, look: Look) {
        if let Look::Flaw(flaw) = look {
            self.judged.failures.push(Failure { ask: None, flaw });
        }
        self.judged.checked += 1;
        *self.judged.seen.entry(Topic::Described).or_default() += 1;
    }

    /// Notes a fact that decides nothing.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.judged.notes.contains(&note) {
            self.judged.notes.push(note);
        }
    }

    /// The judgement: failures outweigh gaps, gaps outweigh a pass.
    #[must_use]
    pub fn judgement(self) -> Judgement {
        if !self.judged.failures.is_empty() {
            return Judgement::Judged(self.judged);
        }
        if let Some(reason) = self.missing.into_iter().next() {
            return Judgement::Inconclusive(reason);
        }
        if self.judged.checked == 0 {
            return Judgement::Inconclusive("nothing was seen that could decide it".to_owned());
        }
        Judgement::Judged(self.judged)
    }
}

/// The judgement that looking at each of some asks adds up to.
pub fn each<'e>(
    evidence: &'e Evidence,
    asks: impl Iterator<Item = &'e Ask>,
    mut look: impl FnMut(&'e Ask) -> Look,
) -> Judgement {
    let mut tally = Tally::new(evidence);
    for ask in asks {
        tally.look(ask, look(ask));
    }
    tally.judgement()
}
