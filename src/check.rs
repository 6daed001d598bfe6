//! `acp-tck check`: certify an agent.

use std::path::{Path, PathBuf};
use std::time::Duration;

use acp_conformance::described::{self, Unreadable};
use acp_conformance::feature::Feature;
use acp_conformance::launch::Launch;
use acp_conformance::merge;
use acp_conformance::params::Params;
use acp_conformance::recording::Recording;
use acp_conformance::run;
use acp_conformance::settings::{Facts, Settings, Terms};
use acp_reports::Report;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::built_in;
use crate::exit::{Exit, Failure, complain};
use crate::input;
use crate::judging::{self, Plan};
use crate::progress::Bar;

/// Certify an agent; without a URL: the built-in reference agent, as a demonstration.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The agent's base URL, for example http://localhost:8000
    #[arg(value_parser = input::agent_url)]
    url: Option<Url>,
    /// Start the agent with this command, run everything, stop it; {port} and {orchestrator} are
    /// filled in, and ACP_* variables say the same
    #[arg(long, value_name = "CMD", conflicts_with = "url")]
    launch: Option<String>,
    /// How often the agent that is started is to send heartbeats; it is told so
    /// [default: 30s, of the built-in agent 2s]
    #[arg(long, value_name = "D", value_parser = heartbeat, conflicts_with = "url")]
    heartbeat_interval: Option<humantime::Duration>,
    /// Leave out what has to wait: for heartbeats, and for the end of a cached answer's time
    #[arg(long, conflicts_with = "url")]
    quick: bool,
    /// Features that the agent is to have, whether it says so or not
    #[arg(long, value_name = "FEATURE", value_delimiter = ',', value_parser = feature())]
    claim: Vec<Feature>,
    /// How many generated cases a rule gets
    #[arg(long, value_name = "N", default_value_t = Settings::CASES,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    cases: usize,
    /// The seed that all cases come from
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How long one exchange may take, for example 10s or 500ms
    #[arg(long, value_name = "D", default_value_t = Settings::TIMEOUT.into(), value_parser = timeout)]
    timeout: humantime::Duration,
    /// How long the whole run may take; what is left then is inconclusive [default: 30m, and ten
    /// heartbeats of a launched agent]
    #[arg(long, value_name = "D", value_parser = budget)]
    budget: Option<humantime::Duration>,
    /// How many exchanges may be under way at once
    #[arg(long, value_name = "N", default_value_t = Settings::JOBS,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=64))]
    jobs: usize,
    /// A header field to send with every request; its value is kept out of all output
    #[arg(long = "header", value_name = "K: V", value_parser = input::header)]
    headers: Vec<(String, String)>,
    /// The environment variable that holds the key to send as X-API-Key
    #[arg(long, value_name = "NAME")]
    api_key_env: Option<String>,
    /// Where the agent streams, if not at the profile's paths
    #[arg(long, value_name = "P", value_parser = input::path)]
    stream_path: Option<String>,
    /// What the agent does not say of itself, for example cache-ttl=5s; repeatable
    #[arg(long = "feature-param", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// The agent's acp-descriptor.json, to be held against its schema and the agent
    #[arg(long, value_name = "F")]
    descriptor: Option<PathBuf>,
    /// The agent's agent-manifest.yaml, likewise
    #[arg(long, value_name = "F")]
    manifest: Option<PathBuf>,
    /// Ask in another order than the usual one, from a seed
    #[arg(long, value_name = "SEED", num_args = 0..=1, require_equals = true)]
    #[expect(
        clippy::option_option,
        reason = "clap's form of an option whose value may be left out"
    )]
    shuffle: Option<Option<u64>>,
    /// Run so many times, and report what is unsteady
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    repeat: u32,
    /// Write down all that was seen, for acp-tck judge; without the secrets that were given
    #[arg(long, value_name = "F")]
    record: Option<PathBuf>,
    #[command(flatten)]
    judging: judging::Arguments,
}

