//! What can be wrong or odd in a stream, by name, and what each costs a client.

use std::fmt;

/// How bad a defect is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// The bytes are not the grammar (HTML, 9.2.5).
    Grammar,
    /// The grammar holds, and yet something is lost or altered for the client (9.2.6).
    Lost,
    /// Right, but known to break sloppy clients. Each kind is recorded once, where it first stands.
    Note,
}

impl Tier {
    /// The tier's name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grammar => "grammar",
            Self::Lost => "lost",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One thing that is wrong or odd, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// What it is.
    pub kind: DefectKind,
    /// Its first byte in the stream.
    pub offset: u64,
    /// How many bytes it spans, line ends excluded.
    pub length: u64,
    /// How bad it is.
    pub tier: Tier,
    /// The line that it stands on, or begins on, counted from 1.
    pub line: u64,
    /// What a client gets because of it: one line, free of control characters.
    pub message: String,
}

/// Declares the kinds: each with its name, its tier, and the message, in which `{}` stands for
/// what was seen in the stream. This table is the only place that knows these facts.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $tier:ident, $message:literal;)*) => {
        /// A kind of defect.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DefectKind { $($(#[$doc])* $kind,)* }

        impl DefectKind {
            /// Every kind, the worst tier first.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The kind's name in reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// How bad it is. [`DefectKind::DefectsLeftOut`] is as bad as the worst that it hides.
            #[must_use]
            pub const fn tier(self) -> Tier {
                match self { $(Self::$kind => Tier::$tier,)* }
            }

            const fn template(self) -> &'static str {
                match self { $(Self::$kind => $message,)* }
            }
        }
    };
}

