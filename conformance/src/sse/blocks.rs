//! Lines to events: the buffers of the standard, and its steps for a line, a field and the
//! dispatch (HTML, 9.2.6).

use std::mem;

use smol_str::SmolStr;

use super::{
    defect::{DefectKind, Tier, excerpt},
    fields::{self, Field},
    log::{Log, Span},
    transcript::{Event, Limits, Transcript},
};

/// The greatest delay that the timers of browsers and Node.js take, in milliseconds.
const LONGEST_TIMER: u64 = i32::MAX as u64;

/// What the current block has shown so far. All of it is forgotten at the blank line.
#[derive(Default)]
struct Block {
    /// Its first byte and first line.
    offset: u64,
    line: u64,
    /// It has a line, be it a comment; it has a line that is no comment.
    begun: bool,
    fielded: bool,
    has_data: bool,
    event: bool,
    id: bool,
    retry: Option<u64>,
    /// The limit was hit: nothing is kept, and nothing will be dispatched.
    too_large: bool,
}

/// Gathers lines into blocks, and dispatches events.
pub(super) struct Blocks {
    pub(super) log: Log,
    limits: Limits,
    events: Vec<Event>,
    /// What `events` holds, in bytes, and where the first event stood that was left out.
    kept: usize,
    left_out: Option<Span>,
    /// The current line.
    here: Span,
    block: Block,
    /// The standard's buffers, under its names; `data` lacks the last LF, which is never seen,
    /// and `event_type` is this block's only if the block has one.
    data: String,
    event_type: SmolStr,
    last_event_id: SmolStr,
    reconnection_time: Option<u64>,
}

