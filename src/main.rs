//! The command line of acp-tck: thin, one file a subcommand; nothing is implemented here.

mod agent;
mod built_in;
mod certificate;
mod check;
mod completions;
mod exit;
mod faults;
mod init;
mod input;
mod judge;
mod judging;
mod layers;
mod load;
mod man;
mod orchestrator;
mod output;
mod progress;
mod report;
mod rules;
mod signals;
mod snapshot;
mod sse;
mod uses;
mod verify;

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
    Snapshot(Box<snapshot::Arguments>),
    Verify(verify::Arguments),
    Sse(sse::Arguments),
    Report(report::Arguments),
    Rules(rules::Arguments),
    Faults(faults::Arguments),
    Init(init::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

fn main() -> std::process::ExitCode {
    let arguments = match layers::parse(std::env::args_os().collect()) {
        Ok(arguments) => arguments,
        Err(exit) => return exit.code(),
    };
    let done = match arguments.command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Load(arguments) => load::run(&arguments),
        Command::Agent(arguments) => agent::run(arguments),
        Command::Orchestrator(arguments) => orchestrator::run(arguments),
        Command::Judge(arguments) => judge::run(&arguments),
        Command::Snapshot(arguments) => snapshot::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Sse(arguments) => sse::run(&arguments),
        Command::Report(arguments) => report::run(arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Faults(arguments) => faults::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
    };
    done.unwrap_or_else(Exit::from).code()
}
