//! A schema document as an arena of its subschemas, and where its references lead.
//!
//! Walks only where a schema can stand (never into `enum`, `default`, or a property that merely
//! bears a keyword's name). Knows nothing of instances and never leaves the document.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

/// The base of a document that names none; any hierarchical URL that nobody else uses will do.
const NAMELESS: &str = "acp-tck://document/";

const ONE: [&str; 13] = [
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "extends",
];
const MANY: [&str; 5] = ["allOf", "anyOf", "items", "oneOf", "prefixItems"];
const NAMED: [&str; 6] = [
    "$defs",
    "definitions",
    "dependencies",
    "dependentSchemas",
    "patternProperties",
    "properties",
];
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// A subschema of a [`Document`], cheap to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(usize);

impl NodeId {
    /// The root of every document.
    pub const ROOT: Self = Self(0);

    /// The place in the arena, for tables that run beside it.
    pub fn index(self) -> usize {
        self.0
    }
}

/// Why a reference could not be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Astray {
    /// It names another document.
    External,
    /// It stays in the document, but nothing is there.
    Dangling,
}

/// The dialects that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// Draft 4.
    Draft4,
    /// Draft 6.
    Draft6,
    /// Draft 7.
    Draft7,
    /// 2019-09.
    Draft201909,
    /// 2020-12, and whatever names none.
    Draft202012,
}

impl Dialect {
    /// What `$schema` says, or `None` where it names a dialect that is not known.
    pub fn of(document: &Value) -> Option<Self> {
        let Some(uri) = document.get("$schema").and_then(Value::as_str) else {
            return Some(Self::Draft202012);
        };
        let bare = uri.trim_end_matches('#');
        let bare = bare
            .strip_prefix("https://")
            .or_else(|| bare.strip_prefix("http://"))?;
        match bare.strip_prefix("json-schema.org/")? {
            "draft-04/schema" => Some(Self::Draft4),
            "draft-06/schema" => Some(Self::Draft6),
            "draft-07/schema" => Some(Self::Draft7),
            "draft/2019-09/schema" => Some(Self::Draft201909),
            "draft/2020-12/schema" | "schema" => Some(Self::Draft202012),
            _ => None,
        }
    }

    /// Whether `$ref` makes the keywords beside it void (draft 7 and before).
    pub fn ref_stands_alone(self) -> bool {
        self <= Self::Draft7
    }
}

#[derive(Clone, Debug)]
struct Node<'d> {
    schema: &'d Value,
    pointer: String,
    base: usize,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Document<'d> {
    root: &'d Value,
    dialect: Dialect,
    nodes: Vec<Node<'d>>,
    by_pointer: BTreeMap<String, NodeId>,
    bases: Vec<Url>,
    resources: BTreeMap<String, NodeId>,
    anchors: BTreeMap<(usize, String), NodeId>,
    dynamic: BTreeMap<String, NodeId>,
}

impl<'d> Document<'d> {
    /// Walks `root`. The caller has seen to it that it is not nested too deeply.
    pub fn new(root: &'d Value) -> Self {
        let mut document = Self {
            root,
            dialect: Dialect::of(root).unwrap_or(Dialect::Draft202012),
            nodes: Vec::new(),
            by_pointer: BTreeMap::new(),
            bases: Url::parse(NAMELESS).into_iter().collect(),
            resources: BTreeMap::new(),
            anchors: BTreeMap::new(),
            dynamic: BTreeMap::new(),
        };
        document.resources.insert(NAMELESS.to_owned(), NodeId::ROOT);
        document.walk(root, String::new(), 0);
        document.walk_odd_targets();
        document
    }

