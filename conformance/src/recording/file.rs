//! A record as a file: JSON Lines, the head first, then an ask a line.
//!
//! A record is somebody else's file: what is read of it is bounded, and what is wrong with it is
//! told in a line. Nothing in it makes the reader ask anything of anybody.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;

use acp_reports::shorten;
use serde::Deserialize;

use super::line::{Again, Asked, Head, Stopped};
use super::parts::Nanoseconds;
use super::{Ended, Recording};
use crate::drive::Stop;
use crate::evidence::{Ask, Evidence};
use crate::profile::Profile;
use crate::redact::Redactor;
use crate::rule::Rule;
use crate::rules;
use crate::settings::Facts;
use crate::verdict::Round;

/// The value of `format`.
pub const FORMAT: &str = "acp-tck/record";
/// The value of `format_version`.
pub const VERSION: u32 = 1;

/// How long a line may be, in bytes: the largest body that is read, as JSON, with its arrivals.
const LONGEST_LINE: u64 = 64 << 20;
/// How many bytes of memory all asks together may take: more than the wire keeps of a run.
const MOST: usize = 256 << 20;
/// As many rounds as there may ever be.
const MOST_ROUNDS: usize = 16;

/// How much is told of what is wrong with a line, in characters.
const SHOWN: usize = 160;

/// Why a file is not a record that can be judged.
#[derive(Debug, thiserror::Error)]
pub enum NotARecording {
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    /// Not a record at all.
    #[error("not a record of acp-tck: write one with check --record")]
    Other,
    /// A record of another version.
    #[error(
        "a record of version {0}, and this acp-tck reads version {VERSION}: judge it with the acp-tck that wrote it"
    )]
    Version(u64),
    /// A record by another requirement set.
    #[error("a record for the profile `{0}`, and this acp-tck judges `{profile}`", profile = Profile::LATEST.name)]
    Profile(String),
    /// It ends before its end.
    #[error("the record is cut short: {found} of its {told} exchanges are there")]
    Cut {
        /// How many there are.
        found: usize,
        /// How many there should be.
        told: usize,
    },
    /// A line is wrong.
    #[error("line {line}: {what}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// It is larger than what any run leaves.
    #[error("the record is larger than any run's: more than {} MiB of exchanges", MOST >> 20)]
    TooLarge,
}

/// What tells a record from other files.
#[derive(Deserialize)]
struct Kind {
    format: String,
    format_version: u64,
}

