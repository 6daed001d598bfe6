//! `acp-tck init`: write acp-tck.toml for a repository, after asking its agent what it is.

mod written;

use std::path::PathBuf;

use acp_conformance::launch::Launch;
use acp_conformance::settings::{Settings, Terms};
use url::Url;

use self::written::{Met, Way};
use crate::check;
use crate::exit::{Exit, Failure};
use crate::output::{self, Place};
use crate::{input, layers};

/// How many cases a rule gets: enough to meet the agent, and no burden to it.
const CASES: usize = 10;

/// Write acp-tck.toml for a repository, after asking its agent what it is
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The agent's base URL, for example http://localhost:8000; without it and without --launch nobody is
    /// asked
    #[arg(value_parser = input::agent_url)]
    url: Option<Url>,
    /// Start the agent with this command, ask it, stop it; {port} and {orchestrator} are filled in
    #[arg(long, value_name = "CMD", conflicts_with = "url")]
    launch: Option<String>,
    /// A header field to send with every request; it is not written down
    #[arg(long = "header", value_name = "K: V", value_parser = input::header)]
    headers: Vec<(String, String)>,
    /// The environment variable that holds the key to send as X-API-Key; its name is written down
    #[arg(long, value_name = "NAME")]
    api_key_env: Option<String>,
    /// The file to write, - for standard output
    #[arg(long, value_name = "F", default_value = layers::FILE)]
    output: PathBuf,
    /// Replace the file if it is there already
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let file = arguments.output.display();
    // A broken link is there, too.
    if !arguments.force
        && arguments
            .output
            .symlink_metadata()
            .is_ok_and(|found| !is_device(&found))
    {
        return Err(Failure::usage(format!(
            "{file} is there already; --force replaces it, --output - shows what would be written"
        )));
    }
    let place = Place::of_anything("--output", &arguments.output)?;
    let way = match (&arguments.url, &arguments.launch) {
        (Some(url), _) => Way::Url(url.as_str().trim_end_matches('/').to_owned()),
        (None, Some(command)) => Way::Launch(command.clone()),
        (None, None) => Way::Unknown,
    };
    let met = match way {
        Way::Unknown => None,
        _ => match meet(arguments)? {
            Some(met) => Some(met),
            None => return Ok(Exit::Interrupted),
        },
    };
    let text = written::text(&way, met.as_ref(), arguments.api_key_env.as_deref());
    place.write(text.as_bytes())?;
    if place != Place::Stdout {
        let told = written::told(&file.to_string(), met.as_ref());
        output::to_stdout(|out| out.write_all(told.as_bytes()))?;
    }
    Ok(Exit::Holds)
}

/// What `-o /dev/stdout` and the like lead to: nothing is lost there.
fn is_device(found: &std::fs::Metadata) -> bool {
    !found.is_file() && !found.is_dir() && !found.is_symlink()
}

/// Asks the agent; nothing if the user has had enough.
fn meet(arguments: &Arguments) -> Result<Option<Met>, Failure> {
    let mut settings = settings(arguments)?;
    let key = arguments
        .api_key_env
        .as_deref()
        .map(input::api_key)
        .transpose()?;
    settings.headers = arguments.headers.iter().cloned().chain(key).collect();
    settings.facts.cases = CASES;
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::other)?;
    let (recording, was_interrupted) = runtime.block_on(check::interruptible(&settings))?;
    if was_interrupted {
        return Ok(None);
    }
    let report = recording.report(&settings.judging());
    match &report.error {
        Some(error) => Err(Failure::other(format!("{error}; nothing was written"))),
        None => Ok(Some(Met {
            introduction: recording.introduction(),
            report,
        })),
    }
}

fn settings(arguments: &Arguments) -> Result<Settings, Failure> {
    let now = jiff::Timestamp::now();
    if let Some(url) = arguments.url.clone() {
        return Ok(Settings::for_agent(url, now));
    }
    let command = arguments.launch.as_deref().unwrap_or_default();
    let launch = Launch::new(command);
    let launch = launch.map_err(|error| Failure::usage(format!("--launch: {error}")))?;
    let terms = Terms {
        heartbeat: Launch::HEARTBEAT,
        is_quick: true,
    };
    Settings::for_launch(launch, terms, now).map_err(Failure::other)
}
