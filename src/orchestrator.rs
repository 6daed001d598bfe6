//! `acp-tck orchestrator`: an orchestrator that agents register with, and a verdict on them.

mod live;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use acp_conformance::launch::Launch;
use acp_conformance::recording::Recording;
use acp_conformance::settings::{Judging, Settings, Terms};
use acp_conformance::witness;
use acp_mock_orchestrator::{self as mock, Journal, KINDS, Mischief, Orchestrator};
use acp_reports::Format;
use url::Url;

use self::live::Live;
use crate::check;
use crate::exit::{Exit, Failure};
use crate::output::Place;
use crate::{judging, output};

/// Of a call, so many characters are told.
const LINE: usize = 200;
/// How often it is looked for who is overdue.
const LOOK: Duration = Duration::from_millis(250);

/// Serve an orchestrator, tell live who registers and how regular the heartbeats are, and judge
/// the agents at the end.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The port to listen on; 0 for any that is free
    #[arg(long, value_name = "N", default_value_t = 8004)]
    port: u16,
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// How often agents are to send heartbeats
    #[arg(long, value_name = "D", default_value_t = Launch::HEARTBEAT.into(), value_parser = check::heartbeat)]
    heartbeat_interval: humantime::Duration,
    /// Ends after this time; without it, with Ctrl-C
    #[arg(long, value_name = "D")]
    duration: Option<humantime::Duration>,
    #[arg(help = "A way to misbehave, as NAME[=VALUE][@FROM..UNTIL], for example fails=503@10s..20s; repeatable", long = "fault", value_name = "NAME", long_help = faults())]
    faults: Vec<Mischief>,
    /// Let a SHOULD that does not hold fail the run
    #[arg(long)]
    strict: bool,
    /// The report's format; repeatable, in pairs with --output
    #[arg(long, value_name = "FORMAT", value_parser = judging::format())]
    format: Vec<Format>,
    /// The file to write the report to, - for standard output; repeatable
    #[arg(long, value_name = "F")]
    output: Vec<PathBuf>,
    /// Write down all that came in, for acp-tck judge
    #[arg(long, value_name = "F")]
    record: Option<PathBuf>,
}

fn faults() -> String {
    let kinds = KINDS.iter().map(|kind| {
        let value = match kind.default {
            "" => String::new(),
            default => format!("={default}"),
        };
        format!("\n  {}{value}: {}", kind.name, kind.summary)
    });
    let head = "A way to misbehave, as NAME[=VALUE][@FROM..UNTIL], for example fails=503@10s..20s:";
    head.to_owned() + &kinds.collect::<String>()
}

/// Runs the command.
pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let sinks = output::sinks(arguments.format.clone(), &arguments.output)?;
    let record = arguments.record.as_ref();
    let record = record.map(|path| Place::of("--record", path)).transpose()?;
    output::all_differ(&sinks, &record)?;
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::other)?;
    let (recording, judging) = runtime.block_on(watch(&arguments))?;
    if let Some(place) = &record {
        place.write_with(|out| recording.write(out))?;
    }
    let report = recording.report(&judging);
    for sink in &sinks {
        sink.write(&report)?;
    }
    judging::tell_verdict(&report, &sinks);
    // Ctrl-C is how it is meant to end.
    Ok(judging::exit(&report))
}

async fn watch(arguments: &Arguments) -> Result<(Recording, Judging), Failure> {
    let addr = SocketAddr::from((arguments.host, arguments.port));
    let started_at = jiff::Timestamp::now();
    let started = mock::start(addr, arguments.faults.clone()).await;
    let orchestrator = started
        .map_err(|error| Failure::usage(format!("{error}; --port 0 takes any free port")))?;
    let url = Url::parse(&orchestrator.url()).map_err(Failure::other)?;
    anstream::eprintln!(
        "the orchestrator listens on {}: start agents with ACP_ORCHESTRATOR_URL={} (Ctrl-C ends it)",
        orchestrator.url(),
        orchestrator.url()
    );
    let time = arguments.duration.map_or(Duration::MAX, Into::into);
    tokio::select! {
        () = tell(&orchestrator, arguments.heartbeat_interval.into()) => {}
        () = tokio::time::sleep(time) => {}
        () = crate::signals::told_to_stop() => {}
    }
    let mut settings = Settings::for_agent(url, started_at);
    settings.strict = arguments.strict;
    settings.facts.launched = Some(Terms {
        heartbeat: arguments.heartbeat_interval.into(),
        is_quick: false,
    });
    let watched = orchestrator.elapsed();
    let recording = witness::recording(&settings, &orchestrator.journal(), watched);
    Ok((recording, settings.judging()))
}

/// Tells each call as it comes in, who is registered, and who is overdue; without end.
async fn tell(orchestrator: &Orchestrator, interval: Duration) {
    let (mut live, mut told, mut is_full) = (Live::new(interval), 0, false);
    let say = |at: Duration, line: &str| {
        let line = acp_reports::shorten(line, LINE);
        let line = acp_reports::escape(&line);
        anstream::eprintln!("{:>8.1}s  {line}", at.as_secs_f64());
    };
    while !is_full {
        let is_new = |journal: &Journal| journal.entries.len() > told || journal.dropped > 0;
        if orchestrator.wait_until(LOOK, is_new).await {
            let journal = orchestrator.journal();
            for entry in journal.entries.iter().skip(told) {
                say(entry.at, &live.call(entry));
            }
            told = journal.entries.len();
            is_full = journal.dropped > 0;
        }
        let now = orchestrator.elapsed();
        for line in live.look(orchestrator.registered(), now) {
            say(now, &line);
        }
        if is_full {
            say(
                now,
                "more calls have come in than are kept: no more are told of",
            );
        }
    }
    std::future::pending().await
}
