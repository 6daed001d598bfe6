//! Starting the agent oneself: the command, its process, and its end.
//!
//! Knows processes and ports; what is asked of them, and why, the scenes know.

mod command;
mod descendants;
mod port;
mod process;

pub use command::{Launch, NotACommand};
pub(crate) use command::{Place, variable};
pub(crate) use port::free_ports;
pub(crate) use process::{Exit, Process, STOP_TIME};
