//! The case generator, on schemas that nobody would write.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use acp_conformance::{
    cases::{Case, Class, Generator, shrink},
    schema::{Schema, format_violations},
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

/// Schemas of a few levels, with every keyword somewhere among them.
fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!({})),
        numbers(),
        strings(),
        select(vec![
            json!({"type": "boolean"}),
            json!({"type": "null"}),
            json!({"enum": ["a", 1, null, [1], {"a": 1}]}),
            json!({"const": {"a": [1.5]}}),
            json!({"$ref": "#/$defs/word"}),
            json!({"$ref": "#"}),
            json!({"type": ["string", "integer"], "minLength": 2, "maximum": 5}),
        ]),
    ];
    let schema = leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            3 => objects(inner.clone()),
            2 => arrays(inner.clone()),
            1 => (select(vec!["allOf", "anyOf", "oneOf"]), vec(inner.clone(), 1..4))
                .prop_map(|(keyword, branches)| json!({ keyword: branches })),
            1 => inner.clone().prop_map(|schema| json!({ "not": schema })),
            1 => [inner.clone(), inner.clone(), inner]
                .prop_map(|[a, b, c]| json!({"if": a, "then": b, "else": c})),
        ]
    });
    schema.prop_map(|mut schema| {
        if let Some(members) = schema.as_object_mut() {
            members.insert(
                "$defs".to_owned(),
                json!({"word": {"type": "string", "maxLength": 4}}),
            );
        } else {
            schema = json!({"$defs": {"word": true}});
        }
        schema
    })
}

fn numbers() -> impl Strategy<Value = Value> {
    let kind = select(vec!["integer", "number"]);
    let ordinary = (-20_i64..20).prop_map(Value::from);
    let ends = select(vec![1e300, -1e300, 1e-300, 1.8e19, -9.3e18]);
    let bound = prop_oneof![9 => ordinary, 1 => ends.prop_map(Value::from)];
    (
        kind,
        option::of(bound.clone()),
        option::of(bound),
        option::of(select(vec![1.0, 2.0, 0.5, 0.01, 1e-9, 1e30])),
        any::<bool>(),
    )
        .prop_map(|(kind, low, high, step, open)| {
            let mut schema = json!({ "type": kind });
            let (least, most) = match open {
                true => ("exclusiveMinimum", "exclusiveMaximum"),
                false => ("minimum", "maximum"),
            };
            set(&mut schema, least, low);
            set(&mut schema, most, high);
            set(&mut schema, "multipleOf", step.map(Value::from));
            schema
        })
}

fn strings() -> impl Strategy<Value = Value> {
    let patterns = vec!["^[a-z]+$", "\\d{2}", "^(ab|c)*$", "^\\S+@\\w+$", "^\\p{Lu}"];
    let formats = vec!["date", "uuid", "email", "unheard-of"];
    let length = || option::of(0_u64..6);
    (
        length(),
        length(),
        option::of(select(patterns)),
        option::weighted(0.2, select(formats)),
    )
        .prop_map(|(least, most, pattern, format)| {
            let mut schema = json!({"type": "string"});
            set(&mut schema, "minLength", least.map(Value::from));
            set(&mut schema, "maxLength", most.map(Value::from));
            set(&mut schema, "pattern", pattern.map(Value::from));
            set(&mut schema, "format", format.map(Value::from));
            schema
        })
}

