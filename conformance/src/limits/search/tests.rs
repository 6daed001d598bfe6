//! The finder against limiters of every algorithm, in simulated time.

use std::time::Duration;

use acp_reports::load::{Algorithm, Scope};

use super::simulated::{Kind, Limiter, Telling, at_once};
use super::*;

const KINDS: [(Kind, Algorithm); 4] = [
    (Kind::FixedByRequest, Algorithm::FixedWindow),
    (Kind::FixedByClock, Algorithm::FixedWindow),
    (Kind::Log, Algorithm::SlidingWindow),
    (Kind::Bucket, Algorithm::TokenBucket),
];

fn means() -> Means {
    Means {
        addresses: 2,
        keys: 2,
        most: 3_000,
        row: Duration::from_secs(30),
        patience: Duration::from_secs(600),
    }
}

fn found(limiter: &Limiter) -> (Found, u64) {
    let mut limiter = limiter.clone();
    let found = at_once(find(&mut limiter, &means()));
    (found, limiter.asked)
}

fn check(limiter: &Limiter, algorithm: Algorithm) {
    let (found, asked) = found(limiter);
    let case = format!(
        "{:?} {} in {:?}, phase {:?}, ways {:?}: {:?} {:?} in {:?} {:?} sure {:?} after {asked} {:?}",
        limiter.kind,
        limiter.limit,
        limiter.window,
        limiter.phase,
        limiter.way,
        found.algorithm,
        found.limit,
        found.window,
        found.window_between,
        found.sure,
        found.notes,
    );
    assert_eq!(found.algorithm, algorithm, "{case}");
    assert_eq!(found.limit, Some(limiter.limit), "{case}");
    assert_eq!(found.scope, limiter.scope, "{case}");
    let window = found.window.expect("a window").as_secs_f64();
    let off = (window / limiter.window.as_secs_f64() - 1.0).abs();
    assert!(off < 0.05, "off by {off:.3}: {case}");
    let (from, to) = found.window_between.expect("bounds");
    assert!(from <= limiter.window && limiter.window <= to, "{case}");
    assert!(asked < 4_000, "{case}");
    let truth = judge(&found);
    assert!(truth.defects.is_empty(), "{:?} {case}", truth.defects);
    assert!(
        truth.retry_after.truthful && truth.remaining == Some(true),
        "{case}"
    );
}

/// 4 ways of counting × 4 limits × 4 windows × 3 scopes, each begun at another moment of a window.
#[test]
fn every_algorithm_limit_window_and_scope_is_found() {
    let scopes = [Scope::Address, Scope::Key, Scope::Global];
    let mut number = 0_u32;
    for (kind, algorithm) in KINDS {
        for limit in [2, 5, 10, 60] {
            for window in [2, 10, 60, 300] {
                for scope in scopes {
                    number += 1;
                    let window = Duration::from_secs(window);
                    let mut limiter = Limiter::new(kind, limit, window);
                    limiter.scope = scope;
                    limiter.phase = window.mul_f64(f64::from(number % 17) / 17.0 + 0.013);
                    check(&limiter, algorithm);
                }
            }
        }
    }
    assert!(number > 24);
}

/// What slides by an estimate from two windows by the clock is told from a fixed window and from a
/// bucket; its limit is found, and its window is a guess that says so.
#[test]
fn an_estimate_is_never_called_something_else() {
    let (mut right, mut all) = (0, 0);
    for limit in [5, 10, 60] {
        for window in [2, 10, 60] {
            for part in 0..10 {
                let window = Duration::from_secs(window);
                let mut limiter = Limiter::new(Kind::Estimate, limit, window);
                limiter.phase = window.mul_f64(f64::from(part) / 10.0 + 0.03);
                let (found, _) = found(&limiter);
                let algorithm = found.algorithm;
                let is_known = matches!(algorithm, Algorithm::SlidingWindow | Algorithm::Unknown);
                assert!(is_known, "{limiter:?}: {algorithm:?}");
                assert!(found.sure[1] <= 0.5, "{limiter:?}");
                let is_right = algorithm == Algorithm::SlidingWindow && found.limit == Some(limit);
                (right, all) = (right + u32::from(is_right), all + 1);
            }
        }
    }
    assert!(10 * right >= 9 * all, "{right} of {all}");
}

#[test]
fn a_limit_is_found_from_far_away_too() {
    for (kind, algorithm) in KINDS {
        let mut limiter = Limiter::new(kind, 8, Duration::from_secs(20));
        limiter.way = Duration::from_millis(25);
        check(&limiter, algorithm);
    }
}

