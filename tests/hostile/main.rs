//! Hostile agents: none may hang, crash, bloat or mislead the checker.
//!
//! Each server is one row of a table, each family a file. The program is run as a user runs it, and
//! its peak memory is read off the system: of memory, not of time, is anything asserted. A run that
//! does not end is killed, and fails.

#![cfg(unix)]

mod bodies;
mod elsewhere;
mod heads;
mod launched;
mod program;
mod schemas;
mod secrets;
mod server;
mod streams;
mod text;
mod time;
