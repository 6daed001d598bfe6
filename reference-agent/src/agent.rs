//! What the handlers share: one value for each agent.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{
    config::Store,
    documents::Documents,
    seams::Seams,
    settings::{Error, Settings},
    validation::Contracts,
    weather::Atlas,
};

/// The agent: what it knows, what it keeps, and its seams.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) settings: Settings,
    pub(crate) contracts: Contracts,
    pub(crate) documents: Documents,
    pub(crate) atlas: Atlas,
    pub(crate) store: Store,
    pub(crate) seams: Arc<Seams>,
    pub(crate) open_streams: watch::Sender<usize>,
}

impl Agent {
    /// An agent after its settings, with an empty store.
    pub(crate) fn build(settings: &Settings) -> Result<Arc<Self>, Error> {
        let contracts = Contracts::read()?;
        Ok(Arc::new(Self {
            documents: Documents::of(settings, &contracts),
            atlas: Atlas::read()?,
            store: Store::holding(settings.config_limit),
            seams: Arc::new(Seams::of(&settings.faults)),
            open_streams: watch::Sender::new(0),
            settings: settings.clone(),
            contracts,
        }))
    }
}
