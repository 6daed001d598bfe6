//! One registry, kept informed by one task for as long as the agent serves.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::task::TaskTracker;
use tracing::{debug, error, info, warn};
use url::Url;

use super::{
    call::{Call, Errand, Outcome},
    client::Client,
    standing::Standing,
};
use crate::{agent::Agent, backoff::chance, documents::Capabilities, settings::Settings};

/// How long a goodbye may take.
const GOODBYE_TIME: Duration = Duration::from_secs(1);

/// Keeps every registry of the settings informed until the agent takes no more work; the tasks end
/// soon after it. A drained agent is none that work should be sent to, and there is no word for that
/// but to leave.
pub(crate) fn spawn(agent: &Arc<Agent>, listening: &str) -> TaskTracker {
    let tasks = TaskTracker::new();
    let public = agent.settings.public_url.as_ref().map(Url::as_str);
    let endpoint = public.unwrap_or(listening).trim_end_matches('/');
    for base in registries(&agent.settings) {
        tasks.spawn(keep(agent.clone(), base, endpoint.to_owned()));
    }
    tasks.close();
    tasks
}

/// The orchestrator and the second registry: once, if they are the same.
fn registries(settings: &Settings) -> Vec<Url> {
    let named = [&settings.orchestrator_url, &settings.discovery_url];
    let mut all: Vec<Url> = named.into_iter().flatten().cloned().collect();
    all.dedup_by_key(|url| url.as_str().trim_end_matches('/').to_owned());
    all
}

/// Keeps one registry informed.
async fn keep(agent: Arc<Agent>, base: Url, endpoint: String) {
    let draining = agent.draining();
    let Some(client) = Client::of(base).await else {
        error!("no HTTP client can be made here: the agent does not register");
        return;
    };
    let mut registry = Registry {
        standing: Standing::new(agent.settings.heartbeat_interval, Instant::now()),
        capabilities: agent.documents.capabilities(),
        is_lost: false,
        client,
        endpoint,
        agent,
    };
    // A call that is under way is given up: a registration that nobody keeps up lapses.
    let _ = draining.run_until_cancelled(registry.attend()).await;
    registry.leave().await;
}

struct Registry {
    agent: Arc<Agent>,
    client: Client,
    endpoint: String,
    capabilities: watch::Receiver<Arc<Capabilities>>,
    standing: Standing,
    /// Whether the last call but updates has failed.
    is_lost: bool,
}

impl Registry {
    /// Does what is due, and waits for what is next.
    async fn attend(&mut self) -> Infallible {
        self.pace();
        loop {
            match self.standing.next(Instant::now()) {
                None => self.wait().await,
                Some(errand) => self.run(errand).await,
            }
        }
    }

    async fn run(&mut self, errand: Errand) {
        let began = Instant::now();
        let mut outcome = Outcome::silence(errand);
        if let Some(call) = self.write(errand) {
            let limit = self.standing.limit(errand, Instant::now());
            outcome = self.client.send(&call, limit).await;
        }
        self.agent.seams.outcome(&mut outcome);
        let now = Instant::now();
        self.standing.heard(&outcome, began, now, chance());
        self.note(&outcome);
        if errand != Errand::Update {
            self.pace();
        }
    }

    /// The call, as a fault may have bent it; `None` if it is not made after all.
    fn write(&mut self, errand: Errand) -> Option<Call> {
        let settings = &self.agent.settings;
        let id = self.standing.registration().map(|given| &given.id);
        let call = match errand {
            Errand::Register => {
                let known = self.capabilities.borrow_and_update();
                Call::register(settings, &self.endpoint, &known)
            }
            Errand::Beat => Call::beat(id?),
            Errand::Update => Call::update(id?, &self.capabilities.borrow_and_update()),
        };
        self.agent.seams.call(settings, call)
    }

    /// Until something is due, or the capabilities change.
    async fn wait(&mut self) {
        let is_registered = self.standing.registration().is_some();
        tokio::select! {
            () = sleep_until(self.standing.due()) => {}
            Ok(()) = self.capabilities.changed(), if is_registered => self.standing.changed(),
        }
    }

    /// Lets the faults have their way with what is due next.
    fn pace(&mut self) {
        if self.agent.seams.are_none() {
            return;
        }
        let now = Instant::now();
        let pause = self.standing.due().duration_since(now);
        let pause = self.agent.seams.pause(self.standing.upcoming(), pause);
        self.standing.postpone(now + pause);
    }

    /// Counts, and logs what is new: an outage of hours is two lines, not thousands.
    fn note(&mut self, outcome: &Outcome) {
        let (metrics, is_success) = (&self.agent.metrics, outcome.is_success);
        let name = self.client.name();
        let status = outcome.status.map(|status| status.as_u16());
        debug!(registry = name, errand = ?outcome.errand, status, is_success, "called");
        match outcome.errand {
            Errand::Register => metrics.registration(is_success),
            Errand::Beat => metrics.heartbeat(is_success),
            Errand::Update => return,
        }
        match (outcome.errand, is_success, self.is_lost) {
            (Errand::Register, true, false) => info!(registry = name, "registered"),
            (Errand::Register, true, true) => info!(registry = name, "registered, after a loss"),
            (_, false, false) => warn!(
                registry = name,
                status,
                cause = outcome.cause,
                "the registry does not answer as it should; trying on"
            ),
            _ => {}
        }
        self.is_lost = !is_success;
    }

    async fn leave(&self) {
        let given = self.standing.registration();
        if let Some(goodbye) = given.and_then(|given| given.goodbye.as_ref()) {
            self.client.leave(goodbye, GOODBYE_TIME).await;
        }
    }
}
