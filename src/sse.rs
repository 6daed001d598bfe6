//! `acp-tck sse`: what a captured event stream says.

use std::path::PathBuf;

use acp_conformance::sse;
use clap::ValueEnum;

use crate::exit::{Exit, Failure};
use crate::{input, output};

/// Read a captured event stream: its events, its defects, and where they stand.
///
/// Capture one with `curl -sN … > stream.txt` (without -i: the headers are no part of it).
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The file; - for standard input
    #[arg(default_value = "-")]
    file: PathBuf,
    /// How to tell it
    #[arg(long, value_enum, default_value_t = Face::Human)]
    format: Face,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Face {
    /// Text for people
    Human,
    /// {"grammar_valid", "events", "defects"}
    Json,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let transcript = sse::parse(&input::bytes(&arguments.file)?);
    output::to_stdout(|out| match arguments.format {
        Face::Human => sse::report::write_human(&transcript, out),
        Face::Json => {
            serde_json::to_writer_pretty(&mut *out, &sse::report::Report::from(&transcript))?;
            writeln!(out)
        }
    })?;
    Ok(if sse::falls_short(&transcript) {
        Exit::FallsShort
    } else {
        Exit::Holds
    })
}
