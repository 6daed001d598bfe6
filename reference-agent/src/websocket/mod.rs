//! /ws: the events of the streams over a web socket, for many questions at a time, each of
//! which can be called off.

mod message;
mod session;
mod silence;

pub(crate) use session::open;
