//! Asking: the documents, and generated inputs, each question twice and far apart.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::steady::{Rules, steady};
use super::{Ignored, Snapshot, answer};
use crate::cached;
use crate::cases::Case;
use crate::drive::{self, Bank, Driver, Halt, Observer, Progress, Question, Stop};
use crate::evidence::{Ask, Frame, Step, Topic};
use crate::probe::Probe;
use crate::redact::Redactor;
use crate::settings::Settings;
use crate::wire::{Client, ClientError, Limits};

/// How much an agent is asked, and with what.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Where every case comes from.
    pub seed: u64,
    /// How many valid inputs are invoked, and how many invalid ones; one in ten is streamed, too.
    pub cases: usize,
    /// Header fields to add to every request; their values are secrets, and stand in no snapshot.
    pub headers: Vec<(String, String)>,
    /// How long one exchange may take.
    pub timeout: Duration,
    /// Where the agent streams, if not at the profile's paths.
    pub stream_path: Option<String>,
    /// What is known to change by itself.
    pub ignored: Vec<Ignored>,
}

impl Asking {
    /// How many cases there are if nothing else is said: few enough to be read in a review.
    pub const CASES: usize = 10;
    /// The most there may be.
    pub const MOST: usize = 1_000;
}

impl Default for Asking {
    fn default() -> Self {
        Self {
            seed: 0,
            cases: Self::CASES,
            headers: Vec::new(),
            timeout: Settings::TIMEOUT,
            stream_path: None,
            ignored: Vec::new(),
        }
    }
}

/// Why there are no snapshots: half of them would look like the loss of the others.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotTaken {
    /// This is no agent's URL.
    #[error("{0}")]
    Url(String),
    /// The agent did not answer all that it was asked.
    #[error("{0}")]
    Agent(String),
    /// The user interrupted.
    #[error("interrupted")]
    Interrupted,
}

impl From<ClientError> for NotTaken {
    fn from(error: ClientError) -> Self {
        Self::Url(error.to_string())
    }
}

/// All snapshots of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// One a question, in the order of asking; no name is there twice.
    pub snapshots: Vec<Snapshot>,
    /// How many answers came out of a cache both times, by their own word: asking twice shows
    /// nothing of what is volatile in them.
    pub cached: usize,
}

/// Takes the snapshots of the agent at `url`.
///
/// # Errors
/// If the URL cannot be an agent's, or not all was answered.
pub async fn take(url: &str, asking: &Asking) -> Result<Vec<Snapshot>, NotTaken> {
    let url = Url::parse(url).map_err(|error| NotTaken::Url(format!("`{url}`: {error}")))?;
    let taken = take_until(&url, asking, &|_| {}, &CancellationToken::new()).await?;
    Ok(taken.snapshots)
}

/// The same, until it is cancelled, and watched.
///
/// # Errors
/// As [`take`], and if it is cancelled.
pub async fn take_until(
    url: &Url,
    asking: &Asking,
    observer: Observer<'_>,
    cancelled: &CancellationToken,
) -> Result<Taken, NotTaken> {
    // Nothing that is asked here depends on the clock.
    let mut settings = Settings::for_agent(url.clone(), Timestamp::UNIX_EPOCH);
    settings.headers.clone_from(&asking.headers);
    settings.timeout = asking.timeout;
    settings.facts.seed = asking.seed;
    settings.facts.cases = asking.cases.clamp(1, Asking::MOST);
    settings.facts.stream_path.clone_from(&asking.stream_path);
    let limits = Limits::with_timeout(settings.timeout);
    let halt = Halt::new(cancelled, settings.budget);
    let taking = Taking {
        client: Client::new(url, settings.headers.clone(), limits)?,
        settings,
        observer,
        halt: &halt,
    };
    let pairs = halt.within_budget(taking.pairs()).await?;
    Ok(snapshots(pairs, url, asking))
}

/// A question's name, and what came of it both times.
type Pair = (String, Ask, Ask);

struct Taking<'a> {
    client: Client,
    settings: Settings,
    observer: Observer<'a>,
    halt: &'a Halt,
}

