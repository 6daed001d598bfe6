//! The parser's face: push bytes, look at the events, finish.

use super::{
    decode::Decoder,
    lines::Lines,
    transcript::{Event, Limits, Transcript},
};

/// An incremental parser of `text/event-stream` (HTML, 9.2.5 and 9.2.6).
///
/// An event is there as soon as the first byte of its blank line's end has been pushed, as a
/// client would dispatch it. Where that byte is a CR and the next one turns out to be an LF,
/// the event's `end` moves behind it, unless the event has been taken by then.
pub struct Parser {
    decoder: Decoder,
    lines: Lines,
}

impl Parser {
    /// A parser at the beginning of a stream.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            decoder: Decoder::default(),
            lines: Lines::new(limits),
        }
    }

    /// Reads on.
    pub fn push(&mut self, bytes: &[u8]) {
        let Self { decoder, lines } = self;
        decoder.push(bytes, &mut |piece| lines.push(piece));
    }

    /// The events dispatched so far and not taken yet.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        self.lines.blocks().events()
    }

    /// Takes the events dispatched so far, which frees what they held of the limit.
    pub fn drain_events(&mut self) -> impl Iterator<Item = Event> {
        self.lines.blocks_mut().drain_events()
    }

    /// How many bytes wait for more of the stream, events and defects aside.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.lines.held_bytes()
    }

    /// The stream has ended: whatever is incomplete is discarded, as the standard says.
    #[must_use]
    pub fn finish(mut self) -> Transcript {
        let Self { decoder, lines } = &mut self;
        decoder.finish(&mut |piece| lines.push(piece));
        self.lines.finish()
    }
}

impl Default for Parser {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

/// Parses a whole stream under the default limits.
#[must_use]
pub fn parse(bytes: &[u8]) -> Transcript {
    let mut parser = Parser::default();
    parser.push(bytes);
    parser.finish()
}