impl Recording {
    /// Writes it down.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        line(out, &self.head())?;
        for ask in &self.evidence.asks {
            line(out, &Asked::of(ask, 0, None))?;
        }
        for (number, round) in self.rounds.iter().enumerate() {
            for ask in &round.asks {
                line(out, &Asked::of(ask, number + 1, None))?;
            }
        }
        for (rule, ask) in &self.shrunk {
            line(out, &Asked::of(ask, 0, Some(rule.id)))?;
        }
        Ok(())
    }

    fn head(&self) -> Head {
        let Facts {
            seed,
            cases,
            claims,
            stream_path,
            params,
            descriptor,
            manifest,
            launched,
            started_at,
        } = &self.evidence.facts;
        let rounds = self.rounds.iter().map(|round| Again {
            topics: round.topics.iter().copied().collect(),
            incomplete: round.incomplete.clone(),
        });
        let again: usize = self.rounds.iter().map(|round| round.asks.len()).sum();
        Head {
            format: FORMAT.to_owned(),
            format_version: VERSION,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            profile: Profile::LATEST.name.to_owned(),
            url: self.url.clone(),
            label: self.label.clone(),
            started_at: started_at.to_string(),
            took_ns: Nanoseconds(self.ended.took),
            seed: *seed,
            cases: *cases,
            claims: claims.iter().map(|claim| claim.name().to_owned()).collect(),
            stream_path: stream_path.clone(),
            params: params.into(),
            descriptor: descriptor.clone(),
            manifest: manifest.clone(),
            launched: launched.map(Into::into),
            rules: self.rules.iter().map(|rule| rule.id.to_owned()).collect(),
            blurred: self.blurred.iter().map(|id| (*id).to_owned()).collect(),
            unjudged: self.unjudged.iter().map(|id| (*id).to_owned()).collect(),
            is_witnessed: self.is_witnessed,
            stop: self.ended.stop.as_ref().map(|stop| match stop {
                Stop::Gone(why) => Stopped::Gone(why.clone()),
                Stop::Interrupted => Stopped::Interrupted,
                Stop::OutOfTime(budget) => Stopped::OutOfTime(Nanoseconds(*budget)),
            }),
            incomplete: self.evidence.incomplete.clone(),
            lives: self
                .evidence
                .lives
                .iter()
                .map(|(topic, life)| (*topic, life.into()))
                .collect(),
            rounds: rounds.collect(),
            asks: self.evidence.asks.len() + again + self.shrunk.len(),
        }
    }

    /// Reads what was written down.
    ///
    /// # Errors
    /// If it is not a record, or one that cannot be judged here; says where and why.
    pub fn read(from: &mut dyn BufRead) -> Result<Self, NotARecording> {
        let mut lines = Lines {
            from,
            number: 0,
            text: Vec::new(),
        };
        let head = head(&mut lines)?;
        let told = head.asks;
        let mut recording = Self::of_head(head).map_err(|what| lines.wrong(what))?;
        let mut asks = Vec::new();
        let mut size = 0;
        let mut found = 0;
        while let Some(text) = lines.next()? {
            let asked: Result<Asked, _> = serde_json::from_slice(text);
            let asked = match asked {
                Ok(asked) => asked,
                // The last line, without its end.
                Err(error) if error.is_eof() => break,
                Err(error) => return Err(lines.wrong(error)),
            };
            let (round, shrunk) = (asked.round, asked.shrunk.clone());
            let ask = asked.ask().map_err(|what| lines.wrong(what))?;
            size += cost(&ask);
            if size > MOST {
                return Err(NotARecording::TooLarge);
            }
            found += 1;
            let ask = Arc::new(ask);
            match (shrunk, round.checked_sub(1)) {
                (Some(id), _) => recording.take_shrunk(&id, ask),
                (None, None) => asks.push(ask),
                (None, Some(again)) => match recording.rounds.get_mut(again) {
                    Some(round) => round.asks.push(ask),
                    None => return Err(lines.wrong(format!("there is no round {round}"))),
                },
            }
        }
        if found != told {
            return Err(NotARecording::Cut { found, told });
        }
        Ok(recording.with_asks(asks))
    }

    /// The recording without what was asked.
    fn of_head(head: Head) -> Result<Self, String> {
        let claims = head.claims.iter().map(|name| name.parse());
        let claims: Result<_, _> = claims.collect();
        let started_at = head.started_at.parse();
        let facts = Facts {
            seed: head.seed,
            cases: head.cases,
            claims: claims.map_err(|error: crate::feature::UnknownFeature| error.to_string())?,
            stream_path: head.stream_path,
            params: head.params.params(),
            descriptor: head.descriptor,
            manifest: head.manifest,
            launched: head.launched.map(|one| one.terms()).transpose()?,
            started_at: started_at.map_err(|_| format!("`{}` is not a time", head.started_at))?,
        };
        if head.rounds.len() > MOST_ROUNDS {
            return Err("no run tries again so often".to_owned());
        }
        let rounds = head.rounds.into_iter().map(|again| Round {
            topics: again.topics.into_iter().collect(),
            asks: Vec::new(),
            incomplete: again.incomplete,
        });
        let lives = head.lives.into_iter();
        let lives = lives.map(|(topic, lived)| (topic, lived.into()));
        let evidence = Evidence::new(facts, Vec::new(), head.incomplete);
        Ok(Self {
            url: head.url,
            label: head.label,
            rules: known(&head.rules),
            evidence: evidence.with_lives(lives.collect()),
            rounds: rounds.collect(),
            shrunk: Vec::new(),
            blurred: known(&head.blurred).iter().map(|rule| rule.id).collect(),
            unjudged: known(&head.unjudged).iter().map(|rule| rule.id).collect(),
            is_witnessed: head.is_witnessed,
            ended: Ended {
                stop: head.stop.map(|stop| match stop {
                    Stopped::Gone(why) => Stop::Gone(why),
                    Stopped::Interrupted => Stop::Interrupted,
                    Stopped::OutOfTime(budget) => Stop::OutOfTime(budget.0),
                }),
                took: head.took_ns.0,
            },
            redactor: Redactor::default(),
        })
    }

    fn take_shrunk(&mut self, id: &str, ask: Arc<Ask>) {
        // What is not in the catalogue is not judged either.
        self.shrunk.extend(rules::find(id).map(|rule| (rule, ask)));
    }

    fn with_asks(mut self, mut asks: Vec<Arc<Ask>>) -> Self {
        asks.sort_by_key(|ask| ask.topic);
        let Evidence {
            facts,
            incomplete,
            lives,
            ..
        } = self.evidence;
        self.evidence = Evidence::new(facts, asks, incomplete).with_lives(lives);
        self
    }
}

