//! The limits with a time that is told, so that nothing here waits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderValue};
use governor::{
    Quota as Governed, RateLimiter,
    clock::{Clock as _, FakeRelativeClock},
};
use proptest::prelude::*;

use super::*;

const ALGORITHMS: [Algorithm; 3] = [
    Algorithm::FixedWindow,
    Algorithm::SlidingWindow,
    Algorithm::TokenBucket,
];
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn quota(requests: u32, window: Duration) -> Quota {
    Quota { requests, window }
}

fn limiter(algorithm: Algorithm, requests: u32) -> Limiter {
    Limiter::of(&Settings {
        rate_limit: Some(Quota::a_minute(100)),
        rate_limit_invoke: Some(Quota::a_minute(requests)),
        rate_limit_algorithm: algorithm,
        ..Settings::default()
    })
}

fn invoke(limiter: &Limiter, seconds: f64) -> Ruling {
    let now = Duration::from_secs_f64(seconds);
    let ruling = limiter.take_at(now, Allowance::Invoke, HOME, None);
    ruling.expect("there is a limit")
}

fn told(ruling: &Ruling) -> Vec<(String, String)> {
    let mut headers = HeaderMap::new();
    ruling.tell(&mut headers);
    let text = |value: &HeaderValue| value.to_str().expect("text").to_owned();
    let mut told: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect();
    told.sort();
    told
}

#[test]
fn each_answer_tells_what_is_left_and_a_refusal_when_to_come_back() {
    let limiter = limiter(Algorithm::FixedWindow, 2);
    let pairs = |pairs: &[(&str, &str)]| -> Vec<_> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    };
    let first = invoke(&limiter, 0.0);
    assert_eq!(
        told(&first),
        pairs(&[
            ("ratelimit", "\"invoke\";r=1;t=60"),
            ("ratelimit-policy", "\"invoke\";q=2;w=60"),
            ("x-ratelimit-limit", "2"),
            ("x-ratelimit-remaining", "1"),
            ("x-ratelimit-reset", "60"),
        ])
    );
    assert!(first.admits && invoke(&limiter, 1.0).admits);
    let refused = invoke(&limiter, 12.5);
    assert!(!refused.admits);
    assert_eq!(
        told(&refused),
        pairs(&[
            ("ratelimit", "\"invoke\";r=0;t=48"),
            ("ratelimit-policy", "\"invoke\";q=2;w=60"),
            ("retry-after", "48"),
            ("x-ratelimit-limit", "2"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "48"),
        ])
    );
    assert_eq!(limiter.refused(Allowance::Invoke), 1);
    assert_eq!(limiter.refused(Allowance::Ordinary), 0);
}

#[test]
fn a_window_that_is_no_whole_seconds_is_not_told_in_them() {
    let settings = Settings {
        rate_limit_invoke: Some(quota(3, Duration::from_millis(1500))),
        ..Settings::default()
    };
    let ruling = invoke(&Limiter::of(&settings), 0.0);
    let policy = ("ratelimit-policy".to_owned(), "\"invoke\";q=3".to_owned());
    assert!(told(&ruling).contains(&policy));
}

#[test]
fn the_two_allowances_are_apart_and_some_paths_have_none() {
    let limiter = limiter(Algorithm::FixedWindow, 1);
    assert!(invoke(&limiter, 0.0).admits && !invoke(&limiter, 0.0).admits);
    let other = limiter.take(Allowance::Ordinary, HOME, None);
    assert!(other.is_some_and(|ruling| ruling.admits && ruling.remaining == 99));
    assert!(limiter.take(Allowance::Exempt, HOME, None).is_none());
    let unlimited = Limiter::of(&Settings::unlimited());
    assert!(unlimited.take(Allowance::Invoke, HOME, None).is_none());
}

#[test]
fn a_client_is_an_address_and_of_version_six_its_network() {
    let limiter = limiter(Algorithm::FixedWindow, 1);
    let admits = |address: &str, identity: Option<&Identity>| {
        let address = address.parse().expect("an address");
        let ruling = limiter.take(Allowance::Invoke, address, identity);
        ruling.expect("there is a limit").admits
    };
    assert!(admits("10.0.0.1", None));
    assert!(!admits("10.0.0.1", Some(&Identity("a".to_owned()))));
    assert!(!admits("::ffff:10.0.0.1", None));
    assert!(admits("::ffff:10.0.0.2", None));
    assert!(admits("2001:db8::1", None));
    assert!(!admits("2001:db8::ffff:1", None));
    assert!(admits("2001:db8:0:1::1", None));
}

