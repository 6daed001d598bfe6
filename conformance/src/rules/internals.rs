//! Recognising stack traces and file paths in what an agent tells its clients.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::evidence::Ask;
use crate::terminal::Kind;

/// Something that should have stayed inside.
pub(super) struct Leak {
    pub(super) kind: &'static str,
    pub(super) excerpt: String,
}

const PATTERNS: &[(&str, &str)] = &[
    ("the stack trace", r"Traceback \(most recent call last\)"),
    ("the stack trace", r#"File "[^"\n]+", line \d+"#),
    (
        "the stack trace",
        r"(?m)^\s*at [\w.$<>]+ ?\([^)\n]*:\d+(:\d+)?\)",
    ),
    ("the stack trace", r"goroutine \d+ \["),
    ("the stack trace", r"panicked at "),
    ("the stack trace", r"stack backtrace:"),
    (
        "the source line",
        r"\b[\w/.-]+\.(rs|py|go|java|js|ts|rb|php|cs|c|cpp):\d+\b",
    ),
    (
        "a file path",
        r#"(?:^|[\s"'`(=:\[])(/(?:usr|home|var|opt|app|srv|etc|root|tmp|Users|mnt|proc|code|workspace)/[^\s"'`)\]]+)"#,
    ),
    ("a file path", r"\b[A-Za-z]:\\(?:[\w .-]+\\)+[\w .-]*"),
];

static COMPILED: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let compile = |(kind, pattern): &(&'static str, &str)| Some((*kind, Regex::new(pattern).ok()?));
    PATTERNS.iter().filter_map(compile).collect()
});

/// The first leak in `text`, discounting what the checker itself had sent.
pub(super) fn find(text: &str, sent: &str) -> Option<Leak> {
    COMPILED.iter().find_map(|(kind, regex)| {
        let mut found = regex
            .captures_iter(text)
            .filter_map(|captures| captures.get(1).or(captures.get(0)));
        let leak = found.find(|leak| !sent.contains(leak.as_str().trim()))?;
        Some(Leak {
            kind,
            excerpt: leak.as_str().trim().to_owned(),
        })
    })
}

/// What was sent, as an agent might repeat it: raw, and with its JSON escapes undone.
pub(super) fn sent(ask: &Ask) -> String {
    let request = &ask.exchange.request;
    let mut sent = format!(
        "{}\n{}",
        request.path,
        String::from_utf8_lossy(&request.body)
    );
    if let Ok(body) = serde_json::from_slice(&request.body) {
        texts(&body, &mut |text| {
            sent.push('\n');
            sent.push_str(text);
        });
    }
    sent
}

/// The texts of an error answer, or of the error events of a stream.
pub(super) fn error_texts(ask: &Ask) -> Vec<String> {
    let Some(answer) = ask.answer() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut add = |text: &str| found.push(text.to_owned());
    if ask.is_stream() {
        for event in &ask.stream().events {
            let data = serde_json::from_str(&event.data).ok();
            if let Some(data) = data.filter(is_error) {
                texts(&data, &mut add);
            }
        }
    } else if answer.is_error() && ask.has_body() {
        match ask.json() {
            Some(body) => texts(body, &mut add),
            None => add(&String::from_utf8_lossy(&answer.body)),
        }
    }
    found
}

fn is_error(event: &Value) -> bool {
    Kind::of(event) == Some(Kind::Error) || event.get("error").is_some()
}

fn texts(value: &Value, add: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => add(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, add)),
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            add(name);
            texts(member, add);
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(COMPILED.len(), PATTERNS.len());
    }

    #[test]
    fn traces_and_paths_of_many_languages_are_leaks() {
        for text in [
            "Traceback (most recent call last):\n  File \"/app/main.py\", line 3, in <module>",
            "java.lang.NullPointerException\n\tat com.acme.Agent.run(Agent.java:42)",
            "TypeError: x\n    at invoke (/srv/agent/index.js:10:5)",
            "thread 'main' panicked at src/agent.rs:10:4",
            "goroutine 1 [running]:\nmain.main()",
            "cannot open /etc/agent/secrets.toml",
            "cannot open C:\\Users\\me\\agent\\x.txt",
        ] {
            assert!(find(text, "").is_some(), "{text}");
        }
    }

    #[test]
    fn plain_messages_links_and_echoes_are_none() {
        for text in [
            "city: at most 80 characters",
            "see https://example.org/home/docs/errors",
            "/input/city is required",
            "no route for /acp-tck-no-such-path",
        ] {
            assert!(find(text, "").is_none(), "{text}");
        }
        assert!(find("unknown id /etc/passwd", "x /etc/passwd y").is_none());
    }
}
