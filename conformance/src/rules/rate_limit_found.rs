//! What the search for a limit found, without knowing what is declared; and whether that is the same.

use std::time::Duration;

use super::rate_limit::row;
use crate::drive::rate_limit::key;
use crate::evidence::{Ask, Evidence};
use crate::limits::{Counting, Found, Limit, replayed};
use crate::rule::Look;

/// What is less sure than this is held against nobody.
const SURE: f64 = 0.9;
/// Windows that differ by less than this share, and by less than the slack, are the same.
const SHARE: f64 = 0.05;
const SLACK: Duration = Duration::from_millis(200);

/// What the search found.
pub(super) struct Measured<'e> {
    found: Found,
    /// How requests are counted.
    pub(super) counting: Counting,
    /// The last request of the search.
    pub(super) last: &'e Ask,
}

/// What the search found; nothing if there was none.
pub(super) fn measured(evidence: &Evidence) -> Option<Measured<'_>> {
    let asks = row(evidence, key::SEARCH);
    let found = replayed(&asks)?;
    Some(Measured {
        counting: Counting::of(&found, asks.first()?.exchange.began),
        last: asks.last()?,
        found,
    })
}

impl Measured<'_> {
    /// What takes the place of a limit that nobody declares.
    pub(super) fn limit(&self) -> Option<Limit> {
        Some(Limit {
            requests: u32::try_from(self.requests()?).ok()?,
            window: self.found.window.filter(|_| self.found.sure[1] >= SURE)?,
        })
    }

    fn requests(&self) -> Option<u64> {
        self.found.limit.filter(|_| self.found.sure[0] >= SURE)
    }

    /// Where the window certainly lies.
    fn window(&self) -> Option<(Duration, Duration)> {
        let between = self.found.window_between;
        between.filter(|_| self.found.sure[1] >= SURE)
    }

    /// The difference from what is declared, where it is certain.
    pub(super) fn difference(&self, declared: Limit) -> Option<Look> {
        let is_other_number = self
            .requests()
            .is_some_and(|requests| requests != u64::from(declared.requests));
        let is_other_window = self
            .window()
            .is_some_and(|between| !is_like(declared.window, between));
        (is_other_number || is_other_window).then(|| {
            Look::flaw(
                "the limit that is found by measuring is not the one that is declared",
                format!("{} in {:?}", declared.requests, declared.window),
                self.told(Some(declared)),
            )
        })
    }

    /// In words, with the declared window where it is that.
    pub(super) fn told(&self, declared: Option<Limit>) -> String {
        let by = self.counting.name();
        let Some(requests) = self.found.limit else {
            return format!("a limit that could not be told, by {by}");
        };
        let about = if self.requests().is_some() {
            ""
        } else {
            "about "
        };
        let declared = declared.map(|limit| limit.window);
        let same = declared.filter(|it| self.window().is_some_and(|between| is_like(*it, between)));
        let window = match (same, self.found.window) {
            (Some(same), _) => format!("in {same:?}"),
            (None, Some(window)) if self.window().is_some() => format!("in {window:.1?}"),
            (None, Some(window)) => format!("in roughly {window:.0?}"),
            (None, None) => "in a window that could not be told".to_owned(),
        };
        format!("{about}{requests} {window}, by {by}")
    }
}

fn is_like(window: Duration, (from, to): (Duration, Duration)) -> bool {
    let slack = SLACK.max(window.mul_f64(SHARE));
    from.saturating_sub(slack) <= window && window <= to.saturating_add(slack)
}
