//! From candidates to cases: classified, told apart, ordered, counted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::{
    build::Style,
    case::{Case, Class, Unmade, Unsatisfiable, classify},
    explore::{Aim, Seed, Step, Trail},
    invalid::TABLE,
    maker::Maker,
    rng::Rng,
    spelling::{OTHERS, Spelling, spell},
};
use crate::schema::{
    Schema,
    document::{NodeId, push_segment},
};

/// Streams of chance, so that neither list depends on whether the other was asked for.
const VALID: u64 = 1;
const INVALID: u64 = 2;
/// After the telling candidates: rounds of the same with everything else left to chance.
const ROUNDS: usize = 8;
/// Keywords that answer for what stands under them, at the place where they stand.
const WRAPPERS: [&str; 7] = [
    "anyOf",
    "oneOf",
    "not",
    "contains",
    "propertyNames",
    "if",
    "dependentSchemas",
];

/// Makes cases for one schema from one seed. Each call starts anew: the same call gives the
/// same cases in the same order, and a longer list begins as a shorter one does.
pub struct Generator<'s> {
    schema: &'s Schema,
    seed: u64,
}

impl<'s> Generator<'s> {
    /// A generator for `schema`.
    pub fn new(schema: &'s Schema, seed: u64) -> Self {
        Self { schema, seed }
    }

    /// Up to `n` valid cases, the telling ones first; fewer where the schema admits fewer, or
    /// where no more were found.
    pub fn valid(&mut self, n: usize) -> Result<Vec<Case>, Unsatisfiable> {
        let mut maker = Maker::new(self.schema, Rng::new(self.seed, VALID));
        let mut cases = Collected::new(self.schema, n);
        let seeds = maker.explore(&[NodeId::ROOT], &mut Trail::new(Style::Full));
        let telling: Vec<Seed> = seeds
            .into_iter()
            .filter(|seed| seed.aim.is_none())
            .collect();
        for (index, seed) in telling.iter().enumerate() {
            cases.add(seed, None, &mut maker.rng, &agreeable);
            // The other spellings come in between, so that a short list has some of them.
            if index >= 2 && (index - 2) % 3 == 0 {
                let at = (index - 2) / 3;
                let spelling = OTHERS.get(at);
                let seed = &telling[if at < 4 { 0 } else { at % telling.len() }];
                spelling
                    .map(|spelling| cases.add(seed, Some(spelling), &mut maker.rng, &agreeable));
            }
        }
        for spelling in telling.first().map_or(&OTHERS[..0], |_| &OTHERS) {
            cases.add(&telling[0], Some(spelling), &mut maker.rng, &agreeable);
        }
        add_random(&mut maker, &mut cases, n);
        if cases.list.is_empty() && n > 0 {
            return Err(self.unsatisfiable(&maker, cases.refused));
        }
        Ok(cases.list)
    }

    /// Up to `n` invalid cases, each keyword once before any comes twice, and the keywords that
    /// nothing could be made to break. Both may be empty: `true` refuses nothing.
    pub fn invalid(&mut self, n: usize) -> (Vec<Case>, Vec<Unmade>) {
        let mut maker = Maker::new(self.schema, Rng::new(self.seed, INVALID));
        let mut cases = Collected::new(self.schema, usize::MAX);
        let mut broken = BTreeSet::new();
        for round in 0..ROUNDS {
            let style = if round == 0 {
                Style::Full
            } else {
                Style::Random
            };
            let seeds = maker.explore(&[NodeId::ROOT], &mut Trail::new(style));
            let mut groups = grouped(&maker, seeds);
            loop {
                let before = cases.list.len();
                for group in &mut groups {
                    take_one(&maker, group, &mut cases, &mut broken);
                }
                if cases.list.len() == before || cases.list.len() >= n {
                    break;
                }
            }
            if cases.list.len() >= n || maker.spent() {
                break;
            }
        }
        let unmade = unmade(&maker, &broken);
        cases.list.truncate(n);
        (cases.list, unmade)
    }

