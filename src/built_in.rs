//! The demonstration: the built-in reference agent, started as anybody's would be, with the built-in
//! orchestrator.

use std::ffi::OsString;
use std::io::Write;
use std::time::Duration;

use acp_conformance::described;
use acp_conformance::launch::Launch;
use acp_conformance::settings::{Settings, Terms};
use acp_reference_agent as reference;
use tempfile::NamedTempFile;

use crate::exit::Failure;

/// What the report calls it: its port differs from run to run.
const NAME: &str = "builtin:reference-agent";

/// So short that the whole takes some ten seconds, so long that a busy machine keeps to it.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(2);

/// So short that its end is seen, so long that a repeat comes before it.
const CACHE_TTL: Duration = Duration::from_secs(2);

/// What else is set of it: no limit that a check would meet, and an input that takes long.
const SETTINGS: &[(&str, &str)] = &[
    ("ACP_RATE_LIMIT", "off"),
    ("ACP_RATE_LIMIT_INVOKE", "off"),
    ("ACP_SLOW_CITY", "Atlantis=2s"),
];

/// A check of it, and the file that its settings stand in: those of the user's own agent are not
/// its.
pub(crate) fn target(
    terms: Terms,
    now: jiff::Timestamp,
) -> Result<(NamedTempFile, Settings), Failure> {
    let program = std::env::current_exe().map_err(Failure::other)?;
    let mut file = NamedTempFile::new().map_err(Failure::other)?;
    writeln!(file, "ACP_CACHE_TTL={}s", CACHE_TTL.as_secs()).map_err(Failure::other)?;
    for (name, value) in SETTINGS {
        writeln!(file, "{name}={value}").map_err(Failure::other)?;
    }
    let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let words = [
        path(&program),
        "agent".to_owned(),
        "--env-file".to_owned(),
        path(file.path()),
    ];
    let launch = Launch::of_words(words.to_vec()).map_err(Failure::other)?;
    let launch = launch.without(own_variables());
    let port = launch.port();
    let mut settings = Settings::for_launch(launch, terms, now).map_err(Failure::other)?;
    settings.label = Some(NAME.to_owned());
    let params = &mut settings.facts.params;
    params
        .say(r#"slow-input={"city": "Atlantis"}"#)
        .map_err(Failure::other)?;
    let documented = reference::Settings {
        port,
        cache_ttl: CACHE_TTL,
        ..reference::Settings::unlimited()
    };
    let descriptor = reference::descriptor(&documented).map_err(Failure::other)?;
    let manifest = reference::manifest(&documented).map_err(Failure::other)?;
    settings.facts.descriptor = Some(descriptor);
    settings.facts.manifest = Some(described::manifest(&manifest).map_err(Failure::other)?);
    Ok((file, settings))
}

/// The variables of the environment that tell an agent what to do.
fn own_variables() -> Vec<OsString> {
    let names = std::env::vars_os().map(|(name, _)| name);
    names
        .filter(|name| name.to_string_lossy().starts_with("ACP_"))
        .collect()
}
