//! How things are asked: so many at a time, with so much patience, until it is no use.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::bank::Bank;
use super::halt::Halt;
use super::silences::Silences;
use crate::cases::Case;
use crate::evidence::{About, Ask, Frame, Step, Topic};
use crate::limits::{Wait, wait};
use crate::probe::Probe;
use crate::settings::Settings;
use crate::sse;
use crate::terminal;
use crate::wire::{Client, End, Exchange, Reading, Request, Watch};
use futures_util::StreamExt;
use futures_util::stream;

/// What a progress display is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many topics will be driven.
    Topics(usize),
    /// A topic has begun (again, where a failure is tried again).
    Begun(Topic),
    /// An exchange has ended.
    Asked,
    /// The agent says that it takes so many invocations in so much time, and the run makes more:
    /// what it refuses cannot be judged.
    Limited(u32, Duration),
}

/// Is told how a run gets on.
pub type Observer<'a> = &'a (dyn Fn(Progress) + Sync);

/// How long a stream may stay open after its terminal event (the profile's `stream.closes`).
const CLOSING_TIME: Duration = Duration::from_secs(2);
/// After this many exchanges of a topic without an answer, the rest of it is not asked.
const SILENCES: usize = 3;
/// How long in all a 429 is waited out, how long once if it does not say, and
/// after how many vain waits within a topic no more.
pub(crate) const RATE_LIMIT_WAIT: Duration = Duration::from_secs(5);
const RATE_LIMIT_PAUSE: Duration = Duration::from_secs(1);
const REFUSALS: usize = 3;
/// Streams spend their time waiting, so more of them may be open than requests be under way.
const STREAMS_PER_JOB: usize = 6;

/// Something to ask.
#[derive(Debug)]
pub struct Question {
    /// Why.
    pub about: About,
    /// What.
    pub request: Request,
    /// How the answer is read.
    pub listen: Listen,
}

/// How an answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// As one body.
    Whole,
    /// As a stream, to its end.
    Stream,
    /// Until the first piece of its body; then the connection is dropped.
    FirstPiece,
}

impl Question {
    /// A question whose answer is one body.
    #[must_use]
    pub fn new(step: Step, key: usize, note: impl Into<String>, request: Request) -> Self {
        Self {
            about: About::new(step, key, note),
            request,
            listen: Listen::Whole,
        }
    }

    /// A generated case, posted in its frame.
    #[must_use]
    pub fn case(step: Step, key: usize, case: &Case, frame: &Frame) -> Self {
        let request = Request::post(&frame.path, frame.body(case));
        let listen = if frame.is_stream {
            Listen::Stream
        } else {
            Listen::Whole
        };
        let mut question = Self::new(step, key, case.name.clone(), request).listening(listen);
        question.about.case = Some((case.clone(), frame.clone()));
        question
    }

    /// Reads the answer in this way.
    #[must_use]
    pub fn listening(mut self, listen: Listen) -> Self {
        self.listen = listen;
        self.about.wants_stream = listen == Listen::Stream;
        self
    }

    /// An HTTP library may answer this itself.
    #[must_use]
    pub fn beneath(mut self) -> Self {
        self.about.is_beneath = true;
        self
    }
}

/// Why no more is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Nobody is listening any more, or nobody answers; says what was seen.
    Gone(String),
    /// The user interrupted.
    Interrupted,
    /// The time that the whole run may take is used up.
    OutOfTime(Duration),
}

impl fmt::Display for Stop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone(why) => formatter.write_str(why),
            Self::Interrupted => formatter.write_str("the run was interrupted"),
            Self::OutOfTime(budget) => write!(
                formatter,
                "the time for the whole run ({budget:?}) was used up: give more with --budget"
            ),
        }
    }
}

/// Asks one agent.
pub struct Driver<'a> {
    /// Speaks to the agent.
    pub client: &'a Client,
    /// What the run was told.
    pub settings: &'a Settings,
    /// What is known of the agent so far.
    pub probe: &'a Probe,
    /// What there is to ask with.
    pub bank: &'a Bank,
    pub(super) topic: Topic,
    pub(super) observer: Observer<'a>,
    pub(super) cancelled: &'a Halt,
    silences: AtomicUsize,
    refusals: AtomicUsize,
    has_answered: AtomicBool,
    gone: Mutex<Option<String>>,
    waited_out: Mutex<Vec<Ask>>,
    heard: Arc<Silences>,
    /// A path that was not asked, as it has never answered.
    mute: Mutex<Option<String>>,
}

