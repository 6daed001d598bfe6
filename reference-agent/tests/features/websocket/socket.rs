//! A client's end of a socket, as the tests hold it.

use acp_reference_agent::Running;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

use super::LONG;

/// A client's end of a socket.
pub(super) struct Socket(pub(super) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(super) async fn to(agent: &Running) -> Self {
        let url = format!("ws://{}/ws", agent.addr());
        let (socket, response) = connect_async(url).await.expect("a socket");
        assert!(response.headers().contains_key("x-request-id"));
        Self(socket)
    }

    pub(super) async fn say(&mut self, message: Value) {
        self.write(Message::text(message.to_string())).await;
    }

    pub(super) async fn write(&mut self, message: Message) {
        self.0.send(message).await.expect("taken");
    }

    pub(super) async fn invoke(&mut self, id: &str, city: &str) {
        self.say(json!({"type": "invoke", "id": id, "input": {"city": city}}))
            .await;
    }

    /// The next event.
    pub(super) async fn hear(&mut self) -> Value {
        loop {
            match self.next().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).expect("JSON"),
                Some(Message::Ping(_)) => {}
                other => panic!("no event: {other:?}"),
            }
        }
    }

    pub(super) async fn next(&mut self) -> Option<Message> {
        let heard = timeout(LONG, self.0.next()).await.expect("in time");
        heard.and_then(Result::ok)
    }

    /// The events of an invocation, to its end.
    pub(super) async fn hear_all(&mut self, id: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.hear().await;
            assert_eq!(event["id"], id, "{event}");
            let word = event["event"].as_str().or(event["status"].as_str());
            let is_last = matches!(word, Some("complete" | "error" | "cancelled"));
            events.push(event);
            if is_last {
                return events;
            }
        }
    }

    /// The code that the agent closes the socket with.
    pub(super) async fn closed(&mut self) -> CloseCode {
        loop {
            match self.next().await {
                Some(Message::Close(frame)) => return frame.expect("a frame").code,
                Some(_) => {}
                None => panic!("not closed in due form"),
            }
        }
    }
}
