//! The places at which a fault can step in.
//!
//! Without faults each of them is a function that hands back what it was given, so that the
//! agent can be read as if they were not there.

mod memory;
mod wire;

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use axum::{
    body::Bytes,
    extract::Request,
    http::{Method, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::future::BoxFuture;
use jsonwebtoken::Validation;
use serde_json::Value;

use crate::{
    auth::Found,
    endpoints::{Door, Endpoint},
    exchange::{Asked, Reply},
    faults::Fault,
    invoke::Job,
    limits::Ruling,
    metrics::Observation,
    orchestrator::{Call, Errand, Outcome},
    preferences::Preferences,
    results::Key,
    server::Stop,
    settings::{Quota, Settings},
    stream::Plan,
    validation::Violation,
};

pub(crate) use self::{
    memory::{Busy, Memory},
    wire::{Sent, Wired},
};

/// The endpoint that a judgement is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Config,
    Invoke,
    Stream,
    StepStream,
}

impl Place {
    /// Whether it is either of the two streams.
    pub(crate) fn streams(self) -> bool {
        matches!(self, Self::Stream | Self::StepStream)
    }
}

/// What comes of [`Seam::Ruling`].
pub(crate) type FutureRuling = BoxFuture<'static, Option<Ruling>>;

/// A place at which the agent can be bent, and how.
#[derive(Clone, Copy)]
pub(crate) enum Seam {
    /// The settings, before the start.
    Settings(fn(&mut Settings)),
    /// A request whose body has been taken in: answered in the handler's place, if `Some`.
    Early(fn(&Memory, &Asked) -> Option<Reply>),
    /// The same, but another request may go on to the handler, and later.
    Request(fn(Arc<Memory>, Asked) -> BoxFuture<'static, Asked>),
    /// What was found wrong with a request's body; nothing found is an acceptance.
    Verdict(fn(&Memory, Place, &Value, &mut Vec<Violation>)),
    /// The id of a new configuration.
    Mint(fn(&Memory, &mut String)),
    /// What is stored under an id.
    Lookup(fn(&Memory, Place, &str, &mut Option<Preferences>)),
    /// The answer to a question, wherever it was asked.
    Output(fn(&Memory, &Job, &mut Value)),
    /// A stream, before its first byte.
    Plan(fn(&Arc<Memory>, &Job, &mut Plan)),
    /// An answer on its way out.
    Reply(fn(&Memory, &Asked, &mut Reply)),
    /// The bytes of a connection, as HTTP has made them.
    Wire(fn(&mut Sent, &[u8]) -> Wired),
    /// A client that has left before its time.
    Abandoned(fn(&Memory, Left)),
    /// What an answer is kept under.
    Key(fn(&Memory, &Job, &mut Key)),
    /// What the cache holds under a key: the written output.
    Recalled(fn(&Memory, &Settings, &Key, &mut Option<Bytes>)),
    /// The settings that the agent starts with: for a fault to keep what it will need of them.
    Start(fn(&Memory, &Settings)),
    /// Who may come in at an endpoint.
    Door(fn(&Memory, &Parts, &mut Door)),
    /// A request's head, as it is read for credentials.
    Shown(fn(&Memory, &mut Parts)),
    /// Who was found to be asking, or why nobody is let in.
    Found(fn(&Memory, &Parts, &mut Found)),
    /// What is asked of a token beside its signature.
    Checks(fn(&Memory, &mut Validation)),
    /// What is enforced of a limit that is declared, before the start.
    Quota(fn(&mut Quota)),
    /// What the rate limit says of a request, before the client hears of it.
    Ruling(fn(Arc<Memory>, &'static Endpoint, Option<Ruling>) -> FutureRuling),
    /// What is going to be counted of a request.
    Count(fn(&Memory, &mut Observation)),
    /// What is said to a registry; `None` if nothing is.
    Call(fn(&Memory, &Settings, Call) -> Option<Call>),
    /// What has come of that.
    Outcome(fn(&Memory, &mut Outcome)),
    /// How long it is until a registration or a heartbeat is due.
    Pause(fn(&Memory, Errand, &mut Duration)),
    /// How the agent goes about stopping.
    Stop(fn(&Memory, &mut Stop)),
    /// The descriptor, before it is handed out.
    Descriptor(fn(&Memory, &mut Value)),
    /// The manifest, before it is written as YAML.
    Manifest(fn(&Memory, &mut Value)),
}

/// What a client has left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// A request, half sent or not answered yet.
    Request,
    /// A stream that had more to say.
    Stream,
}

impl fmt::Debug for Seam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seam")
    }
}

/// Has the active faults do what they do at a seam, one after the other.
macro_rules! act {
    ($seams:ident, $seam:ident($($argument:expr),*)) => {
        for (seam, memory) in $seams.active.load().iter() {
            if let Seam::$seam(act) = seam {
                act(memory, $($argument),*);
            }
        }
    };
}

/// The seams of one agent: those of its faults, each with its memory.
///
/// The admin API can change the faults while the agent serves.
#[derive(Debug, Default)]
pub(crate) struct Seams {
    active: ArcSwap<Vec<(Seam, Arc<Memory>)>>,
    faults: Mutex<Vec<&'static Fault>>,
}

impl Seams {
    pub(crate) fn of(faults: &[&'static Fault]) -> Self {
        let seams = Self::default();
        seams.switch(faults);
        seams
    }

    /// Puts other faults in place of those that are active; each begins with an empty memory.
    pub(crate) fn switch(&self, faults: &[&'static Fault]) {
        // Held to the end, so that two who switch at once do not make a mixture.
        let mut known = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let active = faults.iter().flat_map(|fault| {
            let memory = Arc::<Memory>::default();
            fault.seams.iter().map(move |seam| (*seam, memory.clone()))
        });
        self.active.store(Arc::new(active.collect()));
        *known = faults.to_vec();
    }

    /// The faults that are active.
    pub(crate) fn faults(&self) -> Vec<&'static Fault> {
        let known = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// Whether there is no fault at all, so that nothing can be other than it should.
    pub(crate) fn are_none(&self) -> bool {
        self.active.load().is_empty()
    }

    /// The request that goes on to the handler, or an answer that is given at once.
    pub(crate) async fn request(&self, request: Request<Bytes>) -> Result<Request<Bytes>, Reply> {
        if self.are_none() {
            return Ok(request);
        }
        let (mut parts, body) = request.into_parts();
        let mut asked = Asked::of(&parts, Some(&body));
        for (seam, memory) in self.active.load_full().iter() {
            match seam {
                Seam::Early(answer) => answer(memory, &asked).map_or(Ok(()), Err)?,
                Seam::Request(change) => asked = change(memory.clone(), asked).await,
                _ => {}
            }
        }
        parts.headers = asked.headers;
        Ok(Request::from_parts(parts, asked.body))
    }

    pub(crate) fn verdict(&self, place: Place, body: &Value, violations: &mut Vec<Violation>) {
        act!(self, Verdict(place, body, violations));
    }

    pub(crate) fn minted(&self, mut id: String) -> String {
        act!(self, Mint(&mut id));
        id
    }

    pub(crate) fn lookup(
        &self,
        place: Place,
        id: &str,
        mut found: Option<Preferences>,
    ) -> Option<Preferences> {
        act!(self, Lookup(place, id, &mut found));
        found
    }

    pub(crate) fn output(&self, job: &Job, output: &mut Value) {
        act!(self, Output(job, output));
    }

    pub(crate) fn plan(&self, job: &Job, plan: &mut Plan) {
        act!(self, Plan(job, plan));
    }

    pub(crate) async fn reply(&self, asked: &Asked, response: Response) -> Response {
        if !self.has(|seam| matches!(seam, Seam::Reply(_))) {
            return response;
        }
        let head = asked.method == Method::HEAD;
        let mut reply = Reply::of(response).await;
        let untold = reply.headers.clone();
        act!(self, Reply(asked, &mut reply));
        // The length of a body that was changed is for HTTP to say again.
        if !head && untold.get(header::CONTENT_LENGTH) == reply.headers.get(header::CONTENT_LENGTH)
        {
            reply.headers.remove(header::CONTENT_LENGTH);
        }
        reply.into_response()
    }

    /// Whether connections are to be watched: for [`Seams::wire`] and [`Seams::abandoned`].
    pub(crate) fn watch_wire(&self) -> bool {
        self.has(|seam| matches!(seam, Seam::Wire(_) | Seam::Abandoned(_)))
    }

    fn has(&self, kind: fn(&Seam) -> bool) -> bool {
        self.active.load().iter().any(|(seam, _)| kind(seam))
    }

    pub(crate) fn abandoned(&self, left: Left) {
        act!(self, Abandoned(left));
    }

    pub(crate) fn wire(&self, sent: &mut Sent, bytes: &[u8]) -> Wired {
        let mut wired = Wired::AsIs;
        for (seam, _) in self.active.load().iter() {
            if let (Seam::Wire(change), Wired::AsIs) = (seam, &wired) {
                wired = change(sent, bytes);
            }
        }
        wired
    }

    pub(crate) fn key(&self, job: &Job, mut key: Key) -> Key {
        act!(self, Key(job, &mut key));
        key
    }

    pub(crate) fn recalled(
        &self,
        settings: &Settings,
        key: &Key,
        mut found: Option<Bytes>,
    ) -> Option<Bytes> {
        act!(self, Recalled(settings, key, &mut found));
        found
    }

    pub(crate) fn start(&self, settings: &Settings) {
        act!(self, Start(settings));
    }

    pub(crate) fn door(&self, parts: &Parts, mut door: Door) -> Door {
        act!(self, Door(parts, &mut door));
        door
    }

    pub(crate) fn shown<'a>(&self, parts: &'a Parts) -> Cow<'a, Parts> {
        let mut shown = Cow::Borrowed(parts);
        act!(self, Shown(shown.to_mut()));
        shown
    }

    pub(crate) fn found(&self, parts: &Parts, mut found: Found) -> Found {
        act!(self, Found(parts, &mut found));
        found
    }

    pub(crate) fn checks(&self, checks: &mut Validation) {
        act!(self, Checks(checks));
    }

    pub(crate) async fn ruling(
        &self,
        endpoint: &'static Endpoint,
        mut ruling: Option<Ruling>,
    ) -> Option<Ruling> {
        if self.are_none() {
            return ruling;
        }
        for (seam, memory) in self.active.load_full().iter() {
            if let Seam::Ruling(change) = seam {
                ruling = change(memory.clone(), endpoint, ruling).await;
            }
        }
        ruling
    }

    pub(crate) fn observation(&self, observed: &mut Observation<'_>) {
        act!(self, Count(observed));
    }

    pub(crate) fn call(&self, settings: &Settings, call: Call) -> Option<Call> {
        let mut call = Some(call);
        for (seam, memory) in self.active.load().iter() {
            if let Seam::Call(change) = seam {
                call = call.and_then(|call| change(memory, settings, call));
            }
        }
        call
    }

    pub(crate) fn outcome(&self, outcome: &mut Outcome) {
        act!(self, Outcome(outcome));
    }

    pub(crate) fn pause(&self, before: Errand, mut pause: Duration) -> Duration {
        act!(self, Pause(before, &mut pause));
        pause
    }

    pub(crate) fn stop(&self) -> Stop {
        let mut stop = Stop::default();
        act!(self, Stop(&mut stop));
        stop
    }

    pub(crate) fn descriptor(&self, document: &mut Value) {
        act!(self, Descriptor(document));
    }

    pub(crate) fn manifest(&self, document: &mut Value) {
        act!(self, Manifest(document));
    }
}