    fn unsatisfiable(&self, maker: &Maker<'_>, refused: Option<String>) -> Unsatisfiable {
        let known = maker.trouble().cloned();
        known.unwrap_or_else(|| Unsatisfiable {
            reason: refused.unwrap_or_else(|| "nothing that was tried is valid".to_owned()),
            schema_path: String::new(),
        })
    }
}

fn add_random(maker: &mut Maker<'_>, cases: &mut Collected<'_>, n: usize) {
    for _ in 0..4 * n + 40 {
        if cases.full() || maker.spent() {
            return;
        }
        let Some(value) = maker.build(&[NodeId::ROOT], Style::Random, 0) else {
            continue;
        };
        let what = "a combination left to chance".to_owned();
        let seed = Seed {
            path: Vec::new(),
            what,
            value,
            aim: None,
        };
        let spelling = if maker.rng.chance(1, 4) {
            maker.rng.pick(&OTHERS)
        } else {
            None
        };
        cases.add(&seed, spelling, &mut maker.rng, &agreeable);
    }
}

fn agreeable(_: &Seed, class: &Class) -> bool {
    *class == Class::Valid
}

/// The cases so far.
struct Collected<'s> {
    schema: &'s Schema,
    most: usize,
    list: Vec<Case>,
    texts: BTreeSet<String>,
    refused: Option<String>,
}

impl<'s> Collected<'s> {
    fn new(schema: &'s Schema, most: usize) -> Self {
        Self {
            schema,
            most,
            list: Vec::new(),
            texts: BTreeSet::new(),
            refused: None,
        }
    }

    fn full(&self) -> bool {
        self.list.len() >= self.most
    }

    /// Takes a seed on if its text is new and its class what `wanted` wants.
    fn add(
        &mut self,
        seed: &Seed,
        spelling: Option<&(&str, Spelling)>,
        rng: &mut Rng,
        wanted: &dyn Fn(&Seed, &Class) -> bool,
    ) -> bool {
        if self.full() {
            return false;
        }
        let text = match spelling {
            Some((_, spelling)) => spell(&seed.value, *spelling, rng),
            None => seed.value.to_string(),
        };
        if self.texts.contains(&text) {
            return false;
        }
        let Some((value, class)) = classify(self.schema, &text) else {
            return false;
        };
        // A number that does not survive being written and read is not the one that was meant.
        let survives = spelling.is_some() || value == seed.value;
        if !survives || !wanted(seed, &class) {
            self.refused
                .get_or_insert_with(|| format!("{} is refused: {class:?}", seed.what));
            return false;
        }
        self.texts.insert(text.clone());
        let mut name = name(seed);
        if let Some((spelled, _)) = spelling {
            name = format!("{name}, {spelled}");
        }
        self.list.push(Case {
            name,
            text,
            value,
            class,
        });
        true
    }
}

/// `tags[0].name: one over maxLength`.
fn name(seed: &Seed) -> String {
    let mut place = String::new();
    for step in seed.path.iter().rev() {
        match step {
            Step::Member(name) if place.is_empty() => place.push_str(name),
            Step::Member(name) => place.extend([".", name]),
            Step::Item(index) => place.push_str(&format!("[{index}]")),
        }
    }
    let place = if place.is_empty() {
        "the whole".to_owned()
    } else {
        place
    };
    format!("{place}: {}", seed.what)
}

/// Seeds with the same aim at the same place (all items of a list being one place).
type Group = VecDeque<Seed>;

fn grouped(maker: &Maker<'_>, seeds: Vec<Seed>) -> Vec<Group> {
    let mut keys: Vec<(Aim, Vec<Step>)> = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    for seed in seeds {
        let Some(aim) = seed.aim.clone() else {
            continue;
        };
        let place = seed.path.iter().map(|step| match step {
            Step::Item(_) => Step::Item(0),
            other => other.clone(),
        });
        let key = (aim, place.collect());
        match keys.iter().position(|known| *known == key) {
            Some(at) => groups[at].push_back(seed),
            None => {
                keys.push(key);
                groups.push(VecDeque::from([seed]));
            }
        }
    }
    // Each keyword once, then each keyword a second time, elsewhere, and so on.
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, Group)> = Vec::new();
    for ((aim, _), group) in keys.iter().zip(groups) {
        let rank = met.entry(aim.keyword).or_default();
        ranked.push((*rank, group));
        *rank += 1;
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    debug_assert!(ranked.len() <= keys.len() && maker.document.len() > 0);
    ranked.into_iter().map(|(_, group)| group).collect()
}

