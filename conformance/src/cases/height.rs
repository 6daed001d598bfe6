//! How many levels the smallest instance of each subschema needs: how recursion finds its end.

use serde_json::Value;

use crate::schema::document::{Document, NodeId};

/// More passes than this only a hostile chain of references needs.
const PASSES: usize = 256;

/// For each subschema the least depth of an instance, `None` where recursion has no end. A
/// lower bound: what keywords forbid together is not seen here.
pub(super) fn heights(document: &Document<'_>) -> Vec<Option<u32>> {
    let mut known = vec![None; document.len()];
    for _ in 0..PASSES {
        let mut changed = false;
        // Backwards, since definitions tend to stand behind what uses them.
        for node in document.nodes().collect::<Vec<_>>().into_iter().rev() {
            let height = height(document, node, &known);
            changed |= height != known[node.index()];
            known[node.index()] = height;
        }
        if !changed {
            break;
        }
    }
    known
}

fn height(document: &Document<'_>, node: NodeId, known: &[Option<u32>]) -> Option<u32> {
    let Value::Object(schema) = document.schema(node) else {
        return (document.schema(node) != &Value::Bool(false)).then_some(0);
    };
    let of = |child: Option<NodeId>| child.map_or(Some(0), |child| known[child.index()]);
    let mut most = 0;
    for (keyword, reference) in document.references(node) {
        let target = document.follow(node, keyword, reference).ok();
        most = most.max(of(target)?);
    }
    if document.dialect().ref_stands_alone() && schema.contains_key("$ref") {
        return Some(most);
    }
    for index in 0..entries(schema.get("allOf")) {
        most = most.max(of(document.child(node, &["allOf", &index.to_string()]))?);
    }
    for keyword in ["anyOf", "oneOf"] {
        let branches = entries(schema.get(keyword));
        let branch = |index: usize| document.child(node, &[keyword, &index.to_string()]);
        if branches > 0 {
            most = most.max((0..branches).filter_map(|index| of(branch(index))).min()?);
        }
    }
    match below(document, node, known) {
        Some(inner) => Some(most.max(inner)),
        None if must_have_children(schema.get("type")) => None,
        None => Some(most),
    }
}

/// The members and items that there must be.
fn below(document: &Document<'_>, node: NodeId, known: &[Option<u32>]) -> Option<u32> {
    let schema = document.schema(node);
    let mut most = 0;
    for name in schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let child = document.child(node, &["properties", name.as_str().unwrap_or_default()]);
        most = most.max(1 + child.map_or(Some(0), |child| known[child.index()])?);
    }
    let least = schema
        .get("minItems")
        .and_then(Value::as_f64)
        .unwrap_or(0.0);
    if least > 0.0 {
        let own = |index: usize| {
            let at = index.to_string();
            let own = document.child(node, &["prefixItems", &at]);
            own.or_else(|| document.child(node, &["items", &at]))
        };
        let mut asked: Vec<Option<NodeId>> = (0..).map(own).take_while(Option::is_some).collect();
        asked.truncate(least as usize);
        if least > asked.len() as f64 {
            asked.push(document.child(node, &["items"]));
        }
        for child in asked {
            most = most.max(1 + child.map_or(Some(0), |child| known[child.index()])?);
        }
    }
    Some(most)
}

fn entries(value: Option<&Value>) -> usize {
    value.and_then(Value::as_array).map_or(0, Vec::len)
}

fn must_have_children(kind: Option<&Value>) -> bool {
    matches!(kind.and_then(Value::as_str), Some("object" | "array"))
}
