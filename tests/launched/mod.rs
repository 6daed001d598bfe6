//! The reference agent as a process: its faults as a process, and as an orchestrator's client,
//! show only there.

use acp_conformance::feature::Feature;
use acp_conformance::launch::Launch;
use acp_conformance::rules;
use acp_conformance::run;
use acp_conformance::select::Selection;
use acp_conformance::settings::{Settings, Terms};
use acp_reference_agent::faults::Fault;
use acp_reports::Report;
use tokio_util::sync::CancellationToken;

use crate::reported;

/// So short that a run takes ten seconds, so long that a busy machine keeps to it.
const HEARTBEAT: std::time::Duration = std::time::Duration::from_secs(2);

/// What is judged here: the features that need it, and those that a fault of theirs could spoil.
/// The rest is judged without a process, where it takes less time.
const JUDGED: &[&str] = &[
    "orchestrator",
    "lifecycle",
    "core",
    "errors",
    "streaming",
    "observability",
];

/// Whether one of the rules that the fault trips needs the agent to be launched.
pub(crate) fn is_needed_for(fault: &Fault) -> bool {
    let mut rules = fault.trips.iter().filter_map(|id| rules::find(id));
    rules.any(|rule| rule.feature.needs_launch())
}

/// Whether a finding says only that the agent should have been launched.
pub(crate) fn is_left_to_it(feature: &str) -> bool {
    let feature: Result<Feature, _> = feature.parse();
    feature.is_ok_and(Feature::needs_launch)
}

/// Certifies the agent as a process, with everything that its rules ask for.
pub(crate) async fn certify(fault: Option<&Fault>) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("env");
    std::fs::write(&file, "ACP_ADMIN_KEY=open-sesame\n").expect("a file");
    let mut command = format!(
        "'{}' agent --env-file '{}' --port {{port}} --orchestrator-url {{orchestrator}} \
         --rate-limit off --rate-limit-invoke off --slow-city Atlantis=3s",
        env!("CARGO_BIN_EXE_acp-tck"),
        file.display()
    );
    if let Some(fault) = fault {
        command += &format!(" --fault {}", fault.name);
    }
    let launch = Launch::new(&command).expect("a command");
    let terms = Terms {
        heartbeat: HEARTBEAT,
        is_quick: false,
    };
    let settings = Settings::for_launch(launch, terms, jiff::Timestamp::now());
    let mut settings = settings.expect("a URL");
    settings.headers = vec![("X-Admin-Key".to_owned(), "open-sesame".to_owned())];
    let only = JUDGED.iter().map(|&feature| feature.to_owned());
    settings.selection = Selection::new(only.collect(), Vec::new()).expect("features");
    let params = &mut settings.facts.params;
    for said in [
        r#"slow-input={"city": "Atlantis"}"#,
        "change-capabilities=POST /admin/capabilities",
    ] {
        params.say(said).expect("a parameter");
    }
    let recording = run::record(&settings, &|_| {}, &CancellationToken::new()).await;
    reported(&recording.expect("a run"), &settings.judging(), fault)
}
