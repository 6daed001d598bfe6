//! The stream vocabularies of the profile: which events there are, and which one is the last.

use serde_json::Value;

/// The members that tell what an event is, in the order of the profile.
const DISCRIMINATORS: &[&str] = &["status", "event"];
/// The closing text of a dialect, which is no JSON.
pub(crate) const SENTINEL: &str = "[DONE]";

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The first one.
    Start,
    /// One in between.
    Progress,
    /// The last one: there is a result.
    Complete,
    /// The last one: there is an error.
    Error,
    /// The last one: the work was given up.
    Cancelled,
}

impl Kind {
    /// Whether nothing may follow.
    #[must_use]
    pub(crate) fn is_terminal(self) -> bool {
        matches!(self, Self::Complete | Self::Error | Self::Cancelled)
    }

    /// What an event says that it is, if it belongs to a vocabulary (`completed` is a dialect).
    #[must_use]
    pub(crate) fn of(event: &Value) -> Option<Self> {
        let told = DISCRIMINATORS
            .iter()
            .find_map(|name| Some((*name, event.get(name)?)));
        let Some((discriminator, word)) = told else {
            // A dialect (P3): a bare `{"error": …}`.
            return event.get("error").map(|_| Self::Error);
        };
        let word = word.as_str()?;
        Some(match (discriminator, word) {
            ("status", "started") | ("event", "start") => Self::Start,
            ("event", "validating" | "fetching") | (_, "processing") => Self::Progress,
            (_, "complete" | "completed") => Self::Complete,
            (_, "error") => Self::Error,
            (_, "cancelled") => Self::Cancelled,
            _ => return None,
        })
    }
}

/// Whether an event's data ends a stream.
#[must_use]
pub(crate) fn ends(data: &str) -> bool {
    data == SENTINEL
        || serde_json::from_str(data)
            .is_ok_and(|event| Kind::of(&event).is_some_and(Kind::is_terminal))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_vocabularies_and_their_dialects_are_known() {
        for (event, kind) in [
            (json!({"status": "started"}), Some(Kind::Start)),
            (json!({"event": "fetching"}), Some(Kind::Progress)),
            (json!({"status": "completed"}), Some(Kind::Complete)),
            (json!({"event": "cancelled"}), Some(Kind::Cancelled)),
            (json!({"error": "Invalid input"}), Some(Kind::Error)),
            (json!({"status": "fetching"}), None),
            (json!({"status": 1, "error": "x"}), None),
            (json!({}), None),
        ] {
            assert_eq!(Kind::of(&event), kind, "{event}");
        }
    }

    #[test]
    fn a_stream_ends_with_a_terminal_event_or_the_sentinel() {
        assert!(ends("[DONE]") && ends(r#"{"event": "complete"}"#));
        assert!(!ends("{") && !ends(r#"{"event": "processing"}"#));
    }
}
