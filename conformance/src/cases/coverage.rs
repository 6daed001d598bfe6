//! Which keywords of a schema could refuse something, and of which of them no case speaks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{case::Unmade, invalid::TABLE, maker::Maker};
use crate::schema::document::NodeId;

/// A keyword by the place of its subschema.
pub(super) type Keyword = (String, String);

/// What came of the attempts.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    /// Keywords with a case that breaks them.
    pub(super) broken: BTreeSet<Keyword>,
    /// For the others: what the first candidate did instead.
    pub(super) missed: BTreeMap<Keyword, String>,
}

/// Every keyword that could refuse something, reachable from the root, less what was broken.
pub(super) fn unmade(maker: &Maker<'_>, coverage: &Coverage) -> Vec<Unmade> {
    let could: Vec<Keyword> = refusing(maker);
    if could.is_empty() {
        let reason = "the schema has no keyword that refuses anything".to_owned();
        return vec![Unmade {
            keyword: String::new(),
            schema_path: String::new(),
            reason,
        }];
    }
    let left = could
        .into_iter()
        .filter(|keyword| !coverage.broken.contains(keyword));
    left.map(|keyword| {
        let missed = coverage.missed.get(&keyword).map(String::as_str);
        let (schema_path, keyword) = keyword;
        let reason = missed.unwrap_or("no candidate could be made").to_owned();
        Unmade {
            keyword,
            schema_path,
            reason,
        }
    })
    .collect()
}

/// The keywords, reachable from the root, that refuse some instance.
fn refusing(maker: &Maker<'_>) -> Vec<Keyword> {
    let mut found = Vec::new();
    for node in maker.reachable() {
        let alone = maker.document.dialect().ref_stands_alone();
        if alone && maker.keyword(node, "$ref").is_some() {
            continue;
        }
        for (keyword, _) in TABLE {
            let limit = maker.keyword(node, keyword);
            if limit.is_some_and(|limit| !refuses_nothing(keyword, limit)) {
                found.push((
                    maker.document.pointer(node).to_owned(),
                    (*keyword).to_owned(),
                ));
            }
        }
    }
    found
}

fn refuses_nothing(keyword: &str, limit: &Value) -> bool {
    match keyword {
        "required" => limit.as_array().is_none_or(Vec::is_empty),
        "minLength" | "minItems" | "minProperties" | "minContains" => limit.as_f64() == Some(0.0),
        "uniqueItems" | "exclusiveMinimum" | "exclusiveMaximum" => limit == &Value::Bool(false),
        "additionalProperties"
        | "unevaluatedProperties"
        | "items"
        | "additionalItems"
        | "unevaluatedItems" => limit != &Value::Bool(false),
        "properties" | "patternProperties" => {
            let table = limit.as_object().into_iter().flatten();
            !table
                .into_iter()
                .any(|(_, schema)| schema == &Value::Bool(false))
        }
        "dependencies" | "dependentRequired" => {
            let table = limit.as_object().into_iter().flatten();
            !table
                .into_iter()
                .any(|(_, names)| names.as_array().is_some_and(|names| !names.is_empty()))
        }
        "propertyNames" => limit == &Value::Bool(true) || limit == &serde_json::json!({}),
        _ => false,
    }
}

impl Maker<'_> {
    /// The subschemas that can refuse an instance by their own keywords.
    fn reachable(&self) -> Vec<NodeId> {
        let mut found = vec![NodeId::ROOT];
        let mut known = BTreeSet::from([NodeId::ROOT]);
        let mut next = 0;
        while let Some(&node) = found.get(next) {
            next += 1;
            for child in self.asserting_children(node) {
                if known.insert(child) {
                    found.push(child);
                }
            }
        }
        found
    }

    fn asserting_children(&self, node: NodeId) -> Vec<NodeId> {
        let references = self.document.references(node);
        let mut found: Vec<NodeId> = references
            .filter_map(|(keyword, reference)| self.document.follow(node, keyword, reference).ok())
            .collect();
        if self.document.dialect().ref_stands_alone() && !found.is_empty() {
            return found;
        }
        for keyword in ["allOf", "anyOf", "oneOf", "prefixItems", "items"] {
            found.extend(self.branches(node, keyword));
        }
        let one = [
            "then",
            "else",
            "items",
            "additionalItems",
            "additionalProperties",
        ];
        found.extend(
            one.iter()
                .filter_map(|keyword| self.document.child(node, &[keyword])),
        );
        for keyword in [
            "properties",
            "patternProperties",
            "dependentSchemas",
            "dependencies",
        ] {
            let table = self.keyword(node, keyword).and_then(Value::as_object);
            let names = table.into_iter().flat_map(|table| table.keys());
            found.extend(names.filter_map(|name| self.document.child(node, &[keyword, name])));
        }
        found
    }
}
