//! From three layers to the arguments of a subcommand.
//!
//! What variables and the file say is put before what was typed, as if it had been typed, and clap reads
//! it all: so values, conflicts and needs are judged in one place.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, FromArgMatches};

use super::file::File;
use super::flags::{self, CONFIG};
use super::said::{self, Said};
use crate::exit::{self, Exit, Failure, complain};

/// Subcommands that a broken file must not stop: they write it, or need none.
const WITHOUT_FILE: [&str; 4] = ["completions", "help", "init", "man"];

/// What a lower layer says of an argument.
struct Told<'c> {
    arg: &'c Arg,
    said: Said,
    /// The variable, or the file and its line.
    place: String,
    is_secret: bool,
}

impl<'c> Told<'c> {
    fn by_file(arg: &'c Arg, (said, place): (Said, String)) -> Self {
        Self {
            arg,
            said,
            place,
            is_secret: false,
        }
    }
}

/// Reads the command line, the variables and the file; what is wrong with them has been told then.
pub(crate) fn parse(argv: Vec<OsString>) -> Result<crate::Arguments, Exit> {
    let command = flags::command();
    let mut built = command.clone();
    built.build();
    let typed = command
        .clone()
        .ignore_errors(true)
        .try_get_matches_from(&argv);
    let told = match &typed {
        Ok(typed) => below(&built, typed)?,
        // Help, or the version.
        Err(_) => Vec::new(),
    };
    let path = typed.as_ref().map(path_of).unwrap_or_default();
    let argv = with(argv, &path, &told);
    let parsed = command
        .try_get_matches_from(argv)
        .and_then(|matches| crate::Arguments::from_arg_matches(&matches));
    parsed.map_err(|error| exit::of_arguments(&error, |line| with_place(line, &error, &told)))
}

/// The names of the subcommand that was typed.
fn path_of(typed: &ArgMatches) -> Vec<String> {
    let mut path = Vec::new();
    let mut matches = typed;
    while let Some((name, below)) = matches.subcommand() {
        path.push(name.to_owned());
        matches = below;
    }
    path
}

/// What the lower layers add to what was typed.
fn below<'c>(root: &'c Command, typed: &ArgMatches) -> Result<Vec<Told<'c>>, Exit> {
    let path = path_of(typed);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let (mut command, mut matches) = (root, typed);
    for name in &path {
        let found = (command.find_subcommand(name), matches.subcommand());
        let (Some(inner), Some((_, below))) = found else {
            return Ok(Vec::new());
        };
        (command, matches) = (inner, below);
    }
    if path.is_empty() {
        return Ok(Vec::new());
    }
    warn_of_unknown_variables(command, &path);
    let file = match WITHOUT_FILE.contains(&path[0]) {
        true => None,
        false => File::find(named(typed)?.as_deref(), root)?,
    };
    let args: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| flags::key(arg).is_some())
        .collect();
    let is_typed =
        |arg: &&Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let (given, mut open): (Vec<&Arg>, Vec<&Arg>) = args.into_iter().partition(is_typed);
    let mut layers = Layers::over(root, command, &path, given);
    let by_variables = |arg: &'c Arg| by_variable(&path, arg).transpose();
    layers.add(
        open.iter()
            .filter_map(|arg| by_variables(arg))
            .collect::<Result<_, _>>()?,
    );
    open.retain(|arg| !layers.says(arg));
    let by_file = |arg: &'c Arg| Some(Told::by_file(arg, file.as_ref()?.said(&path, arg)?));
    layers.add(open.iter().filter_map(|arg| by_file(arg)).collect());
    open.retain(|arg| !layers.says(arg));
    let by_target = |arg: &'c Arg| Some(Told::by_file(arg, file.as_ref()?.target(arg)?));
    layers.add(open.iter().filter_map(|arg| by_target(arg)).collect());
    Ok(layers.told)
}

/// The file that was named, by the flag or the variable.
fn named(typed: &ArgMatches) -> Result<Option<PathBuf>, Failure> {
    let typed = typed.get_one::<PathBuf>(CONFIG).cloned();
    Ok(typed.or(environment(&flags::variable(&[], CONFIG))?.map(PathBuf::from)))
}

/// A variable; one that is empty says nothing, as CI systems set what was left out.
fn environment(name: &str) -> Result<Option<String>, Failure> {
    let wrong = |_| Failure::usage(format!("{name}: not UTF-8"));
    let text = std::env::var_os(name)
        .map(OsString::into_string)
        .transpose();
    Ok(text.map_err(wrong)?.filter(|text| !text.is_empty()))
}

fn by_variable<'c>(path: &[&str], arg: &'c Arg) -> Result<Option<Told<'c>>, Failure> {
    let Some(key) = flags::key(arg) else {
        return Ok(None);
    };
    let place = flags::variable(path, key);
    let Some(text) = environment(&place)? else {
        return Ok(None);
    };
    let said = said::by_variable(arg, &text);
    let said = said.map_err(|why| Failure::usage(format!("{place} {why}")))?;
    Ok(Some(Told {
        arg,
        said,
        place,
        is_secret: true,
    }))
}