#[test]
fn a_client_is_a_key_if_the_settings_say_so_and_it_has_one() {
    let limiter = Limiter::of(&Settings {
        rate_limit_by: ClientBy::Key,
        rate_limit_invoke: Some(Quota::a_minute(1)),
        ..Settings::default()
    });
    let admits = |address: u8, key: Option<&str>| {
        let identity = key.map(|key| Identity(key.to_owned()));
        let peer = IpAddr::V4(Ipv4Addr::new(10, 0, 0, address));
        let ruling = limiter.take(Allowance::Invoke, peer, identity.as_ref());
        ruling.expect("there is a limit").admits
    };
    assert!(admits(1, Some("a")) && !admits(2, Some("a")));
    assert!(admits(1, Some("b")) && admits(1, None) && !admits(1, None));
    assert!(admits(2, None));
}

#[test]
fn many_at_once_are_admitted_to_the_last_and_no_further() {
    for algorithm in ALGORITHMS {
        let limiter = limiter(algorithm, 1000);
        let admitted = std::thread::scope(|scope| {
            let work = || (0..500).filter(|_| invoke(&limiter, 1.0).admits).count();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(work)).collect();
            let counts = threads.into_iter().map(|one| one.join().expect("a count"));
            counts.sum::<usize>()
        });
        assert_eq!(admitted, 1000, "{algorithm:?}");
        assert_eq!(limiter.refused(Allowance::Invoke), 3000);
    }
}

#[test]
fn a_flood_of_addresses_fills_no_more_than_the_settings_allow() {
    let limiter = Limiter::of(&Settings {
        rate_limit_clients: 500,
        ..Settings::default()
    });
    for n in 0..50_000_u128 {
        let peer = IpAddr::V6(Ipv6Addr::from(n << 64));
        let ruling = limiter.take(Allowance::Ordinary, peer, None);
        assert!(ruling.is_some_and(|ruling| ruling.admits));
    }
    assert!(limiter.clients() <= 500, "{}", limiter.clients());
    // Who came last is still known: its second request is its second.
    let last = IpAddr::V6(Ipv6Addr::from(49_999 << 64));
    let ruling = limiter.take(Allowance::Ordinary, last, None);
    assert_eq!(ruling.map(|ruling| ruling.remaining), Some(98));
}

#[test]
fn a_log_of_many_requests_stays_short() {
    let quota = quota(1_000_000, Duration::from_secs(60));
    let mut count = SlidingWindow::default();
    for n in 0..300_000 {
        count.take(quota, Duration::from_micros(n * 400));
    }
    assert!(count.stamps() <= 1026, "{}", count.stamps());
}

/// Requests with the time since the one before, in milliseconds.
fn arrivals() -> impl Strategy<Value = (u32, Duration, Vec<Duration>)> {
    let gap = prop_oneof![Just(0), 0..20_u64, 0..3000_u64];
    let gaps = prop::collection::vec(gap, 1..200);
    (1..12_u32, 1..5000_u64, gaps).prop_map(|(requests, window, gaps)| {
        let times = gaps.into_iter().scan(Duration::ZERO, |now, gap| {
            *now += Duration::from_millis(gap);
            Some(*now)
        });
        (requests, Duration::from_millis(window), times.collect())
    })
}

/// The times of those that are admitted.
fn admitted(algorithm: Algorithm, quota: Quota, times: &[Duration]) -> Vec<Duration> {
    let mut count = Count::new(algorithm, times[0]);
    let admits = |now: &&Duration| count.take(quota, **now).admits;
    times.iter().filter(admits).copied().collect()
}

