//! The text of `acp-tck.toml`, from what an agent said and showed; pure.

use acp_conformance::feature::Feature;
use acp_conformance::recording::Introduction;
use acp_reports::{Finding, ProfileLevel, Report, Status, escape, shorten};
use toml::Value;

/// Of what an agent says, so many characters are written down.
const LONGEST: usize = 80;

/// How the agent is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is there already.
    Url(String),
    /// It is started for the check.
    Launch(String),
    /// Nobody has said.
    Unknown,
}

/// An agent that was asked.
#[derive(Debug)]
pub(super) struct Met {
    pub(super) introduction: Introduction,
    pub(super) report: Report,
}

const HEAD: &str = "\
# How this repository's agent is certified and put under load: acp-tck reads this file in the working directory.
# A table is a subcommand and a key is a flag (`acp-tck check --help` has them all). A flag on the command line goes
# before a variable (ACP_TCK_CHECK_SEED), and that before this file.
";

/// The whole file.
pub(super) fn text(way: &Way, met: Option<&Met>, key: Option<&str>) -> String {
    let parts = [
        HEAD.to_owned(),
        met.map_or_else(String::new, portrait),
        target(way),
        check(way, met, key),
        load(met, key),
    ];
    parts.concat()
}

/// What to say on the terminal: what was written, and what to do next.
pub(super) fn told(file: &str, met: Option<&Met>) -> String {
    let Some(met) = met else {
        return format!(
            "wrote {file}; nobody was asked: put in where the agent is, then run `acp-tck check`\n"
        );
    };
    let failing: Vec<&str> = failing(&met.report)
        .map(|finding| finding.rule.as_str())
        .collect();
    let mut told = format!(
        "wrote {file} for {}, at level {}\n",
        name(met),
        level(&met.report)
    );
    told += &match failing.is_empty() {
        true => "next: `acp-tck check`, and the same in CI\n".to_owned(),
        false => format!(
            "these rules do not hold: {}\n\
             next: `acp-tck check` says how to mend them; `acp-tck check --write-expected-failures \
             expected-failures.toml` excuses those that you cannot mend now\n",
            failing.join(", ")
        ),
    };
    told
}

/// What an agent said, on one line, as a person may see it.
fn plain(text: &str) -> String {
    escape(&shorten(text, LONGEST)).replace('\n', " ")
}

fn name(met: &Met) -> String {
    let target = &met.report.target;
    let id = target
        .agent_id
        .as_deref()
        .unwrap_or("an agent without an id");
    match &target.agent_version {
        Some(version) => format!("{} {}", plain(id), plain(version)),
        None => plain(id),
    }
}

fn level(report: &Report) -> &'static str {
    match report.level {
        ProfileLevel::Production => "production",
        ProfileLevel::Core => "core",
        ProfileLevel::None => "none",
    }
}

fn failing(report: &Report) -> impl Iterator<Item = &Finding> {
    let results = report.results.iter();
    results.filter(|finding| matches!(finding.status, Status::Fail | Status::Warn))
}

/// What was found, as comments.
fn portrait(met: &Met) -> String {
    let Met {
        introduction,
        report,
    } = met;
    let (fit, found): (Vec<_>, Vec<_>) = report
        .features
        .iter()
        .filter(|feature| feature.found || feature.certified)
        .partition(|feature| feature.certified);
    let list = |features: Vec<&acp_reports::Feature>| match features.is_empty() {
        true => "none".to_owned(),
        false => features
            .iter()
            .map(|one| one.name.as_str())
            .collect::<Vec<_>>()
            .join(", "),
    };
    let auth = introduction
        .auth
        .as_deref()
        .map_or("not told".to_owned(), plain);
    let limit = introduction
        .rate_limit
        .map_or("none seen".to_owned(), |(requests, window)| {
            format!("{requests} in {}", humantime::format_duration(window))
        });
    let mut text = format!(
        "#\n# Written by `acp-tck init`, which met {}:\n#   level:       {}\n#   certified:   {}\n\
         #   not whole:   {}\n#   credentials: {auth}\n#   rate limit:  {limit}\n",
        name(met),
        level(report),
        list(fit),
        list(found),
    );
    for finding in failing(report) {
        text += &format!("#   {}: {}\n", finding.rule, plain(&finding.message));
    }
    text
}

fn target(way: &Way) -> String {
    let line = match way {
        Way::Url(url) => format!("target = {}", quoted(url)),
        _ => "# target = \"http://localhost:8000\"".to_owned(),
    };
    format!("\n# Where the agent is, for all that ask one.\n{line}\n")
}

