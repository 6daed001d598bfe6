//! `acp-tck snapshot`: what an agent answers, written down, and compared with what it answers
//! another day.

mod folder;
mod told;

use std::path::PathBuf;

use acp_conformance::settings::Settings;
use acp_conformance::snapshot::{self, Asking, Ignored, NotTaken, Taken};
use clap::ValueEnum;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::check;
use crate::exit::{Exit, Failure};
use crate::input;
use crate::output;
use crate::progress::Bar;
use crate::signals;

use folder::{Folder, Keeping};

/// Record what an agent answers (its documents, generated inputs, streams) as insta snapshots;
/// later runs compare, show what differs, and exit with 1.
///
/// Everything is asked twice, and what differs is redacted, as are times, ids and durations. The
/// agent's configurations are left alone. See docs/snapshots.md.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The agent's base URL, for example http://localhost:8000
    #[arg(value_parser = input::agent_url)]
    url: Url,
    /// The folder of the snapshots, a file each; made if it is not there
    #[arg(long, value_name = "D")]
    dir: PathBuf,
    /// Take all that the agent answers now as right: the same as --update always
    #[arg(long)]
    accept: bool,
    /// What becomes of answers that differ from what is recorded, or are new
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Update::Auto, env = "INSTA_UPDATE")]
    update: Update,
    /// How many valid inputs are invoked, and how many invalid ones; one in ten is streamed
    #[arg(long, value_name = "N", default_value_t = Asking::CASES,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=Asking::MOST as u64))]
    cases: usize,
    /// The seed that all cases come from
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How long one exchange may take, for example 10s or 500ms
    #[arg(long, value_name = "D", default_value_t = Settings::TIMEOUT.into(), value_parser = check::timeout)]
    timeout: humantime::Duration,
    /// A header field to send with every request; its value is kept out of all snapshots
    #[arg(long = "header", value_name = "K: V", value_parser = input::header)]
    headers: Vec<(String, String)>,
    /// The environment variable that holds the key to send as X-API-Key
    #[arg(long, value_name = "NAME")]
    api_key_env: Option<String>,
    /// Where the agent streams, if not at the profile's paths
    #[arg(long, value_name = "P", value_parser = input::path)]
    stream_path: Option<String>,
    /// What changes by itself, as a place in snapshots with * and ?, for example
    /// /body/output/temperature; repeatable
    #[arg(long, value_name = "PLACE")]
    volatile: Vec<Ignored>,
}

/// As insta's INSTA_UPDATE has it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Update {
    /// always in a folder without snapshots, else new; nothing if CI is set
    Auto,
    /// Record all, and remove what is asked no longer
    Always,
    /// Write what differs beside the snapshots, as .snap.new, for `cargo insta review`
    New,
    /// always for answers without a snapshot, new for the others
    Unseen,
    /// Write nothing
    No,
    /// The same as always
    Force,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let folder = Folder::open(&arguments.dir, (arguments.seed, arguments.cases))?;
    let keeping = keeping(arguments, folder.is_empty());
    if keeping != Keeping::InPlace {
        folder.check_settings()?;
    }
    let asking = asking(arguments)?;
    let taken = match taken(&arguments.url, &asking)? {
        Ok(taken) => taken,
        Err(NotTaken::Interrupted) => return Ok(Exit::Interrupted),
        Err(NotTaken::Url(why)) => return Err(Failure::usage(why)),
        Err(NotTaken::Agent(why)) => {
            return Err(Failure::other(format!("no snapshot was taken: {why}")));
        }
    };
    let changes = folder.compare(&taken.snapshots);
    folder.write(&taken.snapshots, &changes, keeping)?;
    output::to_stdout(|out| told::write(&taken, &changes, &folder, keeping, out))?;
    Ok(
        match changes.iter().any(|change| keeping.leaves_open(change)) {
            true => Exit::FallsShort,
            false => Exit::Holds,
        },
    )
}

fn keeping(arguments: &Arguments, is_first: bool) -> Keeping {
    let update = match arguments.accept {
        true => Update::Always,
        false => arguments.update,
    };
    match update {
        Update::Always | Update::Force => Keeping::InPlace,
        Update::New => Keeping::Pending,
        Update::Unseen => Keeping::UnseenInPlace,
        Update::No => Keeping::Nothing,
        // Whatever an agent answers there first would pass for right.
        Update::Auto if is_ci() => Keeping::Nothing,
        Update::Auto if is_first => Keeping::InPlace,
        Update::Auto => Keeping::Pending,
    }
}

/// As insta has it.
fn is_ci() -> bool {
    let said = std::env::var("CI").unwrap_or_default();
    !matches!(said.as_str(), "" | "0" | "false")
}

fn asking(arguments: &Arguments) -> Result<Asking, Failure> {
    let key = arguments.api_key_env.as_deref();
    let key = key.map(input::api_key).transpose()?;
    Ok(Asking {
        seed: arguments.seed,
        cases: arguments.cases,
        headers: arguments.headers.iter().cloned().chain(key).collect(),
        timeout: arguments.timeout.into(),
        stream_path: arguments.stream_path.clone(),
        ignored: arguments.volatile.clone(),
    })
}

/// Asks, until the end or until Ctrl-C or SIGTERM.
fn taken(url: &Url, asking: &Asking) -> Result<Result<Taken, NotTaken>, Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::other)?;
    Ok(runtime.block_on(async {
        let cancelled = CancellationToken::new();
        let bar = Bar::new();
        let observer = |progress| bar.show(progress);
        let taking = snapshot::take_until(url, asking, &observer, &cancelled);
        tokio::pin!(taking);
        let taken = tokio::select! {
            taken = &mut taking => taken,
            () = signals::told_to_stop() => {
                cancelled.cancel();
                taking.await
            }
        };
        bar.clear();
        taken
    }))
}
