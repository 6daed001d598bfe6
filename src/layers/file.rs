//! `acp-tck.toml`: a table a subcommand, in it a key a flag; at the top `target`, the agent's URL for all
//! that ask one.

use std::path::{Path, PathBuf};

use clap::Command;
use toml::de::{DeTable, DeValue};

use super::flags::{self, URL};
use super::said::{self, Said, Value};
use crate::exit::Failure;
use crate::input;

/// The file that is read if nobody names another.
pub(crate) const NAME: &str = "acp-tck.toml";
/// The key at the top.
const TARGET: &str = "target";

/// A file, held against the flags that there are.
#[derive(Debug)]
pub(super) struct File {
    name: String,
    folder: PathBuf,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// The tables, and the key last.
    path: Vec<String>,
    value: Value,
    line: usize,
}

impl File {
    /// Reads the file that was named, or else the one of the working directory, if there is one.
    pub(super) fn find(named: Option<&Path>, command: &Command) -> Result<Option<Self>, Failure> {
        let path = match named {
            Some(path) => path,
            None if Path::new(NAME).is_file() => Path::new(NAME),
            None => return Ok(None),
        };
        let name = path.display().to_string();
        let entries = entries(&input::text(path)?, command);
        Ok(Some(Self {
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
            entries: entries.map_err(|what| Failure::usage(format!("{name}, {what}")))?,
            name,
        }))
    }

    /// What it says of an argument, and where.
    pub(super) fn said(&self, path: &[&str], arg: &clap::Arg) -> Option<(Said, String)> {
        let key = flags::key(arg)?;
        let found = self.entries.iter().find(|entry| {
            let (last, tables) = entry.path.split_last().unzip();
            last.is_some_and(|last| last == key) && tables.is_some_and(|tables| tables == path)
        })?;
        self.of(arg, found)
    }

    /// The target that it names for all.
    pub(super) fn target(&self, arg: &clap::Arg) -> Option<(Said, String)> {
        let mut entries = self.entries.iter();
        let found = entries.find(|entry| entry.path == [TARGET])?;
        (arg.get_id() == URL).then(|| self.of(arg, found))?
    }

    fn of(&self, arg: &clap::Arg, entry: &Entry) -> Option<(Said, String)> {
        // That it can be said was seen when the file was read.
        let said = said::by_value(arg, &entry.value).ok()?;
        let place = format!("{}, line {}", self.name, entry.line);
        Some((said.counted_from(arg, &self.folder), place))
    }
}

/// All that stands in the text, or what is wrong with it, with the line.
fn entries(text: &str, command: &Command) -> Result<Vec<Entry>, String> {
    let parsed = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line(text, span.start));
        format!("line {line}: {}", error.message().replace('\n', ": "))
    })?;
    let mut found = Vec::new();
    walk(parsed.get_ref(), command, &[], text, &mut found)?;
    found.sort_by_key(|entry| entry.line);
    Ok(found)
}

fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count() + 1
}

fn walk(
    table: &DeTable<'_>,
    command: &Command,
    path: &[&str],
    text: &str,
    found: &mut Vec<Entry>,
) -> Result<(), String> {
    for (key, value) in table {
        let line = line(text, key.span().start);
        let at_line = |what: String| format!("line {line}: {what}");
        let name: &str = key.get_ref();
        let here: Vec<&str> = path.iter().copied().chain([name]).collect();
        if let (DeValue::Table(below), Some(command)) =
            (value.get_ref(), command.find_subcommand(name))
        {
            walk(below, command, &here, text, found)?;
            continue;
        }
        let is_target = here == [TARGET];
        let arg = command
            .get_arguments()
            .find(|arg| !path.is_empty() && flags::key(arg) == Some(name));
        if arg.is_none() && !is_target {
            return Err(at_line(unknown(name, command, path)));
        }
        let value = read(value.get_ref()).ok_or_else(|| {
            at_line(format!(
                "`{name}` is a text, a number, true or false, or a list of texts"
            ))
        })?;
        match arg {
            Some(arg) => drop(
                said::by_value(arg, &value).map_err(|why| at_line(format!("`{name}` {why}")))?,
            ),
            None if !matches!(value, Value::Text(_)) => {
                return Err(at_line(format!("`{name}` is the agent's URL, as a text")));
            }
            None => {}
        }
        let path = here.into_iter().map(str::to_owned).collect();
        found.push(Entry { path, value, line });
    }
    Ok(())
}

