//! What a layer says of an argument, and how clap is told.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction};

/// What is said of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// That it is not there, whatever a lower layer says.
    Not,
    /// That it is there, without a value.
    Alone,
    /// Its values.
    Values(Vec<String>),
}

/// The kinds of arguments, as far as it matters here.
struct Kind {
    takes_value: bool,
    may_stand_alone: bool,
    is_repeatable: bool,
}

impl Kind {
    fn of(arg: &Arg) -> Self {
        let least = arg.get_num_args().map(|range| range.min_values());
        Self {
            takes_value: arg.get_action().takes_values(),
            may_stand_alone: arg.get_action().takes_values() && least == Some(0),
            is_repeatable: matches!(arg.get_action(), ArgAction::Append),
        }
    }

    fn flag(&self, is_there: bool) -> Said {
        match is_there {
            true => Said::Alone,
            false => Said::Not,
        }
    }
}

/// What a variable's text says; what may be given several times stands on a line each.
pub(super) fn by_variable(arg: &Arg, text: &str) -> Result<Said, String> {
    let kind = Kind::of(arg);
    let word = match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    };
    match word {
        Some(word) if !kind.takes_value => Ok(kind.flag(word)),
        None if !kind.takes_value => Err("is `true` or `false`".to_owned()),
        _ if kind.may_stand_alone && matches!(text, "true" | "false") => {
            Ok(kind.flag(text == "true"))
        }
        _ if kind.is_repeatable => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            Ok(Said::Values(lines.map(str::to_owned).collect()))
        }
        _ => Ok(Said::Values(vec![text.to_owned()])),
    }
}

/// A value of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// `true` or `false`.
    Truth(bool),
    /// A text, or a number as it is written.
    Text(String),
    /// Several of them.
    List(Vec<String>),
}

/// What a value of the file says.
pub(super) fn by_value(arg: &Arg, value: &Value) -> Result<Said, &'static str> {
    let kind = Kind::of(arg);
    match value {
        Value::Truth(truth) if !kind.takes_value || kind.may_stand_alone => Ok(kind.flag(*truth)),
        _ if !kind.takes_value => Err("is true or false"),
        Value::Truth(truth) => Ok(Said::Values(vec![truth.to_string()])),
        Value::Text(text) => Ok(Said::Values(vec![text.clone()])),
        Value::List(_) if !kind.is_repeatable => Err("takes one value, not a list"),
        Value::List(list) => Ok(Said::Values(list.clone())),
    }
}

impl Said {
    /// The same, with paths counted from the file's folder.
    pub(super) fn counted_from(self, arg: &Arg, folder: &Path) -> Self {
        let is_path = arg.get_value_parser().type_id() == std::any::TypeId::of::<PathBuf>();
        match self {
            Self::Values(values) if is_path => {
                let from = |path: String| match path.as_str() {
                    "-" => path,
                    _ => folder.join(&path).to_string_lossy().into_owned(),
                };
                Self::Values(values.into_iter().map(from).collect())
            }
            other => other,
        }
    }

    /// How the command line would say it.
    pub(super) fn tokens(&self, arg: &Arg) -> Vec<OsString> {
        let Some(long) = arg.get_long() else {
            return match self {
                Self::Values(values) => values.iter().map(OsString::from).collect(),
                Self::Alone | Self::Not => Vec::new(),
            };
        };
        match self {
            Self::Not => Vec::new(),
            Self::Alone => vec![format!("--{long}").into()],
            Self::Values(values) => {
                let tokens = values
                    .iter()
                    .map(|value| format!("--{long}={value}").into());
                tokens.collect()
            }
        }
    }
}
