//! Scenes with an orchestrator: one that behaves, one that forgets, one that says 201, one that
//! is not there.

use std::time::Duration;

use acp_mock_orchestrator::{Act, Entry, Journal, Mischief, What};
use url::Url;

use super::life::mark;
use super::stage::{Stage, ask};
use super::{Played, Scenes, next_beat};
use crate::drive::Question;
use crate::evidence::{Ask, Step, Topic};
use crate::feature::Feature;
use crate::wire::{Client, Limits, Request};

/// How many heartbeats are watched.
const BEATS: usize = 2;
/// How long a registration is waited for: longer than it may take, as late is not never; and for
/// a user who has no time, if nobody says that there will be one, until it would be late.
const REGISTRATION: Duration = Duration::from_secs(20);
const REGISTRATION_QUICK: Duration = Duration::from_secs(11);
/// Of an outage: how long nobody listens, and then how long every call is refused. In the
/// second part the calls can be counted.
const DOWN: Duration = Duration::from_secs(3);
pub(crate) const OUTAGE_REFUSES: Duration = Duration::from_secs(4);
/// How long an agent is waited for that was not ready when its orchestrator was away.
const READY: Duration = Duration::from_secs(30);
/// How long a name is looked up.
const LOOKUP: Duration = Duration::from_secs(2);
/// How long news of changed capabilities are waited for.
const NEWS: Duration = Duration::from_secs(10);

/// How long an agent may take to register when its orchestrator is back: who tries no more often
/// than it beats is patient enough.
pub(crate) fn registration_patience(interval: Duration) -> Duration {
    next_beat(interval) + Duration::from_secs(10)
}

fn is_registration(entry: &Entry) -> bool {
    let is_success = |status| (200..300).contains(&status);
    entry.act == Act::Register && entry.status.is_some_and(is_success)
}

fn is_registered(journal: &Journal) -> bool {
    journal.registrations().any(is_registration)
}

/// An orchestrator that behaves, and the process that all else is asked of.
pub(super) async fn registration(scenes: &Scenes<'_>, main: &Stage) -> Played {
    let mut life = main.life().clone();
    let watching = watch(scenes, main);
    let asks = tokio::select! {
        asks = watching => asks,
        () = scenes.cancelled.cancelled() => Vec::new(),
    };
    if let Some(why) = scenes.cancelled.why() {
        life.trouble.get_or_insert(why.to_string());
    }
    life.marks.insert(mark::WATCHED, main.elapsed());
    Played {
        topic: Topic::Registration,
        asks: main
            .looked()
            .into_iter()
            .chain(asks)
            .chain(main.calls())
            .collect(),
        life,
    }
}

async fn watch(scenes: &Scenes<'_>, main: &Stage) -> Vec<Ask> {
    let orchestrator = &main.orchestrator;
    if !comes_to_register(scenes, main).await {
        if orchestrator.journal().entries.is_empty() && !is_claimed(scenes).await {
            scenes.needless.cancel();
        }
        return Vec::new();
    }
    let asks = look_at_endpoint(main).await;
    if scenes.terms.is_quick {
        return asks.into_iter().collect();
    }
    let interval = scenes.terms.heartbeat;
    let journal = orchestrator.journal();
    let registered = journal.registrations().find(|entry| is_registration(entry));
    let registered = registered.map_or(Duration::ZERO, |entry| entry.at);
    // As late as each of them may be, and a little more.
    let most = interval.mul_f64(1.25 * BEATS as f64) + Duration::from_secs(1);
    let most = (registered + most).saturating_sub(orchestrator.elapsed());
    let has_beaten = |journal: &Journal| journal.heartbeats().count() >= BEATS;
    if orchestrator.wait_until(most, has_beaten).await {
        // What follows upon the last one is seen too.
        tokio::time::sleep(interval.mul_f64(0.1).max(Duration::from_millis(500))).await;
    }
    asks.into_iter().collect()
}

/// Waits for a registration: of an agent that is to register, until long after it is late.
async fn comes_to_register(scenes: &Scenes<'_>, main: &Stage) -> bool {
    let waited = |most: Duration| {
        let left = most.saturating_sub(main.elapsed());
        main.orchestrator.wait_until(left, is_registered)
    };
    if waited(REGISTRATION_QUICK).await {
        return true;
    }
    let is_hasty = scenes.terms.is_quick && !is_claimed(scenes).await;
    !is_hasty && waited(REGISTRATION).await
}

/// Whether somebody says that the agent is an orchestrator's client.
async fn is_claimed(scenes: &Scenes<'_>) -> bool {
    let known = scenes.known().await;
    known.is_some_and(|known| known.probe.is_claimed(Feature::Orchestrator))
}

/// Whether somebody answers where the agent says that it does; without the user's credentials,
/// as nobody has said that they are for that address.
async fn look_at_endpoint(main: &Stage) -> Option<Ask> {
    let journal = main.orchestrator.journal();
    let registration = journal
        .registrations()
        .find(|entry| is_registration(entry))?;
    let told = registration.body.as_ref()?.get("endpoint")?.as_str()?;
    let url = Url::parse(told).ok()?;
    let limits = Limits::with_timeout(main.client.limits().timeout);
    let client = Client::new(&url, Vec::new(), limits).ok()?;
    let note = "look at the endpoint of the registration";
    let request = Request::get("/capabilities");
    let exchange = match is_here(&url).await {
        true => client.exchange(request).await,
        // Nobody has said that others may be asked anything.
        false => client.not_asked(request),
    };
    Some(ask(Topic::Registration, Step::Capabilities, note, exchange))
}

