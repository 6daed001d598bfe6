//! `acp-tck judge`: the findings again, from a recorded run; nobody is asked anything.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use acp_conformance::recording::Recording;

use crate::exit::{Exit, Failure};
use crate::{judging, uses};

/// Judge a run again that was recorded with check --record, without a network.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The record; - for standard input
    record: PathBuf,
    #[command(flatten)]
    judging: judging::Arguments,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let plan = arguments.judging.plan(None)?;
    let path = arguments.record.display();
    let told = |what: &dyn std::fmt::Display| Failure::usage(format!("{path}: {what}"));
    let mut from: Box<dyn BufRead> = if arguments.record.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        uses::reads(&arguments.record)?;
        let file = File::open(&arguments.record).map_err(|error| told(&error))?;
        Box::new(BufReader::new(file))
    };
    let recording = Recording::read(&mut *from).map_err(|error| told(&error))?;
    if !recording.holds_any_of(&plan.judging) {
        return Err(told(
            &"none of the rules that are asked for were judged in this run",
        ));
    }
    plan.keep(&recording)?;
    let exit = plan.tell(&recording.report(&plan.judging))?;
    Ok(match recording.was_interrupted() {
        true => Exit::Interrupted,
        false => exit,
    })
}