#[test]
fn whoever_refuses_nobody_has_no_limit() {
    let (found, _) = found(&Limiter::new(Kind::None, 1, Duration::from_secs(1)));
    assert_eq!(found.algorithm, Algorithm::None);
    assert_eq!((found.limit, found.window), (None, None));
    assert!(found.sure[2] < 1.0 && !found.notes.is_empty());
}

#[test]
fn one_request_at_a_time_does_not_show_an_algorithm() {
    for (kind, _) in KINDS {
        let (found, _) = found(&Limiter::new(kind, 1, Duration::from_secs(5)));
        assert_eq!(found.algorithm, Algorithm::Unknown, "{kind:?}");
        assert_eq!(found.limit, Some(1), "{kind:?}");
    }
}

#[test]
fn without_a_second_address_or_key_the_scope_stays_open() {
    let means = Means {
        addresses: 1,
        keys: 0,
        ..means()
    };
    let mut limiter = Limiter::new(Kind::Log, 5, Duration::from_secs(5));
    let found = at_once(find(&mut limiter, &means));
    assert_eq!(found.scope, Scope::Unknown);
    assert!(
        found
            .notes
            .iter()
            .any(|note| note.contains("second address"))
    );
}

#[test]
fn who_waits_anew_after_each_refusal_is_found_out() {
    let mut limiter = Limiter::new(Kind::FixedByRequest, 5, Duration::from_secs(10));
    limiter.renews = true;
    let (found, _) = found(&limiter);
    assert!(found.renews);
    let names = names(&found);
    assert!(
        names.contains(&"refusals-renew-the-wait".to_owned()),
        "{names:?}"
    );
}

fn names(found: &Found) -> Vec<String> {
    let defects = judge(found).defects;
    defects.into_iter().map(|defect| defect.name).collect()
}

#[test]
fn each_lie_about_the_wait_has_its_name() {
    for (kind, _) in KINDS {
        for (telling, wanted) in [
            (Telling::Nothing, "retry-after-missing"),
            (Telling::Milliseconds, "retry-after-in-milliseconds"),
            (Telling::WholeWindow, "retry-after-whole-window"),
            (Telling::OptimisticThenNegative, "retry-after-negative"),
            (Telling::OptimisticThenNegative, "retry-after-optimistic"),
        ] {
            // A bucket never leaves a whole window to wait for.
            if kind == Kind::Bucket && wanted == "retry-after-optimistic" {
                continue;
            }
            let mut limiter = Limiter::new(kind, 4, Duration::from_secs(30));
            limiter.telling = telling;
            let (found, _) = found(&limiter);
            let names = names(&found);
            assert!(
                names.contains(&wanted.to_owned()),
                "{kind:?} {telling:?}: {names:?}"
            );
            assert!(!judge(&found).retry_after.truthful);
        }
    }
}

#[test]
fn a_limit_that_holds_for_each_worker_is_named() {
    let mut limiter = Limiter::new(Kind::FixedByRequest, 40, Duration::from_secs(5));
    limiter.told_limit = 10;
    let (found, _) = found(&limiter);
    assert_eq!(judge(&found).over_admitted, 30);
    assert!(names(&found).contains(&"limit-times-workers".to_owned()));
}

/// An agent that answers nothing, and one that refuses everything.
#[test]
fn a_search_ends_whatever_comes() {
    struct Stubborn(Outcome, Duration);
    impl Probe for Stubborn {
        fn ask(
            &mut self,
            client: Client,
            at: Duration,
        ) -> impl Future<Output = Option<Seen>> + Send {
            let sent = self.1.max(at);
            self.1 = sent + Duration::from_millis(1);
            std::future::ready(Some(Seen {
                client,
                sent,
                received: self.1,
                outcome: self.0,
                status: 0,
                told: Told::default(),
                row: 0,
            }))
        }
    }
    for outcome in [Outcome::Other, Outcome::Refused, Outcome::Admitted] {
        let mut probe = Stubborn(outcome, Duration::ZERO);
        let found = at_once(find(&mut probe, &means()));
        assert!(found.log.len() < 10_000, "{outcome:?}: {}", found.log.len());
        assert!(judge(&found).over_admitted == 0);
    }
}

#[test]
fn a_limit_that_is_told_and_not_applied_is_named() {
    let mut limiter = Limiter::new(Kind::None, 5, Duration::from_secs(2));
    limiter.tells_always = true;
    let (found, _) = found(&limiter);
    let truth = judge(&found);
    assert_eq!(names(&found), ["limit-not-applied"]);
    assert!(truth.over_admitted > 1_000, "{}", truth.over_admitted);
    assert_eq!(truth.remaining, Some(false));
    // Nobody was asked for so many that this could be told.
    limiter.told_limit = 1_000_000;
    let (found, _) = self::found(&limiter);
    assert_eq!(judge(&found).over_admitted, 0);
    assert!(names(&found).is_empty());
}

