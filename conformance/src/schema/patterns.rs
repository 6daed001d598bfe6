//! How long patterns may be.

use serde_json::Value;

use super::document::{Document, NodeId};

/// Longer patterns are refused, in bytes: one, and all of a schema together. People write some
/// hundred.
pub(super) const LONGEST: usize = 2_000;
pub(super) const TOGETHER: usize = 100_000;

/// The first subschema whose patterns go beyond the bounds: the pattern engine takes its time to
/// read what is long, and far more than twice as much for what is twice as long.
pub(super) fn too_long(arena: &Document<'_>) -> Option<NodeId> {
    let mut all = 0;
    arena.nodes().find(|node| {
        let schema = arena.schema(*node);
        let pattern = schema.get("pattern").and_then(Value::as_str);
        let named = schema.get("patternProperties").and_then(Value::as_object);
        let names = named.into_iter().flat_map(|named| named.keys());
        let mut lengths = pattern
            .into_iter()
            .map(str::len)
            .chain(names.map(String::len));
        lengths.any(|length| {
            all += length;
            length > LONGEST || all > TOGETHER
        })
    })
}
