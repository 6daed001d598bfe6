//! The reference agent in the test's own process, for programs to ask.

use acp_reference_agent as reference;

/// An agent on a port of its own, with nothing in its cache.
pub(crate) struct Agent {
    runtime: tokio::runtime::Runtime,
    running: Option<reference::Running>,
}

impl Agent {
    /// Starts one without limits, whose settings are changed like this.
    pub(crate) fn start(change: impl FnOnce(&mut reference::Settings)) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let mut settings = reference::Settings::unlimited();
        change(&mut settings);
        let running = runtime.block_on(reference::start(settings));
        let running = Some(running.expect("an agent"));
        Self { runtime, running }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        self.running.as_ref().expect("an agent").url()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}