fn feature() -> impl TypedValueParser<Value = Feature> {
    let names = Feature::ALL.iter().map(|feature| feature.name());
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

/// Shorter ones could not be told from what a busy machine takes.
pub(crate) fn heartbeat(text: &str) -> Result<humantime::Duration, String> {
    let parsed: humantime::Duration = text.parse().map_err(wrong)?;
    let range = Duration::from_secs(1)..=Duration::from_secs(3600);
    match range.contains(&*parsed) {
        true => Ok(parsed),
        false => Err("heartbeats are judged from 1s to 1h apart".to_owned()),
    }
}

pub(crate) fn timeout(text: &str) -> Result<humantime::Duration, String> {
    some(
        text,
        "no exchange takes no time; give it some, for example 10s",
    )
}

fn budget(text: &str) -> Result<humantime::Duration, String> {
    some(text, "no run takes no time; give it some, for example 5m")
}

/// A duration that is not zero, or else why it must not be.
fn some(text: &str, why: &str) -> Result<humantime::Duration, String> {
    match text.parse::<humantime::Duration>() {
        Ok(duration) if duration.is_zero() => Err(why.to_owned()),
        parsed => parsed.map_err(wrong),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn wrong(error: humantime::DurationError) -> String {
    error.to_string()
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let plan = arguments.judging.plan(arguments.record.as_ref())?;
    if arguments.repeat > 1 && plan.keeps() {
        return Err(Failure::usage(
            "--repeat makes many runs, and --record and --har write down one: leave one of them out",
        ));
    }
    let headers = headers(arguments)?;
    let shuffle = arguments.shuffle.map(order);
    let descriptor = document(arguments.descriptor.as_deref(), described::descriptor)?;
    let manifest = document(arguments.manifest.as_deref(), described::manifest)?;
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::other)?;
    let (report, was_interrupted) = runtime.block_on(async {
        // The file is there for as long as agents are started.
        let (_file, mut settings) = target(arguments)?;
        say(&mut settings.facts.params, &arguments.params)?;
        settings.headers = headers;
        settings.timeout = arguments.timeout.into();
        settings.budget = arguments.budget.map_or(settings.budget, Into::into);
        settings.jobs = arguments.jobs;
        settings.strict = plan.judging.strict;
        settings.profile = plan.judging.profile;
        settings.selection = plan.judging.selection.clone();
        settings.shuffle = shuffle;
        settings.facts = Facts {
            seed: arguments.seed,
            cases: arguments.cases,
            claims: arguments.claim.clone(),
            stream_path: arguments.stream_path.clone(),
            params: settings.facts.params,
            descriptor: descriptor.or(settings.facts.descriptor),
            manifest: manifest.or(settings.facts.manifest),
            launched: settings.facts.launched,
            started_at: settings.facts.started_at,
        };
        runs(&mut settings, arguments.repeat, &plan).await
    })?;
    let exit = plan.tell(&report)?;
    Ok(match was_interrupted {
        true => Exit::Interrupted,
        false => exit,
    })
}

/// The seed of the order; one that was not given is told, so that the run can be had again.
fn order(seed: Option<u64>) -> u64 {
    seed.unwrap_or_else(|| {
        let seed = jiff::Timestamp::now().as_microsecond().unsigned_abs();
        complain(&format!("the order of asking is --shuffle={seed}"));
        seed
    })
}

/// So many runs, in one report; none after one that came to no verdict.
async fn runs(settings: &mut Settings, count: u32, plan: &Plan) -> Result<(Report, bool), Failure> {
    let mut reports = Vec::new();
    let mut was_interrupted = false;
    for number in 0..count {
        if number > 0 {
            settings.facts.started_at = jiff::Timestamp::now();
        }
        let (recording, interrupted) = interruptible(settings).await?;
        was_interrupted = interrupted;
        plan.keep(&recording)?;
        if count == 1 {
            return Ok((recording.report(&plan.judging), was_interrupted));
        }
        let report = recording.report(&settings.judging());
        let is_over = report.error.is_some();
        reports.push(report);
        if is_over {
            break;
        }
    }
    let merged = merge::runs(reports, &plan.judging.expected);
    let report = merged.ok_or_else(|| Failure::other("no run was made"))?;
    Ok((report, was_interrupted))
}

fn headers(arguments: &Arguments) -> Result<Vec<(String, String)>, Failure> {
    let key = arguments
        .api_key_env
        .as_deref()
        .map(input::api_key)
        .transpose()?;
    Ok(arguments.headers.iter().cloned().chain(key).collect())
}

/// A document about the agent, from a file.
fn document(
    path: Option<&Path>,
    read: fn(&str) -> Result<Value, Unreadable>,
) -> Result<Option<Value>, Failure> {
    let Some(path) = path else {
        return Ok(None);
    };
    let read = read(&input::text(path)?);
    read.map(Some)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// What the user says of the agent, beside what is known of it.
fn say(params: &mut Params, texts: &[String]) -> Result<(), Failure> {
    for text in texts {
        let said = params.say(text);
        said.map_err(|error| Failure::usage(format!("--feature-param: {error}")))?;
    }
    Ok(())
}

/// The agent to certify: the one that is named or is to be launched, or the built-in one; with a
/// file that is to be there until the end.
fn target(arguments: &Arguments) -> Result<(Option<NamedTempFile>, Settings), Failure> {
    let now = jiff::Timestamp::now();
    if let Some(url) = arguments.url.clone() {
        return Ok((None, Settings::for_agent(url, now)));
    }
    let terms = |heartbeat| Terms {
        heartbeat: arguments.heartbeat_interval.map_or(heartbeat, Into::into),
        is_quick: arguments.quick,
    };
    if let Some(command) = &arguments.launch {
        let launch =
            Launch::new(command).map_err(|error| Failure::usage(format!("--launch: {error}")))?;
        let settings = Settings::for_launch(launch, terms(Launch::HEARTBEAT), now);
        return Ok((None, settings.map_err(Failure::other)?));
    }
    let (file, settings) = built_in::target(terms(built_in::HEARTBEAT), now)?;
    Ok((Some(file), settings))
}

/// Waits for Ctrl-C or SIGTERM, or for the terminal to go: an agent that was launched is to go
/// with it.
async fn told_to_stop() {
    #[cfg(unix)]
    if let Ok(mut hangup) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) {
        tokio::select! {
            _ = hangup.recv() => {}
            () = crate::signals::told_to_stop() => {}
        }
        return;
    }
    crate::signals::told_to_stop().await;
}

/// Runs until the end, or until Ctrl-C or SIGTERM; a second one ends the program at once.
pub(crate) async fn interruptible(settings: &Settings) -> Result<(Recording, bool), Failure> {
    let (cancelled, given_up) = (CancellationToken::new(), CancellationToken::new());
    // In a task of its own: a run that judges waits for nobody.
    let listening = tokio::spawn({
        let (cancelled, given_up) = (cancelled.clone(), given_up.clone());
        async move {
            told_to_stop().await;
            cancelled.cancel();
            told_to_stop().await;
            given_up.cancel();
        }
    });
    let bar = Bar::new();
    let observer = |progress| bar.show(progress);
    let recording = tokio::select! {
        recording = run::record(settings, &observer, &cancelled) => recording,
        () = given_up.cancelled() => {
            return Err(Failure::Interrupted("interrupted twice: there is no report".to_owned()));
        }
    };
    listening.abort();
    bar.clear();
    let recording = recording.map_err(Failure::usage)?;
    Ok((recording, cancelled.is_cancelled()))
}
