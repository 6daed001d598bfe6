//! What real agents get wrong, and the rule that finds it.

/// One thing that agents in the wild were seen to do.
#[derive(Clone, Copy, Debug)]
pub struct Mistake {
    /// What was seen.
    pub what: &'static str,
    /// The rules that name it; none where nothing that can be asked over the wire shows it.
    pub rules: &'static [&'static str],
    /// Why there is no rule, or what else is to be said.
    pub note: &'static str,
}

const fn found(what: &'static str, rules: &'static [&'static str]) -> Mistake {
    Mistake {
        what,
        rules,
        note: "",
    }
}

const fn not_found(what: &'static str, note: &'static str) -> Mistake {
    Mistake {
        what,
        rules: &[],
        note,
    }
}

/// All of them.
pub static MISTAKES: &[Mistake] = &[
    found(
        "every stream ends in an error event of the agent's own making (a `datetime` is not JSON)",
        &["stream.succeeds-on-valid"],
    ),
    found(
        "every stream just ends, cleanly and without a terminal event",
        &["stream.one-terminal"],
    ),
    found(
        "every stream ends with a cut connection",
        &["stream.not-cut"],
    ),
    found(
        "an unknown `config_id` is ignored, or answered with the defaults",
        &["config.unknown-id-404"],
    ),
    found(
        "an unknown `config_id` is a 500",
        &["config.unknown-id-404", "transport.no-5xx-on-bad-input"],
    ),
    found(
        "an invalid configuration is stored (200)",
        &["config.rejects-invalid"],
    ),
    found(
        "an invalid configuration is 422 with FastAPI's `detail`",
        &["errors.envelope-canonical", "errors.invalid-input-400"],
    ),
    found(
        "an invalid configuration is an unhandled 500",
        &["config.rejects-invalid", "transport.no-5xx-on-bad-input"],
    ),
    found("no configuration changes anything", &["config.has-effect"]),
    found(
        "invalid input in a stream: 200 and a bare `{\"error\": …}`",
        &["stream.canonical-forms"],
    ),
    found(
        "invalid input in a stream: progress to 100, and then silence",
        &["stream.rejects-invalid"],
    ),
    found(
        "several shapes of errors in one agent",
        &["errors.envelope-canonical"],
    ),
    found(
        "`1e999` or a lone surrogate is a 500",
        &["transport.no-5xx-on-bad-input"],
    ),
    found(
        "`NaN` in a body is a 500, or taken",
        &["transport.malformed-json-4xx"],
    ),
    found(
        "a body may be as large as it likes",
        &["transport.oversized-body-4xx"],
    ),
    found("HEAD is 405", &["transport.head"]),
    found(
        "of two workers, one does not know the configuration that the other stored",
        &["config.usable"],
    ),
    found(
        "the cache's key leaves `config_id` out",
        &["cache.key-has-config"],
    ),
    found(
        "the key guards `/invoke` alone: streams and `/config` are open",
        &["auth.covers-stream"],
    ),
    found(
        "429 is `{\"error\": \"Rate limit exceeded: …\"}`",
        &["errors.envelope-canonical"],
    ),
    found(
        "429 comes without `Retry-After`",
        &["rate-limit.retry-after"],
    ),
    found(
        "a limit is declared and never applied",
        &["rate-limit.refuses"],
    ),
    found(
        "metrics: a time series for every unknown path",
        &["metrics.bounded-labels"],
    ),
    found(
        "metrics: a stream is timed to its head",
        &["metrics.counts-true"],
    ),
    found(
        "metrics: what is not a success is not counted",
        &["metrics.counts-true"],
    ),
    found(
        "times without a zone under `format: date-time`",
        &["schema.formats-hold"],
    ),
    found(
        "CORS echoes any Origin together with credentials",
        &["transport.cors-not-reflected"],
    ),
    found(
        "none of the five endpoints is there",
        &["auth.responds", "schema.responds", "capabilities.responds"],
    ),
    found(
        "a 201 to a registration is taken for a failure",
        &["orchestrator.accepts-201"],
    ),
    found(
        "an orchestrator that is down at the start is never tried again",
        &["orchestrator.survives-outage"],
    ),
    not_found(
        "the agent leaves without a word to the orchestrator",
        "the protocol has no word for it: a registry goes by the heartbeats that do not come",
    ),
    not_found(
        "`/metrics` is open though `/invoke` asks for a key",
        "the profile leaves that to the agent: scrapers of many sites have no key",
    ),
    not_found(
        "200 streams at once are six times slower than one (a thread pool)",
        "a time under load, not a form: measured by a load test, not by a check",
    ),
];