kinds! {
    /// Bytes that are not UTF-8.
    NotUtf8 = "not-utf8", Grammar,
        "not UTF-8 ({}): the client reads U+FFFD in place of these bytes";
    /// The stream ends before an event's blank line.
    UnterminatedEvent = "unterminated-event", Grammar,
        "the stream ends before the blank line: the client discards this event";
    /// The stream ends before the blank line that the grammar wants after comments, too.
    UnterminatedComment = "unterminated-comment", Grammar,
        "the stream ends without a blank line after a comment: no event is lost, but the grammar does not hold";

    /// A byte order mark at the beginning of a line other than the first.
    BomMidStream = "bom-mid-stream", Lost,
        "a byte order mark after the stream's first character is part of the field name: the line is ignored";
    /// A field that the standard does not know.
    UnknownField = "unknown-field", Lost,
        "no client knows the field {}: the line is ignored";
    /// `Data:` for `data:`.
    WrongCaseField = "wrong-case-field", Lost,
        "{} is not in lower case, and field names are compared literally: the line is ignored";
    /// ` data:` for `data:`.
    SpaceBeforeField = "space-before-field", Lost,
        "the space in {} is part of the field name: the line is ignored";
    /// `data :` for `data:`.
    SpaceAfterField = "space-after-field", Lost,
        "the space in {} is part of the field name: the line is ignored";
    /// A line of JSON without `data:` before it.
    BareJson = "bare-json", Lost,
        "JSON without `data:` before it is taken for a field name: the client never sees {}";
    /// A line of text without a colon.
    BareText = "bare-text", Lost,
        "text without a colon is taken for a field name: the client never sees {}";
    /// A line of white space, which looks blank and is not.
    WhitespaceLine = "whitespace-line", Lost,
        "a line of white space is no blank line: it is ignored, and no event is dispatched here";
    /// A block with `event`, `id` or `retry`, and no `data`.
    BlockWithoutData = "block-without-data", Lost,
        "a block with {} but no `data` dispatches no event";
    /// A `retry` whose value is not ASCII digits alone.
    RetryNotDigits = "retry-not-digits", Lost,
        "the value of `retry` is {}, not digits alone: the field is ignored";
    /// An `id` with U+0000 in it.
    IdWithNul = "id-with-nul", Lost,
        "the `id` contains U+0000: the field is ignored, and the id before stays in force";
    /// A field that a later one in the same block replaces with another value.
    OverwrittenField = "overwritten-field", Lost,
        "{} comes again in the same block: the value before is lost, perhaps for want of a blank line between two events";
    /// More than the limit on one event or line.
    EventTooLarge = "event-too-large", Lost,
        "a line or event of more than {} bytes: it is left out here, and a bounded client drops it";
    /// More than the limit on all events.
    EventsLeftOut = "events-left-out", Lost,
        "the events hold more than {} here: the rest is not recorded";
    /// More than the limit on defects.
    DefectsLeftOut = "defects-left-out", Lost,
        "too many defects: {} more from here on are only counted";

    /// The stream begins with a byte order mark.
    LeadingBom = "leading-bom", Note,
        "a byte order mark first: right, but a client that keeps it loses the first line";
    /// A line ends with CR alone.
    CrLineEnd = "cr-line-end", Note,
        "a line ends with CR alone: right, but a client that looks for LF waits for ever";
    /// A line ends with CRLF.
    CrlfLineEnd = "crlf-line-end", Note,
        "a line ends with CRLF: right, but a client that splits at two LFs finds no event";
    /// The stream ends its lines in more than one way.
    MixedLineEnds = "mixed-line-ends", Note,
        "a line ends unlike the first: right, but a client that settles on one line end goes wrong";
    /// A field without a space after its colon.
    NoSpaceAfterColon = "no-space-after-colon", Note,
        "no space after the colon: right, but a client that looks for `data: ` or cuts one byte goes wrong";
    /// A known field without a colon.
    FieldWithoutColon = "field-without-colon", Note,
        "a field without a colon has an empty value: right, but a client that looks for the colon ignores it";
    /// A value that begins with a space of its own.
    SpaceInValue = "space-in-value", Note,
        "one space is removed and the next belongs to the value: a client that trims loses it";
    /// A value that begins with a byte order mark.
    BomInValue = "bom-in-value", Note,
        "the value begins with a byte order mark, which is content: a JSON reader refuses it";
    /// An event with more than one `data` line.
    MultiLineData = "multi-line-data", Note,
        "more than one `data` line: right, but a client that takes one line for one event sees pieces";
    /// An event whose data is empty.
    EmptyData = "empty-data", Note,
        "an event with empty data is dispatched: a client that tests for emptiness drops it";
    /// `event:` without a value.
    EmptyEventType = "empty-event-type", Note,
        "an empty `event` means `message`: a client that takes it literally listens for nothing";
    /// A comment, perhaps to keep the connection alive.
    Comment = "comment", Note,
        "a comment: right, but a client that takes each line for a field goes wrong";
    /// A blank line where no block has begun.
    ExtraBlankLine = "extra-blank-line", Note,
        "a blank line without a block: right, but a client that splits at blank lines sees an empty event";
    /// A field that comes again in the same block with the same value.
    RepeatedField = "repeated-field", Note,
        "a field comes again in the same block: a blank line between two events may be missing";
    /// A `retry` beyond what timers take.
    RetryTooLarge = "retry-too-large", Note,
        "the value of `retry` is over 2147483647: many timers overflow and fire at once";
    /// U+0000 somewhere in the stream.
    NulCharacter = "nul-character", Note,
        "U+0000 in the stream: right, but a client with C strings stops here";
    /// U+0085, U+2028 or U+2029 somewhere in the stream.
    UnicodeLineBreak = "unicode-line-break", Note,
        "U+0085, U+2028 or U+2029 ends no line: a client that splits at all line breaks of Unicode cuts the event";
}

impl DefectKind {
    /// The message, with what was seen in its place.
    pub(super) fn message(self, seen: &str) -> String {
        self.template().replace("{}", seen)
    }
}

impl fmt::Display for DefectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a message quotes of the stream: a little, with control characters escaped.
pub(super) fn excerpt(text: &str) -> String {
    /// Enough to recognise a line by, short enough for a message of one line.
    const CHARACTERS: usize = 40;
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
