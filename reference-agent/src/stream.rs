//! The two streams: a plan of timed frames, and the body that sends each when it is due.
//!
//! A frame's bytes are made when its time has come, not before. The body is dropped when
//! the client leaves, and with it all that was still to be done.

use std::{
    collections::VecDeque,
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use crate::{
    agent::Agent,
    call,
    documents::now,
    failure::Failure,
    invoke::{Job, accept, compose},
    seams::{Left, Place},
};

/// What a stream is going to be.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) head: HeaderMap,
    pub(crate) frames: VecDeque<Frame>,
    pub(crate) ending: Ending,
}

/// What happens after the last frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The body ends as HTTP says it should.
    Close,
    /// The connection breaks off. (Only faults do this.)
    Cut,
    /// Nothing, for this long. (Only faults do this.)
    Hang(Duration),
}

/// A part of the stream: what to wait before it, and how it is made.
pub(crate) struct Frame {
    pub(crate) pause: Duration,
    make: Make,
}

/// How a frame is made, when it is due.
enum Make {
    /// An event, from its data.
    Event(Box<dyn FnOnce() -> Value + Send>),
    /// Any bytes at all. (Only faults do this.)
    Bytes(Box<dyn FnOnce() -> Bytes + Send>),
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("pause", &self.pause)
            .finish_non_exhaustive()
    }
}

impl Frame {
    /// An event with this data, made when it is due.
    pub(crate) fn event(pause: Duration, data: impl FnOnce() -> Value + Send + 'static) -> Self {
        let make = Make::Event(Box::new(data));
        Self { pause, make }
    }

    /// Any bytes at all, made when they are due.
    pub(crate) fn made(pause: Duration, make: impl FnOnce() -> Bytes + Send + 'static) -> Self {
        let make = Make::Bytes(Box::new(make));
        Self { pause, make }
    }

    /// Any bytes at all, made already.
    pub(crate) fn bytes(pause: Duration, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::made(pause, move || bytes)
    }

    /// Makes the bytes.
    pub(crate) fn make(self) -> Bytes {
        match self.make {
            Make::Event(data) => Bytes::from(format!("data: {}\n\n", data())),
            Make::Bytes(bytes) => bytes(),
        }
    }

    /// Makes the event's data, for where events are not bytes of a stream; `None` if it is none.
    fn data(self) -> Option<Value> {
        match self.make {
            Make::Event(data) => Some(data()),
            Make::Bytes(_) => None,
        }
    }
}

