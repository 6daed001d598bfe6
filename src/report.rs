//! `acp-tck report`: reports that were written as JSON, compared or in other formats.

use std::path::{Path, PathBuf};

use acp_reports::{Comparison, Format, Report};

use crate::exit::{Exit, Failure};
use crate::{input, output};

/// Reports that were written before: compare them, or render them in other formats.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Two runs: what broke, what was mended, what is new; exit code 1 if it got worse
    Diff {
        /// The earlier JSON report
        before: PathBuf,
        /// The later one
        after: PathBuf,
        /// How to say it
        #[arg(long, value_name = "FORMAT", default_value = "human", value_parser = ["human", "json"])]
        format: String,
    },
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
        Command::Diff {
            before,
            after,
            format,
        } => diff(&before, &after, &format),
        Command::Render {
            file,
            format,
            output,
        } => render(&file, format, &output),
    }
}

fn diff(before: &Path, after: &Path, format: &str) -> Result<Exit, Failure> {
    let comparison = Comparison::of(&read(before)?, &read(after)?);
    output::to_stdout(|out| match format {
        "json" => comparison.write_json(out),
        _ => comparison.write(out),
    })?;
    Ok(if comparison.is_worse() {
        Exit::FallsShort
    } else {
        Exit::Holds
    })
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
