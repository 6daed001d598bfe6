//! Requirements that are known, and that no checker can decide from outside; or not fairly.
//!
//! Their page in `docs/profile/` is made from this list.

/// A requirement without a rule.
#[derive(Clone, Copy, Debug)]
pub struct Unchecked {
    /// The requirement, in a sentence.
    pub clause: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Why it is not checked.
    pub why: &'static str,
}

/// All of them.
pub static UNCHECKED: &[Unchecked] = &[
    Unchecked {
        clause: "Secrets stand in the environment, not in the code.",
        source: "seed, checklist",
        why: "Code is not seen over the wire.",
    },
    Unchecked {
        clause: "Keys are compared in constant time.",
        source: "seed, faults in the sources",
        why: "The difference is nanoseconds; the network's own is a thousand times that.",
    },
    Unchecked {
        clause: "HTTPS is enabled.",
        source: "seed, checklist",
        why: "It is a choice of the deployment: agents stand behind proxies that add it. The checker uses it where the URL says so.",
    },
    Unchecked {
        clause: "CORS admits the origins that it should, and no others.",
        source: "seed, checklist",
        why: "Which those are, nobody says. What is wrong for any agent is `transport.cors-not-reflected`.",
    },
    Unchecked {
        clause: "A limit counts each client by itself.",
        source: "seed, rate limiting",
        why: "The checker has one address, and what a client is (an address, a key) is the agent's choice.",
    },
    Unchecked {
        clause: "A limit whose window is longer than 15 s admits as many as declared, and recovers.",
        source: "seed, rate limiting",
        why: "A rule that waits for minutes is not run; those for shorter windows are skipped, with the reason.",
    },
    Unchecked {
        clause: "The cache is bounded.",
        source: "seed, caching",
        why: "What was evicted cannot be told from what was never cached, nor a bound from one that is larger still.",
    },
    Unchecked {
        clause: "Connections to other services are pooled.",
        source: "seed, connection pooling",
        why: "The agent's calls to others are not seen, and the protocol names no such service.",
    },
    Unchecked {
        clause: "A failing service behind the agent is 502 `EXTERNAL_SERVICE_ERROR`, and is tried again first.",
        source: "seed, error handling and checklist",
        why: "The checker cannot make somebody else's service fail.",
    },
    Unchecked {
        clause: "Work that fails inside the agent is 500 `EXECUTION_ERROR`.",
        source: "seed, error handling",
        why: "No schema says which valid input an agent fails on. If one does, `errors.*` judge the answer.",
    },
    Unchecked {
        clause: "When a client leaves a stream, the work for it is cancelled.",
        source: "seed, advanced streaming",
        why: "Work that nobody reads is not seen; that the agent still serves is `stream.survives-disconnect`.",
    },
    Unchecked {
        clause: "Logs are JSON, with a request id, the configuration and the agent's name.",
        source: "seed, structured logging",
        why: "Where a log goes is the deployment's choice, and its form no part of the protocol.",
    },
    Unchecked {
        clause: "`acp_agent_active_configs` is the number of active configurations.",
        source: "seed, metrics",
        why: "Nobody says what counts as active (each id, each version, what was used of late). That it is there is `metrics.names`.",
    },
    Unchecked {
        clause: "`ACP_DEBUG`, `ACP_MAX_WORKERS`, `ACP_ENABLE_METRICS` and the like are obeyed.",
        source: "seed, settings from the environment",
        why: "Most change nothing that a client sees, and an agent is free to lack what they switch. What can be seen is `lifecycle.env`.",
    },
    Unchecked {
        clause: "Heartbeats go on for as long as the agent lives.",
        source: "seed, orchestrator",
        why: "A run watches two intervals. `acp-tck orchestrator` watches for as long as it is left to.",
    },
    Unchecked {
        clause: "An agent does what its descriptions say.",
        source: "P1",
        why: "Descriptions are for people; what is declared in schemas is checked.",
    },
    Unchecked {
        clause: "`config_id: null`, `metadata: null` and a key that comes twice in a request are refused, or ignored.",
        source: "design",
        why: "The sources are silent, and sound agents differ.",
    },
    Unchecked {
        clause: "A number beyond a double's range is computed with as it stands.",
        source: "design",
        why: "JSON leaves it open (RFC 8259, 6). That it does no harm is `transport.no-5xx-on-bad-input`.",
    },
    Unchecked {
        clause: "There are alerts, resource limits, a small image, a scaling strategy and a backup.",
        source: "seed, checklist",
        why: "They stand around the agent, not in it.",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rules;

    #[test]
    fn each_requirement_stands_once_and_says_why_it_is_not_checked() {
        let clauses: BTreeSet<&str> = UNCHECKED.iter().map(|it| it.clause).collect();
        assert_eq!(clauses.len(), UNCHECKED.len());
        for it in UNCHECKED {
            assert!(it.clause.ends_with('.') && it.why.ends_with('.'), "{it:?}");
            assert!(!it.source.is_empty());
        }
    }

    #[test]
    fn each_rule_that_is_referred_to_is_there() {
        for it in UNCHECKED {
            let quoted = it.why.split('`').skip(1).step_by(2);
            for name in quoted.filter(|name| name.contains('.') && !name.ends_with('*')) {
                assert!(rules::find(name).is_some(), "{name}");
            }
        }
    }
}
