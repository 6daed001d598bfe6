//! The command line of acp-tck: thin, one file a subcommand; nothing is implemented here.

mod agent;
mod built_in;
mod check;
mod completions;
mod exit;
mod faults;
mod input;
mod judge;
mod judging;
mod load;
mod orchestrator;
mod output;
mod progress;
mod report;
mod rules;
mod signals;
mod sse;

use clap::{Parser, Subcommand};

use crate::exit::Exit;

/// The test kit for ACP agents: does an agent conform, and to what exactly does it not?
#[derive(Debug, Parser)]
#[command(name = "acp-tck", version, max_term_width = 100, after_help = exit::CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(Box<check::Arguments>),
    Load(Box<load::Arguments>),
    Agent(agent::Arguments),
    Orchestrator(orchestrator::Arguments),
    Judge(judge::Arguments),
    Sse(sse::Arguments),
    Report(report::Arguments),
    Rules(rules::Arguments),
    Faults(faults::Arguments),
    Completions(completions::Arguments),
}

fn main() -> std::process::ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return exit::of_arguments(&error).code(),
    };
    let done = match arguments.command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Load(arguments) => load::run(&arguments),
        Command::Agent(arguments) => agent::run(arguments),
        Command::Orchestrator(arguments) => orchestrator::run(arguments),
        Command::Judge(arguments) => judge::run(&arguments),
        Command::Sse(arguments) => sse::run(&arguments),
        Command::Report(arguments) => report::run(arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Faults(arguments) => faults::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    };
    done.unwrap_or_else(Exit::from).code()
}
