//! What a stream said: the plain records that the parser hands out.

use smol_str::SmolStr;

use super::defect::{Defect, Tier};

/// One event, as a client that follows the standard dispatches it (HTML, 9.2.6). Types and IDs
/// are mostly short or come again: they stand in the record itself, or are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The event's type; `message` where the block names none.
    pub event: SmolStr,
    /// The values of the `data` lines, joined by U+000A.
    pub data: String,
    /// The last event ID at the moment of dispatch: it outlives the block that set it.
    pub id: SmolStr,
    /// The reconnection time in milliseconds that this very block set. The one in force at
    /// the end of the stream is [`Transcript::retry`].
    pub retry: Option<u64>,
    /// The first byte of the block, comments before the fields included.
    pub offset: u64,
    /// Just after the blank line that dispatched the event.
    pub end: u64,
}

/// A whole stream, read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// The events that were dispatched, in order, without those taken from the parser earlier.
    pub events: Vec<Event>,
    /// What is wrong or odd, by offset.
    pub defects: Vec<Defect>,
    /// Whether the bytes are UTF-8 and match the ABNF (HTML, 9.2.5).
    pub grammar_valid: bool,
    /// The reconnection time in force at the end, in milliseconds, if the stream ever set one.
    pub retry: Option<u64>,
    /// How many bytes the stream has.
    pub length: u64,
}

/// Whether the stream is wrong in a way that a client feels: not the grammar, or something lost.
pub fn falls_short(transcript: &Transcript) -> bool {
    !transcript.grammar_valid || transcript.defects.iter().any(|d| d.tier != Tier::Note)
}

/// How much the parser keeps of a stream that means no good.
///
/// Whatever a limit leaves out is named by a defect, so that nothing is dropped in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The bytes of one line, and of one event's data. Beyond it the event is not dispatched.
    pub event_bytes: usize,
    /// The bytes of all events that wait in the parser. A long last event ID counts
    /// in each event that follows it: they share it here, but nowhere that they are written.
    pub kept_bytes: usize,
    /// The grammar and lost defects that are recorded one by one. Notes need no limit: each
    /// kind is recorded once.
    pub defects: usize,
}

impl Default for Limits {
    /// 1 MiB an event, as generous clients have it (Go's `bufio.Scanner` stops at 64 KiB, many
    /// proxies at less); 64 MiB in all; 1,000 defects, more than anyone reads.
    fn default() -> Self {
        Self {
            event_bytes: 1 << 20,
            kept_bytes: 64 << 20,
            defects: 1_000,
        }
    }
}