#[test]
fn a_window_of_another_length_than_is_told_is_named() {
    for (kind, _) in KINDS {
        for (window, told, name) in [
            (1, 2, "window-shorter-than-told"),
            (30, 60, "window-shorter-than-told"),
            (60, 30, "window-longer-than-told"),
        ] {
            let mut limiter = Limiter::new(kind, 5, Duration::from_secs(window));
            limiter.told_window = Duration::from_secs(told);
            // As when something was asked before, to learn what can be.
            let _ = at_once(limiter.ask(Client::default(), Duration::ZERO));
            let (found, _) = found(&limiter);
            let case = format!("{kind:?} {window} {:?}", found.window_between);
            assert_eq!(names(&found), [name], "{case}");
            let over = judge(&found).over_admitted;
            assert_eq!(over > 0, window < told, "{case}: {over}");
        }
    }
}

/// What is no whole number of seconds cannot be told as it is.
#[test]
fn a_window_that_is_rounded_is_no_lie() {
    for (kind, _) in KINDS {
        for (millis, told) in [(1_300, 1), (1_300, 2), (2_400, 2), (2_400, 3), (500, 1)] {
            let mut limiter = Limiter::new(kind, 5, Duration::from_millis(millis));
            limiter.told_window = Duration::from_secs(told);
            let (found, _) = found(&limiter);
            assert_eq!(names(&found), [""; 0], "{kind:?} {millis}");
        }
    }
}

#[test]
fn a_reset_that_never_comes_nearer_is_named() {
    for kind in [Kind::FixedByRequest, Kind::FixedByClock] {
        for window in [2, 10, 60] {
            let window = Duration::from_secs(window);
            let mut limiter = Limiter::new(kind, 5, window);
            limiter.reset = Some(window);
            let (found, _) = found(&limiter);
            assert_eq!(judge(&found).reset, Some(false), "{kind:?} {window:?}");
            assert_eq!(names(&found), ["reset-too-late"], "{kind:?} {window:?}");
        }
    }
}

#[test]
fn a_reset_that_comes_later_than_is_told_is_named() {
    for (kind, _) in KINDS {
        let mut limiter = Limiter::new(kind, 5, Duration::from_secs(60));
        limiter.reset = Some(Duration::ZERO);
        let (found, _) = found(&limiter);
        assert_eq!(names(&found), ["reset-too-early"], "{kind:?}");
    }
}

/// Nothing is made up of windows that the penalty hides, and the search is over soon.
#[test]
fn whoever_is_kept_out_for_longer_than_a_window_is_told_so() {
    let kinds = [Kind::FixedByRequest, Kind::FixedByClock, Kind::Log];
    for (number, kind) in (0..).zip(kinds.repeat(2)) {
        for limit in [3, 5, 20] {
            for window in [2, 10, 60] {
                let window = Duration::from_secs(window);
                let mut limiter = Limiter::new(kind, limit, window);
                limiter.shuts = Some((window * 3, number < kinds.len()));
                let (found, asked) = found(&limiter);
                let names = names(&found);
                let case = format!("{limiter:?}: {names:?} {:?} {asked}", found.notes);
                assert_eq!(found.limit, Some(limit), "{case}");
                assert_eq!(found.algorithm, Algorithm::Unknown, "{case}");
                assert_eq!(found.window, None, "{case}");
                assert!(
                    names.iter().any(|it| it == "shut-beyond-the-window"),
                    "{case}"
                );
                assert!(!names.iter().any(|it| it.contains("admission")), "{case}");
                let took = found.log.last().map(|seen| seen.received);
                // Who is one client takes a last look, after the longest time to be kept out.
                assert!(took < Some(window * 26), "{took:?}: {case}");
            }
        }
    }
}

#[test]
fn who_comes_back_when_told_to_is_not_lied_to_by_a_wait_that_begins_anew() {
    for window in [2, 10] {
        let window = Duration::from_secs(window);
        let mut limiter = Limiter::new(Kind::FixedByRequest, 5, window);
        limiter.renews = true;
        let (found, _) = found(&limiter);
        let truth = judge(&found);
        assert_eq!(names(&found), ["refusals-renew-the-wait"]);
        assert!(truth.retry_after.truthful && truth.retry_after.checked > 0);
        assert_eq!((found.limit, found.window), (Some(5), None));
        let took = found
            .log
            .last()
            .map_or(Duration::ZERO, |seen| seen.received);
        assert!(took < window * 8, "{took:?}");
    }
}

