//! What became of a run's requests over time: stretches of equal length, and how full one client's
//! window was at most.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use acp_conformance::limits::{Client, Outcome, Seen};
use acp_reports::load::{Admissions, Scope};

/// About so many stretches are told apart: as many as a drawing has room for.
const STRETCHES: u32 = 120;
/// None is shorter.
const SHORTEST: Duration = Duration::from_millis(250);

/// When a request was asked, by whom, and what became of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) client: Client,
    pub(crate) at: Duration,
    pub(crate) outcome: Outcome,
}

impl From<&Seen> for Moment {
    fn from(seen: &Seen) -> Self {
        Self {
            client: seen.client,
            at: seen.sent,
            outcome: seen.as_due(),
        }
    }
}

/// The course of a run.
pub(crate) fn course(
    moments: &[Moment],
    scope: Scope,
    window: Option<Duration>,
) -> Vec<Admissions> {
    let mut moments = moments.to_vec();
    moments.sort_by_key(|moment| moment.at);
    let Some(last) = moments.last() else {
        return Vec::new();
    };
    let length = (last.at / STRETCHES).max(SHORTEST);
    let number = |at: Duration| (at.as_nanos() / length.as_nanos()) as usize;
    let mut stretches: Vec<Admissions> = (0..=number(last.at))
        .map(|index| Admissions {
            at_s: index as f64 * length.as_secs_f64(),
            length_s: length.as_secs_f64(),
            ..Admissions::default()
        })
        .collect();
    for moment in &moments {
        let stretch = &mut stretches[number(moment.at)];
        match moment.outcome {
            Outcome::Admitted => stretch.admitted += 1,
            Outcome::Refused => stretch.refused += 1,
            Outcome::Other => stretch.other += 1,
        }
    }
    if let Some(window) = window {
        fill_windows(&mut stretches, &moments, scope, window);
    }
    stretches
}

/// Windows that end where a stretch begins, or with a request that was admitted in it: those are
/// the fullest.
fn fill_windows(stretches: &mut [Admissions], moments: &[Moment], scope: Scope, window: Duration) {
    let mut recent: HashMap<Client, VecDeque<Duration>> = HashMap::new();
    let forget = |recent: &mut VecDeque<Duration>, now: Duration| {
        while recent.front().is_some_and(|at| *at + window <= now) {
            recent.pop_front();
        }
    };
    let is_admitted = |moment: &&Moment| moment.outcome == Outcome::Admitted;
    let mut admitted = moments.iter().filter(is_admitted).peekable();
    for stretch in stretches {
        let begin = Duration::from_secs_f64(stretch.at_s);
        let end = begin + Duration::from_secs_f64(stretch.length_s);
        let mut fullest = 0;
        for recent in recent.values_mut() {
            forget(recent, begin);
            fullest = fullest.max(recent.len());
        }
        while let Some(moment) = admitted.next_if(|moment| moment.at < end) {
            let recent = recent.entry(who(moment.client, scope)).or_default();
            recent.push_back(moment.at);
            forget(recent, moment.at);
            fullest = fullest.max(recent.len());
        }
        stretch.in_window = Some(fullest as u64);
    }
}

/// Who one client is, as the limit counts.
fn who(client: Client, scope: Scope) -> Client {
    match scope {
        Scope::Global => Client::default(),
        Scope::Address => Client { key: 0, ..client },
        Scope::Key => Client {
            address: 0,
            ..client
        },
        Scope::Unknown => client,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(address: usize, ms: u64, outcome: Outcome) -> Moment {
        Moment {
            client: Client { address, key: 0 },
            at: Duration::from_millis(ms),
            outcome,
        }
    }

    #[test]
    fn each_request_stands_in_its_stretch() {
        use Outcome::{Admitted, Other, Refused};
        let moments = [
            moment(0, 600, Other),
            moment(0, 0, Admitted),
            moment(0, 10, Refused),
            moment(0, 260, Refused),
        ];
        let course = course(&moments, Scope::Address, None);
        let counts: Vec<_> = course
            .iter()
            .map(|it| (it.admitted, it.refused, it.other))
            .collect();
        assert_eq!(counts, [(1, 1, 0), (0, 1, 0), (0, 0, 1)]);
        assert!(course.iter().all(|it| it.in_window.is_none()));
        assert!(super::course(&[], Scope::Address, None).is_empty());
    }

    #[test]
    fn a_window_holds_what_one_client_was_admitted_in_it() {
        let at = |address, ms| moment(address, ms, Outcome::Admitted);
        let moments = [at(0, 0), at(0, 100), at(1, 100), at(0, 900), at(0, 1_100)];
        let full = |scope| {
            let course = course(&moments, scope, Some(Duration::from_secs(1)));
            let fullest: Vec<_> = course.iter().filter_map(|it| it.in_window).collect();
            fullest
        };
        // At 1 s the one of 0 ms is over, at 1.1 s those of 100 ms.
        assert_eq!(full(Scope::Address), [2, 2, 2, 3, 2]);
        assert_eq!(full(Scope::Global), [3, 3, 3, 4, 3]);
    }

    #[test]
    fn a_long_run_has_as_many_stretches_as_can_be_drawn() {
        let moments = [
            moment(0, 0, Outcome::Admitted),
            moment(0, 3_600_000, Outcome::Admitted),
        ];
        let course = course(&moments, Scope::Unknown, None);
        assert_eq!(course.len(), 121);
    }
}
