//! What a client says, and what it is told, one JSON text a message.

use serde_json::{Map, Value};

use crate::{failure::Failure, seams::Place, validation::Violation};

/// The longest id that an invocation may have.
const LONGEST_ID: usize = 128;

/// What a client says.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    /// Answer this: `body` is what `/invoke` takes.
    Invoke {
        id: String,
        place: Place,
        body: Value,
    },
    /// Call that off.
    Cancel { id: String },
    /// Are you there?
    Ping,
}

impl Message {
    /// Reads a message, or says what is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let mut message: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| wrong("", "json", "is not one JSON object"))?;
        match message.remove("type").as_ref().and_then(Value::as_str) {
            Some("invoke") => Ok(Self::Invoke {
                id: id(&mut message)?,
                place: place(message.remove("vocabulary"))?,
                body: Value::Object(message),
            }),
            Some("cancel") => Ok(Self::Cancel {
                id: id(&mut message)?,
            }),
            Some("ping") => Ok(Self::Ping),
            _ => Err(wrong("/type", "enum", "is none of invoke, cancel, ping")),
        }
    }
}

fn id(message: &mut Map<String, Value>) -> Result<String, Failure> {
    match message.remove("id") {
        Some(Value::String(id)) if (1..=LONGEST_ID).contains(&id.len()) => Ok(id),
        _ => Err(wrong("/id", "type", "is a text of 1 to 128 bytes")),
    }
}

fn place(vocabulary: Option<Value>) -> Result<Place, Failure> {
    match vocabulary.as_ref().map(Value::as_str) {
        None | Some(Some("event")) => Ok(Place::StepStream),
        Some(Some("status")) => Ok(Place::Stream),
        _ => Err(wrong("/vocabulary", "enum", "is neither status nor event")),
    }
}

/// A message that cannot be made use of.
pub(super) fn wrong(path: &str, keyword: &str, message: &str) -> Failure {
    let fields = vec![Violation::at(path, keyword, message)];
    Failure::invalid_input("the message is none of those known here", fields)
}

/// An event of this vocabulary that has nothing but its word.
pub(super) fn bare(place: Place, word: &str) -> Value {
    let key = match place {
        Place::Stream => "status",
        _ => "event",
    };
    Value::Object(Map::from_iter([(key.to_owned(), word.into())]))
}

/// The event that says why there is no result.
pub(super) fn error(place: Place, failure: &Failure) -> Value {
    let mut event = bare(place, "error");
    event["error"] = failure.error();
    event
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(message: Value) -> Result<Message, Failure> {
        Message::read(&message.to_string())
    }

    #[test]
    fn a_question_is_read_whole() {
        let message = json!({"type": "invoke", "id": "a", "input": {"city": "Oslo"}, "config_id": "c", "vocabulary": "status"});
        let body = json!({"input": {"city": "Oslo"}, "config_id": "c"});
        let (id, place) = ("a".to_owned(), Place::Stream);
        assert_eq!(
            read(message).expect("read"),
            Message::Invoke { id, place, body }
        );
    }

    #[test]
    fn what_is_no_message_is_told_so() {
        for (message, path) in [
            (json!([]), ""),
            (json!({}), "/type"),
            (json!({"type": "shout"}), "/type"),
            (json!({"type": "invoke"}), "/id"),
            (json!({"type": "invoke", "id": 7}), "/id"),
            (json!({"type": "cancel", "id": ""}), "/id"),
            (json!({"type": "cancel", "id": "x".repeat(129)}), "/id"),
            (
                json!({"type": "invoke", "id": "a", "vocabulary": "latin"}),
                "/vocabulary",
            ),
            (
                json!({"type": "invoke", "id": "a", "vocabulary": null}),
                "/vocabulary",
            ),
        ] {
            let failure = read(message.clone()).expect_err("no message");
            let told = &failure.error()["details"]["fields"][0]["path"];
            assert_eq!(told, path, "{message}");
        }
    }
}
