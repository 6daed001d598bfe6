//! What an agent can be told before it starts: the values, where each is read from, and what
//! can keep an agent from starting.

mod idle;
mod read;
mod table;
mod values;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use url::Url;

pub(crate) use idle::idle;
pub use read::{from_environment, warn_of_unknown_variables};
pub use table::{SETTINGS, Setting, as_markdown};
pub use values::{Algorithm, Auth, Client, LogFormat, Quota, Secret};

use crate::faults::Fault;

/// How an agent is to be served. [`SETTINGS`] says of each value what it is for.
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is told of once, in the table that users read"
)]
pub struct Settings {
    pub agent_id: String,
    pub agent_name: String,
    pub version: String,
    pub host: String,
    pub port: u16,
    pub public_url: Option<Url>,
    pub debug: bool,
    pub log_format: LogFormat,
    pub otlp_endpoint: Option<Url>,
    pub max_workers: usize,
    pub max_connections: usize,
    pub request_timeout: Duration,
    pub shutdown_grace: Duration,
    pub body_limit: usize,
    pub store_path: Option<PathBuf>,
    pub config_limit: usize,
    pub enable_caching: bool,
    pub cache_ttl: Duration,
    pub cache_size: u64,
    pub enable_streaming: bool,
    pub stream_step: Duration,
    pub enable_metrics: bool,
    pub guard_metrics: bool,
    pub auth: Auth,
    pub api_keys: Vec<(String, Secret)>,
    pub jwt_secret: Option<Secret>,
    pub jwks_url: Option<Url>,
    pub jwt_issuer: Option<String>,
    pub jwt_audience: Option<String>,
    pub oauth_clients: Vec<(String, Secret)>,
    pub token_ttl: Duration,
    pub rate_limit: Option<Quota>,
    pub rate_limit_invoke: Option<Quota>,
    pub rate_limit_algorithm: Algorithm,
    pub rate_limit_by: Client,
    pub rate_limit_clients: usize,
    pub weather_url: Option<Url>,
    pub weather_timeout: Duration,
    pub weather_retries: u32,
    pub orchestrator_url: Option<Url>,
    pub discovery_url: Option<Url>,
    pub heartbeat_interval: Duration,
    pub admin_key: Option<Secret>,
    pub admin_port: Option<u16>,
    pub slow_city: Option<(String, Duration)>,
    /// The ways in which the agent is to be wrong.
    pub faults: Vec<&'static Fault>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            agent_id: "acp-reference-agent".to_owned(),
            agent_name: "Weather Advisor".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: "127.0.0.1".to_owned(),
            port: 8000,
            public_url: None,
            debug: false,
            log_format: LogFormat::Auto,
            otlp_endpoint: None,
            max_workers: 4,
            // With a client's end for each, what a process may hold open on common systems.
            max_connections: 16_384,
            request_timeout: Duration::from_secs(30),
            // Kubernetes kills after 30 s, and the profile asks for an end within 10.
            shutdown_grace: Duration::from_secs(8),
            body_limit: 1024 * 1024,
            store_path: None,
            config_limit: 100_000,
            enable_caching: true,
            cache_ttl: Duration::from_secs(300),
            cache_size: 64 * 1024 * 1024,
            enable_streaming: true,
            // Six steps of it are a quarter of a second: long enough to see that events leave
            // one by one, short enough to run a stream for every case.
            stream_step: Duration::from_millis(40),
            enable_metrics: true,
            guard_metrics: false,
            auth: Auth::None,
            api_keys: Vec::new(),
            jwt_secret: None,
            jwks_url: None,
            jwt_issuer: None,
            jwt_audience: None,
            oauth_clients: Vec::new(),
            token_ttl: Duration::from_secs(3600),
            rate_limit: Some(Quota::a_minute(100)),
            rate_limit_invoke: Some(Quota::a_minute(10)),
            rate_limit_algorithm: Algorithm::FixedWindow,
            rate_limit_by: Client::Address,
            rate_limit_clients: 100_000,
            weather_url: None,
            weather_timeout: Duration::from_secs(5),
            weather_retries: 2,
            orchestrator_url: None,
            discovery_url: None,
            heartbeat_interval: Duration::from_secs(30),
            admin_key: None,
            admin_port: None,
            slow_city: None,
            faults: Vec::new(),
        }
    }
}

impl Settings {
    /// On any free port and without rate limits: what a check, a test or a demonstration in
    /// one's own process wants.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            port: 0,
            rate_limit: None,
            rate_limit_invoke: None,
            ..Self::default()
        }
    }

    /// Where the agent is found from its own machine; loopback where it listens everywhere.
    pub(crate) fn local_url(&self) -> String {
        let host = match self.host.trim_matches(['[', ']']) {
            "0.0.0.0" => "127.0.0.1",
            "::" => "::1",
            host => host,
        };
        match host.contains(':') {
            true => format!("http://[{host}]:{}", self.port),
            false => format!("http://{host}:{}", self.port),
        }
    }
}

/// Why an agent did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting has no usable value.
    #[error("{place}: {reason}")]
    Setting {
        /// The setting by the name that it was given under: a flag, a variable, a line of a file.
        place: String,
        /// What is wrong with the value, and what would be right.
        reason: String,
    },
    /// A setting that another one asks for has no value.
    #[error("{name} is not set, and auth is {auth}; {advice}")]
    Missing {
        /// The setting's variable.
        name: &'static str,
        /// The value of `auth` that asks for it.
        auth: &'static str,
        /// What to do about it.
        advice: &'static str,
    },
    /// A fault bends a feature that is off, so that nobody would notice.
    #[error("the fault `{fault}` shows only with {needs}")]
    IdleFault {
        /// The fault's name.
        fault: &'static str,
        /// The settings that switch the feature on.
        needs: &'static str,
    },
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
    /// The file of configurations cannot be used.
    #[error("cannot keep configurations in {}: {reason}", path.display())]
    Store {
        /// The file, as the settings name it.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The agent that was asked does not take work.
    #[error("{url} is not ready: {reason}")]
    NotReady {
        /// What was asked.
        url: String,
        /// What came of it.
        reason: String,
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
