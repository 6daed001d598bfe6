//! A run: drive what the rules read, judge, try failures again, shrink them, put it together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use acp_reports::Report;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::drive::{self, Bank, Driver, Observer, Progress, Stop};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::judge::{Outcome, judge};
use crate::probe::Probe;
use crate::rule::Rule;
use crate::rules;
use crate::scenes::{Known, Played, Scenes, Stage, lives};
use crate::settings::Settings;
use crate::shrink::{self, Shrunk};
use crate::summary::{self, Ended};
use crate::wire::{Client, ClientError, Limits};

/// How often a rule that fails is judged in all.
const ATTEMPTS: u32 = 3;
/// What is asked in every run: the probe is read off it.
const PROBED: &[Topic] = &[Topic::Documents, Topic::UnknownPath, Topic::Discovery];
/// What makes no sense without a stream path.
const STREAMED: &[Topic] = &[Topic::StreamValid, Topic::StreamInvalid, Topic::StreamLeave];
/// What makes no sense without a valid input.
const NEED_INPUT: &[Topic] = &[
    Topic::ConfigUsable,
    Topic::ConfigUnknown,
    Topic::StreamLeave,
    Topic::StreamValid,
];

/// What an ask was, whenever it was asked.
pub(crate) type Asked = (Topic, Step, usize, String);

/// What became of one rule in a run.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) rule: &'static Rule,
    pub(crate) outcome: Outcome,
    pub(crate) attempts: u32,
    pub(crate) failed_attempts: u32,
    /// What failed on every attempt, by what was asked.
    pub(crate) constant: BTreeSet<Asked>,
    /// The smallest case that still fails, if one was looked for.
    pub(crate) shrunk: Option<Shrunk>,
}

/// Certifies the agent that the settings name, or starts it, certifies it and stops it: a run
/// that is dropped leaves no process behind. The agent's failures, and an agent that is not
/// there at all, are told in the report.
///
/// # Errors
/// If the settings' URL cannot be an agent's.
pub async fn run(
    settings: &Settings,
    observer: Observer<'_>,
    cancelled: &CancellationToken,
) -> Result<Report, ClientError> {
    let clock = Instant::now();
    let limits = Limits::with_timeout(settings.timeout);
    let client = Client::new(&settings.url, settings.headers.clone(), limits)?;
    let mut run = Run {
        settings,
        client: &client,
        observer,
        cancelled,
        stop: None,
    };
    let rules: Vec<&'static Rule> = rules::catalogue()
        .filter(|rule| settings.selection.includes(rule))
        .collect();
    let mut main = run.start().await;
    let (evidence, bank) = run.gather_all(&rules, main.as_ref()).await;
    let mut verdicts: Vec<Verdict> = rules
        .iter()
        .map(|rule| first_verdict(rule, &evidence))
        .collect();
    run.try_again(&mut verdicts, &evidence, &bank).await;
    run.shrink(&mut verdicts, &evidence, &bank).await;
    if let Some(main) = &mut main {
        run.end(main).await;
    }
    let ended = Ended {
        stop: run.stop,
        took: clock.elapsed(),
    };
    Ok(summary::report(settings, &evidence, verdicts, ended))
}

pub(crate) fn first_verdict(rule: &'static Rule, evidence: &Evidence) -> Verdict {
    let outcome = judge(rule, evidence);
    let failed_attempts = u32::from(matches!(outcome, Outcome::Fail(_)));
    let constant = failing(&outcome, evidence);
    Verdict {
        rule,
        outcome,
        attempts: 1,
        failed_attempts,
        constant,
        shrunk: None,
    }
}

struct Run<'a> {
    settings: &'a Settings,
    client: &'a Client,
    observer: Observer<'a>,
    cancelled: &'a CancellationToken,
    stop: Option<Stop>,
}

/// What driving some topics yields.
#[derive(Default)]
struct Gathered {
    asks: Vec<Arc<Ask>>,
    incomplete: BTreeMap<Topic, String>,
}

