//! Where settings are read from: a `.env` file, the environment, flags; the later goes first.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    io::ErrorKind,
    path::Path,
};

use super::{Error, SETTINGS, Setting, Settings};

/// The settings after a file of variables, the environment, and flags: a flag goes before a
/// variable, and a variable before the file.
///
/// `file` is `None` for `.env` in the current folder, if there is one. Flags are pairs of a
/// [`Setting`]'s name and its value. A variable that is empty is one that is not set.
///
/// # Errors
/// The first value that cannot be used, where it stands, and what would be right; or a file
/// that cannot be read.
pub fn from_environment(file: Option<&Path>, flags: &[(&str, String)]) -> Result<Settings, Error> {
    let mut settings = Settings::default();
    for (place, name, value) in of_file(file)? {
        apply_variable(&mut settings, &place, &name, &value)?;
    }
    for setting in SETTINGS {
        let variable = setting.variable();
        if let Some(value) = env::var_os(&variable) {
            let value = as_text(&variable, &value)?;
            apply_if_set(&mut settings, setting, &variable, value)?;
        }
    }
    for (name, value) in flags {
        let flag = format!("--{name}");
        let setting = SETTINGS.iter().find(|setting| setting.name == *name);
        let setting = setting.ok_or_else(|| wrong(&flag, "there is no such setting"))?;
        apply(&mut settings, setting, &flag, value)?;
    }
    Ok(settings)
}

/// The variables of the file, with the place of each.
fn of_file(file: Option<&Path>) -> Result<Vec<(String, String, String)>, Error> {
    let path = file.unwrap_or(Path::new(".env"));
    let told =
        |error: &dyn std::fmt::Display| wrong(&path.display().to_string(), &error.to_string());
    let variables = match dotenvy::from_path_iter(path) {
        Ok(variables) => variables,
        Err(dotenvy::Error::Io(error)) if file.is_none() && error.kind() == ErrorKind::NotFound => {
            return Ok(Vec::new());
        }
        Err(dotenvy::Error::Io(error)) => return Err(told(&error)),
        Err(error) => return Err(told(&error)),
    };
    variables
        .map(|variable| match variable {
            Ok((name, value)) => Ok((format!("{name} in {}", path.display()), name, value)),
            // The line itself may hold a secret.
            Err(dotenvy::Error::LineParse(line, at)) => {
                let text = fs::read_to_string(path).unwrap_or_default();
                let which = number(&text, &line)
                    .map_or_else(|| "a line".to_owned(), |number| format!("line {number}"));
                Err(told(&format!(
                    "{which} cannot be read (at its character {at}); write NAME=value, with quotes around a value that has spaces"
                )))
            }
            Err(error) => Err(told(&error)),
        })
        .collect()
}

/// The number of the first line that is this one, which may go on over the next ones.
fn number(text: &str, line: &str) -> Option<usize> {
    let mut at = 0;
    for (number, one) in text.split_inclusive('\n').enumerate() {
        let rest = text[at..].strip_prefix(line.trim_end());
        let is_all = |rest: &str| {
            rest.lines()
                .next()
                .is_none_or(|rest| rest.trim().is_empty())
        };
        if rest.is_some_and(is_all) {
            return Some(number + 1);
        }
        at += one.len();
    }
    None
}

/// Variables of other programs may stand in the same file; those that begin with `ACP_` are ours.
fn apply_variable(
    settings: &mut Settings,
    place: &str,
    name: &str,
    value: &str,
) -> Result<(), Error> {
    match SETTINGS.iter().find(|setting| setting.variable() == name) {
        Some(setting) => apply_if_set(settings, setting, place, value),
        None if is_ours(name) => Err(wrong(place, &no_such_setting(name))),
        None => Ok(()),
    }
}

/// Logs which variables of the environment look like settings and are none. They are no error,
/// as they are in a file: somebody else may have set them, for a program of theirs.
pub fn warn_of_unknown_variables() {
    for name in unknown(env::vars_os().map(|(name, _)| name)) {
        let reason = no_such_setting(&name);
        tracing::warn!(variable = name, "a variable has no effect: {reason}");
    }
}

fn unknown(names: impl Iterator<Item = OsString>) -> Vec<String> {
    let names = names.filter_map(|name| name.into_string().ok());
    let is_known = |name: &str| SETTINGS.iter().any(|setting| setting.variable() == name);
    let mut unknown: Vec<_> = names
        .filter(|name| is_ours(name) && !is_known(name))
        .collect();
    unknown.sort_unstable();
    unknown
}

