//! What is right for an ACP agent, and how it is found out.

pub mod sse;