impl Run<'_> {
    /// Starts the agent, if that is what the settings ask for; says in `stop` if it does not come
    /// to serve.
    async fn start(&mut self) -> Option<Stage> {
        let terms = self.settings.facts.launched?;
        let staged = Stage::set(self.settings, terms, Topic::Registration).await;
        let mut stage = match staged {
            Ok(stage) => stage,
            Err(why) => {
                self.stop = Some(Stop::Gone(why));
                return None;
            }
        };
        let looked = tokio::select! {
            looked = stage.ready() => looked,
            () = self.cancelled.cancelled() => {
                self.stop = Some(Stop::Interrupted);
                None
            }
        };
        stage.first_look(looked);
        self.stop = self.stop.take().or_else(|| stage.is_gone().map(Stop::Gone));
        Some(stage)
    }

    /// Stops the agent; if it was gone before, says what became of it.
    async fn end(&mut self, main: &mut Stage) {
        if let Some(Stop::Gone(why)) = &mut self.stop
            && main.life().trouble.is_none()
            && let Some(obituary) = main.obituary().await
        {
            *why = format!("{why}; {obituary}");
        }
        main.stop().await;
    }

    /// Everything that the rules read: the ordinary topics, and beside them the scenes.
    async fn gather_all(&mut self, rules: &[&Rule], main: Option<&Stage>) -> (Evidence, Bank) {
        let read: BTreeSet<Topic> = rules
            .iter()
            // Whoever reads all means all that is asked of the agent that is there.
            .filter(|rule| rule.reads.len() < Topic::ALL.len())
            .flat_map(|rule| rule.reads)
            .copied()
            .collect();
        let (tell, known) = watch::channel(None);
        let scenes = main
            .zip(self.settings.facts.launched)
            .filter(|_| self.stop.is_none());
        let scenes = scenes.map(|(main, terms)| {
            let scenes = Scenes {
                settings: self.settings,
                terms,
                observer: self.observer,
                cancelled: self.cancelled,
                known,
            };
            (scenes, main)
        });
        let playing = async {
            match &scenes {
                Some((scenes, main)) => scenes.play(&read, main).await,
                None => Vec::new(),
            }
        };
        let ((gathered, bank), played) = futures_util::join!(self.gather(rules, tell), playing);
        (self.put_together(gathered, played), bank)
    }

    fn put_together(&self, mut gathered: Gathered, played: Vec<Played>) -> Evidence {
        let lives = lives(&played);
        let asks = played.into_iter().flat_map(|played| played.asks);
        gathered.asks.extend(asks.map(Arc::new));
        gathered.asks.sort_by_key(|ask| ask.topic);
        let facts = self.settings.facts.clone();
        Evidence::new(facts, gathered.asks, gathered.incomplete).with_lives(lives)
    }

    /// The ordinary topics in their order; tells the scenes what there is to ask with as soon as
    /// it is known.
    async fn gather(
        &mut self,
        rules: &[&Rule],
        tell: watch::Sender<Option<Known>>,
    ) -> (Gathered, Bank) {
        let read: BTreeSet<Topic> = rules.iter().flat_map(|rule| rule.reads).copied().collect();
        let all = Topic::ALL.iter().copied();
        let told = &self.settings.topics;
        let topics: Vec<Topic> = all
            .filter(|topic| PROBED.contains(topic) || read.contains(topic))
            .filter(|topic| !topic.is_scene())
            .filter(|topic| told.is_empty() || told.contains(topic))
            .collect();
        (self.observer)(Progress::Topics(topics.len()));
        let facts = &self.settings.facts;
        let mut gathered = Gathered::default();
        let mut bank = Bank::default();
        let mut probe = Probe::of(facts, &[]);
        for topic in topics {
            if STREAMED.contains(&topic) && probe.streams.is_empty() && self.stop.is_none() {
                continue;
            }
            if NEED_INPUT.contains(&topic) && bank.inputs.is_empty() && self.stop.is_none() {
                let why = "no valid input could be made: see schema.satisfiable";
                gathered.incomplete.insert(topic, why.to_owned());
                continue;
            }
            self.drive(topic, (&probe, &bank), &mut gathered).await;
            if PROBED.contains(&topic) {
                probe = Probe::of(facts, &gathered.asks);
            }
            if topic == Topic::Documents {
                bank = Bank::fill(&probe, facts);
            }
            if topic == Topic::Discovery && self.stop.is_none() {
                let known = Known {
                    probe: Arc::new(Probe::of(facts, &gathered.asks)),
                    bank: Arc::new(bank.clone()),
                };
                // Without scenes nobody listens.
                let _ = tell.send(Some(known));
            }
        }
        (gathered, bank)
    }

    /// Drives one topic, or says why not.
    async fn drive(&mut self, topic: Topic, known: (&Probe, &Bank), gathered: &mut Gathered) {
        let driver = self.driver(topic, known);
        let why = match &self.stop {
            Some(stop) => Some(stop.to_string()),
            None => {
                (self.observer)(Progress::Begun(topic));
                let asks = drive::drive(topic, &driver).await;
                gathered.asks.extend(asks.into_iter().map(Arc::new));
                driver.incomplete()
            }
        };
        gathered.incomplete.extend(why.map(|why| (topic, why)));
        let stop = driver.stop();
        self.stop = self.stop.take().or(stop);
    }

    fn driver<'b>(&'b self, topic: Topic, (probe, bank): (&'b Probe, &'b Bank)) -> Driver<'b> {
        let target = (self.client, self.settings);
        Driver::new(topic, target, (probe, bank), self.observer, self.cancelled)
    }

    /// Gathers afresh what failing rules rest on, and judges them again.
    async fn try_again(&mut self, verdicts: &mut [Verdict], evidence: &Evidence, bank: &Bank) {
        let topics: BTreeSet<Topic> = verdicts
            .iter()
            .flat_map(|verdict| failing_asks(&verdict.outcome))
            .filter_map(|ask| evidence.asks.get(ask))
            .map(|ask| ask.topic)
            .filter(|topic| !topic.is_scene())
            .collect();
        for _ in 1..ATTEMPTS {
            if topics.is_empty() || self.stop.is_some() {
                return;
            }
            let mut fresh = Gathered::default();
            for topic in &topics {
                self.drive(*topic, (&evidence.probe, bank), &mut fresh)
                    .await;
            }
            let kept = evidence
                .asks
                .iter()
                .filter(|ask| !topics.contains(&ask.topic))
                .cloned();
            let asks = kept.chain(fresh.asks).collect();
            let again = Evidence::new(evidence.facts.clone(), asks, fresh.incomplete)
                .with_lives(evidence.lives.clone());
            let is_played = |outcome: &Outcome| {
                let asks = failing_asks(outcome).filter_map(|ask| evidence.asks.get(ask));
                asks.into_iter().all(|ask| ask.topic.is_scene())
            };
            for verdict in verdicts
                .iter_mut()
                .filter(|v| matches!(v.outcome, Outcome::Fail(_)) && !is_played(&v.outcome))
            {
                let outcome = judge(verdict.rule, &again);
                match outcome {
                    Outcome::Fail(_) => {
                        verdict.attempts += 1;
                        verdict.failed_attempts += 1;
                        let failing = failing(&outcome, &again);
                        verdict.constant.retain(|asked| failing.contains(asked));
                    }
                    Outcome::Pass(_) => verdict.attempts += 1,
                    _ => {}
                }
            }
        }
    }

    /// Looks for the smallest case that shows each failure.
    async fn shrink(&mut self, verdicts: &mut [Verdict], evidence: &Evidence, bank: &Bank) {
        for verdict in verdicts.iter_mut() {
            if self.stop.is_some() || verdict.is_unsteady() {
                continue;
            }
            let Some(ask) = shrink::candidate(&verdict.outcome, evidence) else {
                continue;
            };
            let driver = self.driver(ask.topic, (&evidence.probe, bank));
            verdict.shrunk = shrink::shrink(verdict.rule, ask, evidence, &driver).await;
            self.stop = driver.stop();
        }
    }
}

impl Verdict {
    /// Whether it came and went: failed on some attempts only, or each time for something else.
    pub(crate) fn is_unsteady(&self) -> bool {
        self.failed_attempts > 0
            && (self.failed_attempts < self.attempts || self.constant.is_empty())
    }
}

fn failing(outcome: &Outcome, evidence: &Evidence) -> BTreeSet<Asked> {
    let asks = failing_asks(outcome).filter_map(|ask| evidence.asks.get(ask));
    asks.map(|ask| {
        (
            ask.topic,
            ask.about.step,
            ask.about.key,
            ask.about.note.clone(),
        )
    })
    .collect()
}

fn failing_asks(outcome: &Outcome) -> impl Iterator<Item = usize> {
    let failures = match outcome {
        Outcome::Fail(judged) => judged.failures.as_slice(),
        _ => &[],
    };
    failures.iter().map(|failure| failure.ask)
}
