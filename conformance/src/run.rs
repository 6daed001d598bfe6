//! A run: drive what the rules read, judge, try failures again, shrink them. What comes of it is a
//! recording; the report is made from that alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use acp_reports::Report;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::drive::{self, Bank, Driver, Halt, Observer, Progress, Silences, Stop};
use crate::evidence::{Ask, Evidence, Topic};
use crate::limits::Limit;
use crate::order;
use crate::probe::Probe;
use crate::recording::{Ended, RULES_PER_SHARE, Recording};
use crate::rule::Rule;
use crate::rules;
use crate::scenes::{Known, Played, Scenes, Stage, lives};
use crate::settings::Settings;
use crate::shrink;
use crate::verdict::{Round, Verdict, failing_topics, judge_again};
use crate::wire::{Client, ClientError, Limits};

/// How much all answers to one generated case may come to in memory, past the first thousand.
const ROOM_FOR_A_CASE: usize = 96 << 10;
/// How often a rule that fails is judged in all.
const ATTEMPTS: u32 = 3;
/// What is said of the topics for which not all cases were made.
const CUT_SHORT: &str = "making the cases from the agent's schemas takes longer than the run may take, so that some are \
     missing: give it more time with --budget";
/// What is asked with all the cases there are.
const GENERATED: &[Topic] = &[
    Topic::ConfigValid,
    Topic::ConfigInvalid,
    Topic::InvokeValid,
    Topic::InvokeInvalid,
    Topic::StreamValid,
    Topic::StreamInvalid,
];
/// What makes no sense without a stream path.
const STREAMED: &[Topic] = &[Topic::StreamValid, Topic::StreamInvalid, Topic::StreamLeave];
/// What makes no sense without a valid input.
const NEED_INPUT: &[Topic] = &[
    Topic::ConfigUsable,
    Topic::ConfigUnknown,
    Topic::ConfigEffect,
    Topic::StreamLeave,
    Topic::StreamValid,
];

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
    let recording = record(settings, observer, cancelled).await?;
    Ok(recording.report(&settings.judging()))
}

/// The same, and all that the report is made from, without the secrets that were given.
///
/// # Errors
/// If the settings' URL cannot be an agent's.
pub async fn record(
    settings: &Settings,
    observer: Observer<'_>,
    cancelled: &CancellationToken,
) -> Result<Recording, ClientError> {
    let halt = Halt::new(cancelled, settings.budget);
    halt.within_budget(record_until(settings, observer, &halt))
        .await
}

async fn record_until(
    settings: &Settings,
    observer: Observer<'_>,
    cancelled: &Halt,
) -> Result<Recording, ClientError> {
    let clock = Instant::now();
    let mut limits = Limits::with_timeout(settings.timeout);
    // Who asks for thousands of cases is to get them: an honest agent's answers to one come to a
    // fraction of this.
    limits.total = limits.total.max(settings.facts.cases * ROOM_FOR_A_CASE);
    let client = Client::new(&settings.url, settings.headers.clone(), limits)?;
    let mut run = Run {
        settings,
        client: &client,
        observer,
        cancelled,
        heard: Arc::default(),
        in_vain: BTreeSet::new(),
        stop: None,
    };
    let rules: Vec<&'static Rule> = rules::catalogue()
        .filter(|rule| settings.selection.includes(rule))
        .collect();
    let mut main = run.start().await;
    let (mut evidence, bank) = run.gather_all(&rules, main.as_ref()).await;
    let mut verdicts = run.judge(&rules, &mut evidence).await;
    let rounds = run.try_again(&mut verdicts, &mut evidence, &bank).await;
    evidence.deadline = cancelled.for_judging();
    run.shrink(&mut verdicts, &evidence, &bank).await;
    if let Some(main) = &mut main {
        run.end(main).await;
    }
    let ended = Ended {
        stop: run.stop,
        took: clock.elapsed(),
    };
    Ok(Recording::new(
        settings,
        evidence,
        (rounds, verdicts),
        ended,
        &cancelled.for_judging(),
    ))
}

