//! Reading what the user gives: header fields, keys from the environment, files.

use std::io::Read;
use std::path::Path;

use url::Url;

use crate::exit::Failure;
use crate::uses;

/// How large a file of the user's may be, in bytes.
const LARGEST: u64 = 256 << 20;

/// The base URL of an agent.
pub(crate) fn agent_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| "an agent's URL is written as http://host:port or https://host".to_owned())
}

/// The base URL of an OpenTelemetry collector.
pub(crate) fn collector_url(text: &str) -> Result<Url, String> {
    agent_url(text).map_err(|_| "a collector's URL is written as http://host:4318".to_owned())
}

/// A header field from `K: V`.
pub(crate) fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("a header field is written as 'Name: value'")?;
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        return Err("the name before the colon is no header field's name".to_owned());
    }
    if ["content-length", "transfer-encoding"].contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!(
            "{name} is worked out for each request; leave it out"
        ));
    }
    let value = value.trim();
    if value.chars().any(|c| c.is_control() || !c.is_ascii()) {
        return Err(
            "the value after the colon has characters that no header field can hold".to_owned(),
        );
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// A path of the agent's.
pub(crate) fn path(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_graphic();
    if text.starts_with('/') && text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err("a path begins with / and has no spaces".to_owned())
}

/// The header field of an API key that stands in an environment variable.
pub(crate) fn api_key(variable: &str) -> Result<(String, String), Failure> {
    let key = std::env::var(variable).ok().filter(|key| !key.trim().is_empty()).ok_or_else(|| {
        Failure::usage(format!(
            "--api-key-env {variable}: there is no such environment variable, or it is empty; set it to the agent's key"
        ))
    })?;
    header(&format!("X-API-Key: {key}")).map_err(|_| {
        Failure::usage(format!(
            "--api-key-env {variable}: the key cannot stand in a header field"
        ))
    })
}

/// The keys that a file has, one on each line; no message shows any of them.
pub(crate) fn api_keys(path: &Path) -> Result<Vec<String>, Failure> {
    let shown = path.display();
    let text = text(path)?;
    let lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    let keys = lines.map(|(number, line)| {
        let field = header(&format!("X-API-Key: {line}"));
        field.map(|(_, key)| key).map_err(|_| {
            Failure::usage(format!(
                "--api-key-file {shown}: the key on line {number} cannot stand in a header field"
            ))
        })
    });
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    match keys.is_empty() {
        true => Err(Failure::usage(format!(
            "--api-key-file {shown}: there is no key in it; write one on each line"
        ))),
        false => Ok(keys),
    }
}

/// A text file, whole.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    let bytes = bytes(path)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::usage(format!(
            "{}: not UTF-8 at byte {at}; save it as UTF-8",
            path.display()
        ))
    })
}

/// A file's bytes; `-` is standard input.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let told = |error: std::io::Error| Failure::usage(format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        uses::reads(path)?;
        Box::new(std::fs::File::open(path).map_err(told)?)
    };
    source
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(told)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Failure::usage(format!(
            "{}: larger than {} MiB",
            path.display(),
            LARGEST >> 20
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_field_is_a_name_and_a_value() {
        assert_eq!(
            header("X-Key:  a:b "),
            Ok(("X-Key".to_owned(), "a:b".to_owned()))
        );
        let of_framing = ["Content-Length: 5", "transfer-encoding: chunked"];
        let wrong = ["X-Key", ": v", "X Key: v", "X: a\r\nY: b", "X: ü"];
        for wrong in wrong.into_iter().chain(of_framing) {
            assert!(header(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_of_keys_has_one_on_each_line_and_errors_do_not_show_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        let keys = |text: &str| {
            std::fs::write(&path, text).expect("written");
            api_keys(&path)
        };
        assert_eq!(keys("one\n\n two\r\n").expect("keys"), ["one", "two"]);
        for wrong in ["\n \n", "good\nsecr\u{e9}t\n"] {
            let Err(Failure::Usage(message)) = keys(wrong) else {
                panic!("{wrong:?} is refused")
            };
            assert!(message.contains("line"), "{message}");
            assert!(!message.contains("secr"), "{message}");
        }
    }
}
