//! `acp-tck agent`: serve the reference agent, with faults if asked for.

use std::io::{ErrorKind, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use acp_reference_agent as reference;
use reference::Stopped;
use reference::faults::{self, Fault};
use reference::settings::{self, SETTINGS, Setting};
use reference::telemetry::{self, causes};

use crate::exit::{Exit, Failure, complain};
use crate::output;
use crate::signals::Signals;

/// Serve the reference agent: settings come from flags, from ACP_* variables, and from a .env file.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A way to be wrong; repeatable (see `acp-tck faults list`)
    #[arg(long = "fault", value_name = "NAME", value_parser = fault)]
    faults: Vec<&'static Fault>,
    /// A file of ACP_* variables; without it, .env in the current folder, if there is one
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Print the agent's descriptor (acp-descriptor.json), and serve nothing
    #[arg(long, group = "instead")]
    print_descriptor: bool,
    /// Print the agent's manifest (agent-manifest.yaml), and serve nothing
    #[arg(long, group = "instead")]
    print_manifest: bool,
    /// Ask the agent that runs on this machine under these settings whether it takes work: 0 if
    /// so, else 1
    #[arg(long, group = "instead")]
    probe: bool,
    #[command(flatten)]
    flags: Flags,
}

/// The heading of the agent's settings in help.
pub(crate) const SETTINGS_HEADING: &str = "Settings";

/// A flag for each setting of the agent that is not secret.
#[derive(Debug)]
struct Flags(Vec<(&'static str, String)>);

impl clap::Args for Flags {
    fn augment_args(command: clap::Command) -> clap::Command {
        let (secret, open): (Vec<&Setting>, Vec<&Setting>) =
            SETTINGS.iter().partition(|setting| setting.is_secret);
        let told = secret.iter().map(|setting| {
            let (variable, value) = (setting.variable(), setting.value);
            format!("\n  {variable}={value}\n          {}", setting.help)
        });
        let told = "Secrets, from the environment or the file alone:".to_owned()
            + &told.collect::<String>();
        let command = command.after_help(told);
        open.into_iter().fold(command, |command, setting| {
            let default = match setting.default {
                "" => String::new(),
                default => format!(" [default: {default}]"),
            };
            let help = format!("{} [env: {}]{default}", setting.help, setting.variable());
            let flag = clap::Arg::new(setting.name)
                .long(setting.name)
                .value_name(setting.value)
                .help(help)
                .help_heading(SETTINGS_HEADING);
            // `--debug` alone means `--debug true`.
            let flag = match setting.value {
                "BOOL" => flag.num_args(0..=1).default_missing_value("true"),
                _ => flag.allow_hyphen_values(true),
            };
            command.arg(flag)
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        let settings = SETTINGS.iter().filter(|setting| !setting.is_secret);
        let given = settings.filter_map(|setting| {
            let value = matches.get_one::<String>(setting.name)?;
            Some((setting.name, value.clone()))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
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
    let (file, flags) = (arguments.env_file.as_deref(), &arguments.flags.0);
    let mut settings = settings::from_environment(file, flags).map_err(Failure::usage)?;
    settings.faults = arguments.faults;
    if arguments.print_descriptor {
        let document = reference::descriptor(&settings).map_err(not_started)?;
        return print(&format!("{document:#}\n"));
    }
    if arguments.print_manifest {
        return print(&reference::manifest(&settings).map_err(not_started)?);
    }
    if arguments.probe {
        return probe(&settings);
    }
    settings.log_format = settings.log_format.on(std::io::stderr().is_terminal());
    let subscriber = telemetry::subscriber(&settings, std::io::stderr);
    tracing::subscriber::set_global_default(subscriber).map_err(Failure::other)?;
    telemetry::log_panics();
    reference::settings::warn_of_unknown_variables();
    // A connection takes a descriptor, and many systems grant 1,024 to those who do not ask.
    // Where it is refused the agent serves so many.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(settings.max_workers)
        .enable_all()
        .build()
        .map_err(Failure::other)?;
    let ended = runtime.block_on(serve(settings));
    // What is still under way has had its time, like the look-up of a name that nobody knows.
    runtime.shutdown_background();
    ended
}

/// Serves until told to stop; told again, it ends at once.
async fn serve(settings: reference::Settings) -> Result<Exit, Failure> {
    let mut signals = Signals::listen().map_err(Failure::other)?;
    let agent = reference::start(settings).await.map_err(not_started)?;
    // For people alone: a log line says the same to programs, in their own form.
    let is_seen = std::io::stderr().is_terminal();
    if is_seen {
        let admin = agent.admin_url();
        let admin = admin.map_or_else(String::new, |url| format!(", its admin API on {url}"));
        anstream::eprintln!(
            "the reference agent listens on {}{admin} (Ctrl-C ends it)",
            agent.url()
        );
    }
    signals.recv().await;
    tokio::select! {
        never = advise(), if is_seen => match never {},
        stopped = agent.stop() => Ok(match stopped {
            Stopped::Cleanly => Exit::Holds,
            Stopped::Crashed => Exit::Failed,
        }),
        () = signals.recv() => Ok(Exit::Interrupted),
    }
}

/// Says what to do about an agent that takes its time to stop.
async fn advise() -> std::convert::Infallible {
    /// Longer than an agent takes that has nothing to do.
    const PATIENCE: Duration = Duration::from_millis(200);
    tokio::time::sleep(PATIENCE).await;
    anstream::eprintln!("finishing what is under way (Ctrl-C again ends it at once)");
    std::future::pending().await
}

fn print(text: &str) -> Result<Exit, Failure> {
    output::to_stdout(|out| out.write_all(text.as_bytes()))?;
    Ok(Exit::Holds)
}

/// Asks an agent that is running already, as a container's health check does.
fn probe(settings: &reference::Settings) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::other)?;
    match runtime.block_on(reference::probe(settings)) {
        Ok(()) => Ok(Exit::Holds),
        Err(error) => {
            complain(&error.to_string());
            Ok(Exit::FallsShort)
        }
    }
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
