//! All settings, one entry each: its name, what it is for, what it is if nobody says, and how
//! it is read. Flags, variables, the `.env` file and the README's table all come from here.

use std::{borrow::Cow, fmt, path::PathBuf};

use super::{
    Settings,
    values::{
        Algorithm, Auth, Client, LogFormat, bytes, duration, http_url, named_secrets, number,
        one_of, quota, secret, semantic_version, slow_city, some_time, switch, word,
    },
};

/// One setting.
#[derive(Clone, Copy)]
pub struct Setting {
    /// Its name, as a flag has it: `request-timeout`.
    pub name: &'static str,
    /// What kind of value it takes, in a word.
    pub value: &'static str,
    /// The value if nobody says; empty for none.
    pub default: &'static str,
    /// What it is for, in a sentence without a full stop.
    pub help: &'static str,
    /// Whether the value is nobody's business: never shown, and not to be had as a flag, as
    /// everybody on a machine sees the arguments of its programs.
    pub is_secret: bool,
    set: fn(&mut Settings, &str) -> Result<(), String>,
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Setting {
    /// The environment variable that it is read from.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("ACP_{}", self.name.replace('-', "_").to_ascii_uppercase())
    }

    /// Takes the value over.
    ///
    /// # Errors
    /// What is wrong with the value, and what would be right.
    pub fn apply(&self, settings: &mut Settings, value: &str) -> Result<(), String> {
        (self.set)(settings, value.trim()).map_err(|reason| match self.is_secret {
            true => format!("the value {reason}"),
            false => format!("`{}` {reason}", without_userinfo(value)),
        })
    }
}

/// An entry: `name, "WHAT", "default", "help", |settings, text| …`.
macro_rules! settings {
    ($($name:literal, $value:literal, $default:expr, $help:literal, $set:expr;)*) => {
        &[$(Setting {
            name: $name,
            value: $value,
            default: $default,
            help: $help,
            is_secret: is_secret($value),
            set: |settings, text| {
                let set: fn(&mut Settings, &str) -> Result<_, String> = $set;
                set(settings, text)
            },
        }),*]
    };
}

const fn is_secret(value: &str) -> bool {
    matches!(value.as_bytes(), b"SECRET" | b"NAME=SECRET,\xe2\x80\xa6")
}

