//! One web socket, from its beginning to its end: a single task that reads, asks and writes in
//! turns, so that whoever does not read is not read from, and nothing piles up.

use std::{collections::HashMap, ops::ControlFlow, pin::Pin, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseCode, CloseFrame, Message as Sent, WebSocket, close_code, rejection},
    },
    http::{HeaderMap, header},
    response::Response,
};
use futures_util::{
    Stream, StreamExt,
    stream::{self, AbortHandle, SelectAll, abortable},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    message::{Message, bare, error, wrong},
    silence::{Silence, Step},
};
use crate::{
    agent::Agent,
    auth::Identity,
    call::{self, Call},
    endpoints::Allowance,
    failure::Failure,
    gate, invoke,
    seams::Place,
    stream::events,
    visit::Seat,
};

/// So many questions of one socket are answered at a time.
const MOST_AT_A_TIME: usize = 16;

/// How long a client may take to make room for one message.
const WRITE_TIME: Duration = Duration::from_secs(10);

/// How long a client may take to agree to the end.
const CLOSE_TIME: Duration = Duration::from_secs(2);

/// Whether a browser says that a page from elsewhere asks: it would do so with the user's standing,
/// and unlike other requests this one is not held back by the browser itself.
fn is_of_another_page(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let page = origin.to_str().ok().and_then(|origin| {
        let (_, page) = origin.split_once("://")?;
        Some(page)
    });
    page.is_none() || page != host
}

/// `GET /ws`.
pub(crate) async fn open(
    State(agent): State<Arc<Agent>>,
    Extension(call): Extension<Call>,
    Extension(seat): Extension<Seat>,
    identity: Option<Extension<Identity>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let upgrade = upgrade.map_err(|_| {
        Failure::invalid_input("this path speaks WebSocket, version 13, alone", Vec::new())
    })?;
    if is_of_another_page(&headers) {
        let message = "pages of another origin may not open this";
        return Err(Failure::invalid_input(message, Vec::new()));
    }
    let limit = agent.settings.body_limit;
    let stopped = seat.stopped.clone();
    let session = Session {
        _seat: seat,
        call,
        identity: identity.map(|Extension(identity)| identity),
        under_way: HashMap::new(),
        events: SelectAll::new(),
        silence: Silence::since(std::time::Instant::now()),
        agent,
    };
    let upgrade = upgrade.max_message_size(limit).max_frame_size(limit);
    Ok(upgrade.on_upgrade(async move |socket| {
        let call = session.call.clone();
        // What is under way goes with the session.
        tokio::select! {
            () = call::within(call, session.run(socket)) => {}
            () = stopped.cancelled() => {}
        }
    }))
}

/// One socket's client, and what is under way for it.
struct Session {
    agent: Arc<Agent>,
    /// Free for another connection when this is dropped.
    _seat: Seat,
    call: Call,
    identity: Option<Identity>,
    under_way: HashMap<String, UnderWay>,
    events: SelectAll<Pin<Box<dyn Stream<Item = Event> + Send>>>,
    silence: Silence,
}

/// A question under way: in which words it is answered, and how to end it.
struct UnderWay {
    place: Place,
    abort: AbortHandle,
}

/// What an invocation has to tell.
struct Event {
    id: String,
    /// `None`: that was all.
    data: Option<Value>,
}

