//! The protocol's own message schemas: data in `fixtures/`, read by the checker and, for
//! itself, by the reference agent.

use std::sync::LazyLock;

use serde_json::Value;

use crate::schema::{Schema, Violation};

/// One of the protocol's messages.
pub(crate) struct Message {
    #[cfg(test)]
    name: &'static str,
    document: LazyLock<Value>,
    schema: LazyLock<Option<Schema>>,
}

macro_rules! message {
    ($name:literal) => {
        Message {
            #[cfg(test)]
            name: $name,
            document: LazyLock::new(|| {
                read(include_str!(concat!("../../fixtures/schemas/", $name)))
            }),
            schema: LazyLock::new(|| {
                Schema::compile(&read(include_str!(concat!(
                    "../../fixtures/schemas/",
                    $name
                ))))
                .ok()
            }),
        }
    };
}

/// The answer of `GET /auth`.
pub(crate) static AUTH: Message = message!("auth.json");
/// The error envelope.
pub(crate) static ERROR: Message = message!("error.json");
/// An event of the *status* vocabulary.
pub(crate) static STATUS_EVENT: Message = message!("stream-status-event.json");
/// An event of the *event* vocabulary.
pub(crate) static STEP_EVENT: Message = message!("stream-step-event.json");

/// What an agent sends to register.
pub(crate) static REGISTRATION: Message = message!("registration.json");
/// A heartbeat.
pub(crate) static HEARTBEAT: Message = message!("heartbeat.json");
/// What an agent sends when its capabilities have changed.
pub(crate) static CAPABILITIES_UPDATE: Message = message!("capabilities-update.json");

impl Message {
    /// The words that the schema lists at a pointer to an `enum`.
    pub(crate) fn words(&self, pointer: &str) -> Vec<&str> {
        let listed = self.document.pointer(pointer).and_then(Value::as_array);
        listed
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// How an instance breaks the schema.
    pub(crate) fn violations(&self, instance: &Value) -> Vec<Violation> {
        self.schema
            .as_ref()
            .map_or_else(Vec::new, |schema| schema.errors(instance))
    }
}

/// A file that stands in this repository; a test sees to it that it can be read.
fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_has_a_schema_that_can_be_used() {
        for message in [
            &AUTH,
            &ERROR,
            &STATUS_EVENT,
            &STEP_EVENT,
            &REGISTRATION,
            &HEARTBEAT,
            &CAPABILITIES_UPDATE,
        ] {
            assert!(message.document.is_object(), "{}", message.name);
            assert!(message.schema.is_some(), "{}", message.name);
        }
    }

    #[test]
    fn words_are_read_off_the_schema() {
        assert!(AUTH.words("/properties/type/enum").contains(&"oauth2"));
        assert!(
            STEP_EVENT
                .words("/properties/event/enum")
                .contains(&"fetching")
        );
        assert!(AUTH.words("/no/such/place").is_empty());
    }
}