impl<'a> Driver<'a> {
    /// A driver for one topic.
    pub fn new(
        topic: Topic,
        (client, settings): (&'a Client, &'a Settings),
        (probe, bank): (&'a Probe, &'a Bank),
        observer: Observer<'a>,
        cancelled: &'a Halt,
    ) -> Self {
        Self {
            client,
            settings,
            probe,
            bank,
            topic,
            observer,
            cancelled,
            silences: AtomicUsize::new(0),
            refusals: AtomicUsize::new(0),
            has_answered: AtomicBool::new(false),
            gone: Mutex::new(None),
            waited_out: Mutex::default(),
            heard: Arc::default(),
            mute: Mutex::new(None),
        }
    }

    /// Knows from other topics which paths never answer, and tells them.
    #[must_use]
    pub fn heeding(mut self, heard: Arc<Silences>) -> Self {
        self.heard = heard;
        self
    }

    /// Why nothing more can be asked of the agent, if so.
    #[must_use]
    pub fn stop(&self) -> Option<Stop> {
        let halted = self.cancelled.why();
        halted.or_else(|| self.lock_gone().clone().map(Stop::Gone))
    }

    /// Whether there is time left: for what takes long before anything is asked.
    #[must_use]
    pub(super) fn goes_on(&self) -> bool {
        self.cancelled.why().is_none()
    }

    /// Why the topic was not asked to its end, if so.
    #[must_use]
    pub fn incomplete(&self) -> Option<String> {
        match self.stop() {
            Some(stop) => Some(stop.to_string()),
            None if self.is_silent() => Some(format!(
                "{SILENCES} exchanges got no answer within {:?}, so the rest was not asked",
                self.settings.timeout
            )),
            None if self.client.is_full() => Some(format!(
                "the agent's answers have come to more than the {} MiB that the checker keeps, so the rest was not \
                 asked: ask fewer at once, with --cases or --only",
                self.client.limits().total >> 20
            )),
            None => self.lock_mute().as_ref().map(|path| {
                format!(
                    "nothing at {path} has ever been answered within {:?}, so it was not asked again",
                    self.settings.timeout
                )
            }),
        }
    }

    /// Asks one after the other.
    pub async fn in_turn(&self, questions: Vec<Question>) -> Vec<Ask> {
        self.at_once(1, questions).await
    }

    /// Asks some at a time; the record has the order of the questions.
    pub async fn spread(&self, questions: Vec<Question>) -> Vec<Ask> {
        self.at_once(self.settings.jobs, questions).await
    }

    /// Opens some streams at a time.
    pub async fn spread_streams(&self, questions: Vec<Question>) -> Vec<Ask> {
        self.at_once(self.settings.jobs * STREAMS_PER_JOB, questions)
            .await
    }