    /// The dialect of the document.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The subschema itself.
    pub fn schema(&self, node: NodeId) -> &'d Value {
        self.nodes[node.0].schema
    }

    /// Where the subschema stands, as a JSON Pointer.
    pub fn pointer(&self, node: NodeId) -> &str {
        &self.nodes[node.0].pointer
    }

    /// Whether `#` means the root of the document there, and not that of an embedded resource.
    pub fn is_in_root_resource(&self, node: NodeId) -> bool {
        self.nodes[node.0].base == self.nodes[0].base
    }

    /// All subschemas, in document order; those that only a reference reaches come last.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: a document has its root.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The subschema under `segments` of `node`, where one stands.
    pub fn child(&self, node: NodeId, segments: &[&str]) -> Option<NodeId> {
        let mut pointer = self.nodes[node.0].pointer.clone();
        for segment in segments {
            push_segment(&mut pointer, segment);
        }
        self.by_pointer.get(&pointer).copied()
    }

    /// Every reference of `node` with the keyword that makes it.
    pub fn references(
        &self,
        node: NodeId,
    ) -> impl Iterator<Item = (&'static str, &'d str)> + use<'d> {
        let schema = self.schema(node);
        REFERENCES
            .into_iter()
            .filter_map(move |keyword| Some((keyword, schema.get(keyword)?.as_str()?)))
    }

    /// Where `reference`, standing in `node` under `keyword`, leads.
    pub fn follow(&self, node: NodeId, keyword: &str, reference: &str) -> Result<NodeId, Astray> {
        if keyword == "$recursiveRef"
            && self.root.get("$recursiveAnchor") == Some(&Value::Bool(true))
        {
            return Ok(NodeId::ROOT);
        }
        let target = self.follow_static(node, reference)?;
        if keyword != "$dynamicRef" {
            return Ok(target);
        }
        // The outermost resource with that anchor wins. Within one document, entered at its
        // root, the first one in document order is a true answer wherever the schema is not
        // entered by several ways; the validator has the last word anyway.
        let name = self
            .schema(target)
            .get("$dynamicAnchor")
            .and_then(Value::as_str);
        Ok(name
            .and_then(|name| self.dynamic.get(name))
            .copied()
            .unwrap_or(target))
    }

    fn follow_static(&self, node: NodeId, reference: &str) -> Result<NodeId, Astray> {
        let base = &self.bases[self.nodes[node.0].base];
        let mut url = base.join(reference).map_err(|_| Astray::External)?;
        let fragment = url.fragment().unwrap_or_default().to_owned();
        url.set_fragment(None);
        let resource = *self.resources.get(url.as_str()).ok_or(Astray::External)?;
        let fragment = decode(&fragment);
        if fragment.is_empty() {
            return Ok(resource);
        }
        let found = if fragment.starts_with('/') {
            let pointer = format!("{}{fragment}", self.pointer(resource));
            self.by_pointer.get(&pointer)
        } else {
            self.anchors.get(&(self.nodes[resource.0].base, fragment))
        };
        found.copied().ok_or(Astray::Dangling)
    }

    fn walk(&mut self, schema: &'d Value, pointer: String, base: usize) {
        if self.by_pointer.contains_key(&pointer) || !(schema.is_object() || schema.is_boolean()) {
            return;
        }
        let id = NodeId(self.nodes.len());
        let base = self.enter(schema, id, base);
        self.by_pointer.insert(pointer.clone(), id);
        self.nodes.push(Node {
            schema,
            pointer: pointer.clone(),
            base,
        });
        let Value::Object(members) = schema else {
            return;
        };
        for (keyword, value) in members {
            let mut at = pointer.clone();
            push_segment(&mut at, keyword);
            self.walk_keyword(keyword, value, at, base);
        }
    }

    fn walk_keyword(&mut self, keyword: &str, value: &'d Value, at: String, base: usize) {
        match value {
            Value::Array(entries) if MANY.contains(&keyword) => {
                for (index, entry) in entries.iter().enumerate() {
                    self.walk(entry, format!("{at}/{index}"), base);
                }
            }
            Value::Object(entries) if NAMED.contains(&keyword) => {
                for (name, entry) in entries {
                    let mut at = at.clone();
                    push_segment(&mut at, name);
                    self.walk(entry, at, base);
                }
            }
            _ if ONE.contains(&keyword) => self.walk(value, at, base),
            _ => {}
        }
    }

    /// Notes the names under which `schema` can be referred to; returns its base.
    fn enter(&mut self, schema: &'d Value, id: NodeId, base: usize) -> usize {
        let word = |keyword: &str| schema.get(keyword).and_then(Value::as_str);
        let own = if self.dialect == Dialect::Draft4 {
            word("id")
        } else {
            word("$id")
        };
        let alone = self.dialect.ref_stands_alone() && word("$ref").is_some();
        let base = match own.filter(|_| !alone) {
            Some(name) => self.enter_resource(name, id, base),
            None => base,
        };
        for keyword in ["$anchor", "$dynamicAnchor"] {
            if let Some(name) = word(keyword) {
                self.anchors.entry((base, name.to_owned())).or_insert(id);
            }
        }
        if let Some(name) = word("$dynamicAnchor") {
            self.dynamic.entry(name.to_owned()).or_insert(id);
        }
        base
    }

    fn enter_resource(&mut self, name: &str, id: NodeId, base: usize) -> usize {
        if let Some(anchor) = name.strip_prefix('#') {
            self.anchors.entry((base, anchor.to_owned())).or_insert(id);
            return base;
        }
        let Ok(mut url) = self.bases[base].join(name) else {
            return base;
        };
        url.set_fragment(None);
        self.resources.entry(url.as_str().to_owned()).or_insert(id);
        self.bases.push(url);
        self.bases.len() - 1
    }

    /// Schemas that stand where only a pointer finds them, as in `#/components/schemas/City`.
    fn walk_odd_targets(&mut self) {
        let mut next = 0;
        while next < self.nodes.len() {
            let id = NodeId(next);
            let references: Vec<_> = self.references(id).collect();
            for (keyword, reference) in references {
                if self.follow(id, keyword, reference) == Err(Astray::Dangling) {
                    self.walk_target(id, reference);
                }
            }
            next += 1;
        }
    }

    fn walk_target(&mut self, from: NodeId, reference: &str) {
        let Some((_, fragment)) = reference.split_once('#') else {
            return;
        };
        let fragment = decode(fragment);
        let base = self.nodes[from.0].base;
        let resource = self.resources.get(self.bases[base].as_str()).copied();
        let resource = resource.unwrap_or(NodeId::ROOT);
        let Some(schema) = self.schema(resource).pointer(&fragment) else {
            return;
        };
        let pointer = format!("{}{fragment}", self.pointer(resource));
        self.walk(schema, pointer, base);
    }
}

/// Adds one segment to a JSON Pointer.
pub fn push_segment(pointer: &mut String, segment: &str) {
    pointer.push('/');
    for letter in segment.chars() {
        match letter {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// The levels of nesting of a value, found without recursion.
pub fn depth(value: &Value) -> usize {
    let mut deepest = 0;
    let mut todo = vec![(value, 1)];
    while let Some((value, level)) = todo.pop() {
        deepest = deepest.max(level);
        match value {
            Value::Array(items) => todo.extend(items.iter().map(|item| (item, level + 1))),
            Value::Object(members) => todo.extend(members.values().map(|item| (item, level + 1))),
            _ => {}
        }
    }
    deepest
}

fn decode(fragment: &str) -> String {
    percent_encoding::percent_decode_str(fragment)
        .decode_utf8_lossy()
        .into_owned()
}
