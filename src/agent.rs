//! `acp-tck agent`: serve the reference agent, with faults if asked for.

use std::io::ErrorKind;
use std::time::Duration;

use acp_reference_agent as reference;
use reference::faults::{self, Fault};

use crate::exit::{Exit, Failure};

/// Serve the reference agent.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The address to listen on
    #[arg(long, env = "ACP_HOST", default_value = "127.0.0.1")]
    host: String,
    /// The port to listen on; 0 for any that is free
    #[arg(long, env = "ACP_PORT", default_value_t = 8000)]
    port: u16,
    /// What the agent calls itself
    #[arg(long, env = "ACP_AGENT_ID")]
    agent_id: Option<String>,
    /// A way to be wrong; repeatable (see `acp-tck faults list`)
    #[arg(long = "fault", value_name = "NAME", value_parser = fault)]
    faults: Vec<&'static Fault>,
    /// How long a stream takes from one event to the next, for example 40ms
    #[arg(long, value_name = "D")]
    stream_step: Option<humantime::Duration>,
}

fn fault(name: &str) -> Result<&'static Fault, String> {
    faults::find(name).ok_or_else(|| {
        let likeness = |fault: &&Fault| strsim::jaro_winkler(name, fault.name);
        let nearest = faults::catalogue()
            .max_by(|left, right| likeness(left).total_cmp(&likeness(right)))
            .filter(|fault| likeness(fault) > 0.75);
        let hint = nearest.map_or_else(String::new, |fault| {
            format!("; did you mean `{}`?", fault.name)
        });
        format!("there is no such fault{hint} (`acp-tck faults list` names all)")
    })
}

/// Runs the command.
pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let defaults = reference::Settings::default();
    let settings = reference::Settings {
        host: arguments.host,
        port: arguments.port,
        agent_id: arguments.agent_id.unwrap_or(defaults.agent_id),
        stream_step: arguments
            .stream_step
            .map_or(defaults.stream_step, Duration::from),
        faults: arguments.faults,
        ..reference::Settings::default()
    };
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::other)?;
    runtime.block_on(async {
        let agent = reference::start(settings).await.map_err(not_started)?;
        anstream::eprintln!(
            "the reference agent listens on {} (Ctrl-C ends it)",
            agent.url()
        );
        told_to_stop().await;
        agent.stop().await;
        Ok(Exit::Holds)
    })
}

/// Says why the agent did not start, and the way out if it is the port.
fn not_started(error: reference::Error) -> Failure {
    let reference::Error::Bind { addr, source } = &error else {
        return Failure::usage(causes(&error));
    };
    let advice = "--port 0 takes any free port";
    Failure::usage(match source.kind() {
        ErrorKind::AddrInUse => format!("cannot listen on {addr}: address in use; {advice}"),
        ErrorKind::PermissionDenied => format!("cannot listen on {addr}: {source}; {advice}"),
        _ => causes(&error),
    })
}

/// An error with all that led to it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        told.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    told
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let terminated = async {
            match signal(SignalKind::terminate()) {
                Ok(mut signal) => signal.recv().await,
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
}
