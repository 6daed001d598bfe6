//! The series that grow as things happen.

use std::{borrow::Cow, fmt, sync::OnceLock, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::ConstGauge, histogram::Histogram},
    registry::Registry,
};

use crate::{
    call::Call,
    endpoints::{self, Endpoint},
    seams::Seams,
    settings::Settings,
};

/// Bounds in seconds: from a document served out of memory to the default request timeout.
const BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// The metrics of one agent.
///
/// Every label has few values, whatever clients send: endpoints are called by their
/// templates, and all unknown paths by one name.
pub(crate) struct Metrics {
    pub(super) registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<At, Histogram, fn() -> Histogram>,
    /// What is noted most often, found once for each endpoint.
    ready: Box<[Ready]>,
    streams: Family<Streamed, Counter>,
    registrations: Family<Outcome, Counter>,
    heartbeats: Family<Outcome, Counter>,
    external: Family<Outcome, Counter>,
}

#[derive(Default)]
struct Ready {
    ok: OnceLock<Counter>,
    duration: OnceLock<Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    endpoint: Cow<'static, str>,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct At {
    endpoint: Cow<'static, str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Streamed {
    endpoint: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    agent_id: String,
    version: String,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    /// All of it was sent.
    Completed,
    /// The client left before the end.
    Left,
    /// It broke off.
    Failed,
}

/// What is going to be counted of one request.
#[derive(Debug)]
pub(crate) struct Observation<'a> {
    pub(crate) call: &'a Call,
    pub(crate) endpoint: Cow<'static, str>,
    pub(crate) status: u16,
    /// To the head of the answer, and to its end.
    pub(crate) head_time: Duration,
    pub(crate) time: Duration,
    /// How often the request is counted, and how often it is timed.
    pub(crate) counted: u64,
    pub(crate) timed: u64,
}

impl<'a> Observation<'a> {
    pub(crate) fn of(call: &'a Call, status: u16, head_time: Duration, time: Duration) -> Self {
        Self {
            call,
            endpoint: Cow::Borrowed(call.endpoint.template),
            status,
            head_time,
            time,
            counted: 1,
            timed: 1,
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    pub(crate) fn of(settings: &Settings) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("acp_agent"),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            ready: (0..endpoints::COUNT).map(|_| Ready::default()).collect(),
            streams: Family::default(),
            registrations: Family::default(),
            heartbeats: Family::default(),
            external: Family::default(),
        };
        metrics.register(settings);
        metrics
    }

    fn register(&mut self, settings: &Settings) {
        let build = Family::<Build, ConstGauge>::new_with_constructor(|| ConstGauge::new(1));
        let labels = Build {
            agent_id: settings.agent_id.clone(),
            version: settings.version.clone(),
        };
        drop(build.get_or_create(&labels));
        let all = &mut self.registry;
        all.register(
            "requests",
            "Requests, by endpoint and status",
            self.requests.clone(),
        );
        all.register(
            "request_duration_seconds",
            "Time from a request's head to the end of its answer",
            self.durations.clone(),
        );
        all.register(
            "streams",
            "Streams that ended, by how",
            self.streams.clone(),
        );
        all.register(
            "registrations",
            "Registrations with orchestrators",
            self.registrations.clone(),
        );
        all.register(
            "heartbeats",
            "Heartbeats to orchestrators",
            self.heartbeats.clone(),
        );
        all.register(
            "external_requests",
            "Requests to the weather service",
            self.external.clone(),
        );
        all.register("build_info", "The agent's id and version", build);
    }

    /// Counts a request whose answer has gone out to its end.
    pub(crate) fn answered(&self, seams: &Seams, mut observed: Observation<'_>) {
        if seams.are_none() {
            return self.note(&observed, observed.call.endpoint);
        }
        seams.observation(&mut observed);
        let Observation { endpoint, .. } = observed;
        let status = observed.status;
        let answered = Answered {
            endpoint: endpoint.clone(),
            status,
        };
        if observed.counted > 0 {
            self.requests
                .get_or_create(&answered)
                .inc_by(observed.counted);
        }
        for _ in 0..observed.timed {
            let endpoint = endpoint.clone();
            let time = observed.time.as_secs_f64();
            self.durations.get_or_create(&At { endpoint }).observe(time);
        }
    }

    fn note(&self, observed: &Observation<'_>, endpoint: &'static Endpoint) {
        let name = Cow::Borrowed(endpoint.template);
        let count = |status| {
            let endpoint = name.clone();
            self.requests
                .get_or_create_owned(&Answered { endpoint, status })
        };
        let ready = &self.ready[endpoint.index];
        match observed.status {
            200 => ready.ok.get_or_init(|| count(200)).inc(),
            status => count(status).inc(),
        };
        let duration = ready.duration.get_or_init(|| {
            let endpoint = name.clone();
            self.durations.get_or_create_owned(&At { endpoint })
        });
        duration.observe(observed.time.as_secs_f64());
    }

    pub(crate) fn stream_ended(&self, endpoint: &'static Endpoint, end: StreamEnd) {
        let outcome = match end {
            StreamEnd::Completed => "completed",
            StreamEnd::Left => "left",
            StreamEnd::Failed => "failed",
        };
        let endpoint = endpoint.template;
        self.streams
            .get_or_create(&Streamed { endpoint, outcome })
            .inc();
    }

    /// Counts an attempt to register.
    pub(crate) fn registration(&self, went_well: bool) {
        count(&self.registrations, outcome(went_well));
    }

    /// Counts a heartbeat.
    pub(crate) fn heartbeat(&self, went_well: bool) {
        count(&self.heartbeats, outcome(went_well));
    }

    /// Counts a request to the weather service, under one of a few names of outcomes.
    pub(crate) fn external(&self, outcome: &'static str) {
        count(&self.external, outcome);
    }
}

fn outcome(went_well: bool) -> &'static str {
    match went_well {
        true => "success",
        false => "failure",
    }
}

fn count(family: &Family<Outcome, Counter>, outcome: &'static str) {
    family.get_or_create(&Outcome { outcome }).inc();
}