/// Every setting, in the order in which people meet them.
pub static SETTINGS: &[Setting] = settings! {
    "agent-id", "ID", "acp-reference-agent", "What the agent calls itself",
        |s, t| { s.agent_id = word(t)?; Ok(()) };
    "agent-name", "NAME", "Weather Advisor", "The agent's name, for people",
        |s, t| { s.agent_name = word(t)?; Ok(()) };
    "version", "X.Y.Z", env!("CARGO_PKG_VERSION"), "The agent's own version",
        |s, t| { s.version = semantic_version(t)?; Ok(()) };
    "host", "HOST", "127.0.0.1", "The address or host name to listen on",
        |s, t| { s.host = word(t)?; Ok(()) };
    "port", "N", "8000", "The port to listen on; 0 for any that is free",
        |s, t| { s.port = number(t, 0, u16::MAX)?; Ok(()) };
    "public-url", "URL", "", "Where others reach the agent, if not where it listens; registered as its endpoint",
        |s, t| { s.public_url = some(t, http_url)?; Ok(()) };
    "debug", "BOOL", "false", "Log every request, not only those that failed or were refused",
        |s, t| { s.debug = switch(t)?; Ok(()) };
    "log-format", "auto|json|text", "auto", "How log lines look; auto is text on a terminal, and else JSON",
        |s, t| { s.log_format = one_of(t, &[("auto", LogFormat::Auto), ("json", LogFormat::Json), ("text", LogFormat::Text)])?; Ok(()) };
    "otlp-endpoint", "URL", "", "An OpenTelemetry collector to send traces to, over HTTP (for example http://localhost:4318)",
        |s, t| { s.otlp_endpoint = some(t, http_url)?; Ok(()) };
    "max-workers", "N", "4", "How many threads serve requests",
        |s, t| { s.max_workers = number(t, 1, 1024)?; Ok(()) };
    "max-connections", "N", "16384", "How many connections are open at once; more wait to be accepted",
        |s, t| { s.max_connections = number(t, 1, 1_000_000)?; Ok(()) };
    "request-timeout", "D", "30s", "How long a request may take before it is answered 504 `TIMEOUT`",
        |s, t| { s.request_timeout = some_time(t)?; Ok(()) };
    "shutdown-grace", "D", "8s", "How long what is in flight may go on after SIGTERM",
        |s, t| { s.shutdown_grace = duration(t)?; Ok(()) };
    "body-limit", "SIZE", "1MiB", "The longest request body; a longer one is answered 413",
        |s, t| { s.body_limit = usize::try_from(bytes(t)?).map_err(|_| "is too large for this machine")?; Ok(()) };
    "store-path", "FILE", "", "The SQLite file that keeps configurations; without it they live in memory",
        |s, t| { s.store_path = some(t, |t| Ok(PathBuf::from(t)))?; Ok(()) };
    "config-limit", "N", "100000", "How many versions of configurations are kept; more are refused",
        |s, t| { s.config_limit = number(t, 1, 1_000_000_000)?; Ok(()) };
    "enable-caching", "BOOL", "true", "Whether answers are cached",
        |s, t| { s.enable_caching = switch(t)?; Ok(()) };
    "cache-ttl", "D", "300s", "How long an answer stays in the cache",
        |s, t| { s.cache_ttl = some_time(t)?; Ok(()) };
    "cache-size", "SIZE", "64MiB", "How much memory cached answers may take",
        |s, t| { s.cache_size = bytes(t)?; Ok(()) };
    "enable-streaming", "BOOL", "true", "Whether there are streams",
        |s, t| { s.enable_streaming = switch(t)?; Ok(()) };
    "stream-step", "D", "40ms", "The pause before each of the six steps of a stream",
        |s, t| { s.stream_step = duration(t)?; Ok(()) };
    "enable-metrics", "BOOL", "true", "Whether there is `/metrics`",
        |s, t| { s.enable_metrics = switch(t)?; Ok(()) };
    "guard-metrics", "BOOL", "false", "Whether `/metrics` asks for credentials as `/invoke` does",
        |s, t| { s.guard_metrics = switch(t)?; Ok(()) };
    "auth", "none|api_key|bearer|oauth2", "none", "What a client must show",
        |s, t| { s.auth = one_of(t, &[("none", Auth::None), ("api_key", Auth::ApiKey), ("bearer", Auth::Bearer), ("oauth2", Auth::OAuth2)])?; Ok(()) };
    "api-keys", "NAME=SECRET,…", "", "The keys that `X-API-Key` may hold, by the names of those who have them",
        |s, t| { s.api_keys = named_secrets(t)?; Ok(()) };
    "jwt-secret", "SECRET", "", "The secret that bearer tokens are signed with (HS256)",
        |s, t| { s.jwt_secret = some(t, secret)?; Ok(()) };
    "jwks-url", "URL", "", "The keys of an outside issuer of bearer tokens (JWKS)",
        |s, t| { s.jwks_url = some(t, http_url)?; Ok(()) };
    "jwt-issuer", "TEXT", "", "The `iss` that a token must have",
        |s, t| { s.jwt_issuer = some(t, word)?; Ok(()) };
    "jwt-audience", "TEXT", "", "The `aud` that a token must have",
        |s, t| { s.jwt_audience = some(t, word)?; Ok(()) };
    "oauth-clients", "NAME=SECRET,…", "", "The clients that the token endpoint knows, each with its secret",
        |s, t| { s.oauth_clients = named_secrets(t)?; Ok(()) };
    "token-ttl", "D", "1h", "How long a token of the token endpoint holds",
        |s, t| { s.token_ttl = some_time(t)?; Ok(()) };
    "rate-limit", "N/D|off", "100/60s", "How many requests a client has in how much time, `/invoke` and its like aside",
        |s, t| { s.rate_limit = quota(t)?; Ok(()) };
    "rate-limit-invoke", "N/D|off", "10/60s", "The same, for `/invoke` and its like",
        |s, t| { s.rate_limit_invoke = quota(t)?; Ok(()) };
    "rate-limit-algorithm", "fixed-window|sliding-window|token-bucket", "fixed-window", "How requests are counted",
        |s, t| { s.rate_limit_algorithm = one_of(t, &[("fixed-window", Algorithm::FixedWindow), ("sliding-window", Algorithm::SlidingWindow), ("token-bucket", Algorithm::TokenBucket)])?; Ok(()) };
    "rate-limit-by", "address|key", "address", "Who is one client: an address, or whoever shows one key",
        |s, t| { s.rate_limit_by = one_of(t, &[("address", Client::Address), ("key", Client::Key)])?; Ok(()) };
    "rate-limit-clients", "N", "100000", "How many clients are remembered; the one seen longest ago goes first",
        |s, t| { s.rate_limit_clients = number(t, 1, 100_000_000)?; Ok(()) };
    "weather-url", "URL", "", "The weather service that `/invoke-external` asks",
        |s, t| { s.weather_url = some(t, http_url)?; Ok(()) };
    "weather-timeout", "D", "5s", "How long that service may take, each time",
        |s, t| { s.weather_timeout = some_time(t)?; Ok(()) };
    "weather-retries", "N", "2", "How often it is asked again when it fails",
        |s, t| { s.weather_retries = number(t, 0, 10)?; Ok(()) };
    "orchestrator-url", "URL", "", "The orchestrator to register with",
        |s, t| { s.orchestrator_url = some(t, http_url)?; Ok(()) };
    "discovery-url", "URL", "", "A second registry, spoken to as the orchestrator is",
        |s, t| { s.discovery_url = some(t, http_url)?; Ok(()) };
    "heartbeat-interval", "D", "30s", "The time from one heartbeat to the next",
        |s, t| { s.heartbeat_interval = some_time(t)?; Ok(()) };
    "admin-key", "SECRET", "", "The key of the admin API (`X-Admin-Key`); without it there is none",
        |s, t| { s.admin_key = some(t, secret)?; Ok(()) };
    "admin-port", "N", "", "A port of its own for the admin API, which else is served beside the rest",
        |s, t| { s.admin_port = some(t, |t| number(t, 0, u16::MAX))?; Ok(()) };
    "slow-city", "NAME=D", "", "A city whose weather takes so long: to see timeouts and shutdown at work",
        |s, t| { s.slow_city = some(t, slow_city)?; Ok(()) };
};

