//! The kinds of values that settings have, and how each is written.

use std::{fmt, time::Duration};

use url::Url;

/// What a client must show to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Nothing.
    None,
    /// A key, in `X-API-Key`.
    ApiKey,
    /// A JSON Web Token that somebody else has signed.
    Bearer,
    /// A JSON Web Token that the agent's own token endpoint has signed.
    OAuth2,
}

/// How a rate limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// So many in each window; the windows follow each other.
    FixedWindow,
    /// So many in any stretch of time as long as the window.
    SlidingWindow,
    /// A bucket of so many that fills up evenly over the window.
    TokenBucket,
}

impl Algorithm {
    /// As the settings have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FixedWindow => "fixed-window",
            Self::SlidingWindow => "sliding-window",
            Self::TokenBucket => "token-bucket",
        }
    }
}

/// Whom a rate limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// The address that the connection comes from.
    Address,
    /// The key or the token's subject; the address of those who show none.
    Key,
}

impl Client {
    /// As the settings have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Key => "key",
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people on a terminal, else JSON. Where the lines go is known to the program
    /// alone, which says so with [`LogFormat::on`].
    Auto,
    /// One JSON object a line.
    Json,
    /// Lines for people.
    Text,
}

impl LogFormat {
    /// What it comes to where the lines go to a terminal, or to something else.
    #[must_use]
    pub fn on(self, is_terminal: bool) -> Self {
        match (self, is_terminal) {
            (Self::Auto, true) => Self::Text,
            (Self::Auto, false) => Self::Json,
            (chosen, _) => chosen,
        }
    }
}

/// So many requests in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many; at least 1.
    pub requests: u32,
    /// In how much time; at least a millisecond.
    pub window: Duration,
}

impl Quota {
    /// So many in a minute.
    #[must_use]
    pub const fn a_minute(requests: u32) -> Self {
        Self {
            requests,
            window: Duration::from_secs(60),
        }
    }
}

/// A text that no output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being shown.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// What comes of reading a value: itself, or what would have been right.
pub(super) type Read<T> = Result<T, String>;

pub(super) fn word(text: &str) -> Read<String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(
            "is not a name; it needs at least one character, and none that cannot be seen"
                .to_owned(),
        );
    }
    Ok(text.to_owned())
}

pub(super) fn semantic_version(text: &str) -> Read<String> {
    semver::Version::parse(text)
        .map(|version| version.to_string())
        .map_err(|_| "is not a semantic version; write one like 1.4.0".to_owned())
}

pub(super) fn number<T>(text: &str, least: T, most: T) -> Read<T>
where
    T: std::str::FromStr + PartialOrd + fmt::Display,
{
    text.parse()
        .ok()
        .filter(|number| (&least..=&most).contains(&number))
        .ok_or_else(|| format!("is not a whole number from {least} to {most}"))
}

pub(super) fn switch(text: &str) -> Read<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("is neither true nor false".to_owned()),
    }
}

/// A plain number is seconds, as the seed has it.
pub(super) fn duration(text: &str) -> Read<Duration> {
    let wrong = "is not a time; write seconds, or a unit with it, like 30s or 500ms";
    let duration = match text.parse::<u32>() {
        Ok(seconds) => Duration::from_secs(seconds.into()),
        Err(_) => humantime::parse_duration(text).map_err(|_| wrong.to_owned())?,
    };
    // A bound that no addition to a clock overflows.
    if duration > Duration::from_secs(u32::MAX.into()) {
        return Err("is longer than a century".to_owned());
    }
    Ok(duration)
}

pub(super) fn some_time(text: &str) -> Read<Duration> {
    duration(text).and_then(|duration| match duration < Duration::from_millis(1) {
        true => Err("is no time at all; it takes at least 1ms".to_owned()),
        false => Ok(duration),
    })
}

pub(super) fn bytes(text: &str) -> Read<u64> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("", 0)];
    let parsed = units.iter().find_map(|(unit, shift)| {
        let number: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
        number.checked_mul(1 << shift)
    });
    parsed
        .filter(|bytes| (1..=1 << 40).contains(bytes))
        .ok_or_else(|| {
            "is not a size; write bytes, or a number of KiB, MiB or GiB, like 64MiB".to_owned()
        })
}

pub(super) fn http_url(text: &str) -> Read<Url> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| "is not a URL like http://host:port".to_owned())
}

pub(super) fn quota(text: &str) -> Read<Option<Quota>> {
    if text == "off" {
        return Ok(None);
    }
    let wrong = "is not a rate; write at least 1 request in at least 1ms, like 100/60s, or off";
    let (requests, window) = text.split_once('/').ok_or(wrong)?;
    let requests = number(requests, 1, u32::MAX).map_err(|_| wrong)?;
    let window = some_time(window).map_err(|_| wrong)?;
    Ok(Some(Quota { requests, window }))
}

/// `name=value,name=value`, each name once.
pub(super) fn named_secrets(text: &str) -> Read<Vec<(String, Secret)>> {
    let mut all: Vec<(String, Secret)> = Vec::new();
    // The text itself is secret, so that no message may repeat a part of it.
    let wrong = "does not hold to name=secret,name=secret";
    for pair in text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let (name, secret) = pair.split_once('=').ok_or(wrong)?;
        let (name, secret) = (name.trim(), secret.trim());
        let is_printable = secret.chars().all(|c| c.is_ascii_graphic());
        if name.is_empty() || secret.is_empty() || !is_printable {
            return Err(wrong.to_owned());
        }
        if all.iter().any(|(known, _)| known == name) {
            return Err("has two secrets of one name".to_owned());
        }
        all.push((name.to_owned(), Secret::of(secret)));
    }
    Ok(all)
}

pub(super) fn secret(text: &str) -> Read<Secret> {
    match text.is_empty() || !text.chars().all(|c| c.is_ascii_graphic()) {
        true => Err(
            "is not a secret that a header field can carry: one word of visible ASCII".to_owned(),
        ),
        false => Ok(Secret::of(text)),
    }
}

pub(super) fn slow_city(text: &str) -> Read<(String, Duration)> {
    let wrong = "is not a slow city; write name=time, like Atlantis=2s";
    let (name, time) = text.rsplit_once('=').ok_or(wrong)?;
    Ok((word(name)?, some_time(time)?))
}

/// One word out of a few.
pub(super) fn one_of<T: Copy>(text: &str, words: &[(&str, T)]) -> Read<T> {
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        format!("is none of {}", words.join(", "))
    })
}
