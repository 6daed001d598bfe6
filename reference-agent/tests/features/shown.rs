//! What each fault is shown by: a question that a clean agent answers rightly, and a faulty
//! one does not.

use acp_reference_agent::{Running, Settings, faults, start};
use futures_util::future::BoxFuture;

/// Asks an agent something: `Ok` if it answers as it should, else what was wrong.
pub(crate) type Question = fn(Running) -> BoxFuture<'static, Result<(), String>>;

/// A fault by its name, and what shows it.
pub(crate) type Shown = (&'static str, Question);

/// Asks a clean agent with these settings, and then one with the fault.
pub(crate) async fn holds_and_fails(shown: &[Shown], settings: impl Fn() -> Settings) {
    for (name, ask) in shown {
        let clean = start(settings()).await.expect("the agent starts");
        if let Err(wrong) = ask(clean).await {
            panic!("a clean agent fails what shows {name}: {wrong}");
        }
        let faulty = Settings {
            faults: vec![faults::find(name).unwrap_or_else(|| panic!("no fault {name}"))],
            ..settings()
        };
        let faulty = start(faulty).await.expect("the agent starts");
        assert!(ask(faulty).await.is_err(), "{name} does not show");
    }
}
