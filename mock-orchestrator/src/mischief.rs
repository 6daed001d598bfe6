//! The ways in which the orchestrator can misbehave, by name, and when it does.
//!
//! Written `NAME[=VALUE][@FROM..UNTIL]`: `fails@10s..20s`, `forgets=3`, `late=2s`. Times are
//! counted from the start of the orchestrator; without them it misbehaves all the time.

use std::{fmt, str::FromStr, time::Duration};

/// A way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Connections are reset as soon as they are made.
    Down,
    /// Everything is answered with this status.
    Fails(u16),
    /// A registration is forgotten after so many heartbeats.
    Forgets(u32),
    /// Answers come so late.
    Late(Duration),
    /// A registration is answered 201.
    Created,
    /// Each registration of an agent gets a new id, and the old one is forgotten.
    Renames,
    /// Answers have bodies that are no JSON.
    Garbage,
    /// Connections are cut instead of an answer.
    Cuts,
}

/// A way to misbehave, and the time at which it acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mischief {
    /// What is done.
    pub what: What,
    /// From when on.
    pub from: Duration,
    /// Until when; [`Duration::MAX`] for ever.
    pub until: Duration,
}

/// One kind of mischief, as it is written.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// What goes wrong, as a sentence without a full stop.
    pub summary: &'static str,
    /// The value that it has if none is given; empty if it takes none.
    pub default: &'static str,
    read: fn(&str) -> Option<What>,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// All kinds.
pub static KINDS: [Kind; 8] = [
    Kind {
        name: "down",
        summary: "connections are reset as soon as they are made",
        default: "",
        read: |_| Some(What::Down),
    },
    Kind {
        name: "fails",
        summary: "everything is answered with a status that is no success",
        default: "500",
        read: |text| {
            let status = text.parse().ok()?;
            (300..=599).contains(&status).then_some(What::Fails(status))
        },
    },
    Kind {
        name: "forgets",
        summary: "a registration is forgotten after so many heartbeats",
        default: "1",
        read: |text| text.parse().ok().map(What::Forgets),
    },
    Kind {
        name: "late",
        summary: "answers come so late",
        default: "5s",
        read: |text| humantime::parse_duration(text).ok().map(What::Late),
    },
    Kind {
        name: "created",
        summary: "a registration is answered 201",
        default: "",
        read: |_| Some(What::Created),
    },
    Kind {
        name: "renames",
        summary: "each registration of an agent gets a new id, and the old one is forgotten",
        default: "",
        read: |_| Some(What::Renames),
    },
    Kind {
        name: "garbage",
        summary: "answers have bodies that are no JSON",
        default: "",
        read: |_| Some(What::Garbage),
    },
    Kind {
        name: "cuts",
        summary: "connections are cut instead of an answer",
        default: "",
        read: |_| Some(What::Cuts),
    },
];

impl Mischief {
    /// All the time.
    #[must_use]
    pub fn always(what: What) -> Self {
        Self {
            what,
            from: Duration::ZERO,
            until: Duration::MAX,
        }
    }

    /// Whether it acts at this time.
    #[must_use]
    pub fn acts(&self, at: Duration) -> bool {
        (self.from..self.until).contains(&at)
    }
}

impl FromStr for Mischief {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (what, time) = match text.split_once('@') {
            Some((what, time)) => (what, Some(time)),
            None => (text, None),
        };
        let (name, value) = match what.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (what, None),
        };
        let kind = KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| {
            let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
            format!("`{name}` is none of {}", names.join(", "))
        })?;
        if value.is_some() && kind.default.is_empty() {
            return Err(format!("`{name}` takes no value"));
        }
        let value = value.unwrap_or(kind.default);
        let what = (kind.read)(value).ok_or_else(|| {
            format!(
                "`{value}` is no value for `{name}`; write it like {name}={}",
                kind.default
            )
        })?;
        let (from, until) = time.map_or(Ok((Duration::ZERO, Duration::MAX)), span)?;
        Ok(Self { what, from, until })
    }
}

/// `FROM..UNTIL`, of which either may be left out.
fn span(text: &str) -> Result<(Duration, Duration), String> {
    let wrong = || format!("`{text}` is no time; write it like 10s..20s");
    let (from, until) = text.split_once("..").ok_or_else(wrong)?;
    let read = |text: &str, open: Duration| match text {
        "" => Ok(open),
        text => humantime::parse_duration(text).map_err(|_| wrong()),
    };
    let (from, until) = (read(from, Duration::ZERO)?, read(until, Duration::MAX)?);
    match from < until {
        true => Ok((from, until)),
        false => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_meant() {
        let seconds = Duration::from_secs;
        let read = |text: &str| text.parse::<Mischief>().expect(text);
        assert_eq!(read("created"), Mischief::always(What::Created));
        assert_eq!(read("late=2s").what, What::Late(seconds(2)));
        let fails = read("fails=503@10s..20s");
        assert_eq!(fails.what, What::Fails(503));
        assert_eq!((fails.from, fails.until), (seconds(10), seconds(20)));
        assert!(!fails.acts(seconds(9)) && fails.acts(seconds(10)) && !fails.acts(seconds(20)));
        assert!(read("down@..5s").acts(Duration::ZERO));
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        for (text, hint) in [
            ("sulks", "down, fails"),
            ("created=1", "takes no value"),
            ("fails=200", "fails=500"),
            ("late=soon", "late=5s"),
            ("down@5s", "10s..20s"),
            ("down@5s..2s", "10s..20s"),
        ] {
            let told = text.parse::<Mischief>().expect_err(text);
            assert!(told.contains(hint), "{told}");
        }
    }

    #[test]
    fn each_kind_can_be_written_without_a_value() {
        for kind in KINDS {
            assert!(kind.name.parse::<Mischief>().is_ok(), "{}", kind.name);
        }
    }
}
