//! What is right for an ACP agent, and how it is found out.
//!
//! *drive → judge*: gathering does all the I/O and yields evidence, judging is a pure function
//! of evidence. This crate knows no command line, prints nothing, and reads neither files nor
//! the environment.

pub mod wire;