/// Goes on, or ends for this reason; `None` if there is nobody left to be told.
type Turn = ControlFlow<Option<(CloseCode, &'static str)>>;

impl Session {
    async fn run(mut self, mut socket: WebSocket) {
        let draining = self.agent.draining();
        loop {
            let is_draining = draining.is_cancelled();
            if is_draining && self.under_way.is_empty() {
                return close(socket, close_code::AWAY, "the agent is on its way out").await;
            }
            let turn = tokio::select! {
                // In this order: what has ended is known to have, before its client says more.
                biased;
                Some(event) = self.events.next() => self.tell(&mut socket, event).await,
                () = draining.cancelled(), if !is_draining => Turn::Continue(()),
                () = sleep_until(self.silence.due().into()) => self.mind(&mut socket).await,
                heard = socket.recv() => self.hear(&mut socket, heard).await,
            };
            match turn {
                Turn::Continue(()) => {}
                Turn::Break(None) => return,
                Turn::Break(Some((code, reason))) => return close(socket, code, reason).await,
            }
        }
    }

    async fn hear(
        &mut self,
        socket: &mut WebSocket,
        heard: Option<Result<Sent, axum::Error>>,
    ) -> Turn {
        self.silence.broken(Instant::now().into_std());
        match heard {
            Some(Ok(Sent::Text(text))) => match self.obey(&text) {
                Some(event) => send(socket, Sent::text(event.to_string())).await,
                None => Turn::Continue(()),
            },
            Some(Ok(Sent::Binary(_))) => {
                Turn::Break(Some((close_code::UNSUPPORTED, "messages are text")))
            }
            Some(Ok(Sent::Ping(_) | Sent::Pong(_))) => Turn::Continue(()),
            // The library answers in kind.
            Some(Ok(Sent::Close(_))) => {
                let _ = timeout(CLOSE_TIME, socket.recv()).await;
                Turn::Break(None)
            }
            Some(Err(error)) => Turn::Break(blame(error)),
            None => Turn::Break(None),
        }
    }

    /// Does what a message says; the event that is to be told at once, if there is one.
    fn obey(&mut self, text: &str) -> Option<Value> {
        let message = match Message::read(text) {
            Ok(message) => message,
            Err(failure) => return Some(self.refuse(&failure)),
        };
        match message {
            Message::Invoke { id, place, body } => self.invoke(id, place, body),
            Message::Cancel { id } => Some(self.cancel(id)),
            Message::Ping => Some(match self.pay(Allowance::Ordinary) {
                Ok(()) => json!({"type": "pong"}),
                Err(failure) => error(Place::StepStream, &failure),
            }),
        }
    }

    /// An error that is about no invocation, and so has no id.
    fn refuse(&self, failure: &Failure) -> Value {
        let limited = self.pay(Allowance::Ordinary).err();
        error(Place::StepStream, limited.as_ref().unwrap_or(failure))
    }

    fn invoke(&mut self, id: String, place: Place, body: Value) -> Option<Value> {
        if self.under_way.contains_key(&id) {
            let failure = wrong("/id", "uniqueItems", "is the id of one that is under way");
            return Some(self.refuse(&failure));
        }
        match self.accept(place, body) {
            Ok(job) => {
                self.begin(id, place, &job);
                None
            }
            Err(failure) => Some(marked(error(place, &failure), &id)),
        }
    }

    fn accept(&self, place: Place, body: Value) -> Result<invoke::Job, Failure> {
        self.pay(Allowance::Invoke)?;
        if self.agent.is_draining() {
            return Err(Failure::unavailable("the agent is on its way out"));
        }
        if self.under_way.len() == MOST_AT_A_TIME {
            let message = format!("no more than {MOST_AT_A_TIME} are answered at a time");
            return Err(Failure::unavailable(&message));
        }
        invoke::judge(&self.agent, place, body)
    }

    fn begin(&mut self, id: String, place: Place, job: &invoke::Job) {
        let named = id.clone();
        let data = events(&self.agent, job).map(Some);
        let all = data.chain(stream::iter([None]));
        let all = all.map(move |data| Event {
            id: named.clone(),
            data,
        });
        let (all, abort) = abortable(all);
        self.events.push(Box::pin(all));
        self.under_way.insert(id, UnderWay { place, abort });
    }

    fn cancel(&mut self, id: String) -> Value {
        let Some(asked) = self.under_way.remove(&id) else {
            let failure = wrong("/id", "exists", "is the id of none that is under way");
            return self.refuse(&failure);
        };
        asked.abort.abort();
        marked(bare(asked.place, "cancelled"), &id)
    }

    fn pay(&self, allowance: Allowance) -> Result<(), Failure> {
        let identity = self.identity.as_ref();
        gate::pay(&self.agent, allowance, self.call.peer, identity)
    }

    async fn tell(&mut self, socket: &mut WebSocket, event: Event) -> Turn {
        match event.data {
            Some(data) => send(socket, Sent::text(marked(data, &event.id).to_string())).await,
            None => {
                self.under_way.remove(&event.id);
                Turn::Continue(())
            }
        }
    }

    async fn mind(&mut self, socket: &mut WebSocket) -> Turn {
        match self.silence.step(Instant::now().into_std()) {
            Step::Ping => send(socket, Sent::Ping(Default::default())).await,
            Step::Close => Turn::Break(Some((close_code::AWAY, "nobody answers"))),
        }
    }
}

/// An event of the invocation of this id.
fn marked(mut event: Value, id: &str) -> Value {
    if let Some(members) = event.as_object_mut() {
        members.insert("id".to_owned(), id.into());
    }
    event
}

async fn send(socket: &mut WebSocket, message: Sent) -> Turn {
    taken_within(WRITE_TIME, socket.send(message)).await
}

/// Whoever does not make room in this time is taken to have gone.
async fn taken_within<E>(time: Duration, sending: impl Future<Output = Result<(), E>>) -> Turn {
    match timeout(time, sending).await {
        Ok(Ok(())) => Turn::Continue(()),
        _ => Turn::Break(None),
    }
}

/// What a client is told that has sent what cannot be read.
fn blame(error: axum::Error) -> Option<(CloseCode, &'static str)> {
    // The library does not say in a type what went wrong.
    let text = error.to_string();
    if text.contains("Space limit") {
        Some((close_code::SIZE, "the message is too long"))
    } else if text.contains("UTF-8") {
        Some((close_code::INVALID, "the message is not UTF-8"))
    } else {
        Some((close_code::PROTOCOL, "this is not the protocol"))
    }
}

/// Says why, and waits a moment for the client to agree.
async fn close(mut socket: WebSocket, code: CloseCode, reason: &'static str) {
    let reason = reason.into();
    let last = Sent::Close(Some(CloseFrame { code, reason }));
    if send(&mut socket, last).await.is_continue() {
        let agreed = async { while let Some(Ok(_)) = socket.recv().await {} };
        let _ = timeout(CLOSE_TIME, agreed).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future};

    use super::*;

    #[tokio::test]
    async fn who_makes_no_room_for_a_message_is_not_waited_for() {
        let stuck = future::pending::<Result<(), Infallible>>();
        let sent = taken_within(Duration::from_millis(20), stuck);
        let sent = timeout(Duration::from_secs(60), sent).await;
        assert_eq!(sent, Ok(Turn::Break(None)));
        let sent = taken_within(WRITE_TIME, future::ready(Ok::<_, Infallible>(()))).await;
        assert_eq!(sent, Turn::Continue(()));
    }
}
