//! `acp-tck completions`: a completion script for a shell.

use crate::exit::{Exit, Failure};
use crate::{layers, output};

/// Print a completion script.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The shell that it is for
    shell: clap_complete::Shell,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut command = layers::command();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "acp-tck", &mut script);
    if arguments.shell == clap_complete::Shell::Bash {
        // In clap_complete's script a hyphen in the program's name is escaped in two ways, so
        // that the labels of the subcommands never match and nothing of theirs is completed.
        let text = String::from_utf8(script).map_err(Failure::other)?;
        script = text.replace("acp__subcmd__tck", "acp__tck").into_bytes();
    }
    output::to_stdout(|out| out.write_all(&script))?;
    Ok(Exit::Holds)
}