struct Run<'a> {
    settings: &'a Settings,
    client: &'a Client,
    observer: Observer<'a>,
    cancelled: &'a Halt,
    heard: Arc<Silences>,
    /// Topics that were not asked to their end, as nothing was answered: once is enough.
    in_vain: BTreeSet<Topic>,
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
            () = self.cancelled.cancelled() => None,
        };
        stage.first_look(looked);
        if let Some(why) = self.cancelled.why() {
            stage.give_up();
            self.stop = (why == Stop::Interrupted).then_some(why);
        }
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
                needless: CancellationToken::new(),
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
        let topics = all
            .filter(|topic| order::PROBED.contains(topic) || read.contains(topic))
            .filter(|topic| !topic.is_scene())
            .filter(|topic| told.is_empty() || told.contains(topic))
            .collect();
        let topics = self.in_order(topics);
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
                let why = match bank.is_cut_short {
                    true => CUT_SHORT,
                    false => "no valid input could be made: see schema.satisfiable",
                };
                gathered.incomplete.insert(topic, why.to_owned());
                continue;
            }
            self.drive(topic, (&probe, &bank), &mut gathered).await;
            if bank.is_cut_short && GENERATED.contains(&topic) {
                let incomplete = gathered.incomplete.entry(topic);
                incomplete.or_insert_with(|| CUT_SHORT.to_owned());
            }
            if order::PROBED.contains(&topic) {
                probe = Probe::of(facts, &gathered.asks);
            }
            if topic == Topic::Documents {
                bank = Bank::fill(&probe, facts, &self.cancelled.for_making());
            }
            if topic == Topic::Discovery && self.stop.is_none() {
                self.warn_of_limit(&probe, &read);
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

    /// Says early what would be learnt late: that most of the run will be refused.
    fn warn_of_limit(&self, probe: &Probe, read: &BTreeSet<Topic>) {
        let asks_much = GENERATED.iter().any(|topic| read.contains(topic));
        let is_tight = |limit: &Limit| {
            let needed = self.settings.facts.cases.saturating_mul(2);
            (limit.requests as usize) < needed && limit.window > drive::RATE_LIMIT_WAIT
        };
        if let Some(limit) = probe
            .rate_limit()
            .filter(|limit| asks_much && is_tight(limit))
        {
            (self.observer)(Progress::Limited(limit.requests, limit.window));
        }
    }

    /// Topics in the order of asking: [`Topic::ALL`]'s, or shuffled if the settings say so.
    fn in_order(&self, mut topics: Vec<Topic>) -> Vec<Topic> {
        if let Some(seed) = self.settings.shuffle {
            order::shuffle(&mut topics, seed);
        }
        topics
    }

    /// Drives one topic, or says why not.
    async fn drive(&mut self, topic: Topic, known: (&Probe, &Bank), gathered: &mut Gathered) {
        let driver = self.driver(topic, known);
        let why = match &self.stop {
            Some(stop) => Some(stop.to_string()),
            None => {
                (self.observer)(Progress::Begun(topic));
                let asks = drive::drive(topic, &driver).await;
                let asks = asks.into_iter().chain(driver.take_waited_out());
                gathered.asks.extend(asks.map(Arc::new));
                driver.incomplete()
            }
        };
        gathered.incomplete.extend(why.map(|why| (topic, why)));
        let (stop, is_in_vain) = (driver.stop(), driver.asks_in_vain());
        if is_in_vain {
            self.in_vain.insert(topic);
        }
        self.stop = self.stop.take().or(stop);
    }

    fn driver<'b>(&'b self, topic: Topic, (probe, bank): (&'b Probe, &'b Bank)) -> Driver<'b> {
        let target = (self.client, self.settings);
        Driver::new(topic, target, (probe, bank), self.observer, self.cancelled)
            .heeding(self.heard.clone())
    }

    /// What the evidence says at first of each rule. A rule that takes long leaves time to the
    /// others, and to whoever wants to interrupt.
    async fn judge(&self, rules: &[&'static Rule], evidence: &mut Evidence) -> Vec<Verdict> {
        let is_interrupted = || self.cancelled.why() == Some(Stop::Interrupted);
        let mut was_interrupted = is_interrupted();
        let mut deadline = self.cancelled.for_judging();
        let mut verdicts = BTreeMap::new();
        for index in order::of_rules(rules.len(), self.settings.shuffle) {
            if is_interrupted() && !was_interrupted {
                was_interrupted = true;
                deadline = self.cancelled.for_judging();
            }
            evidence.deadline = deadline.share(RULES_PER_SHARE);
            verdicts.insert(index, Verdict::first(rules[index], evidence));
            tokio::task::yield_now().await;
        }
        verdicts.into_values().collect()
    }

    /// Gathers afresh what failing rules rest on, and judges them again.
    async fn try_again(
        &mut self,
        verdicts: &mut [Verdict],
        evidence: &mut Evidence,
        bank: &Bank,
    ) -> Vec<Round> {
        self.stop = self.stop.take().or(self.cancelled.why());
        let mut topics = failing_topics(verdicts, evidence);
        topics.retain(|topic| !self.in_vain.contains(topic));
        let mut rounds = Vec::new();
        for _ in 1..ATTEMPTS {
            if topics.is_empty() || self.stop.is_some() {
                break;
            }
            let mut fresh = Gathered::default();
            for topic in self.in_order(topics.iter().copied().collect()) {
                self.drive(topic, (&evidence.probe, bank), &mut fresh).await;
            }
            let round = Round {
                topics: topics.clone(),
                asks: fresh.asks,
                incomplete: fresh.incomplete,
            };
            evidence.deadline = self.cancelled.for_judging();
            judge_again(verdicts, evidence, &round);
            // What was judged in part would be judged otherwise from the record.
            if evidence.deadline.is_over() {
                break;
            }
            rounds.push(round);
        }
        rounds
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
