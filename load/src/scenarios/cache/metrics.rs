//! What the agent itself counts of its cache, if it says so at `/metrics`.

use std::sync::Arc;

use crate::hot::{Line, Prepared};
use crate::inlet::Reading;
use crate::target::Target;
use crate::traffic::say;

/// Hits and misses, as the agent has counted them so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counters {
    hits: u64,
    misses: u64,
}

impl Counters {
    /// What was counted from then to now.
    pub(super) fn until(self, now: Self) -> (u64, u64) {
        let hits = now.hits.saturating_sub(self.hits);
        (hits, now.misses.saturating_sub(self.misses))
    }
}

/// Asks for them.
pub(super) async fn counters(target: &Arc<Target>) -> Option<Counters> {
    let prepared = Prepared::get(target, "/metrics")?;
    let mut line = Line::new(target.clone(), 0);
    let answer = say(&mut line, &prepared, Reading::Kept).await;
    read(&String::from_utf8_lossy(&answer.body)).filter(|_| answer.is_well())
}

/// Reads them from Prometheus's text: the sums of all series whose names say hits and misses.
fn read(text: &str) -> Option<Counters> {
    let sum = |names: [&str; 2]| {
        let named = |line: &&str| {
            let name = line.split(['{', ' ']).next().unwrap_or_default();
            names.iter().any(|it| name.ends_with(it))
        };
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let values = lines.filter(named).map(|line| {
            let value = line.rsplit(' ').next()?;
            value.parse::<f64>().ok()
        });
        let values: Vec<f64> = values.collect::<Option<_>>()?;
        (!values.is_empty()).then(|| values.iter().sum::<f64>() as u64)
    };
    Some(Counters {
        hits: sum(["cache_hits_total", "cache_hits"])?,
        misses: sum(["cache_misses_total", "cache_misses"])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_series_of_a_name_are_added() {
        let text = "# TYPE a_cache_hits counter\na_cache_hits_total{x=\"1\"} 3\na_cache_hits_total{x=\"2\"} 4\na_cache_misses_total 5\n";
        assert_eq!(read(text), Some(Counters { hits: 7, misses: 5 }));
        assert_eq!(read("up 1\n"), None);
    }
}