/// As a search right after another one finds its clients.
fn spent_by(limiter: &mut Limiter, client: Client) {
    while at_once(limiter.ask(client, Duration::ZERO))
        .is_some_and(|it| it.outcome == Outcome::Admitted)
    {}
}

/// Whether the limit is told or not: what is told helps to wait, but is not needed.
#[test]
fn who_has_spent_an_allowance_before_does_not_share_the_first_client_s() {
    let others = [
        (Scope::Address, Client { address: 1, key: 0 }),
        (Scope::Key, Client { address: 0, key: 1 }),
    ];
    for (kind, _) in KINDS {
        for (scope, other) in others {
            for telling in [Telling::Truth, Telling::Nothing] {
                let mut limiter = Limiter::new(kind, 5, Duration::from_secs(10));
                (limiter.scope, limiter.telling) = (scope, telling);
                spent_by(&mut limiter, other);
                let (found, _) = found(&limiter);
                assert_eq!(found.scope, scope, "{limiter:?}: {:?}", found.notes);
                assert!(found.sure[3] > 0.9);
            }
        }
    }
}

#[test]
fn of_a_limit_of_one_a_second_refusal_shows_no_scope() {
    let mut limiter = Limiter::new(Kind::FixedByRequest, 1, Duration::from_secs(10));
    spent_by(&mut limiter, Client { address: 1, key: 0 });
    let (found, _) = found(&limiter);
    assert_ne!(found.scope, Scope::Global, "{:?}", found.notes);
}

#[test]
fn a_search_right_after_another_finds_the_same() {
    for (kind, algorithm) in KINDS {
        let mut limiter = Limiter::new(kind, 5, Duration::from_secs(10));
        spent_by(&mut limiter, Client { address: 1, key: 0 });
        spent_by(&mut limiter, Client::default());
        let _ = at_once(limiter.ask(Client::default(), Duration::from_secs(6)));
        check(&limiter, algorithm);
        let (found, _) = found(&limiter);
        let begins = (algorithm == Algorithm::FixedWindow).then_some(kind == Kind::FixedByRequest);
        assert_eq!(found.begins_with_a_request, begins, "{kind:?}");
    }
}

/// Where nothing is told, the first row shows only the rest of a window; what it began with is then looked for.
#[test]
fn a_window_that_was_begun_before_shows_where_the_next_begins() {
    for kind in [Kind::FixedByRequest, Kind::FixedByClock] {
        let mut limiter = Limiter::new(kind, 6, Duration::from_secs(10));
        limiter.telling = Telling::Nothing;
        for _ in 0..3 {
            let _ = at_once(limiter.ask(Client::default(), Duration::ZERO));
        }
        let _ = at_once(limiter.ask(Client { address: 1, key: 0 }, Duration::from_secs(4)));
        let (found, _) = found(&limiter);
        let is_by_request = kind == Kind::FixedByRequest;
        assert_eq!(found.begins_with_a_request, Some(is_by_request), "{kind:?}");
        assert_eq!(found.limit, Some(6), "{kind:?}");
    }
}

/// Asks another probe, until it is ended.
struct Ended(Limiter, u64);

impl Probe for Ended {
    async fn ask(&mut self, client: Client, at: Duration) -> Option<Seen> {
        self.1 = self.1.checked_sub(1)?;
        self.0.ask(client, at).await
    }
}

#[test]
fn a_search_that_is_ended_claims_nothing_that_it_has_not_seen() {
    for (kind, _) in KINDS {
        let limiter = Limiter::new(kind, 5, Duration::from_secs(10));
        let (whole, asked) = found(&limiter);
        for number in 0..asked {
            let mut probe = Ended(limiter.clone(), number);
            let found = at_once(find(&mut probe, &means()));
            let case = format!("{kind:?} ended after {number}: {:?}", found.notes);
            assert_eq!(found.log.len() as u64, number, "{case}");
            assert!(
                found.log.iter().all(|seen| seen.received > seen.sent),
                "{case}"
            );
            assert!(
                found.limit.is_none() || found.limit == whole.limit,
                "{case}"
            );
            assert!(
                found.scope == Scope::Unknown || found.scope == whole.scope,
                "{case}"
            );
            let is_open = found.algorithm == Algorithm::Unknown;
            assert!(is_open || found.algorithm == whole.algorithm, "{case}");
            assert!(
                found.notes.iter().any(|note| note.contains("ended before")),
                "{case}"
            );
            assert!(
                !found
                    .notes
                    .iter()
                    .any(|note| note.contains("did not return")),
                "{case}"
            );
            assert!(judge(&found).defects.is_empty(), "{case}");
        }
    }
}
