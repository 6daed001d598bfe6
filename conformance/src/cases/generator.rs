//! From candidates to cases: classified, told apart, ordered, counted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    build::Style,
    case::{Case, Class, Unmade, Unsatisfiable, classify, is_within},
    coverage::{Coverage, Keyword, unmade},
    explore::Trail,
    maker::Maker,
    rng::Rng,
    seed::{Aim, Seed, Step},
    spelling::{OTHERS, Spelling, spell},
};
use crate::deadline::Deadline;
use crate::schema::{
    Schema,
    document::{NodeId, push_segment},
};

/// Streams of chance, so that neither list depends on whether the other was asked for.
const VALID: u64 = 1;
const INVALID: u64 = 2;
/// After the telling candidates: rounds of the same with everything else left to chance.
const ROUNDS: usize = 8;
/// After so many candidates that the pattern engine gave up on, no more are classified.
const MOST_UNDECIDED: usize = 20;
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
    deadline: Deadline,
}

impl<'s> Generator<'s> {
    /// A generator for `schema`.
    pub fn new(schema: &'s Schema, seed: u64) -> Self {
        Self {
            schema,
            seed,
            deadline: Deadline::default(),
        }
    }

    /// The same, but no more is made from this moment on: what was made by then is what there is.
    #[must_use]
    pub fn until(self, deadline: &Deadline) -> Self {
        Self {
            deadline: deadline.clone(),
            ..self
        }
    }

