//! Exit codes, and the one line that an error is told in.

use std::fmt;
use std::process::ExitCode;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What each code means, for help.
pub(crate) const CODES: &str = "\
Exit codes:
  0    all holds
  1    the agent falls short
  2    wrong usage, or an input file is at fault
  3    the agent could not be reached, or the checker itself failed
  130  interrupted";

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All holds.
    Holds,
    /// The agent, or the stream, falls short.
    FallsShort,
    /// Wrong usage, or a file of the user's.
    Usage,
    /// No verdict.
    Failed,
    /// The user interrupted.
    Interrupted,
}

impl Exit {
    /// The code that the shell sees.
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Holds => 0,
            Self::FallsShort => 1,
            Self::Usage => 2,
            Self::Failed => 3,
            Self::Interrupted => 130,
        })
    }
}

/// Why a command could not be carried out.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something of the user's is at fault: an option, a file.
    Usage(String),
    /// Something else is.
    Other(String),
    /// The user did not want to wait for the end.
    Interrupted(String),
}

impl Failure {
    /// The user is at fault; says what, where, and how to mend it.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::Usage(message.to_string())
    }

    /// The machine is.
    pub(crate) fn other(message: impl fmt::Display) -> Self {
        Self::Other(message.to_string())
    }
}

/// Tells the failure on stderr.
impl From<Failure> for Exit {
    fn from(failure: Failure) -> Self {
        let (message, exit) = match failure {
            Failure::Usage(message) => (message, Self::Usage),
            Failure::Other(message) => (message, Self::Failed),
            Failure::Interrupted(message) => (message, Self::Interrupted),
        };
        complain(&message);
        exit
    }
}

/// Tells what is wrong with the arguments in one line, which the caller may add to; help and version
/// are no errors.
pub(crate) fn of_arguments(error: &clap::Error, more: impl FnOnce(String) -> String) -> Exit {
    if !error.use_stderr() {
        // If help cannot be written, there is nowhere to say so.
        let _ = error.print();
        return Exit::Holds;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // As above.
        let _ = error.print();
        return Exit::Usage;
    }
    let text = without_secrets(error);
    let told = text.split("\n\n").map(str::trim);
    let kept = told
        .enumerate()
        .filter(|(index, part)| *index == 0 || part.starts_with("tip:"));
    let parts: Vec<String> = kept
        .map(|(_, part)| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let line = parts.join("; ");
    let line = line.trim_start_matches("error: ");
    complain(&more(match choices(error) {
        Some(choices) => format!("{line} [possible values: {choices}]"),
        None => line.to_owned(),
    }));
    Exit::Usage
}

/// What clap says, without what may be a secret: the value of a header field, and of a URL what is
/// no address.
fn without_secrets(error: &clap::Error) -> String {
    let mut text = error.to_string();
    let of = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    let value = error.get(ContextKind::InvalidValue);
    if let (Some(of), Some(ContextValue::String(value))) = (of, value)
        && of.starts_with("--header")
        && !value.is_empty()
    {
        text = text.replace(value.as_str(), "…");
    }
    let is_end = |letter: char| letter.is_whitespace() || letter == '\'';
    text.split_inclusive(is_end).map(without_query).collect()
}

/// A word; if it is a URL, without credentials and query.
fn without_query(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let (rest, end) = match rest.char_indices().next_back() {
        Some((at, letter)) if letter.is_whitespace() || letter == '\'' => rest.split_at(at),
        _ => (rest, ""),
    };
    let (address, query) = match rest.find(['?', '#']) {
        Some(at) => (&rest[..at], "?…"),
        None => (rest, ""),
    };
    let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
    let host = match host.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => host.to_owned(),
    };
    format!("{scheme}://{host}{path}{query}{end}")
}

/// What a missing argument may be: clap says this only of a wrong one.
fn choices(error: &clap::Error) -> Option<String> {
    if error.kind() != ErrorKind::MissingRequiredArgument {
        return None;
    }
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let mut command = crate::Arguments::command();
    command.build();
    let arguments = command
        .get_subcommands()
        .flat_map(clap::Command::get_arguments);
    let values: Vec<String> = arguments
        .filter(|argument| missing.contains(&argument.to_string()))
        .flat_map(clap::Arg::get_possible_values)
        .map(|value| value.get_name().to_owned())
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// One line on stderr, safe for a terminal.
pub(crate) fn complain(message: &str) {
    anstream::eprintln!("acp-tck: {}", acp_reports::escape(message));
}
