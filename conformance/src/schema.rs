//! JSON Schemas as agents publish them: compiled, asked, and checked themselves.
//!
//! The only file that touches the `jsonschema` crate. Nothing here ever fetches a reference,
//! and `format` is an annotation in every dialect, until [`format_violations`] asserts it.

pub mod document;
mod expansion;
mod patterns;

use std::{fmt, sync::OnceLock};

use jsonschema::{
    Draft, PatternOptions, ValidationError, Validator, ValidatorMap, error::ValidationErrorKind,
};
use serde_json::Value;

use self::document::{Astray, Dialect, Document, depth};

/// Deeper documents are refused: compiling them recurses, and `serde_json` reads no deeper either.
const DEEPEST: usize = 128;
/// More violations of one instance tell nobody anything.
const MOST_VIOLATIONS: usize = 20;
/// Bytes of a message; the instance that it quotes may be huge.
const LONGEST_MESSAGE: usize = 300;
/// Steps of a backtracking pattern on one string, a millisecond's worth.
const BACKTRACK_LIMIT: usize = 20_000;
/// Compiled size of one pattern, in bytes.
const PATTERN_SIZE: usize = 4 << 20;
/// Past this many subschemas the parts are not compiled one by one: that takes quadratic time.
const MOST_PARTS: usize = 2_000;

/// Larger schemas are refused; the largest that people publish have some thousand subschemas.
const MOST_SUBSCHEMAS: usize = 10_000;

/// The keyword of a violation that is none: the pattern engine gave up, so nobody knows.
pub const UNDECIDED: &str = "undecided";

/// A compiled schema.
pub struct Schema {
    document: Value,
    dialect: Dialect,
    plain: Validator,
    strict: OnceLock<Option<Validator>>,
    parts: OnceLock<Option<ValidatorMap>>,
}

/// One way in which an instance (or a document) falls short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The keyword that refuses, as written in the schema; [`UNDECIDED`] where the pattern
    /// engine gave up.
    pub keyword: String,
    /// Where in the instance, as a JSON Pointer.
    pub instance_path: String,
    /// Where in the schema, as a JSON Pointer (through references, where they lead).
    pub schema_path: String,
    /// What is wrong, in bounded length.
    pub message: String,
}

/// Why a document cannot serve as a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", at(.pointer.as_deref()))]
pub struct SchemaError {
    /// One line.
    pub message: String,
    /// Where in the document, as a JSON Pointer, where that is known.
    pub pointer: Option<String>,
}

impl Schema {
    /// Compiles `document`, whose dialect is what its `$schema` says, or 2020-12.
    pub fn compile(document: &Value) -> Result<Self, SchemaError> {
        let dialect = checked_dialect(document)?;
        check_expansion(document)?;
        check_references(document)?;
        let plain = options(dialect, Formats::Annotate)
            .build(document)
            .map_err(schema_error)?;
        Ok(Self {
            document: document.clone(),
            dialect,
            plain,
            strict: OnceLock::new(),
            parts: OnceLock::new(),
        })
    }

    /// The document that was compiled.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The dialect that it is read in.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether `instance` is valid; formats are annotations.
    pub fn is_valid(&self, instance: &Value) -> bool {
        self.plain.is_valid(instance)
    }

    /// How `instance` falls short: at most twenty violations, in the validator's order.
    pub fn errors(&self, instance: &Value) -> Vec<Violation> {
        violations(&self.plain, instance)
    }

    /// Whether `instance` is valid under the subschema at `pointer`; `None` where that part
    /// cannot be asked on its own.
    pub fn part_is_valid(&self, pointer: &str, instance: &Value) -> Option<bool> {
        let parts = self.parts.get_or_init(|| self.compile_parts()).as_ref()?;
        Some(parts.get(&format!("#{pointer}"))?.is_valid(instance))
    }

    fn compile_parts(&self) -> Option<ValidatorMap> {
        if Document::new(&self.document).len() > MOST_PARTS {
            return None;
        }
        options(self.dialect, Formats::Assert)
            .build_map(&self.document)
            .ok()
    }

    fn strict(&self) -> Option<&Validator> {
        let build = || {
            options(self.dialect, Formats::Assert)
                .build(&self.document)
                .ok()
        };
        self.strict.get_or_init(build).as_ref()
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema")
            .field("document", &self.document)
            .finish_non_exhaustive()
    }
}

