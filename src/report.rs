//! `acp-tck report`: reports that were written as JSON, in other formats.

use std::path::{Path, PathBuf};

use acp_reports::{Format, Report};

use crate::exit::{Exit, Failure};
use crate::{input, output};

/// Reports that were written before: render them in other formats.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// A check's JSON report in other formats
    Render {
        /// The JSON report, - for standard input
        file: PathBuf,
        /// The format; repeatable, in pairs with --output. Without any, the suffix of each
        /// --output tells
        #[arg(long, value_name = "FORMAT", value_parser = crate::judging::format())]
        format: Vec<Format>,
        /// The file to write to, - for standard output; repeatable
        #[arg(long, value_name = "F")]
        output: Vec<PathBuf>,
    },
}

/// Runs the command.
pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Render {
            file,
            format,
            output,
        } => render(&file, format, &output),
    }
}

fn render(file: &Path, formats: Vec<Format>, paths: &[PathBuf]) -> Result<Exit, Failure> {
    let sinks = output::sinks(formats, paths)?;
    output::all_differ(&sinks, None)?;
    let report = read(file)?;
    for sink in &sinks {
        sink.write(&report)?;
    }
    Ok(Exit::Holds)
}

/// Reads a check report, and says what is wrong with what is none.
fn read(file: &Path) -> Result<Report, Failure> {
    let name = file.display();
    let wrong = |what: String| Failure::usage(format!("{name}: {what}"));
    let document: serde_json::Value = serde_json::from_slice(&input::bytes(file)?)
        .map_err(|error| wrong(format!("not JSON: {error}")))?;
    let is = |key: &str, wanted: serde_json::Value| document.get(key) == Some(&wanted);
    if !is("format", Report::FORMAT.into()) || !is("format_version", Report::FORMAT_VERSION.into())
    {
        return Err(wrong(format!(
            "not a report of `acp-tck check --format json` ({} {})",
            Report::FORMAT,
            Report::FORMAT_VERSION
        )));
    }
    serde_json::from_value(document).map_err(|error| wrong(format!("no whole report: {error}")))
}
