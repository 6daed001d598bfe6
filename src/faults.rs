//! `acp-tck faults`: the ways in which the reference agent can be wrong.

use std::io::{self, Write};

use acp_conformance::rules;
use acp_reference_agent::faults::{self, Area, Fault};
use anstyle::Style;

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
    /// The faults, area by area, with the rules that each must trip
    List {
        /// Only these: the name of a fault or of an area, or the id of a rule, with * and ?
        glob: Option<String>,
    },
}

const BOLD: Style = Style::new().bold();

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let glob = match &arguments.command {
        Some(Command::List { glob: Some(glob) }) => glob,
        _ => "*",
    };
    let areas = chosen(glob);
    if areas.is_empty() {
        return Err(Failure::usage(format!(
            "`{glob}` matches no fault, area or rule (`acp-tck faults list` names all)"
        )));
    }
    output::to_stdout(|out| list(&areas, out))?;
    Ok(Exit::Holds)
}

/// The faults that a pattern means, with their areas.
fn chosen(glob: &str) -> Vec<(&'static Area, Vec<&'static Fault>)> {
    let pattern = wildmatch::WildMatch::new(glob);
    let areas = faults::areas().map(|area| {
        let is_meant = |fault: &&Fault| {
            let mut names = [area.name, fault.name]
                .into_iter()
                .chain(fault.trips.iter().copied());
            names.any(|name| pattern.matches(name))
        };
        (
            area,
            area.faults.iter().filter(is_meant).collect::<Vec<_>>(),
        )
    });
    areas.filter(|(_, faults)| !faults.is_empty()).collect()
}

fn list(areas: &[(&Area, Vec<&Fault>)], out: &mut dyn Write) -> io::Result<()> {
    for (index, (area, faults)) in areas.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write!(out, "{BOLD}{}{BOLD:#}", area.name)?;
        match area.needs {
            "" => writeln!(out)?,
            needs => writeln!(out, ": needs {needs}")?,
        }
        for fault in faults {
            writeln!(out, "  {}\n      {}", fault.name, fault.summary)?;
            writeln!(out, "      {}", shown_by(area, fault))?;
        }
    }
    Ok(())
}

/// What sees the fault.
fn shown_by(area: &Area, fault: &Fault) -> String {
    let trips = fault.trips.join(", ");
    let is_known = fault.trips.iter().any(|id| rules::find(id).is_some());
    match () {
        () if area.shows_under_load_alone => {
            "trips no rule, and shows under `acp-tck load`".to_owned()
        }
        () if is_known => format!("trips {trips}"),
        () => format!("trips {trips} (its rules are still to come)"),
    }
}
