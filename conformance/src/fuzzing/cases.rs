//! The case generator, on any schema.

use serde_json::Value;

use super::pick::Pick;
use super::schemas;
use crate::cases::{Case, Class, Generator, shrink};
use crate::schema::{
    Schema, annotations_that_disagree, external_refs, format_violations, metaschema_violations,
};

/// Cases of each kind for one schema.
const CASES: usize = 12;
/// Longer documents only take longer.
const LONGEST: usize = 64 << 10;

/// Each case is what it claims to be, whatever the schema: bytes are a JSON text, or choices
/// of which one is made.
pub fn cases(bytes: &[u8]) {
    if bytes.len() > LONGEST {
        return;
    }
    let document =
        serde_json::from_slice(bytes).unwrap_or_else(|_| schemas::document(&mut Pick::new(bytes)));
    let _ = metaschema_violations(&document);
    let _ = external_refs(&document);
    let _ = annotations_that_disagree(&document);
    let Ok(schema) = Schema::compile(&document) else {
        return;
    };
    let seed = u64::from(bytes.first().copied().unwrap_or_default());
    let mut generator = Generator::new(&schema, seed);
    let valid = generator.valid(CASES).unwrap_or_default();
    let (invalid, _) = generator.invalid(CASES);
    assert!(valid.iter().all(|case| case.class == Class::Valid));
    assert!(invalid.iter().all(|case| case.class != Class::Valid));
    for case in valid.iter().chain(&invalid) {
        holds(case, &schema);
        for smaller in shrink(case, &schema).take(2) {
            assert!(smaller.text.len() <= case.text.len());
            assert!(
                smaller.class.agrees_with(&case.class),
                "{smaller:?} of {case:?}"
            );
            holds(&smaller, &schema);
        }
    }
}

/// The text, read anew, is what the case says of it.
fn holds(case: &Case, schema: &Schema) {
    let value: Value = serde_json::from_str(&case.text).expect("a case is JSON");
    assert_eq!(value, case.value, "{case:?}");
    let errors = schema.errors(&value);
    match &case.class {
        Class::Valid => {
            assert!(schema.is_valid(&value), "{case:?}");
            assert_eq!(errors, [], "{case:?}");
            assert_eq!(format_violations(schema, &value), [], "{case:?}");
        }
        Class::Invalid {
            keyword,
            instance_path,
            schema_path,
        } => {
            assert!(!schema.is_valid(&value), "{case:?}");
            let is_named = errors.iter().any(|error| {
                error.keyword == *keyword
                    && error.instance_path == *instance_path
                    && error.schema_path == *schema_path
            });
            assert!(is_named, "{case:?}: {errors:?}");
        }
    }
}
