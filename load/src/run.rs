//! A run: what is asked for, and the way from there to a report.

use std::sync::Arc;
use std::time::Duration;

use acp_reports::load::Report;
use tokio_util::sync::CancellationToken;

use crate::attack::{self, Load, Taken};
use crate::live::Scene;
use crate::popularity::Room;
use crate::recorder::Recorder;
use crate::scenarios::Scenario;
use crate::script::Script;
use crate::summary;
use crate::target::Target;
use crate::traffic;
use crate::worth;

/// Reads the agent's memory, in bytes, from outside.
pub type ReadMemory = Arc<dyn Fn() -> Option<u64> + Send + Sync>;

/// Is shown each attack, when counting begins.
pub type Show = Arc<dyn Fn(&Scene) + Send + Sync>;

/// Is told in a line how a search goes on that has no scene to be shown.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// What a run is to do.
#[derive(Clone)]
pub struct Job {
    /// The agent.
    pub target: Arc<Target>,
    /// How much load.
    pub load: Load,
    /// What is asked.
    pub traffic: traffic::Wishes,
    /// Of `stream`: how clients behave.
    pub clients: Clients,
    /// Of `cache`: what the user says that the agent's cache remembers, where the agent does not.
    pub cache: Room,
    /// Of `capacity`: what must hold.
    pub objective: Objective,
    /// Of `rate-limit`: how long twice the limit is asked for; `None` for as long as it takes to see what comes of
    /// it, a minute at least.
    pub pressure: Option<Duration>,
    /// Of `soak`: where the agent's memory is read, if not from its `/metrics`.
    pub memory: Option<ReadMemory>,
    /// Ends the run early.
    pub stop: CancellationToken,
    /// Who looks on.
    pub show: Option<Show>,
    /// Who is told.
    pub tell: Option<Tell>,
}

/// What a report misses, in a line; nothing if it misses nothing.
pub type Miss = dyn Fn(&Report) -> Option<String> + Send + Sync;

/// What must hold of a run.
#[derive(Clone)]
pub struct Objective {
    /// As it was typed: `p99<50ms,errors<0.1%`.
    pub text: String,
    /// What of it a report misses.
    pub missed: Arc<Miss>,
}

/// How clients of streams behave.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clients {
    /// The share that leaves half way.
    pub leaving: f64,
    /// The share that reads slowly.
    pub slow: f64,
}

/// How long a slow reader waits after each piece.
pub(crate) const SLOWNESS: Duration = Duration::from_millis(200);

/// A scenario that has not come to its end so long after it was told to is given up.
const GRACE: Duration = Duration::from_secs(5);

/// Runs a scenario. What the agent does is in the report, whatever it is; so is why there is
/// nothing to report. The verdict is still to be given, by whoever knows the thresholds.
pub async fn run(job: &Job, scenario: &Scenario) -> Report {
    let given_up = async {
        job.stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let mut report = tokio::select! {
        report = (scenario.attack)(job) => report,
        () = given_up => {
            let mut report = blank(job, scenario.name);
            stopped(&mut report);
            report
        }
    };
    report.seed = job.load.seed;
    worth::weigh(job, &mut report).await;
    report
}

/// A report that says nothing yet.
pub(crate) fn blank(job: &Job, scenario: &str) -> Report {
    let mut report = Report::new(scenario, job.target.url.as_str());
    report.users = job.load.users as u64;
    report
}

/// The user did not want to wait until there was something to report.
fn stopped(report: &mut Report) {
    report.interrupted = true;
    report.error = Some("the run was ended before it came to anything".to_owned());
}

/// Learns what can be asked; if nothing can, the report says why.
pub(crate) async fn learn(job: &Job, report: &mut Report) -> Option<traffic::Traffic> {
    let learnt = tokio::select! {
        learnt = traffic::learn(&job.target, &job.traffic) => learnt,
        () = job.stop.cancelled() => {
            stopped(report);
            return None;
        }
    };
    match learnt {
        Ok(traffic) => {
            report.target.agent_id = traffic.says(&["agent_id", "id", "name"]);
            report.target.agent_version = traffic.says(&["agent_version", "version"]);
            report.notes.extend(traffic.notes.iter().cloned());
            Some(traffic)
        }
        Err(error) => {
            report.error = Some(error.to_string());
            None
        }
    }
}

/// Attacks with this script, and fills in what every report has.
pub(crate) async fn attack(
    job: &Job,
    load: &Load,
    script: Arc<dyn Script>,
    report: &mut Report,
) -> Option<Taken> {
    let show = |recorder: &Arc<Recorder>| {
        if let Some(show) = &job.show {
            show(&Scene {
                load: load.clone(),
                recorder: recorder.clone(),
            });
        }
    };
    let endpoints = script.endpoints().to_vec();
    match attack::attack(&job.target, load, script, &job.stop, &show).await {
        Ok(taken) => {
            summary::fill(report, load, &taken, &endpoints);
            Some(taken)
        }
        Err(error) => {
            report.error = Some(error.to_string());
            None
        }
    }
}