/// Rules of the catalogue, in its order: a rule that has gone cannot be judged.
fn known(ids: &[String]) -> Vec<&'static Rule> {
    let ids: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    rules::catalogue()
        .filter(|rule| ids.contains(rule.id))
        .collect()
}

fn line(out: &mut dyn Write, line: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

fn head(lines: &mut Lines<'_>) -> Result<Head, NotARecording> {
    let text = lines.next()?.ok_or(NotARecording::Other)?;
    let kind: Kind = serde_json::from_slice(text).map_err(|_| NotARecording::Other)?;
    if kind.format != FORMAT {
        return Err(NotARecording::Other);
    }
    if kind.format_version != u64::from(VERSION) {
        return Err(NotARecording::Version(kind.format_version));
    }
    let head: Result<Head, _> = serde_json::from_slice(text);
    let head = head.map_err(|error| lines.wrong(error))?;
    match head.profile.parse::<&'static Profile>() {
        Ok(_) => Ok(head),
        Err(_) => Err(NotARecording::Profile(head.profile)),
    }
}

/// Lines of a bounded length.
struct Lines<'r> {
    from: &'r mut dyn BufRead,
    number: usize,
    text: Vec<u8>,
}

impl Lines<'_> {
    fn next(&mut self) -> Result<Option<&[u8]>, NotARecording> {
        self.text.clear();
        self.number += 1;
        let mut bounded = (&mut *self.from).take(LONGEST_LINE);
        let read = bounded.read_until(b'\n', &mut self.text)?;
        if read as u64 == LONGEST_LINE {
            return Err(self.wrong(format!("longer than {} MiB", LONGEST_LINE >> 20)));
        }
        Ok((read > 0).then_some(self.text.as_slice()))
    }

    fn wrong(&self, what: impl ToString) -> NotARecording {
        NotARecording::Line {
            line: self.number,
            what: shorten(&what.to_string(), SHOWN).into_owned(),
        }
    }
}

/// What an ask takes in memory, about.
fn cost(ask: &Ask) -> usize {
    const FIELD: usize = 64;
    let fields = |headers: &[(String, String)]| -> usize {
        let lengths = headers.iter();
        lengths
            .map(|(name, value)| name.len() + value.len() + FIELD)
            .sum()
    };
    let request = &ask.exchange.request;
    let case = ask.about.case.as_ref();
    let answer = ask.answer();
    size_of::<Ask>()
        + ask.about.note.len()
        + case.map_or(0, |(case, _)| 2 * case.text.len())
        + request.path.len()
        + request.body.len()
        + fields(&request.headers)
        + answer.map_or(0, |answer| {
            let reads = size_of_val(answer.reads.as_slice());
            answer.body.len() + fields(&answer.headers) + reads
        })
}
