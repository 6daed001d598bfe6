//! What a user asks on: a line of hyper's, or a lean one.

use crate::hot::{Exchange, Line, Prepared, Reader};

/// A connection to the agent, for one exchange after the other.
pub(crate) trait Connection: Send {
    /// Connects beforehand, so that no exchange pays for it. It may fail: then the first
    /// exchange tries again, and tells.
    fn connect(&mut self) -> impl Future<Output = ()> + Send;

    /// Sends a request and reads the answer, on the connection that is open, or on a new one.
    fn exchange(
        &mut self,
        prepared: &Prepared,
        reader: &mut (impl Reader + Send),
    ) -> impl Future<Output = Exchange> + Send;
}

impl Connection for Line {
    async fn connect(&mut self) {
        Self::connect(self).await;
    }

    async fn exchange(
        &mut self,
        prepared: &Prepared,
        reader: &mut (impl Reader + Send),
    ) -> Exchange {
        Self::exchange(self, prepared, reader).await
    }
}
