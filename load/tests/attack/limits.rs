//! Limits over the wire: each algorithm of the reference agent, with several limits, windows and
//! scopes, found from outside.
//!
//! The window that is set must lie where it is said that it certainly does. How near that is, hangs
//! on the machine, too: what does not come out is asked again with less beside it, and what is blurred then must
//! be said to be the generator's doing.

use std::time::Duration;

use acp_reference_agent as reference;
use acp_reports::load::{Algorithm, Report, Scope};
use futures_util::StreamExt;
use reference::settings::{self, Auth, Client, Quota, Secret};

use crate::common::{Agent, job, run};

/// So many are looked for at the same time, round by round: most of it is waiting.
const AT_ONCE: [usize; 3] = [13, 4, 1];
/// What is found may be off by so much.
const NEAR: f64 = 0.05;
const KEYS: [&str; 2] = ["key-of-one", "key-of-two"];

#[derive(Clone, Copy, Debug)]
struct Configuration {
    /// None for an agent without a limit.
    algorithm: Option<settings::Algorithm>,
    quota: Quota,
    by: Client,
}

fn configurations() -> Vec<Configuration> {
    let algorithms = [
        None,
        Some(settings::Algorithm::FixedWindow),
        Some(settings::Algorithm::SlidingWindow),
        Some(settings::Algorithm::TokenBucket),
    ];
    let mut all = Vec::new();
    for algorithm in algorithms {
        for by in [Client::Address, Client::Key] {
            for (requests, millis) in [(4, 1_300), (5, 2_000), (9, 1_300), (12, 2_400)] {
                let window = Duration::from_millis(millis);
                let quota = Quota { requests, window };
                let one = Configuration {
                    algorithm,
                    quota,
                    by,
                };
                all.push(one);
                // Without a limit there is nothing that could differ.
                if algorithm.is_none() {
                    break;
                }
            }
        }
    }
    all
}

impl Configuration {
    async fn find(&self) -> Report {
        let keys = KEYS.map(|key| (key.to_owned(), Secret::of(key)));
        let mut settings = reference::Settings::unlimited();
        settings.rate_limit_invoke = self.algorithm.map(|_| self.quota);
        settings.rate_limit_algorithm = self.algorithm.unwrap_or(settings.rate_limit_algorithm);
        settings.rate_limit_by = self.by;
        if self.by == Client::Key {
            settings.auth = Auth::ApiKey;
            settings.api_keys = keys.into();
        }
        let agent = Agent::with(settings).await;
        let mut job = job(&agent).await;
        if self.by == Client::Key {
            let keys = KEYS.map(str::to_owned).to_vec();
            job.target = agent.target(|wishes| wishes.keys = keys).await;
        }
        job.pressure = Some(Duration::from_secs(1));
        let report = run(&job, "rate-limit").await;
        agent.stop().await;
        report
    }

    /// What was found and is not so.
    fn wrong(&self, report: &Report, is_last: bool) -> Vec<String> {
        let Some(found) = &report.rate_limit else {
            return vec![format!("nothing: {:?}", report.error)];
        };
        let mut wrong = Vec::new();
        let mut look = |is_right: bool, what: &str| {
            if !is_right {
                wrong.push(what.to_owned());
            }
        };
        let algorithm = match self.algorithm {
            None => Algorithm::None,
            Some(settings::Algorithm::FixedWindow) => Algorithm::FixedWindow,
            Some(settings::Algorithm::SlidingWindow) => Algorithm::SlidingWindow,
            Some(settings::Algorithm::TokenBucket) => Algorithm::TokenBucket,
        };
        look(found.algorithm == algorithm, "the algorithm");
        look(report.defects.is_empty(), "defects of a sound agent");
        if self.algorithm.is_none() {
            look(found.limit.is_none(), "a limit where there is none");
            return wrong;
        }
        look(found.limit == Some(self.quota.requests.into()), "the limit");
        let set = self.quota.window.as_secs_f64();
        let [from, to] = found.window_interval_s.unwrap_or_default();
        look(from <= set && set <= to, "where the window lies");
        let is_near = |window: f64| (window / set - 1.0).abs() <= NEAR;
        let is_sharp = to - from <= 2.0 * NEAR * set;
        let is_right = found.window_s.is_some_and(is_near);
        look(
            is_right || (!is_sharp && is_last && !report.generator.trusted),
            "the window",
        );
        let scope = match self.by {
            Client::Address => Scope::Address,
            Client::Key => Scope::Key,
        };
        look(found.scope == scope, "the scope");
        wrong
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_limit_of_the_agent_is_found_from_outside() {
    let all = configurations();
    assert!(all.len() >= 24, "{}", all.len());
    let mut left = all;
    for (round, at_once) in AT_ONCE.into_iter().enumerate() {
        let is_last = round + 1 == AT_ONCE.len();
        let found = left.into_iter().map(async |one| {
            let report = one.find().await;
            let wrong = one.wrong(&report, is_last);
            (!wrong.is_empty()).then(|| {
                let told = format!("{one:?}: {wrong:?}: {:?}", report.rate_limit);
                (one, told)
            })
        });
        let found = futures_util::stream::iter(found).buffer_unordered(at_once);
        let (wrong, told): (Vec<_>, Vec<_>) = found.filter_map(std::future::ready).unzip().await;
        assert!(!is_last || told.is_empty(), "{}", told.join("\n"));
        left = wrong;
    }
}
