//! What a user can say of an agent that it does not say of itself: `--feature-param NAME=VALUE`.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

/// All of it; what is not said is found out, or its rules are skipped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params {
    /// How long an answer stays in the agent's cache.
    pub cache_ttl: Option<Duration>,
    /// How many invocations are allowed in how much time.
    pub rate_limit: Option<(u32, Duration)>,
    /// An input that takes the agent longer than its request timeout.
    pub slow_input: Option<Value>,
    /// Credentials that were good once, or elsewhere, and must be refused.
    pub refused_credentials: Vec<String>,
    /// A request, as method and path, that makes the agent change its capabilities.
    pub change_capabilities: Option<(String, String)>,
}

/// One thing that can be said.
#[derive(Clone, Copy)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it is for, with an example.
    pub help: &'static str,
    set: fn(&mut Params, &str) -> Option<()>,
}

impl fmt::Debug for Param {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// All things that can be said.
pub static PARAMS: &[Param] = &[
    Param {
        name: "cache-ttl",
        help: "how long an answer stays in the cache: cache-ttl=5s",
        set: |params, text| {
            params.cache_ttl = Some(duration(text)?);
            Some(())
        },
    },
    Param {
        name: "rate-limit",
        help: "how many invocations are allowed in how much time: rate-limit=10/60s",
        set: |params, text| {
            let (requests, window) = text.split_once('/')?;
            let requests = requests.parse().ok().filter(|requests| *requests > 0)?;
            params.rate_limit = Some((requests, duration(window)?));
            Some(())
        },
    },
    Param {
        name: "slow-input",
        help: "an input that takes longer than the request timeout: slow-input={\"city\": \"Atlantis\"}",
        set: |params, text| {
            params.slow_input = Some(serde_json::from_str(text).ok()?);
            Some(())
        },
    },
    Param {
        name: "refused-credentials",
        help: "credentials that must be refused, as an expired token; may be said again: refused-credentials=eyJhbGciOiJ9.e30.c2ln",
        set: |params, text| {
            params.refused_credentials.push(text.to_owned());
            text.bytes()
                .all(|byte| byte.is_ascii_graphic())
                .then_some(())
        },
    },
    Param {
        name: "change-capabilities",
        help: "a request that changes the capabilities: change-capabilities=POST /admin/capabilities",
        set: |params, text| {
            let (method, path) = text.split_once(' ')?;
            let is_plain = method.chars().all(|c| c.is_ascii_uppercase()) && path.starts_with('/');
            params.change_capabilities =
                is_plain.then(|| (method.to_owned(), path.trim().to_owned()));
            params.change_capabilities.is_some().then_some(())
        },
    },
];

fn duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text)
        .ok()
        .filter(|duration| !duration.is_zero())
}

/// Something said that cannot be understood.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misunderstood(String);

impl Params {
    /// Takes over what is said as `NAME=VALUE`.
    ///
    /// # Errors
    /// If there is no such name, or the value is not what it should be; says what would be right.
    pub fn say(&mut self, text: &str) -> Result<(), Misunderstood> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let Some(param) = PARAMS.iter().find(|param| param.name == name) else {
            let names: Vec<_> = PARAMS.iter().map(|param| param.name).collect();
            let told = format!(
                "there is no parameter `{name}`; there are {}",
                names.join(", ")
            );
            return Err(Misunderstood(told));
        };
        (param.set)(self, value.trim())
            .ok_or_else(|| Misunderstood(format!("`{text}` is not understood; {}", param.help)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_reads_its_own_example() {
        for param in PARAMS {
            let (_, example) = param
                .help
                .rsplit_once(&format!(": {}=", param.name))
                .expect("an example");
            let mut params = Params::default();
            params
                .say(&format!("{}={example}", param.name))
                .expect(param.name);
            assert_ne!(params, Params::default(), "{}", param.name);
        }
    }

    #[test]
    fn what_is_not_understood_is_told_with_what_would_be() {
        for (text, hint) in [
            ("ttl=5s", "cache-ttl"),
            ("cache-ttl=0s", "cache-ttl=5s"),
            ("rate-limit=0/60s", "rate-limit=10/60s"),
            ("rate-limit", "rate-limit=10/60s"),
            ("slow-input={", "Atlantis"),
            ("change-capabilities=admin", "POST /admin"),
        ] {
            let told = Params::default().say(text).expect_err(text).to_string();
            assert!(told.contains(hint), "{told}");
        }
    }
}