    /// Up to `n` valid cases, the telling ones first; fewer where the schema admits fewer, or
    /// where no more were found.
    pub fn valid(&mut self, n: usize) -> Result<Vec<Case>, Unsatisfiable> {
        let mut maker = Maker::new(self.schema, Rng::new(self.seed, VALID), &self.deadline);
        let mut cases = Collected::new(self.schema, n, &self.deadline);
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
    /// nothing could be made to break. Both may be empty: `true` refuses nothing. When the time is
    /// up, nothing is said of keywords.
    pub fn invalid(&mut self, n: usize) -> (Vec<Case>, Vec<Unmade>) {
        let mut maker = Maker::new(self.schema, Rng::new(self.seed, INVALID), &self.deadline);
        let mut cases = Collected::new(self.schema, usize::MAX, &self.deadline);
        let mut coverage = Coverage::default();
        for round in 0..ROUNDS {
            let style = if round == 0 {
                Style::Full
            } else {
                Style::Random
            };
            let seeds = maker.explore(&[NodeId::ROOT], &mut Trail::new(style));
            let mut groups = grouped(seeds);
            loop {
                let before = cases.list.len();
                for group in &mut groups {
                    take_one(&maker, group, &mut cases, &mut coverage);
                }
                if cases.list.len() == before || cases.list.len() >= n {
                    break;
                }
            }
            if cases.list.len() >= n || maker.spent() {
                break;
            }
        }
        let unmade = match self.deadline.is_over() {
            true => Vec::new(),
            false => unmade(&maker, &coverage),
        };
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
    undecided: usize,
    deadline: Deadline,
}

impl<'s> Collected<'s> {
    fn new(schema: &'s Schema, most: usize, deadline: &Deadline) -> Self {
        Self {
            schema,
            most,
            list: Vec::new(),
            texts: BTreeSet::new(),
            refused: None,
            undecided: 0,
            deadline: deadline.clone(),
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
    ) -> Added {
        if self.full() {
            return Added::No("there are enough".to_owned());
        }
        if self.deadline.is_over() {
            return Added::No("it takes longer than there is time".to_owned());
        }
        if self.undecided == MOST_UNDECIDED {
            return Added::No("the schema's patterns take too long".to_owned());
        }
        let text = match spelling {
            Some((_, spelling)) => spell(&seed.value, *spelling, rng),
            None => seed.value.to_string(),
        };
        let added = match classify(self.schema, &text) {
            Err(unclassed) => {
                self.undecided += usize::from(unclassed.is_undecided());
                Added::No(unclassed.to_string())
            }
            Ok((_, class)) if !wanted(seed, &class) => Added::No(instead(&class)),
            // A number that does not survive being written and read is not the one that was meant.
            Ok((value, _)) if spelling.is_none() && value != seed.value => {
                Added::No("a number is not the same once it was written and read".to_owned())
            }
            Ok(_) if self.texts.contains(&text) => Added::Known,
            Ok((value, class)) => {
                self.texts.insert(text.clone());
                self.list.push(Case {
                    name: name(seed, spelling),
                    text,
                    value,
                    class,
                });
                Added::Yes
            }
        };
        if let Added::No(reason) = &added {
            self.refused
                .get_or_insert_with(|| format!("{}: {reason}", name(seed, None)));
        }
        added
    }
}

/// What became of a candidate.
enum Added {
    Yes,
    /// Its text is among the cases already.
    Known,
    No(String),
}

fn instead(class: &Class) -> String {
    match class {
        Class::Valid => "what was tried is valid".to_owned(),
        Class::Invalid {
            keyword,
            instance_path,
            ..
        } => {
            format!("what was tried breaks {keyword} at {instance_path:?} instead")
        }
    }
}

/// `tags[0].name: one over maxLength`.
fn name(seed: &Seed, spelling: Option<&(&str, Spelling)>) -> String {
    let mut place = String::new();
    for step in seed.path.iter().rev() {
        match step {
            Step::Member(name) if place.is_empty() => place.push_str(name),
            Step::Member(name) => place.extend([".", name]),
            Step::Item(index) => place.push_str(&format!("[{index}]")),
        }
    }
    let place = if place.is_empty() {
        "the whole"
    } else {
        &place
    };
    let spelled = spelling
        .map(|(spelled, _)| format!(", {spelled}"))
        .unwrap_or_default();
    format!("{place}: {}{spelled}", seed.what)
}

/// Seeds with the same aim at the same place (all items of a list being one place).
type Group = VecDeque<Seed>;

fn grouped(seeds: Vec<Seed>) -> Vec<Group> {
    let mut known: BTreeMap<(Aim, Vec<Step>), usize> = BTreeMap::new();
    let mut groups: Vec<(&'static str, Group)> = Vec::new();
    for seed in seeds {
        let Some(aim) = seed.aim.clone() else {
            continue;
        };
        let place = seed.path.iter().map(|step| match step {
            Step::Item(_) => Step::Item(0),
            other => other.clone(),
        });
        let keyword = aim.keyword;
        let at = *known.entry((aim, place.collect())).or_insert(groups.len());
        if at == groups.len() {
            groups.push((keyword, Group::new()));
        }
        groups[at].1.push_back(seed);
    }
    // Each keyword once, then each keyword a second time, elsewhere, and so on.
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, Group)> = Vec::new();
    for (keyword, group) in groups {
        let rank = met.entry(keyword).or_default();
        ranked.push((*rank, group));
        *rank += 1;
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, group)| group).collect()
}

fn take_one(
    maker: &Maker<'_>,
    group: &mut Group,
    cases: &mut Collected<'_>,
    coverage: &mut Coverage,
) {
    // Never drawn from: the plain spelling needs no chance.
    let mut rng = Rng::new(0, 0);
    while let Some(seed) = group.pop_front() {
        let Some(aim) = &seed.aim else { continue };
        let keyword = (
            maker.document.pointer(aim.node).to_owned(),
            aim.keyword.to_owned(),
        );
        match cases.add(&seed, None, &mut rng, &hits) {
            Added::Yes => {
                coverage.broken.insert(keyword);
                coverage.broken.extend(cases.list.last().and_then(reported));
                return;
            }
            // Two keywords that one text breaks, as branches of a `oneOf` do.
            Added::Known => drop(coverage.broken.insert(keyword)),
            Added::No(reason) => drop(coverage.missed.entry(keyword).or_insert(reason)),
        }
    }
}

/// The keyword that the validator reported for a case, by its place in the schema.
fn reported(case: &Case) -> Option<Keyword> {
    let Class::Invalid {
        keyword,
        schema_path,
        ..
    } = &case.class
    else {
        return None;
    };
    let (pointer, _) = schema_path.rsplit_once('/')?;
    Some((pointer.to_owned(), keyword.clone()))
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
            || (members_own.contains(&aim.keyword) && is_within(instance_path, &place));
    }
    WRAPPERS.contains(&keyword.as_str()) && is_within(&place, instance_path)
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
