//! Which rules a run judges: patterns over ids, areas and features.

use crate::rule::Rule;
use crate::rules;

/// What `--only` and `--skip` ask for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    only: Vec<String>,
    skip: Vec<String>,
}

/// A pattern that matches no rule.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{pattern}` matches no rule, area or feature{hint}")]
pub struct NoSuchRule {
    pattern: String,
    hint: String,
}

impl Selection {
    /// Only rules that match one of `only` (all, if it is empty), and none that matches one of
    /// `skip`. A pattern is an id, an area (`sse`) or a feature (`streaming`), with `*` and `?`.
    ///
    /// # Errors
    /// If a pattern matches nothing.
    pub fn new(only: Vec<String>, skip: Vec<String>) -> Result<Self, NoSuchRule> {
        for pattern in only.iter().chain(&skip) {
            if !rules::catalogue().any(|rule| matches(pattern, rule)) {
                let hint = rules::nearest(pattern)
                    .map_or_else(String::new, |id| format!("; did you mean `{id}`?"));
                return Err(NoSuchRule {
                    pattern: pattern.clone(),
                    hint,
                });
            }
        }
        Ok(Self { only, skip })
    }

    /// Whether a rule is to be judged.
    #[must_use]
    pub fn includes(&self, rule: &Rule) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, rule));
        (self.only.is_empty() || any(&self.only)) && !any(&self.skip)
    }
}

fn matches(pattern: &str, rule: &Rule) -> bool {
    let pattern = wildmatch::WildMatch::new(pattern);
    [rule.id, rule.area(), rule.feature.name()]
        .into_iter()
        .any(|name| pattern.matches(name))
}