/// `POST /invoke/stream`.
pub(crate) async fn by_status(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Failure> {
    let job = accept(&agent, Place::Stream, &headers, &bytes)?;
    Ok(respond(&agent, &job))
}

/// `POST /invoke/advanced-stream`.
pub(crate) async fn by_step(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Failure> {
    let job = accept(&agent, Place::StepStream, &headers, &bytes)?;
    Ok(respond(&agent, &job))
}

/// The status vocabulary: started, five times processing, complete. Six pauses.
fn status_frames(agent: &Arc<Agent>, job: &Job) -> VecDeque<Frame> {
    const STEPS: [&str; 5] = [
        "Reading the question",
        "Looking up the weather",
        "Weighing the plan",
        "Choosing recommendations",
        "Wording the answer",
    ];
    let pause = agent.settings.stream_step;
    let started = || json!({"status": "started", "timestamp": now()});
    let mut frames = VecDeque::from([Frame::event(Duration::ZERO, started)]);
    for (step, message) in STEPS.into_iter().enumerate() {
        let progress = (step + 1) * 20;
        frames.push_back(Frame::event(
            pause,
            move || json!({"status": "processing", "progress": progress, "message": message}),
        ));
    }
    let pause = pause + agent.delay(&job.input).unwrap_or_default();
    let (agent, job) = (agent.clone(), job.clone());
    frames.push_back(Frame::event(
        pause,
        move || json!({"status": "complete", "result": compose(&agent, &job), "timestamp": now()}),
    ));
    frames
}

/// The event vocabulary: start, validating, fetching, four steps, complete. Six pauses.
fn step_frames(agent: &Arc<Agent>, job: &Job) -> VecDeque<Frame> {
    const TOTAL: u32 = 4;
    let pause = agent.settings.stream_step;
    let mut frames = VecDeque::from([
        Frame::event(
            Duration::ZERO,
            || json!({"event": "start", "timestamp": now()}),
        ),
        Frame::event(
            Duration::ZERO,
            || json!({"event": "validating", "message": "The question holds to the schema"}),
        ),
        Frame::event(
            pause,
            || json!({"event": "fetching", "message": "Looking up the weather"}),
        ),
    ]);
    for step in 1..=TOTAL {
        frames.push_back(Frame::event(pause, move || {
            json!({
                "event": "processing",
                "step": step,
                "total": TOTAL,
                "progress": f64::from(step) / f64::from(TOTAL) * 100.0,
                "message": format!("Step {step} of {TOTAL}"),
            })
        }));
    }
    let pause = pause + agent.delay(&job.input).unwrap_or_default();
    let (agent, job) = (agent.clone(), job.clone());
    frames.push_back(Frame::event(
        pause,
        move || json!({"event": "complete", "result": compose(&agent, &job), "timestamp": now()}),
    ));
    frames
}

/// What the stream of this job's vocabulary is going to be.
fn plan(agent: &Arc<Agent>, job: &Job) -> Plan {
    let mut plan = Plan {
        head: head(),
        frames: match job.place {
            Place::StepStream => step_frames(agent, job),
            _ => status_frames(agent, job),
        },
        ending: Ending::Close,
    };
    agent.seams.plan(job, &mut plan);
    plan
}

/// The data of each event of the stream of this job's vocabulary, when it is due.
pub(crate) fn events(agent: &Arc<Agent>, job: &Job) -> impl Stream<Item = Value> + Send + use<> {
    let telling = Telling::of(agent, job.place, plan(agent, job));
    let events = stream::unfold(telling, |mut telling| async {
        let frame = telling.plan.frames.pop_front()?;
        let data = match in_time(frame, telling.deadline, Frame::data).await {
            Ok(data) => data,
            Err(failed) => Some(telling.end(failed)),
        };
        Some((data, telling))
    });
    events.filter_map(async |data| data)
}

fn respond(agent: &Arc<Agent>, job: &Job) -> Response {
    let mut plan = plan(agent, job);
    let head = std::mem::take(&mut plan.head);
    let mut response = Response::new(body(Telling::of(agent, job.place, plan)));
    *response.headers_mut() = head;
    response
}

/// The header fields of every stream.
pub(crate) fn head() -> HeaderMap {
    HeaderMap::from_iter([
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream; charset=utf-8"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (
            header::HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ])
}

fn body(telling: Telling) -> Body {
    Body::from_stream(stream::unfold(telling, |mut telling| async {
        let Some(frame) = telling.plan.frames.pop_front() else {
            return match telling.plan.ending {
                Ending::Close => None,
                Ending::Cut => {
                    telling.plan.ending = Ending::Close;
                    Some((
                        Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
                        telling,
                    ))
                }
                Ending::Hang(time) => {
                    tokio::time::sleep(time).await;
                    None
                }
            };
        };
        let bytes = match in_time(frame, telling.deadline, Frame::make).await {
            Ok(bytes) => bytes,
            Err(failed) => {
                let data = telling.end(failed);
                Frame::event(Duration::ZERO, || data).make()
            }
        };
        Some((Ok(bytes), telling))
    }))
}

/// What is made of the frame when it is due; no reason given if that is too late.
///
/// A panic while it is made is a failure like any other: by then the status has gone out,
/// and the stream is the only place where it can be told.
async fn in_time<T>(
    frame: Frame,
    deadline: Instant,
    make: impl FnOnce(Frame) -> T,
) -> Result<T, Option<Failure>> {
    if !frame.pause.is_zero() {
        let due = tokio::time::sleep(frame.pause);
        timeout_at(deadline, due).await.map_err(|_| None)?;
    }
    catch_unwind(AssertUnwindSafe(|| make(frame))).map_err(|_| Some(Failure::execution()))
}

/// A stream on its way: counted for as long as it is there.
struct Telling {
    plan: Plan,
    agent: Arc<Agent>,
    place: Place,
    deadline: Instant,
}

impl Telling {
    fn of(agent: &Arc<Agent>, place: Place, plan: Plan) -> Self {
        agent.open_streams.send_modify(|open| *open += 1);
        Self {
            plan,
            agent: agent.clone(),
            place,
            deadline: Instant::now() + agent.settings.request_timeout,
        }
    }

    /// Drops all that was still to be done, and makes the event that says so.
    fn end(&mut self, failed: Option<Failure>) -> Value {
        self.plan.frames.clear();
        self.plan.ending = Ending::Close;
        call::current(|call| call.has_failed.store(true, Ordering::Relaxed));
        let key = match self.place {
            Place::StepStream => "event",
            _ => "status",
        };
        let late = || Failure::timeout(self.agent.settings.request_timeout);
        let error = failed.unwrap_or_else(late).error();
        json!({key: "error", "error": error, "timestamp": now()})
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.agent.open_streams.send_modify(|open| *open -= 1);
        if !self.plan.frames.is_empty() {
            self.agent.seams.abandoned(Left::Stream);
        }
    }
}
