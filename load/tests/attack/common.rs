//! An agent to attack, in this process, and what it says of itself.

use std::sync::Arc;
use std::time::Duration;

use acp_load::attack::{Load, Model, Think};
use acp_load::plan::Plan;
use acp_load::popularity::Room;
use acp_load::run::{Clients, Job, Objective};
use acp_load::target::{Target, Wishes};
use acp_load::{run, scenarios, traffic};
use acp_reference_agent as reference;
use acp_reports::load::Report;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

/// The reference agent.
pub(crate) struct Agent(reference::Running);

impl Agent {
    /// With these faults.
    pub(crate) async fn start(faults: &[&str]) -> Self {
        let mut settings = reference::Settings::unlimited();
        settings.stream_step = Duration::from_millis(5);
        settings.faults = faults
            .iter()
            .map(|name| reference::faults::find(name).expect("a fault of this name"))
            .collect();
        Self::with(settings).await
    }

    /// With these settings.
    pub(crate) async fn with(settings: reference::Settings) -> Self {
        Self(reference::start(settings).await.expect("an agent"))
    }

    pub(crate) async fn target(&self, change: impl FnOnce(&mut Wishes)) -> Arc<Target> {
        let mut wishes = Wishes::of(self.0.url().parse().expect("a URL"));
        change(&mut wishes);
        Target::find(&wishes).await.expect("a target")
    }

    /// The sum of all series of /metrics that begin with `name` and hold `label`.
    pub(crate) async fn metric(&self, name: &str, label: &str) -> u64 {
        let mut socket = tokio::net::TcpStream::connect(self.0.addr())
            .await
            .expect("a socket");
        let request = "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        socket.write_all(request.as_bytes()).await.expect("sent");
        let mut text = String::new();
        socket.read_to_string(&mut text).await.expect("metrics");
        let lines = text
            .lines()
            .filter(|line| line.starts_with(name) && line.contains(label));
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum::<f64>() as u64
    }

    /// How many requests for this path the agent has counted.
    pub(crate) async fn requests(&self, path: &str) -> u64 {
        self.metric("acp_agent_requests_total", &format!("\"{path}\""))
            .await
    }

    pub(crate) async fn stop(self) {
        self.0.stop().await;
    }
}

/// Four users for a third of a second.
pub(crate) async fn job(agent: &Agent) -> Job {
    job_for(agent.target(|_| {}).await)
}

/// The same, for anybody.
pub(crate) fn job_for(target: Arc<Target>) -> Job {
    Job {
        target,
        load: Load {
            model: Model::Closed(Plan::constant(4.0, Duration::from_millis(300))),
            users: 4,
            warm_up: Duration::ZERO,
            think: Think::default(),
            seed: 1,
            threads: 1,
            dashboard: false,
        },
        traffic: traffic::Wishes {
            keys: 20,
            ..traffic::Wishes::default()
        },
        clients: Clients::default(),
        cache: Room::default(),
        objective: Objective {
            text: "errors<1%".to_owned(),
            missed: Arc::new(|report| {
                let holds = report.requests.failed * 100 < report.requests.total;
                (!holds).then(|| "errors<1% does not hold".to_owned())
            }),
        },
        pressure: Some(Duration::from_millis(300)),
        memory: None,
        stop: CancellationToken::new(),
        show: None,
        tell: None,
    }
}

pub(crate) async fn run(job: &Job, scenario: &str) -> Report {
    run::run(job, scenarios::named(scenario).expect("a scenario")).await
}