/// What is asked beside the documents: so many questions of a kind.
struct Group {
    topic: Topic,
    /// Each with its name, the case, and how it is put.
    questions: Vec<(String, Case, Frame)>,
}

impl Taking<'_> {
    async fn pairs(&self) -> Result<Vec<Pair>, NotTaken> {
        let facts = &self.settings.facts;
        let unknown = Probe::of(facts, &[]);
        let nothing = Bank::default();
        let first = self.drive(Topic::Documents, (&unknown, &nothing)).await?;
        let first: Vec<_> = first.into_iter().map(std::sync::Arc::new).collect();
        let probe = Probe::of(facts, &first);
        let bank = Bank::fill(&probe, facts, &self.halt.for_making());
        let mut known = first.clone();
        if !bank.inputs.is_empty() {
            let found = self.drive(Topic::Discovery, (&probe, &bank)).await?;
            known.extend(found.into_iter().map(std::sync::Arc::new));
        }
        let probe = Probe::of(facts, &known);
        drop(known);
        let groups = groups(&self.driver(Topic::Discovery, (&probe, &bank)));
        (self.observer)(Progress::Topics(3 + 2 * groups.len()));
        let mut once = Vec::new();
        for group in &groups {
            once.push(self.ask(group, (&probe, &bank)).await?);
        }
        let again = self.drive(Topic::Documents, (&probe, &bank)).await?;
        let mut pairs = Vec::new();
        for (first, again) in first.into_iter().zip(again) {
            let Ok(first) = std::sync::Arc::try_unwrap(first) else {
                continue;
            };
            pairs.push((document_name(first.about.step).to_owned(), first, again));
        }
        for (group, mut once) in groups.iter().zip(once) {
            let mut again = self.ask(group, (&probe, &bank)).await?;
            for (key, (name, ..)) in group.questions.iter().enumerate() {
                if let (Some(once), Some(again)) = (once.remove(&key), again.remove(&key)) {
                    pairs.push((name.clone(), once, again));
                }
            }
        }
        Ok(pairs)
    }

    fn driver<'b>(&'b self, topic: Topic, (probe, bank): (&'b Probe, &'b Bank)) -> Driver<'b> {
        let target = (&self.client, &self.settings);
        Driver::new(topic, target, (probe, bank), self.observer, self.halt)
    }

    async fn drive(&self, topic: Topic, known: (&Probe, &Bank)) -> Result<Vec<Ask>, NotTaken> {
        (self.observer)(Progress::Begun(topic));
        let driver = self.driver(topic, known);
        let asks = drive::drive(topic, &driver).await;
        whole(&driver, &asks)?;
        Ok(asks)
    }

    /// The answers to a group's questions, by their number.
    async fn ask(
        &self,
        group: &Group,
        known: (&Probe, &Bank),
    ) -> Result<BTreeMap<usize, Ask>, NotTaken> {
        (self.observer)(Progress::Begun(group.topic));
        let driver = self.driver(group.topic, known);
        let questions = group.questions.iter().enumerate();
        let questions = questions
            .map(|(key, (_, case, frame))| Question::case(Step::Main, key, case, frame))
            .collect();
        let asks = match group.topic {
            Topic::StreamValid => driver.spread_streams(questions).await,
            _ => driver.spread(questions).await,
        };
        whole(&driver, &asks)?;
        Ok(asks.into_iter().map(|ask| (ask.about.key, ask)).collect())
    }
}

/// Says why not all was asked, or why what was is worth no snapshot.
fn whole(driver: &Driver<'_>, asks: &[Ask]) -> Result<(), NotTaken> {
    match driver.stop() {
        Some(Stop::Interrupted) => return Err(NotTaken::Interrupted),
        Some(Stop::OutOfTime(budget)) => {
            return Err(NotTaken::Agent(format!(
                "not all was answered within {budget:?}: ask less with fewer cases"
            )));
        }
        Some(Stop::Gone(_)) | None => {}
    }
    if let Some(why) = driver.incomplete() {
        return Err(NotTaken::Agent(why));
    }
    let is_limited = |ask: &&Ask| ask.answer().is_some_and(|answer| answer.status == 429);
    match asks.iter().find(is_limited) {
        None => Ok(()),
        Some(ask) => Err(NotTaken::Agent(format!(
            "the agent's rate limit (429 for {}) hides what it would answer: raise it, or ask less with fewer cases",
            ask.exchange.request.path
        ))),
    }
}

