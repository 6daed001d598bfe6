//! The text of a snapshot's file, in insta's format: YAML between two lines of hyphens, and the
//! contents as they are.

use serde::Deserialize;

use super::Snapshot;

/// What stands under `source`: whose files these are.
const SOURCE: &str = "acp-tck snapshot";

/// A snapshot as its file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The seed that its cases come from.
    pub seed: u64,
    /// How many cases there were.
    pub cases: usize,
    /// The question and the answer.
    pub contents: String,
}

/// Why a text is no snapshot of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is, as it seems, somebody else's.
    #[error("it was not made by acp-tck snapshot")]
    Foreign,
    /// It cannot be read.
    #[error("not insta's format: {0}")]
    Broken(String),
}

#[derive(Deserialize)]
struct Header {
    source: Option<String>,
    info: Option<Info>,
}

#[derive(Deserialize)]
struct Info {
    seed: u64,
    cases: usize,
}

impl File {
    /// Reads a `.snap`, as we or insta have written it.
    ///
    /// # Errors
    /// If it is not ours, or cannot be read.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let broken = |what: &str| Unreadable::Broken(what.to_owned());
        // Git may have put in a carriage return before each line feed.
        let text = text.replace("\r\n", "\n");
        let rest = text.strip_prefix("---\n");
        let rest = rest.ok_or_else(|| broken("the first line is not `---`"))?;
        let (header, contents) = rest
            .split_once("\n---\n")
            .ok_or_else(|| broken("the metadata has no end (`---`)"))?;
        let header: Header = serde_saphyr::from_str(header)
            .map_err(|error| broken(&error.without_snippet().to_string()))?;
        if header.source.as_deref() != Some(SOURCE) {
            return Err(Unreadable::Foreign);
        }
        let info = header.info.ok_or_else(|| broken("it has no `info`"))?;
        Ok(Self {
            seed: info.seed,
            cases: info.cases,
            contents: contents.trim_end().to_owned(),
        })
    }

    /// The text of the snapshot's file, with these contents in the place of its own.
    #[must_use]
    pub fn write(&self, snapshot: &Snapshot) -> String {
        let mut text = format!("---\nsource: {SOURCE}\n");
        text += &format!("description: {}\n", quoted(&snapshot.description));
        text += &format!("info:\n  seed: {}\n  cases: {}\n", self.seed, self.cases);
        if !snapshot.volatile.is_empty() {
            text += "  volatile:\n";
        }
        for place in &snapshot.volatile {
            text += &format!("    - {}\n", quoted(place));
        }
        text + "---\n" + self.contents.trim_end() + "\n"
    }
}

/// A text in double quotes: YAML understands JSON's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(acp_reports::escape(text)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        Snapshot {
            name: "invoke-001".to_owned(),
            description: "a \"city\": ---\n---\u{1b}[2J é".to_owned(),
            contents: "{\n  \"a\": \"---\"\n}".to_owned(),
            volatile: vec!["/a: b".to_owned()],
        }
    }

    fn file() -> File {
        File {
            seed: u64::MAX,
            cases: 10,
            contents: snapshot().contents,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let text = file().write(&snapshot());
        assert_eq!(File::read(&text), Ok(file()));
        assert_eq!(File::read(&text.replace('\n', "\r\n")), Ok(file()));
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn what_is_not_ours_is_told_from_what_is_broken() {
        let theirs = "---\nsource: tests/a.rs\nexpression: x\n---\nx\n";
        assert_eq!(File::read(theirs), Err(Unreadable::Foreign));
        for broken in [
            "",
            "x",
            "---\nsource: x",
            "---\n: : :\n---\n",
            "---\nsource: acp-tck snapshot\n---\n",
        ] {
            let read = File::read(broken);
            assert!(
                matches!(read, Err(Unreadable::Broken(_))),
                "{broken}: {read:?}"
            );
        }
    }
}
