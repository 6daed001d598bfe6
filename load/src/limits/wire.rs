//! The probe that really asks: a line for each client, and what heads told, read.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use acp_conformance::limits::{Client, Outcome, Probe, Seen, Told};
use acp_conformance::wire::Answer as Recorded;
use hyper::header::HeaderMap;
use tokio_util::sync::CancellationToken;

use super::progress::Progress;
use crate::hot::{Line, Prepared};
use crate::inlet::Reading;
use crate::run::Tell;
use crate::target::Target;
use crate::traffic::{Answer, say};

/// The clients that there are, and what they ask.
pub(crate) struct Wire {
    targets: HashMap<Client, Arc<Target>>,
    lines: HashMap<Client, Line>,
    question: Prepared,
    began: Instant,
    stop: CancellationToken,
    /// What onlookers are told.
    pub(crate) progress: Arc<Progress>,
    /// How many addresses and keys there are.
    pub(crate) addresses: usize,
    pub(crate) keys: usize,
}

impl Wire {
    /// `None` if the question cannot be asked.
    pub(crate) fn new(
        target: &Target,
        body: &str,
        stop: CancellationToken,
        tell: Option<Tell>,
    ) -> Option<Self> {
        let sources = sources(target);
        let keys = target.keys.len();
        let mut targets = HashMap::new();
        for address in 0..sources.len().clamp(1, 2) {
            for key in 0..keys.clamp(1, 2) {
                let source = sources.get(address).copied();
                let client = Client { address, key };
                targets.insert(client, Arc::new(as_client(target, source, key)));
            }
        }
        let first = targets.get(&Client::default())?;
        let question = Prepared::post(first, "/invoke", body)?;
        Some(Self {
            lines: HashMap::new(),
            question,
            began: Instant::now(),
            stop,
            progress: Arc::new(Progress::new(tell)),
            addresses: sources.len().clamp(1, 2),
            keys,
            targets,
        })
    }

    /// Since the beginning.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// A line of its own for this client, for questions at the same time as others.
    pub(crate) fn line(&self, client: Client) -> Option<Line> {
        let target = self.targets.get(&client)?.clone();
        Some(Line::new(target, 0))
    }

    /// The question that every client asks.
    pub(crate) fn question(&self) -> &Prepared {
        &self.question
    }

    /// The target as the first client sees it.
    pub(crate) fn first(&self) -> Option<&Arc<Target>> {
        self.targets.get(&Client::default())
    }

    /// Asks on this client's line, now.
    pub(crate) async fn ask_on(
        &self,
        line: &mut Line,
        question: &Prepared,
        client: Client,
    ) -> (Seen, Answer) {
        let sent = self.began.elapsed();
        let answer = say(line, question, Reading::Kept).await;
        let seen = Seen {
            client,
            sent,
            received: self.began.elapsed(),
            outcome: Outcome::of(answer.status),
            told: Told::of(&recorded(&answer)),
            status: answer.status,
            row: 0,
        };
        self.progress.count(seen.as_due());
        (seen, answer)
    }

    async fn ask_now(&mut self, client: Client) -> Option<Seen> {
        let mut line = match self.lines.remove(&client) {
            Some(line) => line,
            None => self.line(client)?,
        };
        let (seen, _) = self.ask_on(&mut line, &self.question, client).await;
        self.lines.insert(client, line);
        Some(seen)
    }
}

impl Probe for Wire {
    fn begins(&mut self, stage: &str) {
        self.progress.begins(stage);
    }

    async fn ask(&mut self, client: Client, at: Duration) -> Option<Seen> {
        let until = tokio::time::Instant::from_std(self.began + at);
        let wait = tokio::time::sleep_until(until);
        // A run that was ended asks no more.
        self.stop.run_until_cancelled(wait).await?;
        match self.stop.is_cancelled() {
            true => None,
            false => self.ask_now(client).await,
        }
    }
}

/// Our addresses: those that were given, or two of this machine's own for an agent on it.
fn sources(target: &Target) -> Vec<IpAddr> {
    let is_here = target
        .addresses
        .iter()
        .all(|it| it.ip() == IpAddr::from([127, 0, 0, 1]));
    match target.sources.is_empty() && is_here && cfg!(target_os = "linux") {
        true => vec![IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2])],
        false => target.sources.clone(),
    }
}

/// The target for one client alone, with a connection for each request: behind one address there may be
/// many workers, and a connection stays with one.
fn as_client(target: &Target, source: Option<IpAddr>, key: usize) -> Target {
    Target {
        url: target.url.clone(),
        headers: target.headers.clone(),
        keys: target.keys.get(key).cloned().into_iter().collect(),
        sources: source.into_iter().collect(),
        protocol: target.protocol,
        reconnects: true,
        timeout: target.timeout,
        addresses: target.addresses.clone(),
        authority: target.authority.clone(),
        base_path: target.base_path.clone(),
        tls: target.tls.clone(),
    }
}

fn recorded(answer: &Answer) -> Recorded {
    Recorded {
        status: answer.status,
        headers: fields(&answer.headers),
        body: Vec::new(),
        reads: Vec::new(),
        surplus: 0,
    }
}

fn fields(headers: &HeaderMap) -> Vec<(String, String)> {
    let owned = headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    owned.collect()
}
