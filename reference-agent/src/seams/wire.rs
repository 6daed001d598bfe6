//! What the seam below HTTP knows of a connection, and what it says.

/// What has gone out on a connection so far.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// How many answers were begun.
    pub(crate) answers: usize,
    /// How many bytes went out.
    pub(crate) bytes: usize,
}

/// What becomes of bytes on their way out.
#[derive(Debug)]
pub(crate) enum Wired {
    /// They go out as they are.
    AsIs,
    /// Others go out in their place.
    Instead(Vec<u8>),
    /// Others go out in their place, and then the connection is closed.
    ThenClose(Vec<u8>),
}
