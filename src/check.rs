//! `acp-tck check`: certify an agent.

use std::path::PathBuf;
use std::time::Duration;

use acp_conformance::expected::ExpectedFailures;
use acp_conformance::feature::Feature;
use acp_conformance::launch::Launch;
use acp_conformance::params::Params;
use acp_conformance::run;
use acp_conformance::select::Selection;
use acp_conformance::settings::{Facts, Settings, Terms};
use acp_reference_agent as reference;
use acp_reports::{Format, Report, Verdict};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::exit::{Exit, Failure, complain};
use crate::output::{Place, Sink};
use crate::progress::Bar;
use crate::{input, output};

/// What the report calls the built-in agent: its port differs from run to run.
const BUILT_IN: &str = "builtin:reference-agent";

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
    /// How often the launched agent is to send heartbeats; it is told so
    #[arg(long, value_name = "D", default_value_t = Launch::HEARTBEAT.into(), value_parser = heartbeat,
          requires = "launch")]
    heartbeat_interval: humantime::Duration,
    /// Leave out what has to wait for heartbeats
    #[arg(long, requires = "launch")]
    quick: bool,
    /// Judge only these rules: an id, an area or a feature, with * and ?
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    only: Vec<String>,
    /// Leave these rules out
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    skip: Vec<String>,
    /// Let a SHOULD that does not hold fail the run
    #[arg(long)]
    strict: bool,
    /// The requirement set to judge by
    #[arg(long, value_name = "NAME", default_value = acp_conformance::rules::PROFILE,
          value_parser = [acp_conformance::rules::PROFILE])]
    profile: String,
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
    /// Failures that are known: excused, and told when they are over
    #[arg(long, value_name = "F")]
    expected_failures: Option<PathBuf>,
    /// Write the file that excuses all that fails now; - for standard output
    #[arg(long, value_name = "F")]
    write_expected_failures: Option<PathBuf>,
    /// The report's format; repeatable, in pairs with --output
    #[arg(long, value_name = "FORMAT", value_parser = format())]
    format: Vec<Format>,
    /// The file to write the report to, - for standard output; repeatable
    #[arg(long, value_name = "F")]
    output: Vec<PathBuf>,
}

