//! What the handlers share: one value for each agent.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{self, Guard},
    call::Ids,
    documents::Documents,
    endpoints,
    external::Service,
    judgements::Judgements,
    limits::Limiter,
    metrics::Metrics,
    results::Results,
    seams::Seams,
    settings::{Error, Settings},
    store::Store,
    telemetry::Tracer,
    validation::Contracts,
    weather::Atlas,
};

/// The agent: what it knows, what it keeps, and its seams.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) settings: Settings,
    pub(crate) endpoints: endpoints::Map,
    pub(crate) contracts: Contracts,
    pub(crate) documents: Documents,
    pub(crate) atlas: Atlas,
    pub(crate) store: Store,
    pub(crate) judgements: Judgements,
    pub(crate) results: Results,
    pub(crate) guard: Guard,
    pub(crate) limiter: Limiter,
    pub(crate) external: Service,
    pub(crate) metrics: Metrics,
    pub(crate) tracer: Tracer,
    pub(crate) ids: Ids,
    pub(crate) seams: Arc<Seams>,
    pub(crate) open_streams: watch::Sender<usize>,
    draining: CancellationToken,
}

impl Agent {
    /// An agent after its settings.
    pub(crate) fn build(settings: &Settings) -> Result<Arc<Self>, Error> {
        let contracts = Contracts::read()?;
        let guard = Guard::of(settings)?;
        let seams = Arc::new(Seams::of(&settings.faults));
        seams.start(settings);
        Ok(Arc::new(Self {
            endpoints: endpoints::Map::new(),
            documents: Documents::of(settings, &contracts, &guard.document()),
            atlas: Atlas::read()?,
            store: Store::open(settings)?,
            judgements: Judgements::new(),
            results: Results::of(settings),
            limiter: Limiter::of(settings),
            external: Service::of(settings),
            metrics: Metrics::of(settings),
            tracer: Tracer::of(settings)?,
            ids: Ids::new(),
            open_streams: watch::Sender::new(0),
            draining: CancellationToken::new(),
            settings: auth::without_secrets(settings),
            guard,
            seams,
            contracts,
        }))
    }

    /// How long this question is made to take, if it is about the slow city.
    pub(crate) fn delay(&self, input: &Value) -> Option<Duration> {
        let (city, time) = self.settings.slow_city.as_ref()?;
        (input.get("city").and_then(Value::as_str) == Some(city)).then_some(*time)
    }

    /// No new work from now on; what is under way goes on.
    pub(crate) fn drain(&self) {
        self.draining.cancel();
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Word of the moment in which no more new work is taken.
    pub(crate) fn draining(&self) -> CancellationToken {
        self.draining.clone()
    }
}
