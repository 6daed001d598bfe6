//! Which flags there are, and what each is called in the other layers.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, CommandFactory, ValueHint};

/// The flag that names the file.
pub(super) const CONFIG: &str = "config";
/// The positional argument that the other layers may give, too: whom to ask.
pub(super) const URL: &str = "url";
/// Flags that are pairs: who gives one gives the other.
const PAIRS: [&str; 2] = ["format", "output"];
const PREFIX: &str = "ACP_TCK";

/// The program's whole command, with each flag's variable in its help.
pub(crate) fn command() -> Command {
    let file = Arg::new(CONFIG)
        .long(CONFIG)
        .value_name("F")
        .global(true)
        .display_order(900)
        .value_parser(clap::value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
        .help(format!(
            "What else a subcommand is told; /dev/null for nothing [default: {}, if there is one] [env: {PREFIX}_CONFIG]",
            super::FILE
        ));
    noted(crate::Arguments::command(), &[]).arg(file)
}

fn noted(command: Command, path: &[&str]) -> Command {
    let command = command.mut_args(|arg| match key(&arg) {
        Some(key) if !path.is_empty() => with_note(&arg, &variable(path, key)),
        _ => arg,
    });
    command.mut_subcommands(|below| {
        let name = below.get_name().to_owned();
        let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
        noted(below, &path)
    })
}

fn with_note(arg: &Arg, variable: &str) -> Arg {
    let note = |text: &clap::builder::StyledStr| format!("{text} [env: {variable}]");
    let (short, long) = (arg.get_help().map(note), arg.get_long_help().map(note));
    let arg = arg.clone().help(short.unwrap_or_default());
    match long {
        Some(long) => arg.long_help(long),
        None => arg,
    }
}

/// What the other layers call an argument; nothing if it is for the command line alone.
///
/// The reference agent's settings have variables and a file of their own.
pub(super) fn key(arg: &Arg) -> Option<&str> {
    let is_own = arg.get_id() == CONFIG
        || arg.get_help_heading() == Some(crate::agent::SETTINGS_HEADING)
        || matches!(
            arg.get_action(),
            ArgAction::Help | ArgAction::HelpLong | ArgAction::HelpShort | ArgAction::Version
        );
    match arg.get_id().as_str() {
        _ if is_own => None,
        URL => Some(URL),
        _ => arg.get_long(),
    }
}

/// The variable of a subcommand's flag: `ACP_TCK_REPORT_DIFF_FORMAT`.
pub(super) fn variable(path: &[&str], key: &str) -> String {
    let parts = [PREFIX].into_iter().chain(path.iter().copied());
    let name: Vec<&str> = parts.chain([key]).collect();
    name.join("_").replace('-', "_").to_uppercase()
}

/// Whether two arguments do not go together, so that the one of the higher layer stands.
pub(super) fn exclude(command: &Command, one: &Arg, other: &Arg) -> bool {
    let against = |one: &Arg, other: &Arg| {
        let conflicts = command.get_arg_conflicts_with(one);
        conflicts.iter().any(|arg| arg.get_id() == other.get_id())
    };
    let is_paired = |arg: &Arg| PAIRS.contains(&arg.get_id().as_str());
    against(one, other) || against(other, one) || (is_paired(one) && is_paired(other))
}

/// The likeliest of some names, if one is likely at all.
pub(super) fn nearest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let likeness = |other: &str| strsim::jaro_winkler(name, other);
    let names = names.into_iter().filter(|other| likeness(other) > 0.75);
    names.max_by(|left, right| likeness(left).total_cmp(&likeness(right)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(command: &Command, path: &[&str], look: &mut dyn FnMut(&[&str], &Arg)) {
        for arg in command.get_arguments() {
            look(path, arg);
        }
        for below in command.get_subcommands() {
            let path: Vec<&str> = path.iter().copied().chain([below.get_name()]).collect();
            each(below, &path, look);
        }
    }

    #[test]
    fn each_flag_of_each_subcommand_tells_a_variable_of_its_own() {
        let mut variables = Vec::new();
        each(&command(), &[], &mut |path, arg| {
            if arg.get_long().is_some() && !matches!(arg.get_id().as_str(), "help" | "version") {
                let help = arg.get_help().map(ToString::to_string);
                let help = help.unwrap_or_default();
                assert!(help.contains("[env: ACP_"), "{path:?} {arg}: {help}");
                variables.extend(help.split("[env: ").nth(1).map(str::to_owned));
            }
        });
        assert!(variables.len() > 60, "{variables:?}");
        let all = variables.len();
        variables.sort();
        variables.dedup();
        assert_eq!(variables.len(), all);
    }

    #[test]
    fn a_variable_is_the_path_to_a_flag() {
        assert_eq!(
            variable(&["check"], "api-key-env"),
            "ACP_TCK_CHECK_API_KEY_ENV"
        );
        assert_eq!(
            variable(&["report", "diff"], "format"),
            "ACP_TCK_REPORT_DIFF_FORMAT"
        );
    }
}
