//! What an agent can be told before it starts, and what can keep it from starting.

use std::{net::SocketAddr, time::Duration};

use crate::faults::Fault;

/// How an agent is to be served.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address or host name to listen on.
    pub host: String,
    /// The port to listen on; 0 takes any free one.
    pub port: u16,
    /// The id that the agent gives itself in its documents and answers.
    pub agent_id: String,
    /// The pause before each of the six steps of a stream.
    pub stream_step: Duration,
    /// The longest request body, in bytes; a longer one is answered with 413.
    pub body_limit: usize,
    /// How many configurations are kept; one more, and the oldest is forgotten.
    pub config_limit: usize,
    /// How long [`Running::stop`](crate::Running::stop) waits for what is in flight.
    pub stop_timeout: Duration,
    /// The ways in which the agent is to be wrong.
    pub faults: Vec<&'static Fault>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8000,
            agent_id: "acp-reference-agent".to_owned(),
            // Six steps of it are a quarter of a second: long enough to see that events leave
            // one by one, short enough to run a stream for every case.
            stream_step: Duration::from_millis(40),
            body_limit: 1024 * 1024,
            config_limit: 10_000,
            stop_timeout: Duration::from_secs(5),
            faults: Vec::new(),
        }
    }
}

/// Why an agent did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host's name could not be resolved.
    #[error("cannot resolve host `{host}`")]
    Resolve {
        /// The name that was asked for.
        host: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}")]
    Bind {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// One of the agent's own data files is broken: a mistake in the build.
    #[error("broken data file `{name}`: {reason}")]
    Data {
        /// The file's name within `fixtures/`.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}
