//! How much a schema unfolds to at one place of an instance: references to references, each
//! taken twice, make a small document that no validator gets to the end of.

use serde_json::Value;

use super::document::{Document, NodeId};

/// Subschemas that one value may have to be held against; real schemas stay in the hundreds.
const MOST: u64 = 100_000;
/// Passes until the sums settle: as many as the longest chain of references.
const PASSES: usize = 400;

/// The first subschema that unfolds beyond all reason, where there is one.
pub(super) fn too_large(document: &Document<'_>) -> Option<NodeId> {
    let inside: Vec<Vec<NodeId>> = document
        .nodes()
        .map(|node| applied_in_place(document, node))
        .collect();
    let mut sizes = vec![1_u64; document.len()];
    for _ in 0..PASSES {
        let mut changed = false;
        for node in document.nodes().collect::<Vec<_>>().into_iter().rev() {
            let sum = inside[node.index()]
                .iter()
                .fold(1_u64, |sum, child| sum.saturating_add(sizes[child.index()]));
            changed |= sum != sizes[node.index()];
            sizes[node.index()] = sum;
            if sum > MOST {
                return Some(node);
            }
        }
        if !changed {
            break;
        }
    }
    None
}

/// The subschemas that speak of the same value as `node` does.
fn applied_in_place(document: &Document<'_>, node: NodeId) -> Vec<NodeId> {
    let schema = document.schema(node);
    let references = document.references(node);
    let mut found: Vec<NodeId> = references
        .filter_map(|(keyword, reference)| document.follow(node, keyword, reference).ok())
        .collect();
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let count = schema
            .get(keyword)
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        let branch = |index: usize| document.child(node, &[keyword, &index.to_string()]);
        found.extend((0..count).filter_map(branch));
    }
    for keyword in ["if", "then", "else", "not"] {
        found.extend(document.child(node, &[keyword]));
    }
    for keyword in ["dependentSchemas", "dependencies"] {
        let table = schema.get(keyword).and_then(Value::as_object);
        let names = table.into_iter().flat_map(|table| table.keys());
        found.extend(names.filter_map(|name| document.child(node, &[keyword, name])));
    }
    found
}
