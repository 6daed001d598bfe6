//! A process of the agent's with its orchestrator: set up, waited for, taken down.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use acp_mock_orchestrator::{self as mock, Orchestrator};
use tokio::time::Instant;
use url::Url;

use super::life::{Life, mark};
use super::{calls, mischief, told};
use crate::evidence::{About, Ask, Step, Topic};
use crate::launch::{Place, Process, free_ports};
use crate::settings::{Settings, Terms};
use crate::wire::{Client, Exchange, Limits, Request};

/// How long a process may take until it serves (the profile's `lifecycle.ready`), and how long
/// it is waited for: one that is late is judged all the same.
pub(crate) const READY_TIME: Duration = Duration::from_secs(30);
const READY_PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks whether it serves, and how long one may take.
const LOOK_PAUSE: Duration = Duration::from_millis(50);
const LOOK_TIME: Duration = Duration::from_secs(2);

/// A process and its orchestrator.
pub(crate) struct Stage {
    pub(crate) topic: Topic,
    /// Asks the process, by the scene's clock.
    pub(crate) client: Arc<Client>,
    pub(crate) orchestrator: Orchestrator,
    process: Process,
    life: Life,
    looked: Option<Ask>,
    began: Instant,
    /// What the orchestrator's clock shows when the scene's begins.
    ahead: Duration,
    url: Url,
}

impl Stage {
    /// Starts what a scene needs, the orchestrator first; says why not in a fragment.
    pub(crate) async fn set(
        settings: &Settings,
        terms: Terms,
        topic: Topic,
    ) -> Result<Self, String> {
        let launch = settings.launch.as_ref().ok_or("there is no --launch CMD")?;
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let orchestrator = mock::start(anywhere, mischief(topic)).await;
        let orchestrator = orchestrator.map_err(|error| error.to_string())?;
        let port = match topic {
            Topic::Registration => launch.port,
            _ => free_ports(1)
                .map_err(|error| format!("no port is free: {error}"))?
                .first()
                .copied()
                .ok_or("no port is free")?,
        };
        let place = Place {
            port,
            orchestrator: orchestrator.url(),
            heartbeat: terms.heartbeat,
            told: told(topic, settings),
        };
        let url = Url::parse(&place.url()).map_err(|error| error.to_string())?;
        let limits = Limits::with_timeout(settings.timeout);
        let process = Process::spawn(launch, &place)?;
        // Its exchanges count from when it is made, which is now, as all else does here.
        let client = Client::new(&url, settings.headers.clone(), limits);
        let client = client.map_err(|error| error.to_string())?;
        Ok(Self {
            topic,
            client: Arc::new(client),
            process,
            life: Life::default(),
            looked: None,
            began: Instant::now(),
            ahead: orchestrator.elapsed(),
            orchestrator,
            url,
        })
    }

    /// The time since the process was started.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Notes that something happens now.
    pub(crate) fn mark(&mut self, mark: &'static str) {
        self.life.marks.insert(mark, self.began.elapsed());
    }

    /// What is known of the process so far.
    pub(crate) fn life(&self) -> &Life {
        &self.life
    }

    /// Waits until the process serves: until anything but a 5xx comes from it. The ask is the
    /// last look at it, if it was ever reached; the life says when it was ready.
    pub(crate) async fn ready(&mut self) -> Option<Ask> {
        self.ready_within(READY_PATIENCE).await
    }

