//! The paths that the agent knows, one entry each: who may come in, whose allowance a request
//! is taken from, and what it is called in metrics.

use matchit::Router;

/// Who may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// Anybody: what a client must read before it can show anything, and probes.
    Open,
    /// Whoever shows what `/auth` asks for.
    Guarded,
    /// As `Guarded` if the settings say so, else anybody.
    Metrics,
    /// Whoever has the admin key.
    Admin,
}

/// The allowance that a request is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowance {
    /// None: probes and scrapes are always answered, and the admin API.
    Exempt,
    /// That of everything else.
    Ordinary,
    /// That of `/invoke` and its like.
    Invoke,
}

/// A path that the agent knows.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The path, with names in braces for what varies: what metrics and traces call it.
    pub(crate) template: &'static str,
    pub(crate) door: Door,
    pub(crate) allowance: Allowance,
    /// Its place among [`COUNT`], so that what is kept for each endpoint can be an array.
    pub(crate) index: usize,
}

/// How many endpoints there are, the unknown among them.
pub(crate) const COUNT: usize = ENDPOINTS.len() + 1;

/// What every path is that is none: one name, however many there are.
pub(crate) static UNKNOWN: Endpoint = Endpoint {
    template: "unknown",
    door: Door::Open,
    allowance: Allowance::Ordinary,
    index: 0,
};

const fn open(template: &'static str, allowance: Allowance) -> Endpoint {
    endpoint(template, Door::Open, allowance)
}

const fn guarded(template: &'static str, allowance: Allowance) -> Endpoint {
    endpoint(template, Door::Guarded, allowance)
}

const fn endpoint(template: &'static str, door: Door, allowance: Allowance) -> Endpoint {
    Endpoint {
        template,
        door,
        allowance,
        index: 0,
    }
}

const fn numbered<const N: usize>(mut endpoints: [Endpoint; N]) -> [Endpoint; N] {
    let mut at = 0;
    while at < N {
        endpoints[at].index = at + 1;
        at += 1;
    }
    endpoints
}

static ENDPOINTS: [Endpoint; 24] = numbered([
    open("/", Allowance::Ordinary),
    open("/auth", Allowance::Ordinary),
    open("/schema", Allowance::Ordinary),
    open("/capabilities", Allowance::Ordinary),
    open("/health", Allowance::Exempt),
    open("/health/ready", Allowance::Exempt),
    endpoint("/metrics", Door::Metrics, Allowance::Exempt),
    guarded("/config", Allowance::Ordinary),
    guarded("/config/{id}", Allowance::Ordinary),
    guarded("/config/{id}/history", Allowance::Ordinary),
    guarded("/config/{id}/rollback", Allowance::Ordinary),
    guarded("/invoke", Allowance::Invoke),
    guarded("/invoke/stream", Allowance::Invoke),
    guarded("/invoke/advanced-stream", Allowance::Invoke),
    guarded("/invoke-external", Allowance::Invoke),
    guarded("/graphql", Allowance::Invoke),
    guarded("/ws", Allowance::Invoke),
    open("/oauth/token", Allowance::Ordinary),
    open("/.well-known/jwks.json", Allowance::Ordinary),
    endpoint("/admin/configs", Door::Admin, Allowance::Exempt),
    endpoint("/admin/cache/flush", Door::Admin, Allowance::Exempt),
    endpoint("/admin/capabilities", Door::Admin, Allowance::Exempt),
    endpoint("/admin/faults", Door::Admin, Allowance::Exempt),
    endpoint("/admin/drain", Door::Admin, Allowance::Exempt),
]);

/// Finds the endpoint of a path.
#[derive(Debug)]
pub(crate) struct Map(Router<&'static Endpoint>);

impl Map {
    pub(crate) fn new() -> Self {
        let mut router = Router::new();
        for endpoint in &ENDPOINTS {
            // The table is fixed and a test inserts it all: there is nothing to refuse.
            let _ = router.insert(endpoint.template, endpoint);
        }
        Self(router)
    }

    pub(crate) fn find(&self, path: &str) -> &'static Endpoint {
        self.0.at(path).map_or(&UNKNOWN, |found| found.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_is_found_and_any_other_is_unknown() {
        let map = Map::new();
        for endpoint in &ENDPOINTS {
            let path = endpoint.template.replace("{id}", "cfg_1");
            assert_eq!(map.find(&path).template, endpoint.template);
        }
        let indices: std::collections::BTreeSet<_> =
            ENDPOINTS.iter().map(|one| one.index).collect();
        assert_eq!(indices, (1..COUNT).collect());
        for path in ["/invokes", "/config/a/b", "/config/", "/health/", ""] {
            assert_eq!(map.find(path).template, "unknown", "{path}");
        }
    }
}
