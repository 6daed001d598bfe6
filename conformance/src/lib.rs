//! Stub.

pub mod cases;
pub mod schema;
