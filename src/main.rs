//! The command line of acp-tck.
fn main() {}
