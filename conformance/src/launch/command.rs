//! The command that starts an agent: split without a shell, its blanks filled in.

use std::ffi::OsString;
use std::time::Duration;

use super::port::free_ports;

/// The variables that tell an agent what to do, by the names that the seed gives them.
pub(crate) mod variable {
    /// Where to listen.
    pub(crate) const HOST: &str = "ACP_HOST";
    /// At which port.
    pub(crate) const PORT: &str = "ACP_PORT";
    /// Where to register.
    pub(crate) const ORCHESTRATOR: &str = "ACP_ORCHESTRATOR_URL";
    /// How often to beat, in seconds.
    pub(crate) const HEARTBEAT: &str = "ACP_HEARTBEAT_INTERVAL";
    /// What the agent is to call itself.
    pub(crate) const AGENT_ID: &str = "ACP_AGENT_ID";
    /// What it is to call its version.
    pub(crate) const VERSION: &str = "ACP_VERSION";
    /// How long a request may take, in seconds.
    pub(crate) const REQUEST_TIMEOUT: &str = "ACP_REQUEST_TIMEOUT";
}

/// How the agent is started.
#[derive(Clone, Debug)]
pub struct Launch {
    words: Vec<String>,
    /// Variables that its processes do not inherit.
    pub(crate) without: Vec<OsString>,
    /// The port of the process that all ordinary questions are for.
    pub(crate) port: u16,
}

/// A command line that cannot be one.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotACommand {
    /// A quote is open at its end.
    #[error("`{0}` cannot be split into words: a quote is open at its end")]
    OpenQuote(String),
    /// There is nothing in it.
    #[error("it holds no command; write it like 'python agent.py --port {{port}}'")]
    Empty,
    /// There is no port to give to the agent.
    #[error("no port is free on this machine: {0}")]
    NoPort(String),
}

/// Where one process is to listen and register, and what else it is told.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) port: u16,
    pub(crate) orchestrator: String,
    pub(crate) heartbeat: Duration,
    pub(crate) told: Vec<(&'static str, String)>,
}

impl Launch {
    /// How often an agent beats that is not told otherwise (the profile's number).
    pub const HEARTBEAT: Duration = Duration::from_secs(30);

    /// Reads a command: words as in a shell, but none is started. `{port}` and `{orchestrator}`
    /// stand for what each process is given.
    ///
    /// # Errors
    /// If there is no command in it, or no port for the agent.
    pub fn new(command: &str) -> Result<Self, NotACommand> {
        let words =
            shlex::split(command).ok_or_else(|| NotACommand::OpenQuote(command.to_owned()))?;
        Self::of_words(words)
    }

    /// The same of a program and its arguments.
    ///
    /// # Errors
    /// If there is no program, or no port for the agent.
    pub fn of_words(words: Vec<String>) -> Result<Self, NotACommand> {
        if words.first().is_none_or(String::is_empty) {
            return Err(NotACommand::Empty);
        }
        let ports = free_ports(1).map_err(|error| NotACommand::NoPort(error.to_string()))?;
        let port = ports.first().copied();
        let port = port.ok_or_else(|| NotACommand::NoPort("none was found".to_owned()))?;
        Ok(Self {
            words,
            without: Vec::new(),
            port,
        })
    }

    /// The same without these variables of the environment.
    #[must_use]
    pub fn without(self, variables: Vec<OsString>) -> Self {
        Self {
            without: variables,
            ..self
        }
    }

    /// The port of the process that all ordinary questions are for.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The program and its arguments, for one process.
    pub(crate) fn filled(&self, place: &Place) -> (String, Vec<String>) {
        let mut words = self.words.iter().map(|word| {
            word.replace("{port}", &place.port.to_string())
                .replace("{orchestrator}", &place.orchestrator)
        });
        (words.next().unwrap_or_default(), words.collect())
    }
}

impl Place {
    /// The variables that its process gets beside the inherited ones.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            (variable::HOST, "127.0.0.1".to_owned()),
            (variable::PORT, self.port.to_string()),
            (variable::ORCHESTRATOR, self.orchestrator.clone()),
            (
                variable::HEARTBEAT,
                self.heartbeat.as_secs_f64().to_string(),
            ),
        ];
        all.extend(self.told.iter().cloned());
        all
    }

    /// The base URL of the agent there.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            port: 8000,
            orchestrator: "http://127.0.0.1:9".to_owned(),
            heartbeat: Launch::HEARTBEAT,
            told: vec![(variable::REQUEST_TIMEOUT, "1".to_owned())],
        }
    }

    #[test]
    fn the_blanks_of_a_command_are_filled_in_and_no_shell_has_a_say() {
        let launch = Launch::new("./my agent' x' --port={port} --to {orchestrator} '$HOME;'");
        let (program, arguments) = launch.expect("a command").filled(&place());
        assert_eq!(program, "./my");
        let expected = [
            "agent x",
            "--port=8000",
            "--to",
            "http://127.0.0.1:9",
            "$HOME;",
        ];
        assert_eq!(arguments, expected);
    }

    #[test]
    fn what_is_no_command_is_told() {
        for (text, hint) in [
            ("'python", "quote"),
            ("", "no command"),
            ("  ", "no command"),
        ] {
            let told = Launch::new(text).expect_err(text).to_string();
            assert!(told.contains(hint), "{told}");
        }
    }

    #[test]
    fn seconds_are_told_as_a_plain_number() {
        let all = place().variables();
        assert!(
            all.contains(&(variable::HEARTBEAT, "30".to_owned())),
            "{all:?}"
        );
        assert!(all.contains(&(variable::REQUEST_TIMEOUT, "1".to_owned())));
    }
}