/// How `document` falls short of its own metaschema.
pub fn metaschema_violations(document: &Value) -> Vec<Violation> {
    let dialect = match checked_dialect(document) {
        Ok(dialect) => dialect,
        Err(error) => return vec![refused("$schema", error)],
    };
    // Metaschemas may ask that a pattern can be read.
    if patterns::too_long(&Document::new(document)).is_some() {
        return Vec::new();
    }
    let validator = match dialect {
        Dialect::Draft4 => jsonschema::draft4::meta::validator(),
        Dialect::Draft6 => jsonschema::draft6::meta::validator(),
        Dialect::Draft7 => jsonschema::draft7::meta::validator(),
        Dialect::Draft201909 => jsonschema::draft201909::meta::validator(),
        Dialect::Draft202012 => jsonschema::draft202012::meta::validator(),
    };
    violations(validator.as_ref(), document)
}

/// The references that leave the document, each once, in document order.
pub fn external_refs(document: &Value) -> Vec<String> {
    if depth(document) > DEEPEST {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (_, reference) in astray(document, Astray::External) {
        if !found.contains(&reference) {
            found.push(reference);
        }
    }
    found
}

/// How `instance` breaks the formats that `schema` asks for.
pub fn format_violations(schema: &Schema, instance: &Value) -> Vec<Violation> {
    let Some(strict) = schema.strict() else {
        return Vec::new();
    };
    let mut found = violations(strict, instance);
    // Where the instance is valid but for its formats, whatever is refused is refused for a
    // format, be it inside an `anyOf` that answers for it.
    if !schema.is_valid(instance) {
        found.retain(|violation| violation.keyword == "format");
    }
    found
}

/// The `default`s and `examples` that are not valid under the subschema they stand in; the
/// `instance_path` of each is its place in the document.
pub fn annotations_that_disagree(document: &Value) -> Vec<Violation> {
    let Ok(dialect) = checked_dialect(document) else {
        return Vec::new();
    };
    let arena = Document::new(document);
    if arena.len() > MOST_PARTS {
        return Vec::new();
    }
    let Ok(parts) = options(dialect, Formats::Annotate).build_map(document) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for node in arena.nodes() {
        let pointer = arena.pointer(node);
        let Some(validator) = parts.get(&format!("#{pointer}")) else {
            continue;
        };
        for (place, value) in annotations(arena.schema(node)) {
            found.extend(
                violations(validator, value)
                    .into_iter()
                    .take(1)
                    .map(|violation| Violation {
                        instance_path: format!("{pointer}{place}"),
                        schema_path: format!("{pointer}{}", violation.schema_path),
                        ..violation
                    }),
            );
        }
    }
    found.truncate(MOST_VIOLATIONS);
    found
}

fn annotations(schema: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    found.extend(
        schema
            .get("default")
            .map(|value| ("/default".to_owned(), value)),
    );
    let examples = schema
        .get("examples")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    found.extend(
        examples
            .enumerate()
            .map(|(at, value)| (format!("/examples/{at}"), value)),
    );
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Formats {
    Annotate,
    Assert,
}

fn options(dialect: Dialect, formats: Formats) -> jsonschema::ValidationOptions<'static> {
    let draft = match dialect {
        Dialect::Draft4 => Draft::Draft4,
        Dialect::Draft6 => Draft::Draft6,
        Dialect::Draft7 => Draft::Draft7,
        Dialect::Draft201909 => Draft::Draft201909,
        Dialect::Draft202012 => Draft::Draft202012,
    };
    jsonschema::options()
        .with_draft(draft)
        .offline()
        .should_validate_formats(formats == Formats::Assert)
        .with_pattern_options(
            PatternOptions::fancy_regex()
                .backtrack_limit(BACKTRACK_LIMIT)
                .size_limit(PATTERN_SIZE),
        )
}

fn checked_dialect(document: &Value) -> Result<Dialect, SchemaError> {
    if depth(document) > DEEPEST {
        let message = format!("nested more than {DEEPEST} levels deep");
        return Err(SchemaError {
            message,
            pointer: None,
        });
    }
    if !(document.is_object() || document.is_boolean()) {
        let message = "neither an object nor a boolean".to_owned();
        return Err(SchemaError {
            message,
            pointer: Some(String::new()),
        });
    }
    Dialect::of(document).ok_or_else(|| SchemaError {
        message: bounded(format!("unknown dialect {}", document["$schema"])),
        pointer: Some("/$schema".to_owned()),
    })
}

/// The validator's own message for these names no place; ours does.
fn check_references(document: &Value) -> Result<(), SchemaError> {
    let Some((pointer, reference)) = astray(document, Astray::External).into_iter().next() else {
        return Ok(());
    };
    let message = bounded(format!("the reference {reference:?} leaves the document"));
    Err(SchemaError {
        message,
        pointer: Some(pointer),
    })
}

/// The validator reports violations one by one, down each way that leads to them.
fn check_expansion(document: &Value) -> Result<(), SchemaError> {
    let arena = Document::new(document);
    if arena.len() > MOST_SUBSCHEMAS {
        return Err(SchemaError {
            message: format!("it has more than {MOST_SUBSCHEMAS} subschemas"),
            pointer: None,
        });
    }
    if let Some(node) = patterns::too_long(&arena) {
        return Err(SchemaError {
            message: format!(
                "its patterns are longer than can be worked with ({} bytes, and {} together)",
                patterns::LONGEST,
                patterns::TOGETHER
            ),
            pointer: Some(arena.pointer(node).to_owned()),
        });
    }
    let Some(node) = expansion::too_large(&arena) else {
        return Ok(());
    };
    let message = "its references and branches unfold to more than can be validated".to_owned();
    Err(SchemaError {
        message,
        pointer: Some(arena.pointer(node).to_owned()),
    })
}

fn astray(document: &Value, kind: Astray) -> Vec<(String, String)> {
    let arena = Document::new(document);
    let mut found = Vec::new();
    for node in arena.nodes() {
        for (keyword, reference) in arena.references(node) {
            if arena.follow(node, keyword, reference) == Err(kind.clone()) {
                let pointer = format!("{}/{keyword}", arena.pointer(node));
                found.push((pointer, reference.to_owned()));
            }
        }
    }
    found
}

fn violations(validator: &Validator, instance: &Value) -> Vec<Violation> {
    validator
        .iter_errors(instance)
        .take(MOST_VIOLATIONS)
        .map(|error| violation(&error))
        .collect()
}

fn violation(error: &ValidationError<'_>) -> Violation {
    let schema_path = error.schema_path().as_str().to_owned();
    Violation {
        keyword: keyword(error.kind(), &schema_path),
        instance_path: error.instance_path().as_str().to_owned(),
        message: bounded(error.to_string()),
        schema_path,
    }
}

/// The validator reports `dependentRequired` as `required`, and a `false` schema under no
/// keyword at all; the schema's own path knows better.
fn keyword(kind: &ValidationErrorKind, schema_path: &str) -> String {
    let written = || {
        let named = ["dependentRequired", "dependentSchemas", "dependencies"];
        let mut segments = schema_path.rsplit('/');
        let last = segments.next().unwrap_or_default();
        let before = segments.next().unwrap_or_default();
        let holder = [
            "properties",
            "patternProperties",
            "prefixItems",
            "items",
            "allOf",
        ];
        let found = if named.contains(&before) || holder.contains(&before) {
            before
        } else {
            last
        };
        found.to_owned()
    };
    match kind {
        ValidationErrorKind::BacktrackLimitExceeded { .. }
        | ValidationErrorKind::RegexEngineFailure { .. } => UNDECIDED.to_owned(),
        ValidationErrorKind::FalseSchema => match written() {
            none if none.is_empty() => "false".to_owned(),
            written => written,
        },
        ValidationErrorKind::Required { .. } => match written() {
            required if required.starts_with("depend") => required,
            _ => "required".to_owned(),
        },
        other => other.keyword().to_owned(),
    }
}

fn schema_error(error: ValidationError<'static>) -> SchemaError {
    SchemaError {
        message: bounded(error.to_string()),
        pointer: Some(error.instance_path().as_str().to_owned()),
    }
}

fn refused(keyword: &str, error: SchemaError) -> Violation {
    Violation {
        keyword: keyword.to_owned(),
        instance_path: error.pointer.unwrap_or_default(),
        schema_path: String::new(),
        message: error.message,
    }
}

fn bounded(message: String) -> String {
    let mut message = message.replace(['\n', '\r'], " ");
    if message.len() > LONGEST_MESSAGE {
        let cut = message.floor_char_boundary(LONGEST_MESSAGE);
        message.truncate(cut);
        message.push('…');
    }
    message
}

fn at(pointer: Option<&str>) -> String {
    pointer
        .map(|pointer| format!(" at {pointer:?}"))
        .unwrap_or_default()
}