pub(crate) fn format() -> impl TypedValueParser<Value = Format> {
    let names = Format::ALL.iter().map(|format| format.name);
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

fn feature() -> impl TypedValueParser<Value = Feature> {
    let names = Feature::ALL.iter().map(|feature| feature.name());
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

/// Shorter ones could not be told from what a busy machine takes.
pub(crate) fn heartbeat(text: &str) -> Result<humantime::Duration, String> {
    let parsed: humantime::Duration = timeout(text)?;
    let range = Duration::from_secs(1)..=Duration::from_secs(3600);
    match range.contains(&*parsed) {
        true => Ok(parsed),
        false => Err("heartbeats are judged from 1s to 1h apart".to_owned()),
    }
}

fn timeout(text: &str) -> Result<humantime::Duration, String> {
    match text.parse::<humantime::Duration>() {
        Ok(duration) if duration.is_zero() => {
            Err("no exchange takes no time; give it some, for example 10s".to_owned())
        }
        parsed => parsed.map_err(|error| error.to_string()),
    }
}

/// Runs the command.
pub(crate) fn run(mut arguments: Arguments) -> Result<Exit, Failure> {
    let sinks = output::sinks(std::mem::take(&mut arguments.format), &arguments.output)?;
    let excuses = arguments.write_expected_failures.as_deref();
    let excuses = excuses.map(|path| Place::of("--write-expected-failures", path));
    let excuses = excuses.transpose()?;
    output::all_differ(&sinks, excuses.as_ref())?;
    let known = expected(&arguments)?;
    let selection = Selection::new(arguments.only.clone(), arguments.skip.clone());
    let selection = selection.map_err(Failure::usage)?;
    let headers = headers(&arguments)?;
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::other)?;
    let (report, was_interrupted) = runtime.block_on(async {
        let (agent, mut settings) = target(&arguments).await?;
        settings.headers = headers;
        settings.timeout = arguments.timeout.into();
        settings.jobs = arguments.jobs;
        settings.strict = arguments.strict;
        settings.selection = selection;
        settings.expected = known.clone();
        settings.facts = Facts {
            seed: arguments.seed,
            cases: arguments.cases,
            claims: arguments.claim.clone(),
            stream_path: arguments.stream_path.clone(),
            params: params(&arguments)?,
            launched: settings.facts.launched,
            started_at: settings.facts.started_at,
        };
        let done = interruptible(&settings).await;
        if let Some(agent) = agent {
            agent.stop().await;
        }
        done
    })?;
    for sink in &sinks {
        sink.write(&report)?;
    }
    if let Some(place) = excuses.filter(|_| report.error.is_none()) {
        place.write(known.write(&report.results).as_bytes())?;
    }
    let is_told = sinks.iter().any(Sink::is_read_at_once);
    if let Some(error) = report.error.as_ref().filter(|_| !is_told) {
        complain(error);
    }
    Ok(exit(&report, was_interrupted))
}

pub(crate) fn exit(report: &Report, was_interrupted: bool) -> Exit {
    match report.verdict {
        _ if was_interrupted => Exit::Interrupted,
        Verdict::Pass => Exit::Holds,
        Verdict::Fail => Exit::FallsShort,
        Verdict::Error => Exit::Failed,
    }
}

fn headers(arguments: &Arguments) -> Result<Vec<(String, String)>, Failure> {
    let key = arguments
        .api_key_env
        .as_deref()
        .map(input::api_key)
        .transpose()?;
    Ok(arguments.headers.iter().cloned().chain(key).collect())
}

fn params(arguments: &Arguments) -> Result<Params, Failure> {
    let mut params = Params::default();
    for text in &arguments.params {
        let said = params.say(text);
        said.map_err(|error| Failure::usage(format!("--feature-param: {error}")))?;
    }
    Ok(params)
}

fn expected(arguments: &Arguments) -> Result<ExpectedFailures, Failure> {
    let Some(path) = &arguments.expected_failures else {
        return Ok(ExpectedFailures::default());
    };
    ExpectedFailures::parse(&input::text(path)?)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// The agent to certify: the one that is named or is to be launched, or the built-in one, started
/// for it.
async fn target(arguments: &Arguments) -> Result<(Option<reference::Running>, Settings), Failure> {
    let now = jiff::Timestamp::now();
    if let Some(url) = arguments.url.clone() {
        return Ok((None, Settings::for_agent(url, now)));
    }
    if let Some(command) = &arguments.launch {
        let launch =
            Launch::new(command).map_err(|error| Failure::usage(format!("--launch: {error}")))?;
        let terms = Terms {
            heartbeat: arguments.heartbeat_interval.into(),
            is_quick: arguments.quick,
        };
        let settings = Settings::for_launch(launch, terms, now).map_err(Failure::other)?;
        return Ok((None, settings));
    }
    let agent = reference::start(reference::Settings::unlimited())
        .await
        .map_err(Failure::other)?;
    let url = Url::parse(&agent.url()).map_err(Failure::other)?;
    let mut settings = Settings::for_agent(url, now);
    settings.label = Some(BUILT_IN.to_owned());
    Ok((Some(agent), settings))
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
async fn interruptible(settings: &Settings) -> Result<(Report, bool), Failure> {
    let cancelled = CancellationToken::new();
    let bar = Bar::new();
    let observer = |progress| bar.show(progress);
    let running = run::run(settings, &observer, &cancelled);
    tokio::pin!(running);
    let report = tokio::select! {
        report = &mut running => report,
        () = told_to_stop() => {
            cancelled.cancel();
            tokio::select! {
                report = &mut running => report,
                () = told_to_stop() => return Err(Failure::Other("interrupted twice".to_owned())),
            }
        }
    };
    bar.clear();
    Ok((report.map_err(Failure::usage)?, cancelled.is_cancelled()))
}