/// Whether a URL leads to this machine. Names are looked up, but never asked.
async fn is_here(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let looked_up = tokio::time::timeout(LOOKUP, tokio::net::lookup_host((host, 0))).await;
    let Ok(Ok(addresses)) = looked_up else {
        return false;
    };
    let mut addresses = addresses.peekable();
    // Only an address of one's own can be bound.
    let is_own = |address| std::net::UdpSocket::bind(address).is_ok();
    addresses.peek().is_some() && addresses.all(is_own)
}

/// An orchestrator that forgets the agent after it has registered.
pub(super) async fn forgotten(scenes: &Scenes<'_>, stage: &mut Stage) -> Vec<Ask> {
    let interval = scenes.terms.heartbeat;
    let orchestrator = &stage.orchestrator;
    if !orchestrator.wait_until(REGISTRATION, is_registered).await {
        return gone(stage).await;
    }
    orchestrator.forget();
    let is_failed = |entry: &Entry| entry.status == Some(404);
    let has_failed = |journal: &Journal| journal.heartbeats().any(is_failed);
    let is_again = |journal: &Journal| {
        journal
            .registrations()
            .filter(|e| is_registration(e))
            .count()
            > 1
    };
    let beats_again = |journal: &Journal| {
        let entries = &journal.entries;
        let again = entries.iter().rposition(is_registration);
        let beats = again.and_then(|again| entries.get(again..));
        let mut beats = beats.into_iter().flatten();
        is_again(journal) && beats.any(|entry| matches!(entry.act, Act::Heartbeat(_)))
    };
    // Each step is late before it is given up.
    let patience = next_beat(interval) + Duration::from_millis(500);
    let _ = orchestrator.wait_until(patience, has_failed).await
        && orchestrator.wait_until(patience, is_again).await
        && orchestrator.wait_until(patience, beats_again).await;
    gone(stage).await
}

/// An orchestrator that answers a registration with 201.
pub(super) async fn created(scenes: &Scenes<'_>, stage: &mut Stage) -> Vec<Ask> {
    let orchestrator = &stage.orchestrator;
    if orchestrator.wait_until(REGISTRATION, is_registered).await {
        let says_more = |journal: &Journal| journal.entries.len() > 1;
        let patience = next_beat(scenes.terms.heartbeat);
        orchestrator.wait_until(patience, says_more).await;
    }
    gone(stage).await
}

/// No orchestrator at the start: nobody listens, then every call is refused, then there is one.
pub(super) async fn outage(scenes: &Scenes<'_>, stage: &mut Stage) -> Vec<Ask> {
    let mut asks = Vec::new();
    asks.extend(stage.ready_within(READY).await);
    tokio::time::sleep(DOWN.saturating_sub(stage.elapsed())).await;
    let refuses = vec![Mischief::always(What::Fails(503))];
    stage.orchestrator.misbehave(refuses);
    let serving = async {
        if let Some(known) = scenes.known().await {
            without_orchestrator_asked(scenes, stage, &known, &mut asks).await;
        }
    };
    tokio::join!(serving, tokio::time::sleep(OUTAGE_REFUSES));
    stage.orchestrator.misbehave(Vec::new());
    stage.mark(mark::BACK);
    let patience = registration_patience(scenes.terms.heartbeat);
    stage.orchestrator.wait_until(patience, is_registered).await;
    asks.extend(gone(stage).await);
    asks
}

/// What is asked while there is no orchestrator.
pub(crate) fn without_orchestrator(ask: &Ask) -> bool {
    ask.topic == Topic::Outage && ask.about.step == Step::After
}

async fn without_orchestrator_asked(
    scenes: &Scenes<'_>,
    stage: &Stage,
    known: &super::Known,
    asks: &mut Vec<Ask>,
) {
    let mut questions = vec![Request::get("/capabilities")];
    if !known.bank.inputs.is_empty() {
        questions.push(Request::post("/invoke", known.bank.simple_body()));
    }
    let numbered = questions.into_iter().enumerate();
    let questions = numbered.map(|(key, request)| {
        Question::new(
            Step::After,
            key,
            "asked while there is no orchestrator",
            request,
        )
    });
    let driver = scenes.driver(stage, known);
    asks.extend(driver.in_turn(questions.collect()).await);
}

/// A change of the capabilities, made in the way that the user names.
pub(super) async fn change(scenes: &Scenes<'_>, stage: &mut Stage) -> Vec<Ask> {
    let mut asks: Vec<Ask> = stage.ready().await.into_iter().collect();
    let told = &scenes.settings.facts.params.change_capabilities;
    let (Some((method, path)), Some(known)) = (told, scenes.known().await) else {
        return asks;
    };
    if !stage
        .orchestrator
        .wait_until(REGISTRATION, is_registered)
        .await
    {
        asks.extend(gone(stage).await);
        return asks;
    }
    let read = |step, note| Question::new(step, 0, note, Request::get("/capabilities"));
    let request = Request::bare(method, path);
    let driver = scenes.driver(stage, &known);
    let questions = vec![
        read(Step::Baseline, "the capabilities before"),
        Question::new(Step::Disturb, 0, "change the capabilities", request),
        read(Step::Again, "the capabilities after"),
    ];
    asks.extend(driver.in_turn(questions).await);
    let has_news = |journal: &Journal| {
        let mut entries = journal.entries.iter();
        entries.any(|entry| matches!(entry.act, Act::Capabilities(_) | Act::Stray))
    };
    stage.orchestrator.wait_until(NEWS, has_news).await;
    asks
}

/// Notes if the process has ended where it should not have.
async fn gone(stage: &mut Stage) -> Vec<Ask> {
    if let Some(obituary) = stage.obituary().await {
        stage.mishap(obituary);
    }
    Vec::new()
}