impl Blocks {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            log: Log::new(limits.defects),
            limits,
            events: Vec::new(),
            kept: 0,
            left_out: None,
            here: Span {
                offset: 0,
                length: 0,
                line: 1,
            },
            block: Block {
                line: 1,
                ..Block::default()
            },
            data: String::new(),
            event_type: SmolStr::default(),
            last_event_id: SmolStr::default(),
            reconnection_time: None,
        }
    }

    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    pub(super) fn drain_events(&mut self) -> impl Iterator<Item = Event> {
        self.kept = 0;
        self.events.drain(..)
    }

    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.data.capacity() + self.event_type.len() + self.last_event_id.len()
    }

    /// Where the current line begins, and its number. Its length is not known yet.
    pub(super) fn here(&self) -> Span {
        self.here
    }

    /// The first line begins here, behind a byte order mark.
    pub(super) fn begin_at(&mut self, offset: u64) {
        self.here.offset = offset;
        self.block.offset = offset;
    }

    /// The line end before the current line has got an LF: if it was a blank line's, that block
    /// ends a byte later than it seemed.
    pub(super) fn extend_line_end(&mut self) {
        let seemed = self.here.offset;
        self.here.offset += 1;
        if self.block.offset != seemed {
            return;
        }
        self.block.offset = self.here.offset;
        if let Some(event) = self.events.last_mut()
            && event.end == seemed
        {
            event.end = self.here.offset;
        }
    }

    /// Processes a line that ends before the byte `end`. What was kept of it is `text`: all of
    /// it, if it is `whole`.
    #[inline]
    pub(super) fn line(&mut self, text: &str, whole: bool, end: u64) {
        self.here.length = end - self.here.offset;
        if self.here.length > 0 {
            self.block.begun = true;
            self.filled_line(text, whole);
        } else {
            self.blank_line();
        }
        self.here.offset = end + 1;
        self.here.line += 1;
    }

    /// The stream has ended within this line, which may be empty: it and its block are discarded.
    pub(super) fn finish(mut self, tail: &str, length: u64) -> Transcript {
        self.here.length = length - self.here.offset;
        let comment = self.here.length == 0 || tail.starts_with(':');
        if !comment && !fields::may_become_known(tail) {
            self.unknown(tail);
        }
        if self.block.begun || self.here.length > 0 {
            let kind = if comment && !self.block.fielded {
                DefectKind::UnterminatedComment
            } else {
                DefectKind::UnterminatedEvent
            };
            let at = self.block_span(length);
            self.log.record(kind, at, String::new);
        }
        if let Some(at) = self.left_out {
            let seen = format!("{} bytes", self.limits.kept_bytes);
            self.log
                .keep(DefectKind::EventsLeftOut, Tier::Lost, at, &seen);
        }
        let (defects, grammar_valid) = self.log.finish();
        Transcript {
            events: self.events,
            defects,
            grammar_valid,
            retry: self.reconnection_time,
            length,
        }
    }

    /// A line that is not blank.
    #[inline]
    fn filled_line(&mut self, text: &str, whole: bool) {
        if text.starts_with(':') {
            return self.log.note(DefectKind::Comment, || self.here);
        }
        self.block.fielded = true;
        if !whole {
            return self.too_large();
        }
        match fields::known(text) {
            Some((field, value)) => self.field(field, value),
            None => self.unknown(text),
        }
    }

    /// A blank line: dispatches the event, or not, and begins a block.
    fn blank_line(&mut self) {
        let Span { offset, line, .. } = self.here;
        if !self.block.begun {
            self.log.note(DefectKind::ExtraBlankLine, || Span {
                length: 1,
                ..self.here
            });
        } else if self.block.has_data {
            self.dispatch(offset);
        } else if self.block.fielded && !self.block.too_large {
            self.without_data(offset);
        }
        self.block = Block {
            offset: offset + 1,
            line: line + 1,
            ..Block::default()
        };
    }

    /// Dispatches the event whose blank line begins at `end`.
    fn dispatch(&mut self, end: u64) {
        if self.data.is_empty() {
            let at = self.block_span(end);
            self.log.note(DefectKind::EmptyData, || at);
        }
        let event = if self.block.event && !self.event_type.is_empty() {
            self.event_type.clone()
        } else {
            SmolStr::new_static("message")
        };
        let size = size_of::<Event>() + event.len() + self.data.len() + self.last_event_id.len();
        if self.left_out.is_none() && size <= self.limits.kept_bytes - self.kept {
            self.kept += size;
            // The copy gets exactly the room it needs, and the buffer keeps its own for the next.
            self.events.push(Event {
                event,
                data: self.data.as_str().to_owned(),
                id: self.last_event_id.clone(),
                retry: self.block.retry,
                offset: self.block.offset,
                end: end + 1,
            });
        } else {
            let at = self.block_span(end);
            self.left_out.get_or_insert(at);
        }
        self.data.clear();
    }

    /// A block without data dispatches nothing. Where it has unknown fields alone, each of
    /// them has been named already.
    fn without_data(&mut self, end: u64) {
        let Block {
            event, id, retry, ..
        } = self.block;
        let named = [
            ("`event`", event),
            ("`id`", id),
            ("`retry`", retry.is_some()),
        ];
        if named.iter().all(|(_, has)| !has) {
            return;
        }
        let seen = || {
            let names = named.iter().filter(|(_, has)| *has);
            names.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
        };
        let at = self.block_span(end);
        self.log.record(DefectKind::BlockWithoutData, at, seen);
    }

    fn unknown(&mut self, line: &str) {
        let kind = fields::why_unknown(line);
        let seen = || match kind {
            DefectKind::BareJson | DefectKind::BareText => excerpt(line),
            _ => excerpt(fields::name(line)),
        };
        self.log.record(kind, self.here, seen);
    }

    #[inline]
    fn field(&mut self, field: Field, value: Option<&str>) {
        let value = self.value(value);
        match field {
            Field::Data => self.field_data(value),
            Field::Event => self.field_event(value),
            Field::Id => self.field_id(value),
            Field::Retry => self.field_retry(value),
        }
    }

    /// The field's value after the colon: one space is removed from its beginning.
    #[inline]
    fn value<'a>(&mut self, after_colon: Option<&'a str>) -> &'a str {
        let Some(after_colon) = after_colon else {
            self.log.note(DefectKind::FieldWithoutColon, || self.here);
            return "";
        };
        let Some(value) = after_colon.strip_prefix(' ') else {
            if !after_colon.is_empty() {
                self.log.note(DefectKind::NoSpaceAfterColon, || self.here);
            }
            return after_colon;
        };
        if value.starts_with(' ') {
            self.log.note(DefectKind::SpaceInValue, || self.here);
        }
        value
    }

    fn field_data(&mut self, value: &str) {
        if value.starts_with("\u{feff}") {
            self.log.note(DefectKind::BomInValue, || self.here);
        }
        let joint = usize::from(self.block.has_data);
        if self.data.len() + joint + value.len() > self.limits.event_bytes {
            return self.too_large();
        }
        if self.block.too_large {
            return;
        }
        if mem::replace(&mut self.block.has_data, true) {
            self.log.note(DefectKind::MultiLineData, || self.here);
            self.data.push('\n');
        }
        self.data.push_str(value);
    }

    fn field_event(&mut self, value: &str) {
        if value.is_empty() {
            self.log.note(DefectKind::EmptyEventType, || self.here);
        }
        if mem::replace(&mut self.block.event, true) {
            self.again(Field::Event, self.event_type == value);
        }
        set(&mut self.event_type, value);
    }

    fn field_id(&mut self, value: &str) {
        // NUL is noted before the lines of its piece are read: mostly there is none to look for.
        if self.log.has_noted(DefectKind::NulCharacter) && value.contains('\0') {
            return self
                .log
                .record(DefectKind::IdWithNul, self.here, String::new);
        }
        if mem::replace(&mut self.block.id, true) {
            self.again(Field::Id, self.last_event_id == value);
        }
        set(&mut self.last_event_id, value);
    }

    /// Digits beyond 64 bits are still digits, so the value is as great as we can say.
    fn field_retry(&mut self, value: &str) {
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            let seen = || excerpt(value);
            return self.log.record(DefectKind::RetryNotDigits, self.here, seen);
        }
        let time = value.parse().unwrap_or(u64::MAX);
        if time > LONGEST_TIMER {
            self.log.note(DefectKind::RetryTooLarge, || self.here);
        }
        if let Some(before) = self.block.retry.replace(time) {
            self.again(Field::Retry, before == time);
        }
        self.reconnection_time = Some(time);
    }

    /// The field has been in this block before.
    fn again(&mut self, field: Field, same: bool) {
        if same {
            return self.log.note(DefectKind::RepeatedField, || self.here);
        }
        let seen = || format!("`{}`", field.name());
        self.log
            .record(DefectKind::OverwrittenField, self.here, seen);
    }

    /// The limit is hit at this line: what the block has is freed. Said once a block.
    fn too_large(&mut self) {
        self.data = String::new();
        self.block.has_data = false;
        if !mem::replace(&mut self.block.too_large, true) {
            let limit = self.limits.event_bytes;
            self.log
                .record(DefectKind::EventTooLarge, self.here, || limit.to_string());
        }
    }

    /// From the block's beginning to `end`.
    fn block_span(&self, end: u64) -> Span {
        Span {
            offset: self.block.offset,
            length: end - self.block.offset,
            line: self.block.line,
        }
    }
}

/// Sets a buffer, unless it has that value already: a long one is shared by all events with it.
fn set(buffer: &mut SmolStr, value: &str) {
    if buffer != value {
        *buffer = SmolStr::new(value);
    }
}