    /// Asks `width` at a time.
    pub async fn at_once(&self, width: usize, questions: Vec<Question>) -> Vec<Ask> {
        let asking = stream::iter(questions).map(|question| self.ask(question));
        asking
            .buffered(width.max(1))
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    /// Asks one thing; `None` if it is no use any more.
    pub async fn ask(&self, question: Question) -> Option<Ask> {
        if self.is_silent() || self.client.is_full() || self.stop().is_some() {
            return None;
        }
        if self.heard.is_mute(&question.request.path) {
            self.lock_mute().get_or_insert(question.request.path);
            return None;
        }
        let Question {
            about,
            request,
            listen,
        } = question;
        let exchange = tokio::select! {
            exchange = self.exchange(&about, &request, listen) => exchange,
            () = self.cancelled.cancelled() => return None,
        };
        self.heed(&exchange).await?;
        (self.observer)(Progress::Asked);
        Some(Ask::new(self.topic, about, exchange))
    }

    /// Several questions on one connection.
    pub async fn converse(&self, questions: Vec<Question>) -> Vec<Ask> {
        let (abouts, requests): (Vec<_>, Vec<_>) = questions
            .into_iter()
            .map(|question| (question.about, question.request))
            .unzip();
        if self.client.is_full() || self.stop().is_some() {
            return Vec::new();
        }
        let exchanges = tokio::select! {
            exchanges = self.client.converse(requests) => exchanges,
            () = self.cancelled.cancelled() => return Vec::new(),
        };
        (self.observer)(Progress::Asked);
        let pairs = abouts.into_iter().zip(exchanges);
        pairs
            .map(|(about, exchange)| Ask::new(self.topic, about, exchange))
            .collect()
    }

    /// One exchange; a 429 is waited out if that is soon, and has not been in vain before. The agent has
    /// counted it, so it is kept.
    async fn exchange(&self, about: &About, request: &Request, listen: Listen) -> Exchange {
        let mut left = RATE_LIMIT_WAIT;
        loop {
            let exchange = self.exchange_once(request.clone(), listen).await;
            let Some(pause) = retry_after(&exchange) else {
                return exchange;
            };
            if pause > left || self.refusals.load(Ordering::Relaxed) >= REFUSALS {
                self.refusals.fetch_add(1, Ordering::Relaxed);
                return exchange;
            }
            left -= pause;
            let about = About::new(Step::WaitedOut, about.key, about.note.clone());
            let refused = Ask::new(self.topic, about, exchange);
            self.lock_waited_out().push(refused);
            tokio::time::sleep(pause).await;
        }
    }

    async fn exchange_once(&self, request: Request, listen: Listen) -> Exchange {
        let mut parser = sse::Parser::new(sse::Limits::default());
        let mut to_the_end = move |bytes: &[u8]| {
            parser.push(bytes);
            let has_ended = parser
                .drain_events()
                .any(|event| terminal::ends(&event.data));
            if has_ended {
                Watch::EndsWithin(CLOSING_TIME)
            } else {
                Watch::Go
            }
        };
        let mut leave = |_: &[u8]| Watch::Leave;
        let reading = match listen {
            Listen::Whole => Reading::Whole,
            Listen::Stream => Reading::Stream(&mut to_the_end),
            Listen::FirstPiece => Reading::Stream(&mut leave),
        };
        self.client.exchange_reading(request, reading).await
    }

    /// Notes signs that the agent is gone; `None` if this exchange is one of them.
    pub(super) async fn heed(&self, exchange: &Exchange) -> Option<()> {
        self.heard.note(exchange, self.client.limits().timeout);
        match &exchange.end {
            End::Unreachable(why) => {
                let path = &exchange.request.path;
                self.lock_gone()
                    .get_or_insert(format!("cannot connect for {path}: {why}"));
                return None;
            }
            End::TimedOut if exchange.elapsed >= self.client.limits().timeout => {
                self.silences.fetch_add(1, Ordering::Relaxed);
            }
            _ if exchange.answer.is_some() => self.has_answered.store(true, Ordering::Relaxed),
            _ => {}
        }
        if self.is_silent() && !self.has_answered.load(Ordering::Relaxed) {
            self.look_for_life().await;
        }
        Some(())
    }

    /// After a silence: if even `/auth` is not answered, the agent is gone.
    async fn look_for_life(&self) {
        if self.lock_gone().is_some() {
            return;
        }
        let exchange = self.client.exchange(Request::get("/auth")).await;
        if exchange.answer.is_none() {
            let why = format!(
                "it accepts connections and answers nothing within {:?}",
                self.settings.timeout
            );
            self.lock_gone().get_or_insert(why);
        }
    }

    pub(super) fn is_silent(&self) -> bool {
        self.silences.load(Ordering::Relaxed) >= SILENCES
    }

    /// The refusals that were waited out since this was asked last.
    pub(crate) fn take_waited_out(&self) -> Vec<Ask> {
        std::mem::take(&mut *self.lock_waited_out())
    }

    fn lock_waited_out(&self) -> std::sync::MutexGuard<'_, Vec<Ask>> {
        self.waited_out
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether to ask the same once more would only take time.
    pub(crate) fn asks_in_vain(&self) -> bool {
        self.is_silent() || self.lock_mute().is_some()
    }

    fn lock_mute(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.mute.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_gone(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long to wait after a 429; at least a little, so that no loop is tight.
fn retry_after(exchange: &Exchange) -> Option<Duration> {
    let answer = exchange
        .answer
        .as_ref()
        .filter(|answer| answer.status == 429)?;
    let told = match wait(answer) {
        Wait::After(told) => told,
        Wait::Past => Duration::ZERO,
        Wait::Untold | Wait::Unreadable(_) => RATE_LIMIT_PAUSE,
    };
    Some(told.max(RATE_LIMIT_PAUSE / 10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up;

    #[test]
    fn a_refusal_is_waited_out_for_as_long_as_it_says_in_seconds_or_as_a_date() {
        let date = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let told = |fields: &[(&str, &str)]| {
            let answer = made_up::answer(429, fields, "");
            retry_after(&made_up::exchange(Request::get("/"), Ok(answer)))
        };
        let least = RATE_LIMIT_PAUSE / 10;
        for (value, wait) in [
            ("3", Duration::from_secs(3)),
            ("Sun, 06 Nov 1994 08:49:40 GMT", Duration::from_secs(3)),
            ("Sun, 06 Nov 1994 08:49:30 GMT", least),
            ("0", least),
            ("soon", RATE_LIMIT_PAUSE),
        ] {
            assert_eq!(told(&[date, ("Retry-After", value)]), Some(wait), "{value}");
        }
        assert_eq!(told(&[]), Some(RATE_LIMIT_PAUSE));
    }
}
