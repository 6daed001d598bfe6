//! Scenes: the agent as a process, and as an orchestrator's client. Each has a process, a port
//! and an orchestrator of its own, and all are played beside the ordinary topics, once: they wait
//! for heartbeats, and to play them again would double the time that a run takes.
//!
//! A scene does and asks; what it means, the rules say.

mod calls;
mod life;
mod lifetime;
mod registry;
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use acp_mock_orchestrator::{Mischief, What};
use futures_util::future::join_all;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) use calls::asks as call_asks;
pub(crate) use life::{Life, mark};
pub(crate) use lifetime::{TURNING_TIME, key};
pub(crate) use registry::{OUTAGE_REFUSES, registration_patience, without_orchestrator};
pub(crate) use stage::{READY_TIME, Stage};

use crate::drive::{Bank, Driver, Halt, Observer, Progress};
use crate::evidence::{Ask, Topic};
use crate::launch::variable;
use crate::probe::Probe;
use crate::settings::{Settings, Terms};

/// What the process of [`Topic::Lifetime`] is told that it is called.
pub(crate) const TOLD_ID: &str = "acp-tck-told-id";
/// And what version it is told to be.
pub(crate) const TOLD_VERSION: &str = "9.8.7";
/// How long a request may take in [`Topic::RequestTimeout`], in seconds.
pub(crate) const TOLD_TIMEOUT: u64 = 1;

/// Scenes that show nothing of an agent that registers nowhere.
const NEED_CLIENT: &[Topic] = &[Topic::Forgotten, Topic::Created, Topic::Outage];
const NO_CLIENT: &str = "the agent says nothing to an orchestrator, and nobody says that it should";

/// What scenes ask with, as soon as it is known of the agent.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) probe: Arc<Probe>,
    pub(crate) bank: Arc<Bank>,
}

/// What a scene yields.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) topic: Topic,
    pub(crate) asks: Vec<Ask>,
    pub(crate) life: Life,
}

/// What all scenes of a run share.
#[derive(Clone)]
pub(crate) struct Scenes<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) terms: Terms,
    pub(crate) observer: Observer<'a>,
    pub(crate) cancelled: &'a Halt,
    pub(crate) known: watch::Receiver<Option<Known>>,
    /// The agent is no orchestrator's client, so that scenes with one show nothing.
    pub(crate) needless: CancellationToken,
}

impl Scenes<'_> {
    /// Plays those of these topics that are scenes, all at once; `main` is the process that all
    /// else is asked of.
    pub(crate) async fn play(&self, topics: &BTreeSet<Topic>, main: &Stage) -> Vec<Played> {
        let topics = topics.iter().copied().filter(|topic| self.is_due(*topic));
        join_all(topics.map(|topic| self.play_one(topic, main))).await
    }

    /// Whether a topic is a scene that is worth its time in this run.
    pub(crate) fn is_due(&self, topic: Topic) -> bool {
        let params = &self.settings.facts.params;
        match topic {
            Topic::Lifetime | Topic::Registration => true,
            _ if NEED_CLIENT.contains(&topic) => !self.terms.is_quick,
            Topic::RequestTimeout => params.slow_input.is_some(),
            Topic::CapabilitiesChange => params.change_capabilities.is_some(),
            _ => false,
        }
    }

    async fn play_one(&self, topic: Topic, main: &Stage) -> Played {
        (self.observer)(Progress::Begun(topic));
        if topic == Topic::Registration {
            return registry::registration(self, main).await;
        }
        let staged = Stage::set(self.settings, self.terms, topic).await;
        let mut stage = match staged {
            Ok(stage) => stage,
            Err(why) => return Played::not_begun(topic, why),
        };
        let act = async {
            match topic {
                Topic::Lifetime => lifetime::lifetime(self, &mut stage).await,
                Topic::RequestTimeout => lifetime::request_timeout(self, &mut stage).await,
                Topic::Forgotten => registry::forgotten(self, &mut stage).await,
                Topic::Created => registry::created(self, &mut stage).await,
                Topic::Outage => registry::outage(self, &mut stage).await,
                Topic::CapabilitiesChange => registry::change(self, &mut stage).await,
                _ => Vec::new(),
            }
        };
        let asks = tokio::select! {
            asks = act => Ok(asks),
            () = self.cancelled.cancelled() => Ok(Vec::new()),
            () = self.needless.cancelled(), if NEED_CLIENT.contains(&topic) => Err(NO_CLIENT),
        };
        let asks = asks.unwrap_or_else(|why| {
            stage.mishap(why.to_owned());
            Vec::new()
        });
        // What it did not come to is no failure of the agent's.
        if let Some(why) = self.cancelled.why() {
            stage.mishap(why.to_string());
        }
        let calls = stage.calls();
        stage.stop().await;
        Played {
            topic,
            asks: asks.into_iter().chain(calls).collect(),
            life: stage.into_life(),
        }
    }

    /// Waits for what is learnt of the agent in the ordinary topics.
    async fn known(&self) -> Option<Known> {
        let mut known = self.known.clone();
        known.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// A driver that asks a scene's process.
    fn driver<'b>(&'b self, stage: &'b Stage, known: &'b Known) -> Driver<'b> {
        let target = (stage.client.as_ref(), self.settings);
        let known = (known.probe.as_ref(), known.bank.as_ref());
        Driver::new(stage.topic, target, known, self.observer, self.cancelled)
    }
}

impl Played {
    fn not_begun(topic: Topic, why: String) -> Self {
        Self {
            topic,
            asks: Vec::new(),
            life: Life {
                trouble: Some(why),
                ..Life::default()
            },
        }
    }
}

/// How a scene's orchestrator behaves at its start.
fn mischief(topic: Topic) -> Vec<Mischief> {
    match topic {
        Topic::Created => vec![Mischief::always(What::Created)],
        Topic::Outage => vec![Mischief::always(What::Down)],
        _ => Vec::new(),
    }
}

/// What a scene's process is told beside the usual.
fn told(topic: Topic, settings: &Settings) -> Vec<(&'static str, String)> {
    match topic {
        Topic::Lifetime => {
            let mut told = vec![
                (variable::AGENT_ID, TOLD_ID.to_owned()),
                (variable::VERSION, TOLD_VERSION.to_owned()),
            ];
            if settings.facts.params.slow_input.is_some() {
                // An end in time for the slow request that is in flight when it is stopped.
                told.push((variable::REQUEST_TIMEOUT, "4".to_owned()));
            }
            told
        }
        Topic::RequestTimeout => vec![(variable::REQUEST_TIMEOUT, TOLD_TIMEOUT.to_string())],
        _ => Vec::new(),
    }
}

/// The lives of what was played, by topic.
pub(crate) fn lives(played: &[Played]) -> BTreeMap<Topic, Life> {
    let lives = played.iter().map(|one| (one.topic, one.life.clone()));
    lives.collect()
}

/// One and a fifth of an interval, and a little for the machine.
pub(crate) fn next_beat(interval: Duration) -> Duration {
    interval.mul_f64(1.2) + Duration::from_secs(1)
}