/// The most of these times that lie within any stretch of this length, its end not included.
fn most_within(times: &[Duration], length: Duration) -> usize {
    let from = |(n, first): (usize, &Duration)| {
        times[n..]
            .iter()
            .take_while(|time| **time < *first + length)
            .count()
    };
    times.iter().enumerate().map(from).max().unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_window_wherever_it_begins_has_more_than_the_limit((requests, window, times) in arrivals()) {
        let admitted = admitted(Algorithm::SlidingWindow, quota(requests, window), &times);
        prop_assert!(most_within(&admitted, window) <= requests as usize);
        // And none is refused without need.
        for refused in times.iter().filter(|time| !admitted.contains(time)) {
            let before = admitted.iter().filter(|one| **one <= *refused && **one + window > *refused);
            prop_assert_eq!(before.count(), requests as usize);
        }
    }

    #[test]
    fn fixed_windows_have_the_limit_each_and_twice_that_over_an_edge((requests, window, times) in arrivals()) {
        let admitted = admitted(Algorithm::FixedWindow, quota(requests, window), &times);
        prop_assert!(most_within(&admitted, window) <= 2 * requests as usize);
        let mut rest = &admitted[..];
        while let Some(first) = rest.first() {
            // A window begins with the first request after the one before, admitted as it is.
            let within = rest.iter().take_while(|time| **time < *first + window).count();
            prop_assert!(within <= requests as usize);
            rest = &rest[within..];
        }
    }

    #[test]
    fn a_bucket_gives_its_fill_and_what_flows_in((requests, window, times) in arrivals()) {
        let admitted = admitted(Algorithm::TokenBucket, quota(requests, window), &times);
        for (n, first) in admitted.iter().enumerate() {
            for (more, last) in admitted[n..].iter().enumerate() {
                let flowed = (*last - *first).as_nanos() * u128::from(requests) / window.as_nanos();
                prop_assert!(more as u128 <= u128::from(requests) + flowed);
            }
        }
    }

    #[test]
    fn a_bucket_agrees_with_governor((requests, window, times) in arrivals()) {
        let clock = FakeRelativeClock::default();
        let began = clock.now();
        let nanos = window.as_nanos().div_ceil(requests.into());
        let token = Duration::from_nanos(nanos.try_into().expect("short"));
        let burst = requests.try_into().expect("not none");
        let governed = Governed::with_period(token).expect("some time").allow_burst(burst);
        let governor = RateLimiter::direct_with_clock(governed, clock.clone());
        let mut count = Bucket::default();
        let mut at = Duration::ZERO;
        for now in times {
            clock.advance(now - at);
            at = now;
            let taken = count.take(quota(requests, window), now);
            match governor.check() {
                Ok(()) => prop_assert!(taken.admits),
                Err(until) => {
                    prop_assert!(!taken.admits);
                    prop_assert_eq!(taken.more_in, until.wait_time_from(clock.now()));
                }
            }
        }
        prop_assert!(clock.now() >= began);
    }

    #[test]
    fn what_is_told_is_true((requests, window, times) in arrivals()) {
        for algorithm in ALGORITHMS {
            let mut count = Count::new(algorithm, Duration::ZERO);
            for now in &times {
                let taken = count.take(quota(requests, window), *now);
                let ask = |more: u32, wait: Duration| {
                    let mut count = count.clone();
                    let left = (0..more).all(|_| count.take(quota(requests, window), *now + wait).admits);
                    left && count.take(quota(requests, window), *now + wait).admits
                };
                // As many are left as it says, no more; and one more as soon as it says, no sooner.
                prop_assert!(taken.remaining == 0 || ask(taken.remaining - 1, Duration::ZERO));
                prop_assert!(!ask(taken.remaining, Duration::ZERO));
                prop_assert!(ask(taken.remaining, taken.more_in));
                prop_assert!(!ask(taken.remaining, taken.more_in - Duration::from_nanos(1)));
            }
        }
    }

    #[test]
    fn retry_after_is_enough_and_a_second_less_is_not((requests, window, times) in arrivals()) {
        for algorithm in ALGORITHMS {
            let settings = Settings {
                rate_limit_invoke: Some(quota(requests, window)),
                rate_limit_algorithm: algorithm,
                ..Settings::default()
            };
            let limit = Limiter::of(&settings).invoke.expect("a limit");
            let mut count = Count::new(algorithm, Duration::ZERO);
            for now in &times {
                let taken = count.take(quota(requests, window), *now);
                let wait = Duration::from_secs(limit.ruling(taken).reset_seconds());
                let at = |time: Duration| count.clone().take(quota(requests, window), time).admits;
                if !taken.admits {
                    prop_assert!(at(*now + wait));
                    prop_assert!(!at(*now + wait - Duration::from_secs(1)));
                }
            }
        }
    }
}
