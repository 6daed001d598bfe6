//! `acp-tck man`: the manual's pages, made from the arguments.

use std::path::PathBuf;

use crate::exit::{Exit, Failure};
use crate::layers;

/// Write the manual's pages: acp-tck.1, and one for each subcommand
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder to write them to, for example ~/.local/share/man/man1; pages of the same names are replaced
    #[arg(long, value_name = "D")]
    dir: PathBuf,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let folder = &arguments.dir;
    let told =
        |error: std::io::Error| Failure::usage(format!("--dir {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(told)?;
    clap_mangen::generate_to(layers::command(), folder).map_err(told)?;
    Ok(Exit::Holds)
}