/// A URL that cannot be used may hold a password all the same.
fn without_userinfo(value: &str) -> Cow<'_, str> {
    match value.split_once("://").zip(value.rsplit_once('@')) {
        Some(((scheme, _), (_, host))) => format!("{scheme}://…@{host}").into(),
        None => value.into(),
    }
}

/// No value, if the text is empty: so a variable can be set and say nothing.
fn some<T>(text: &str, read: fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    match text {
        "" => Ok(None),
        text => read(text).map(Some),
    }
}

/// The table of all settings, as Markdown: what the README shows.
#[must_use]
pub fn as_markdown() -> String {
    let mut table = "| variable | flag | default | what it is |\n|---|---|---|---|\n".to_owned();
    for setting in SETTINGS {
        let flag = match setting.is_secret {
            true => String::new(),
            false => format!("`--{} {}`", setting.name, setting.value.replace('|', "\\|")),
        };
        let default = match setting.default {
            "" => String::new(),
            default => format!("`{default}`"),
        };
        let help = setting.help.replace('|', "\\|");
        table += &format!(
            "| `{}` | {flag} | {default} | {help} |\n",
            setting.variable()
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_setting_has_the_default_that_it_says() {
        let standing = format!("{:?}", Settings::default());
        for setting in SETTINGS {
            let mut settings = Settings::default();
            setting
                .apply(&mut settings, setting.default)
                .unwrap_or_else(|error| panic!("{}: {error}", setting.name));
            assert_eq!(format!("{settings:?}"), standing, "{}", setting.name);
        }
    }

    #[test]
    fn each_setting_has_a_field_of_its_own() {
        let names: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(names.len(), SETTINGS.len());
        let fields = format!("{:#?}", Settings::default());
        for name in names {
            let field = format!("\n    {}: ", name.replace('-', "_"));
            assert!(fields.contains(&field), "{name}");
        }
        let fields = fields
            .lines()
            .filter(|line| line.starts_with("    ") && line.contains(": "));
        let top = fields.filter(|line| !line.starts_with("     ")).count();
        assert_eq!(top, SETTINGS.len() + 1, "all but the faults");
    }

    #[test]
    fn a_wrong_value_is_told_with_what_would_be_right() {
        for (name, wrong, hint) in [
            ("port", "80000", "0 to 65535"),
            ("port", "-1", "0 to 65535"),
            ("request-timeout", "soon", "30s or 500ms"),
            ("request-timeout", "0", "at least 1ms"),
            ("enable-caching", "perhaps", "true nor false"),
            ("orchestrator-url", "localhost:8004", "http://host:port"),
            ("rate-limit", "0/60s", "100/60s"),
            ("rate-limit", "10/0s", "100/60s"),
            ("auth", "basic", "none, api_key, bearer, oauth2"),
            ("version", "1.0", "1.4.0"),
            ("body-limit", "0", "64MiB"),
            ("body-limit", "64mb", "KiB, MiB or GiB"),
            ("slow-city", "Atlantis", "Atlantis=2s"),
        ] {
            let setting = SETTINGS.iter().find(|one| one.name == name).expect(name);
            let told = setting.apply(&mut Settings::default(), wrong);
            let told = told.expect_err(wrong);
            assert!(
                told.contains(hint) && told.contains(wrong),
                "{name}: {told}"
            );
        }
    }

    #[test]
    fn a_password_in_a_url_is_not_told() {
        let setting = SETTINGS.iter().find(|one| one.name == "orchestrator-url");
        let told = setting
            .expect("a setting")
            .apply(&mut Settings::default(), "ftp://me:hush@host/path")
            .expect_err("no HTTP");
        assert!(
            told.contains("ftp://…@host/path") && !told.contains("hush"),
            "{told}"
        );
    }

    #[test]
    fn what_is_secret_is_not_told() {
        for setting in SETTINGS.iter().filter(|setting| setting.is_secret) {
            let mut settings = Settings::default();
            for text in ["hush hush", "hush\u{7}", "a=hush,a=hush", "hush=ü"] {
                if let Err(told) = setting.apply(&mut settings, text) {
                    assert!(!told.contains("hush"), "{told}");
                }
            }
            let _ = setting.apply(&mut settings, "me=hush");
            assert!(!format!("{settings:?}").contains("hush"));
        }
    }
}
