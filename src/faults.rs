//! `acp-tck faults`: the ways in which the reference agent can be wrong.

use std::io::{self, Write};

use acp_reference_agent::faults;

use crate::exit::{Exit, Failure};
use crate::output;

/// The reference agent's faults.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Every fault, with the rules that it must trip
    List,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (Some(Command::List) | None) = arguments.command;
    output::to_stdout(list)?;
    Ok(Exit::Holds)
}

fn list(out: &mut dyn Write) -> io::Result<()> {
    for fault in faults::catalogue() {
        writeln!(
            out,
            "{}\n    {}\n    trips {}",
            fault.name,
            fault.summary,
            fault.trips.join(", ")
        )?;
    }
    Ok(())
}