fn objects(inner: impl Strategy<Value = Value> + Clone + 'static) -> impl Strategy<Value = Value> {
    let name = || select(vec!["a", "b", "c", "x-1", ""]);
    let members = vec((name(), inner.clone()), 0..4);
    let additional = option::of(prop_oneof![Just(json!(false)), inner.clone()]);
    let patterned = option::of(inner);
    let sizes = (option::of(0_u64..3), option::of(0_u64..5));
    let kind = option::of(Just(json!("object")));
    (
        kind,
        members,
        vec(name(), 0..3),
        additional,
        patterned,
        sizes,
        option::of((name(), name())),
    )
        .prop_map(
            |(kind, members, mut required, additional, patterned, (least, most), dependent)| {
                let members: Map<String, Value> = members
                    .into_iter()
                    .map(|(name, schema)| (name.to_owned(), schema))
                    .collect();
                required.sort_unstable();
                required.dedup();
                let mut schema = json!({"properties": members, "required": required});
                set(&mut schema, "type", kind);
                set(&mut schema, "additionalProperties", additional);
                set(
                    &mut schema,
                    "patternProperties",
                    patterned.map(|schema| json!({"^x-": schema})),
                );
                set(&mut schema, "minProperties", least.map(Value::from));
                set(&mut schema, "maxProperties", most.map(Value::from));
                set(
                    &mut schema,
                    "dependentRequired",
                    dependent.map(|(a, b)| json!({ a: [b] })),
                );
                schema
            },
        )
}

fn arrays(inner: impl Strategy<Value = Value> + Clone + 'static) -> impl Strategy<Value = Value> {
    let items = option::of(prop_oneof![Just(json!(false)), inner.clone()]);
    let prefix = option::of(vec(inner.clone(), 1..3));
    let contains = option::weighted(0.3, inner);
    let sizes = (
        option::of(0_u64..3),
        option::of(0_u64..5),
        option::of(any::<bool>()),
    );
    (items, prefix, contains, sizes).prop_map(|(items, prefix, contains, (least, most, unique))| {
        let mut schema = json!({"type": "array"});
        set(&mut schema, "items", items);
        set(&mut schema, "prefixItems", prefix.map(Value::from));
        set(&mut schema, "contains", contains);
        set(&mut schema, "minItems", least.map(Value::from));
        set(&mut schema, "maxItems", most.map(Value::from));
        set(&mut schema, "uniqueItems", unique.map(Value::from));
        schema
    })
}

fn set(schema: &mut Value, keyword: &str, value: Option<Value>) {
    if let (Value::Object(members), Some(value)) = (schema, value) {
        members.insert(keyword.to_owned(), value);
    }
}

fn all(schema: &Schema, seed: u64) -> Vec<Case> {
    let mut generator = Generator::new(schema, seed);
    let mut cases = generator.valid(25).unwrap_or_default();
    cases.extend(generator.invalid(25).0);
    cases
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_case_is_what_it_claims_to_be(document in schemas(), seed: u64) {
        let Ok(schema) = Schema::compile(&document) else { return Ok(()) };
        for case in all(&schema, seed) {
            let value: Value = serde_json::from_str(&case.text).unwrap();
            let errors = schema.errors(&value);
            match &case.class {
                Class::Valid => {
                    prop_assert!(errors.is_empty(), "{} {:?}", case.text, errors);
                    prop_assert!(format_violations(&schema, &value).is_empty(), "{}", case.text);
                }
                Class::Invalid { keyword, instance_path, schema_path } => {
                    prop_assert!(errors.iter().any(|error| error.keyword == *keyword
                        && error.instance_path == *instance_path
                        && error.schema_path == *schema_path), "{} {:?}", case.text, errors);
                }
            }
        }
    }

    #[test]
    fn one_seed_makes_one_list(document in schemas(), seed: u64) {
        let Ok(schema) = Schema::compile(&document) else { return Ok(()) };
        let again = Schema::compile(&document).unwrap();
        prop_assert!(all(&schema, seed) == all(&again, seed));
    }

    #[test]
    fn shrinking_stays_in_the_class_and_ends(document in schemas(), seed: u64) {
        let Ok(schema) = Schema::compile(&document) else { return Ok(()) };
        for case in all(&schema, seed).into_iter().step_by(17) {
            let mut smallest = case.clone();
            while let Some(next) = shrink(&smallest, &schema).next() {
                prop_assert!(next.class.agrees_with(&case.class));
                prop_assert!(next.text != smallest.text);
                smallest = next;
            }
        }
    }
}