/// A variable of this subcommand's that no flag goes by is a slip of the pen.
fn warn_of_unknown_variables(command: &Command, path: &[&str]) {
    let known: Vec<String> = command
        .get_arguments()
        .filter_map(flags::key)
        .map(|key| flags::variable(path, key))
        .collect();
    let prefix = flags::variable(path, "");
    let below: Vec<String> = command
        .get_subcommands()
        .map(|below| flags::variable(path, below.get_name()) + "_")
        .collect();
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let is_below = below.iter().any(|prefix| name.starts_with(prefix.as_str()));
        if name.starts_with(&prefix) && !is_below && !known.iter().any(|one| *one == name) {
            let near = flags::nearest(&name, known.iter().map(String::as_str));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            complain(&format!("the variable {name} is no flag's{hint}"));
        }
    }
}

/// What is said so far, the highest layer first.
struct Layers<'c> {
    root: &'c Command,
    command: &'c Command,
    path: Vec<String>,
    given: Vec<&'c Arg>,
    told: Vec<Told<'c>>,
    /// What a higher layer rules out, as clap names it.
    dropped: Vec<String>,
}

impl<'c> Layers<'c> {
    fn over(root: &'c Command, command: &'c Command, path: &[&str], given: Vec<&'c Arg>) -> Self {
        Self {
            root,
            command,
            path: path.iter().map(|name| (*name).to_owned()).collect(),
            given,
            told: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// Whether a layer so far has spoken of an argument.
    fn says(&self, arg: &Arg) -> bool {
        let mut told = self.told.iter();
        told.any(|told| told.arg.get_id() == arg.get_id())
    }

    /// Adds a layer: what does not go with a higher one, or needs what does not, is left out.
    fn add(&mut self, layer: Vec<Told<'c>>) {
        let present = self.told.iter().filter(|told| told.said != Said::Not);
        let higher: Vec<&Arg> = present
            .map(|told| told.arg)
            .chain(self.given.iter().copied())
            .collect();
        let is_out = |told: &Told<'_>| {
            let mut higher = higher.iter();
            higher.any(|one| flags::exclude(self.command, one, told.arg))
        };
        let (out, kept): (Vec<_>, Vec<_>) = layer.into_iter().partition(is_out);
        self.dropped
            .extend(out.iter().map(|told| told.arg.to_string()));
        for told in kept {
            if self.dropped.is_empty() || !self.needs_what_is_dropped(&told) {
                self.told.push(told);
            }
        }
    }

    /// Asks clap, who alone knows what an argument needs.
    fn needs_what_is_dropped(&self, told: &Told<'_>) -> bool {
        let name = OsString::from(self.root.get_name());
        let path = self.path.iter().map(OsString::from);
        let argv = [name]
            .into_iter()
            .chain(path)
            .chain(told.said.tokens(told.arg));
        let Err(error) = self.root.clone().try_get_matches_from(argv) else {
            return false;
        };
        error.kind() == ErrorKind::MissingRequiredArgument
            && named_by(&error)
                .iter()
                .any(|name| self.dropped.contains(name))
    }
}

/// The arguments that an error of clap's speaks of.
fn named_by(error: &clap::Error) -> Vec<String> {
    let kinds = [ContextKind::InvalidArg, ContextKind::PriorArg];
    let values = kinds.into_iter().filter_map(|kind| error.get(kind));
    let names = values.flat_map(|value| match value {
        ContextValue::String(name) => vec![name.clone()],
        ContextValue::Strings(names) => names.clone(),
        _ => Vec::new(),
    });
    names.collect()
}

/// What was typed, and what was told before it, behind the subcommand's name.
fn with(argv: Vec<OsString>, path: &[String], told: &[Told<'_>]) -> Vec<OsString> {
    let mut at = 1;
    for name in path {
        while argv.get(at).is_some_and(|token| token != name.as_str()) {
            // The one flag that may stand before a subcommand, and its value.
            at += if argv[at] == *format!("--{CONFIG}") {
                2
            } else {
                1
            };
        }
        at += 1;
    }
    let at = at.min(argv.len());
    let tokens = told.iter().flat_map(|told| told.said.tokens(told.arg));
    let (before, behind) = argv.split_at(at);
    before
        .iter()
        .cloned()
        .chain(tokens)
        .chain(behind.iter().cloned())
        .collect()
}

/// Says where the value at fault was told; of a variable not the value, which may be secret.
fn with_place(line: String, error: &clap::Error, told: &[Told<'_>]) -> String {
    let named = named_by(error);
    let at_fault = told
        .iter()
        .find(|told| named.contains(&told.arg.to_string()));
    let Some(at_fault) = at_fault else {
        return line;
    };
    let line = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) if at_fault.is_secret => {
            line.replace(&format!("'{value}'"), "(not shown)")
        }
        _ => line,
    };
    format!("{line} (told by {})", at_fault.place)
}