fn take_one(
    maker: &Maker<'_>,
    group: &mut Group,
    cases: &mut Collected<'_>,
    broken: &mut BTreeSet<(String, String)>,
) {
    // Never drawn from: the plain spelling needs no chance.
    let mut rng = Rng::new(0, 0);
    while let Some(seed) = group.pop_front() {
        if !cases.add(&seed, None, &mut rng, &hits) {
            continue;
        }
        if let Some(aim) = &seed.aim {
            let pointer = maker.document.pointer(aim.node).to_owned();
            broken.insert((pointer, aim.keyword.to_owned()));
        }
        if let Some(Class::Invalid {
            keyword,
            schema_path,
            ..
        }) = cases.list.last().map(|case| &case.class)
        {
            let (pointer, _) = schema_path.rsplit_once('/').unwrap_or_default();
            broken.insert((pointer.to_owned(), keyword.clone()));
        }
        return;
    }
}

/// Whether a seed breaks what it means to break: its keyword at its place, or at a place above
/// it a keyword that answers for others.
fn hits(seed: &Seed, class: &Class) -> bool {
    let (
        Some(aim),
        Class::Invalid {
            keyword,
            instance_path,
            ..
        },
    ) = (&seed.aim, class)
    else {
        return false;
    };
    let mut place = String::new();
    for step in seed.path.iter().rev() {
        match step {
            Step::Member(name) => push_segment(&mut place, name),
            Step::Item(index) => push_segment(&mut place, &index.to_string()),
        }
    }
    let above = |upper: &str, lower: &str| {
        lower == upper
            || lower
                .strip_prefix(upper)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    if same_family(aim.keyword, keyword) {
        let members_own = [
            "properties",
            "patternProperties",
            "items",
            "additionalItems",
            "propertyNames",
            "unevaluatedItems",
        ];
        return *instance_path == place
            || (members_own.contains(&aim.keyword) && above(&place, instance_path));
    }
    WRAPPERS.contains(&keyword.as_str()) && above(instance_path, &place)
}

/// What the validator calls by another name.
fn same_family(aim: &str, reported: &str) -> bool {
    aim == reported
        || matches!(
            (aim, reported),
            ("minContains" | "maxContains", "contains")
                | ("minimum", "exclusiveMinimum")
                | ("exclusiveMinimum", "minimum")
                | ("maximum", "exclusiveMaximum")
                | ("exclusiveMaximum", "maximum")
                | ("items", "additionalItems" | "maxItems")
                | ("additionalItems", "items")
                | ("dependencies", "required")
        )
}

/// Every keyword that could refuse something, reachable from the root, less what was broken.
fn unmade(maker: &Maker<'_>, broken: &BTreeSet<(String, String)>) -> Vec<Unmade> {
    let mut found = Vec::new();
    let mut any = false;
    for node in maker.reachable() {
        for (keyword, _) in TABLE {
            let Some(limit) = maker.keyword(node, keyword) else {
                continue;
            };
            if refuses_nothing(keyword, limit) {
                continue;
            }
            any = true;
            let pointer = maker.document.pointer(node);
            if !broken.contains(&(pointer.to_owned(), (*keyword).to_owned())) {
                found.push(Unmade {
                    keyword: (*keyword).to_owned(),
                    schema_path: pointer.to_owned(),
                    reason: "no instance was found that breaks this keyword and no other"
                        .to_owned(),
                });
            }
        }
    }
    if !any {
        let (keyword, schema_path) = (String::new(), String::new());
        let reason = "the schema has no keyword that refuses anything".to_owned();
        found.push(Unmade {
            keyword,
            schema_path,
            reason,
        });
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
        let mut next = 0;
        while let Some(&node) = found.get(next) {
            next += 1;
            for child in self.asserting_children(node) {
                if !found.contains(&child) {
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
