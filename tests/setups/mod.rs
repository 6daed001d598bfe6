//! How agent and checker are started for a fault to show: a table, tried from the top.

use std::time::Duration;

use acp_conformance::described;
use acp_conformance::evidence::Topic;
use acp_conformance::select::Selection;
use acp_conformance::settings::Settings;
use acp_reference_agent as reference;
use reference::settings::{Auth, Quota, Secret};

/// One way of starting both.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    /// What it is for.
    pub(crate) name: &'static str,
    /// The rules that can be judged only here: their faults come to this setup first.
    pub(crate) only_here: &'static [&'static str],
    /// Changes the agent's settings.
    pub(crate) agent: fn(&mut reference::Settings),
    /// Changes the checker's.
    pub(crate) checker: fn(&mut Settings),
}

pub(crate) static SETUPS: &[Setup] = &[
    Setup {
        name: "plain",
        only_here: &[],
        agent: |_| {},
        checker: |_| {},
    },
    Setup {
        name: "keys",
        only_here: &[],
        agent: |settings| {
            settings.auth = Auth::ApiKey;
            settings.api_keys = vec![("me".to_owned(), Secret::of(KEY))];
        },
        checker: |settings| settings.headers = vec![("X-API-Key".to_owned(), KEY.to_owned())],
    },
    Setup {
        name: "tokens",
        only_here: &[],
        agent: |settings| {
            settings.auth = Auth::Bearer;
            settings.jwt_secret = Some(Secret::of("a-secret-for-tests-alone-of-32-bytes"));
            settings.jwt_audience = Some("weather".to_owned());
        },
        checker: |settings| {
            let token = format!("Bearer {TOKEN}");
            settings.headers = vec![("Authorization".to_owned(), token)];
            let refused = [EXPIRED, FOR_OTHERS].map(str::to_owned);
            settings.facts.params.refused_credentials = refused.to_vec();
        },
    },
    Setup {
        name: "short-lived answers",
        only_here: &["cache.ttl"],
        agent: |settings| settings.cache_ttl = Duration::from_secs(2),
        checker: |_| {},
    },
    // The agent's own descriptor and manifest, beside little else: other faults show elsewhere, and
    // would make untrue what these say.
    Setup {
        name: "documents",
        only_here: DOCUMENTED,
        agent: |_| {},
        checker: |settings| {
            settings.topics = vec![
                Topic::Documents,
                Topic::UnknownPath,
                Topic::Discovery,
                Topic::Described,
                Topic::Reread,
            ];
        },
    },
    // Only what is asked within the limit, beside what is asked of the limit itself: the rest would
    // spend its time waiting for the allowance to come back.
    Setup {
        name: "limits",
        only_here: &[],
        agent: |settings| {
            settings.rate_limit_invoke = Some(Quota {
                requests: 24,
                window: Duration::from_secs(3),
            });
        },
        checker: |settings| {
            settings.topics = vec![
                Topic::Documents,
                Topic::UnknownPath,
                Topic::Discovery,
                Topic::InvokeShapes,
                Topic::Reread,
                Topic::RateLimit,
            ];
            let skipped = ["streaming".to_owned()].to_vec();
            settings.selection = Selection::new(Vec::new(), skipped).expect("a feature");
        },
    },
    // So few that the counted invocations themselves are refused for a while, and asked again.
    Setup {
        name: "waited out",
        only_here: &[],
        agent: |settings| {
            settings.rate_limit_invoke = Some(Quota {
                requests: 3,
                window: Duration::from_secs(1),
            });
        },
        checker: |settings| {
            settings.topics = vec![
                Topic::Documents,
                Topic::UnknownPath,
                Topic::Discovery,
                Topic::Metrics,
                Topic::Reread,
            ];
        },
    },
];

/// The rules that are judged by the documents that the agent prints.
const DOCUMENTED: &[&str] = &[
    "descriptor.valid",
    "descriptor.true",
    "manifest.valid",
    "manifest.true",
];

impl Setup {
    /// Hands the agent's own documents to the checker, where that is what the setup is for.
    pub(crate) fn hand_over(&self, agent: &reference::Running, settings: &mut Settings) {
        if self.only_here != DOCUMENTED {
            return;
        }
        settings.facts.descriptor = Some(agent.descriptor());
        let manifest = agent.manifest().expect("a manifest");
        settings.facts.manifest = Some(described::manifest(&manifest).expect("YAML"));
    }
}

/// What stands in a report that tells a secret, or what was made of one.
pub(crate) fn traces_of_secrets() -> Vec<String> {
    let key = KEY.trim_end_matches('9');
    let signature = TOKEN.rsplit('.').next().unwrap_or(TOKEN);
    let texts = [key, &key.to_lowercase(), &key.to_uppercase(), signature];
    texts.into_iter().map(str::to_owned).collect()
}

const KEY: &str = "sk_test_Weather-0123456789";
/// For the audience `weather`, until 2100.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhY3AtdGNrIiwiYXVkIjoid2VhdGhlciIsImV4cCI6NDEwMjQ0NDgwMH0.MzWuckRYaWK9roWSAvtOutXbNAaupa5GP2idWjUR5ko";
/// The same, until 2001.
const EXPIRED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhY3AtdGNrIiwiYXVkIjoid2VhdGhlciIsImV4cCI6MTAwMDAwMDAwMH0.N9gm5pEKu35D1c1gv6Gk6Ylz-rRSSUaHkHpxMuR3K6w";
/// The same, for the audience `elsewhere`.
const FOR_OTHERS: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhY3AtdGNrIiwiYXVkIjoiZWxzZXdoZXJlIiwiZXhwIjo0MTAyNDQ0ODAwfQ.y1wb5MIMNf6PK1kyfXosNcapYAakf_7jt_xWYjMcDms";
