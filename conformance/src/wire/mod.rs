//! The wire: one request and its answer, recorded byte for byte.
//!
//! HTTP/1.1 over TCP or TLS, a fresh connection an exchange, so that no verdict depends on what
//! went over a connection before. An agent's misbehaviour is never an `Err` here: it is the
//! [`End`] of an exchange. This module knows nothing of ACP, JSON or rules.

mod body;
mod client;
mod exchange;
mod head;
mod receive;
mod tls;

pub use body::Decoder;
pub use client::{Client, ClientError};
pub use exchange::{Answer, End, Exchange, Manner, Read, Request};
pub use head::{Field, Framing, Head};
pub use receive::{Limits, Reading, Watch};