fn check(way: &Way, met: Option<&Met>, key: Option<&str>) -> String {
    let launch = match way {
        Way::Launch(command) => format!("launch = {}", quoted(command)),
        _ => "# launch = \"python agent.py --port {port}\"".to_owned(),
    };
    let claims = met.map(|met| claims(&met.report)).unwrap_or_default();
    let claim = match claims.is_empty() {
        true => "# claim = [\"errors\", \"streaming\"]".to_owned(),
        false => format!(
            "claim = [{}]",
            claims
                .iter()
                .map(|one| quoted(one))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    format!(
        "\n[check]\n\
         # What starts the agent for the check and is stopped after it; a URL on the command line goes before it.\n\
         {launch}\n\
         # How often it is told to send heartbeats (30s). A check waits for some of them; `quick` leaves out what has to,\n\
         # and does not certify it.\n\
         # heartbeat-interval = \"2s\"\n\
         # quick = true\n\
         # What the agent is to have: what goes missing fails the run.\n\
         {claim}\n\
         # Whether a SHOULD that does not hold fails the run.\n\
         # strict = true\n\
         # Failures that are known, each with its reason: `acp-tck check --write-expected-failures` writes the file.\n\
         # expected-failures = \"expected-failures.toml\"\n\
         {}\
         {}\
         # Rules to leave out, by id, area or feature.\n\
         # skip = [\"transport.head\"]\n\
         # Reports, in the formats that their suffixes tell; without any, text on the terminal.\n\
         # output = [\"acp.html\", \"acp.xml\"]\n",
        credentials(met, key),
        limited(met),
    )
}

/// What was certified, or would be if more of it could be seen, as far as any run sees it.
fn claims(report: &Report) -> Vec<&str> {
    let is_sound = |feature: &&acp_reports::Feature| {
        feature.certified || (feature.claimed && feature.reason.is_some())
    };
    let sound = report.features.iter().filter(is_sound);
    let mut sound: Vec<&str> = sound.map(|feature| feature.name.as_str()).collect();
    sound.retain(|name| {
        let feature = name.parse::<Feature>();
        let is_plain = |feature: Feature| {
            !feature.needs_launch()
                && !matches!(
                    feature,
                    Feature::Core | Feature::Descriptor | Feature::RateLimit
                )
        };
        feature.is_ok_and(is_plain)
    });
    sound
}

fn credentials(met: Option<&Met>, key: Option<&str>) -> String {
    let line = match key {
        Some(key) => format!("api-key-env = {}", quoted(key)),
        None => "# api-key-env = \"AGENT_KEY\"".to_owned(),
    };
    let wanted = met.is_some_and(|met| met.introduction.wants_credentials) && key.is_none();
    let note = if wanted {
        " The agent asks for credentials."
    } else {
        ""
    };
    format!("# The variable that holds the key to send as X-API-Key.{note}\n{line}\n")
}

fn limited(met: Option<&Met>) -> String {
    let Some((requests, window)) = met.and_then(|met| met.introduction.rate_limit) else {
        return String::new();
    };
    format!(
        "# The agent says that it takes {requests} invocations in {}, and a check sends hundreds: switch that off for the\n\
         # check, and certify the limit by itself (`--only rate-limit`) with a short window.\n\
         # feature-param = [\"rate-limit=24/3s\"]\n",
        humantime::format_duration(window)
    )
}

fn load(met: Option<&Met>, key: Option<&str>) -> String {
    let caches = met.is_some_and(|met| {
        let mut features = met.report.features.iter();
        features.any(|feature| feature.name == Feature::Cache.name() && feature.found)
    });
    let scenario = if caches { "cache" } else { "mixed" };
    let key = key.map_or_else(String::new, |key| {
        format!("api-key-env = {}\n", quoted(key))
    });
    format!(
        "\n[load]\n\
         scenario = \"{scenario}\"\n\
         # So many users, each waiting for its answers; or `rate = \"50/s\"`, whatever becomes of them.\n\
         users = 10\n\
         duration = \"10s\"\n\
         # What must hold; measure first, then set it.\n\
         # threshold = [\"p99<500ms\", \"errors<1%\"]\n\
         # An earlier report, as JSON, and by how much a figure may have become worse.\n\
         # baseline = \"load.json\"\n\
         # max-regression = \"10%\"\n\
         {key}"
    )
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report on an agent that calls itself so.
    fn met(id: &str) -> Met {
        let report = serde_json::json!({
            "format": "acp-tck/check", "format_version": 1,
            "tool": {"name": "acp-tck", "version": "0.1.0"}, "profile": "five-endpoint/1",
            "target": {"url": "http://localhost", "agent_id": id, "agent_version": "1.0.0"},
            "started_at": "2026-11-23T10:00:00Z", "duration_ms": 1.0, "seed": 0, "cases": 10,
            "strict": false, "verdict": "pass", "level": "core",
            "features": [
                {"name": "core", "claimed": true, "found": true, "certified": true},
                {"name": "auth", "claimed": true, "found": true, "certified": true},
                {"name": "lifecycle", "claimed": true, "found": true, "certified": true},
            ],
            "summary": {"pass": 1, "fail": 0, "warn": 0, "skip": 0, "inconclusive": 0, "error": 0, "expected": 0},
            "results": [],
        });
        Met {
            report: serde_json::from_value(report).expect("a report"),
            introduction: Introduction {
                auth: Some(format!("api_key{id}")),
                wants_credentials: true,
                rate_limit: Some((10, std::time::Duration::from_secs(60))),
                cache_ttl: None,
            },
        }
    }

    #[test]
    fn what_an_agent_says_stays_in_its_comment() {
        let met = met("x\n[check]\nlaunch = \"rm\"\u{1b}[31m\r\u{2028}");
        let told = portrait(&met);
        assert!(told.lines().all(|line| line.starts_with('#')), "{told}");
        assert!(!told.contains(['\u{1b}', '\r', '\u{2028}']), "{told}");
        assert!(!super::told("f", Some(&met)).contains('\u{1b}'));
    }

    #[test]
    fn what_was_met_is_a_file_that_holds() {
        let way = Way::Launch("python \"my agent.py\" --port {port}".to_owned());
        let text = text(&way, Some(&met("agent")), Some("AGENT_KEY"));
        let file: toml::Table = text.parse().expect("TOML");
        let check = &file["check"];
        assert_eq!(
            check["launch"].as_str(),
            Some("python \"my agent.py\" --port {port}")
        );
        assert_eq!(check["api-key-env"].as_str(), Some("AGENT_KEY"));
        // What is left out of a check is the user's to say.
        assert!(check.get("quick").is_none(), "{text}");
        assert_eq!(file["load"]["api-key-env"].as_str(), Some("AGENT_KEY"));
        // What is seen in a launch alone is not claimed for every run.
        assert_eq!(check["claim"].as_array().map(Vec::len), Some(1));
        assert!(text.contains("10 in 1m"), "{text}");
    }
}