    /// The same, with another patience.
    pub(crate) async fn ready_within(&mut self, patience: Duration) -> Option<Ask> {
        let limits = Limits::with_timeout(LOOK_TIME);
        let client = Client::new(&self.url, Vec::new(), limits).ok()?;
        let mut last = None;
        while self.began.elapsed() < patience {
            let exchange = tokio::select! {
                exchange = client.exchange(Request::get("/auth")) => exchange,
                exit = self.process.wait() => {
                    self.life.exit = Some((self.began.elapsed(), exit));
                    break;
                }
            };
            let serves = exchange.answer.as_ref().map(|answer| answer.status < 500);
            if serves.is_some() {
                last = Some(exchange);
            }
            if serves == Some(true) {
                self.mark(mark::READY);
                break;
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        self.life.last_words = self.process.last_words();
        if self.life.at(mark::READY).is_none() {
            self.life.trouble = Some(self.trouble());
        }
        last.map(|exchange| {
            ask(
                self.topic,
                Step::Main,
                "wait until the agent serves",
                exchange,
            )
        })
    }

    /// Notes that the process is not waited for any longer; if it has not come to serve, that is
    /// what is wrong with it.
    pub(crate) fn give_up(&mut self) {
        if self.life.at(mark::READY).is_none() && self.life.trouble.is_none() {
            self.life.last_words = self.process.last_words();
            self.life.trouble = Some(self.trouble());
        }
    }

    fn trouble(&self) -> String {
        let life = &self.life;
        match &life.exit {
            Some((_, exit)) => {
                format!("the agent ended before it served: {exit}{}", life.saying())
            }
            None => format!(
                "the agent does not serve at {} after {:?} (it must take its port from {{port}} in the command, or from ACP_PORT){}",
                self.url,
                Duration::from_secs(self.began.elapsed().as_secs()),
                life.saying()
            ),
        }
    }

    /// Keeps what came of the first look at the process.
    pub(crate) fn first_look(&mut self, ask: Option<Ask>) {
        self.looked = ask;
    }

    /// What came of the first look, if it was kept; once.
    pub(crate) fn looked(&self) -> Option<Ask> {
        let ask = self.looked.as_ref()?;
        Some(Ask::new(ask.topic, ask.about.clone(), ask.exchange.clone()))
    }

    /// Why nothing can be asked of the process, if so: a late one can be asked all the same.
    pub(crate) fn is_gone(&self) -> Option<String> {
        let never_answered = self.looked.is_none() || self.life.exit.is_some();
        self.life.trouble.clone().filter(|_| never_answered)
    }

    /// What the agent has said to the orchestrator so far.
    pub(crate) fn calls(&self) -> Vec<Ask> {
        let to = self.orchestrator.url();
        calls::asks(self.topic, &to, &self.orchestrator.journal(), self.ahead)
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&mut self) {
        self.mark(mark::SIGNALLED);
        self.process.terminate();
    }

    /// Waits for the end of the process, so long at most.
    pub(crate) async fn end(&mut self, patience: Duration) {
        if let Ok(exit) = tokio::time::timeout(patience, self.process.wait()).await {
            self.life.exit = Some((self.began.elapsed(), exit));
        }
        self.life.last_words = self.process.last_words();
    }

    /// How the process ended, if it has; with its last words.
    pub(crate) async fn obituary(&mut self) -> Option<String> {
        // Who has just been cut off may see it before the process is gone.
        const MOMENT: Duration = Duration::from_millis(300);
        let exit = tokio::time::timeout(MOMENT, self.process.wait())
            .await
            .ok()?;
        let life = Life {
            last_words: self.process.last_words(),
            ..Life::default()
        };
        Some(format!("its process has ended: {exit}{}", life.saying()))
    }

    /// Notes why the scene did not come to what was to be seen.
    pub(crate) fn mishap(&mut self, why: String) {
        self.life.trouble.get_or_insert(why);
    }

    /// Ends the process, as gracefully as it lets itself be ended.
    pub(crate) async fn stop(&mut self) {
        if let Some(exit) = self.process.exit().filter(|_| self.life.exit.is_none()) {
            self.life.exit = Some((self.began.elapsed(), exit));
        }
        self.process.stop().await;
        if self.life.last_words.is_empty() {
            self.life.last_words = self.process.last_words();
        }
    }

    /// The life, at the end of the scene.
    pub(crate) fn into_life(self) -> Life {
        self.life.clone()
    }
}

/// An exchange of a scene, on record.
pub(crate) fn ask(topic: Topic, step: Step, note: &str, exchange: Exchange) -> Ask {
    Ask::new(topic, About::new(step, 0, note), exchange)
}