fn document_name(step: Step) -> &'static str {
    match step {
        Step::Auth => "auth",
        Step::Schema => "schema",
        Step::Capabilities => "capabilities",
        Step::Health => "health",
        _ => "root",
    }
}

fn groups(driver: &Driver<'_>) -> Vec<Group> {
    /// Of so many cases one is streamed, too; but so many at least.
    const CASES_PER_STREAM: usize = 10;
    const FEWEST: usize = 3;
    let (bank, cases) = (driver.bank, driver.settings.facts.cases);
    let named = |name: &str, cases: &[Case], frame: &Frame| {
        let numbered = cases.iter().enumerate();
        let numbered = numbered.map(|(index, case)| {
            (
                format!("{name}-{:03}", index + 1),
                case.clone(),
                frame.clone(),
            )
        });
        numbered.collect::<Vec<_>>()
    };
    let invoke = driver.invoke_frame();
    let mut groups = vec![
        Group {
            topic: Topic::InvokeValid,
            questions: named("invoke", &bank.inputs, &invoke),
        },
        Group {
            topic: Topic::InvokeInvalid,
            questions: named("invoke-invalid", &bank.bad_inputs, &invoke),
        },
    ];
    let count = (cases / CASES_PER_STREAM).max(FEWEST);
    let streamed = &bank.inputs[..count.min(bank.inputs.len())];
    for (index, stream) in driver.probe.streams.iter().enumerate() {
        let mut name = format!("stream-{}", slug(&stream.path));
        if stream.by_flag {
            name += "-by-flag";
        }
        let other = |group: &Group| {
            group
                .questions
                .iter()
                .any(|(it, ..)| *it == format!("{name}-001"))
        };
        if groups.iter().any(other) {
            name += &format!("-{}", index + 1);
        }
        groups.push(Group {
            topic: Topic::StreamValid,
            questions: named(&name, streamed, &driver.stream_frame(stream)),
        });
    }
    groups
}

/// A path as a part of a file's name.
fn slug(path: &str) -> String {
    /// Enough to tell paths apart; names of files end at 255 bytes.
    const LONGEST: usize = 60;
    let letters = path.chars().map(|letter| match letter {
        letter if letter.is_ascii_alphanumeric() => letter.to_ascii_lowercase(),
        _ => ' ',
    });
    let words: String = letters.take(LONGEST).collect();
    let words: Vec<&str> = words.split_whitespace().collect();
    words.join("-")
}

fn snapshots(pairs: Vec<Pair>, url: &Url, asking: &Asking) -> Taken {
    let redactor = Redactor::new(&asking.headers);
    let host = url.host_str().unwrap_or_default();
    // Without a port, a name would be found in texts that mean something else.
    let authority = url.port().map(|port| format!("{host}:{port}"));
    let mut taken = Taken {
        snapshots: Vec::new(),
        cached: 0,
    };
    for (name, once, again) in pairs {
        let is_cached = |ask: &Ask| cached::mark(ask).is_some();
        if is_cached(&once) && is_cached(&again) {
            taken.cached += 1;
        }
        let sent = String::from_utf8_lossy(&once.exchange.request.body).into_owned();
        let rules = Rules {
            authority: authority.as_deref().unwrap_or_default(),
            sent: &sent,
            ignored: &asking.ignored,
        };
        let left = answer::document(&once, &redactor);
        let right = answer::document(&again, &redactor);
        let (document, volatile) = steady(&left, &right, &rules);
        taken.snapshots.push(Snapshot {
            name,
            description: redactor.text(&once.about.note),
            contents: answer::text(&answer::in_order(document)),
            volatile,
        });
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_name_that_any_file_may_have() {
        assert_eq!(slug("/invoke/advanced-stream"), "invoke-advanced-stream");
        assert_eq!(slug("/../..\\Été?x=\u{202e}"), "t-x");
        assert!(slug(&"/a".repeat(300)).len() <= 60);
    }
}
