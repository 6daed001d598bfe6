//! An attack: users do what a script says, as a plan says, and what comes of it is taped.
//!
//! goose hosts the users (`door`); each lives through `user`; in the open model `pacer` says when
//! a request is due. What users measure is theirs, not goose's: it times to an answer's
//! head only, and starts its clock late.

mod door;
mod field;
mod pacer;
mod timer;
mod user;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::plan::Plan;
use crate::recorder::{Recorder, Tape};
use crate::schedule::{Schedule, Spread};
use crate::script::Script;
use crate::target::Target;
use crate::watch::{self, Signs, Watch};

use self::field::Field;
use self::pacer::Pacer;

pub use self::door::AttackError;
pub(crate) use self::timer::Timer;

/// Beyond so many users several share one of goose's, each with a task and a connection of its own:
/// goose keeps some kilobytes for each of its own.
const MOST_HOSTS: usize = 256;
/// A run is cut into about so many slices.
const SLICES: u32 = 60;
/// No slice is shorter.
const SHORTEST_SLICE: Duration = Duration::from_millis(250);

/// When users ask.
#[derive(Clone, Debug)]
pub enum Model {
    /// Each when it has its answer: so many users, at each moment.
    Closed(Plan),
    /// When a request is due.
    Open {
        /// Requests per second, at each moment.
        plan: Plan,
        /// How they are spread.
        spread: Spread,
        /// How many may wait for a connection.
        backlog: usize,
    },
}

/// How long users wait between an answer and the next question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Think {
    /// At least.
    pub least: Duration,
    /// At most.
    pub most: Duration,
}

/// How much load, and how.
#[derive(Clone, Debug)]
pub struct Load {
    /// When users ask; without the warm-up.
    pub model: Model,
    /// How many users there are at most; in the open model, connections.
    pub users: usize,
    /// What is not counted, before the plan.
    pub warm_up: Duration,
    /// In the closed model.
    pub think: Think,
    /// The seed of everything left to chance.
    pub seed: u64,
    /// How many threads the generator has.
    pub threads: usize,
    /// Whether goose's live page is served.
    pub dashboard: bool,
}

impl Load {
    /// The plan, of users or of requests.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        match &self.model {
            Model::Closed(plan) | Model::Open { plan, .. } => plan,
        }
    }
}

/// What an attack yielded.
pub struct Taken {
    /// All that was measured.
    pub tape: Tape,
    /// How long was measured.
    pub measured: Duration,
    /// How things stood in the middle of the plan, if it came to that.
    pub half: Option<Standing>,
    /// How things stood at its end, before what was left was served.
    pub end: Standing,
    /// How the generator itself fared.
    pub signs: Signs,
    /// Requests that were given up, unanswered, at the end.
    pub abandoned: u64,
    /// How many streams were open at once at most.
    pub most_open: u64,
    /// Whether it was ended early.
    pub was_stopped: bool,
}

/// How things stood at a moment of the plan.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing {
    /// The moment, in the measured time.
    pub at: Duration,
    /// Answered by then as it should be.
    pub ok: u64,
    /// Given up by then.
    pub dropped: u64,
    /// Due, and waiting for a connection.
    pub waiting: u64,
    /// Asked, and not answered.
    pub under_way: u64,
}

/// Attacks the target, until the plan is over or `stop` is cancelled. `progress` is called with
/// the recorder when counting begins.
///
/// # Errors
/// If goose could not host the users. What the agent does is no error.
pub async fn attack(
    target: &Arc<Target>,
    load: &Load,
    script: Arc<dyn Script>,
    stop: &CancellationToken,
    live: &dyn Fn(&Arc<Recorder>),
) -> Result<Taken, AttackError> {
    let length = load.plan().length();
    let slice = (length / SLICES).max(SHORTEST_SLICE);
    let is_open = matches!(load.model, Model::Open { .. });
    let recorder = Arc::new(Recorder::new(script.endpoints().len(), is_open, slice));
    let field = Arc::new(Field::new(
        target,
        load,
        script,
        recorder.clone(),
        pacer(load),
    ));
    let hosts = load.users.clamp(1, MOST_HOSTS);
    let crowd = door::crowd(hosts, field.clone(), load.dashboard);
    let ((signs, half, end), hosted) = tokio::join!(supervise(&field, load, stop, live), crowd);
    hosted?;
    let tape = recorder.with(|tape| tape.clone());
    Ok(Taken {
        tape,
        measured: end.at.min(length),
        half,
        end,
        signs,
        abandoned: field.abandoned(),
        most_open: recorder.most_open(),
        was_stopped: stop.is_cancelled(),
    })
}

fn pacer(load: &Load) -> Option<Pacer> {
    let Model::Open {
        plan,
        spread,
        backlog,
    } = &load.model
    else {
        return None;
    };
    let plan = plan.clone().after(load.warm_up);
    Some(Pacer::new(Schedule::new(
        plan, *spread, *backlog, load.seed,
    )))
}

/// Sees to the phases: warm-up, counting, the end, and the end of what hangs on.
async fn supervise(
    field: &Arc<Field>,
    load: &Load,
    stop: &CancellationToken,
    live: &dyn Fn(&Arc<Recorder>),
) -> (Signs, Option<Standing>, Standing) {
    let begin = tokio::select! {
        begin = field.begin() => begin,
        () = field.closed() => return (Signs::default(), None, Standing::default()),
    };
    let counting = begin + load.warm_up;
    let length = load.plan().length();
    let (middle, end) = (counting + length / 2, counting + length);
    until(counting, stop).await;
    field.begin_counting();
    live(&field.recorder);
    let watch = Watch::begin(load.threads);
    let lags = watch::loop_lag(field.hard_stop());
    let watching = async {
        until(middle, stop).await;
        let half = match stop.is_cancelled() {
            true => None,
            false => Some(field.standing().await),
        };
        until(end, stop).await;
        let at_end = field.standing().await;
        let usage = watch.so_far();
        // What was due and waits is part of what is measured: to leave it out would hide a stall.
        field.wait_for_what_was_due(stop).await;
        field.end();
        field.wait_for_the_last(stop).await;
        field.stop();
        (usage, half, at_end)
    };
    let ((mut signs, half, at_end), lag) = tokio::join!(watching, lags);
    signs.loop_lag = lag;
    (signs, half, at_end)
}

async fn until(moment: Instant, stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep_until(moment.into()) => {}
        () = stop.cancelled() => {}
    }
}