fn is_ours(name: &str) -> bool {
    name.starts_with("ACP_") && !name.starts_with("ACP_TCK_")
}

fn no_such_setting(name: &str) -> String {
    // What all have in common says nothing.
    let own = |name: &str| name.trim_start_matches("ACP_").to_owned();
    let likeness = |known: &str| strsim::jaro_winkler(&own(name), &own(known));
    let hint = SETTINGS
        .iter()
        .map(Setting::variable)
        .max_by(|left, right| likeness(left).total_cmp(&likeness(right)))
        .filter(|nearest| likeness(nearest) > 0.75)
        .map_or_else(String::new, |nearest| format!("; did you mean {nearest}?"));
    format!("there is no such setting{hint} (`acp-tck agent --help` names all)")
}

fn apply_if_set(
    settings: &mut Settings,
    setting: &Setting,
    place: &str,
    value: &str,
) -> Result<(), Error> {
    match value.trim() {
        "" => Ok(()),
        value => apply(settings, setting, place, value),
    }
}

fn apply(
    settings: &mut Settings,
    setting: &Setting,
    place: &str,
    value: &str,
) -> Result<(), Error> {
    setting
        .apply(settings, value)
        .map_err(|reason| wrong(place, &reason))
}

fn as_text<'a>(place: &str, value: &'a OsStr) -> Result<&'a str, Error> {
    value
        .to_str()
        .ok_or_else(|| wrong(place, "the value is not UTF-8"))
}

fn wrong(place: &str, reason: &str) -> Error {
    Error::Setting {
        place: place.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings after this file and these flags, in the environment of the test.
    fn read(file: &str, flags: &[(&str, &str)]) -> Result<Settings, Error> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("agent.env");
        std::fs::write(&path, file).expect("a file");
        let flags: Vec<_> = flags
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        from_environment(Some(&path), &flags)
    }

    #[test]
    fn a_flag_goes_before_the_file() {
        let file =
            "# mine\nACP_AGENT_NAME=\"From a file\"\nexport ACP_CACHE_TTL=7\nPATH_OF_OTHERS=x\n";
        let settings = read(file, &[("cache-ttl", "9s")]).expect("settings");
        assert_eq!(settings.agent_name, "From a file");
        assert_eq!(settings.cache_ttl.as_secs(), 9);
    }

    #[test]
    fn what_is_wrong_in_a_file_is_told_with_its_place() {
        for (file, hints) in [
            (
                "ACP_CACHE_TTL=soon\n",
                ["ACP_CACHE_TTL in ", "30s or 500ms"],
            ),
            (
                "ACP_CASH_TTL=3\n",
                ["ACP_CASH_TTL in ", "did you mean ACP_CACHE_TTL?"],
            ),
            ("ACP_QUIZ=3\n", ["ACP_QUIZ in ", "no such setting ("]),
            (
                "ACP_API_KEYS=\"hush\n",
                ["agent.env", "line 1 cannot be read"],
            ),
            (
                "# mine\n\nA=\"b\nc\"\nhush, all\nB=1\n",
                ["agent.env", "line 5 cannot be read"],
            ),
        ] {
            let told = read(file, &[]).expect_err(file).to_string();
            assert!(hints.iter().all(|hint| told.contains(hint)), "{told}");
            assert!(!told.contains("hush") && !told.contains('\n'), "{told}");
        }
    }

    #[test]
    fn an_empty_variable_is_one_that_is_not_set() {
        let file: String = SETTINGS
            .iter()
            .map(|setting| setting.variable() + "= \n")
            .collect();
        let settings = read(&file, &[]).expect("settings");
        assert_eq!(
            format!("{settings:?}"),
            format!("{:?}", Settings::default())
        );
    }

    #[test]
    fn only_variables_that_could_be_ours_are_unknown() {
        let names = ["ACP_PROT", "ACP_PORT", "ACP_TCK_PYTHON", "PATH", "ACP_AAA"];
        let unknown = unknown(names.into_iter().map(OsString::from));
        assert_eq!(unknown, ["ACP_AAA", "ACP_PROT"]);
    }

    #[test]
    fn a_file_that_is_named_must_be_there() {
        let told = from_environment(Some(Path::new("no/such.env")), &[]).expect_err("no file");
        assert!(told.to_string().contains("no/such.env"), "{told}");
    }
}