/// A value that a flag can have.
fn read(value: &DeValue<'_>) -> Option<Value> {
    let scalar = |value: &DeValue<'_>| match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        _ => None,
    };
    match value {
        DeValue::Boolean(truth) => Some(Value::Truth(*truth)),
        DeValue::Array(list) => {
            let all = list.iter().map(|one| scalar(one.get_ref()));
            all.collect::<Option<_>>().map(Value::List)
        }
        other => scalar(other).map(Value::Text),
    }
}

/// What to say of a key that there is not: where it belongs, or what may have been meant.
fn unknown(name: &str, command: &Command, path: &[&str]) -> String {
    let place = match path {
        [] => "at the top".to_owned(),
        _ => format!("under [{}]", path.join(".")),
    };
    let keys = |command: &Command| -> Vec<String> {
        let flags = command.get_arguments().filter_map(flags::key);
        flags.map(str::to_owned).collect()
    };
    let tables = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned());
    let mut known: Vec<String> = tables.collect();
    match path {
        [] => known.push(TARGET.to_owned()),
        _ => known.extend(keys(command)),
    }
    let near = flags::nearest(name, known.iter().map(String::as_str));
    let elsewhere = || {
        let mut below = command.get_subcommands();
        below.find(|below| keys(below).iter().any(|key| key == name))
    };
    let hint = match (near, path.is_empty().then(elsewhere).flatten()) {
        (_, Some(below)) => format!("; it belongs under [{}]", below.get_name()),
        (Some(near), None) => format!("; did you mean `{near}`?"),
        (None, None) => format!("; there are: {}", known.join(", ")),
    };
    format!("there is no `{name}` {place}{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Entry>, String> {
        let mut command = super::super::command();
        command.build();
        entries(text, &command)
    }

    #[test]
    fn a_key_that_there_is_not_is_told_with_its_line_and_the_nearest_name() {
        for (text, told) in [
            (
                "[check]\nexpected-failure = 'x'\n",
                "line 2: there is no `expected-failure` under [check]; did you mean `expected-failures`?",
            ),
            (
                "\n[chek]\n",
                "line 2: there is no `chek` at the top; did you mean `check`?",
            ),
            (
                "launch = 'x'\n",
                "line 1: there is no `launch` at the top; it belongs under [check]",
            ),
            (
                "[report.diff]\nformt = 'json'\n",
                "line 2: there is no `formt` under [report.diff]; did you mean `format`?",
            ),
            (
                "[check]\nquick = 'yes'\n",
                "line 2: `quick` is true or false",
            ),
            (
                "[check]\nseed = [1, 2]\n",
                "line 2: `seed` takes one value, not a list",
            ),
            (
                "[check]\nseed = 2026-11-23\n",
                "line 2: `seed` is a text, a number, true or false, or a list of texts",
            ),
            ("[check]\nconfig = 'x'\n", "line 2: there is no `config`"),
        ] {
            let said = read(text).map(drop).expect_err(text);
            assert!(said.starts_with(told), "{text}: {said}");
            assert!(!said.contains('\n'), "{said}");
        }
        let said = read("[check\n").map(drop).expect_err("no TOML");
        assert!(said.starts_with("line 1: "), "{said}");
    }

    #[test]
    fn values_are_read_as_flags_have_them() {
        let text = "target = 'http://a'\n[check]\nseed = 7\nonly = ['sse', 'auth']\nstrict = true\n[report.diff]\nformat = 'json'\n";
        let found = read(text).expect("a file");
        let paths: Vec<String> = found.iter().map(|entry| entry.path.join(".")).collect();
        assert_eq!(
            paths,
            [
                "target",
                "check.seed",
                "check.only",
                "check.strict",
                "report.diff.format"
            ]
        );
        assert_eq!(
            found[2].value,
            Value::List(vec!["sse".to_owned(), "auth".to_owned()])
        );
    }
}
