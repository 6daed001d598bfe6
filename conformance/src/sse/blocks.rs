//! Lines to events: the buffers of the standard, and its steps for a line, a field and the
//! dispatch (HTML, 9.2.6).

use std::mem;

use super::{
    defect::{DefectKind, Tier, excerpt},
    fields::{self, Field},
    lines::Line,
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
    block: Block,
    /// The standard's buffers, under its names; `data` lacks the last LF, which is never seen.
    data: String,
    event_type: String,
    last_event_id: String,
    reconnection_time: Option<u64>,
}

impl Blocks {
    pub(super) fn new(limits: Limits) -> Self {
        let mut blocks = Self {
            log: Log::new(limits.defects),
            limits,
            events: Vec::new(),
            kept: 0,
            left_out: None,
            block: Block::default(),
            data: String::new(),
            event_type: String::new(),
            last_event_id: String::new(),
            reconnection_time: None,
        };
        blocks.begin_at(0, 1);
        blocks
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
        self.data.capacity() + self.event_type.capacity() + self.last_event_id.capacity()
    }

    /// A block begins here.
    pub(super) fn begin_at(&mut self, offset: u64, line: u64) {
        self.block = Block {
            offset,
            line,
            ..Block::default()
        };
    }

    /// The line end before `offset` has got an LF: if it was a blank line's, that block ends
    /// a byte later than it seemed.
    pub(super) fn extend_line_end(&mut self, offset: u64) {
        if self.block.offset + 1 != offset {
            return;
        }
        self.block.offset = offset;
        if let Some(event) = self.events.last_mut()
            && event.end + 1 == offset
        {
            event.end = offset;
        }
    }

    /// Processes one line.
    #[inline]
    pub(super) fn line(&mut self, line: &Line<'_>) {
        if line.at.length == 0 {
            return self.blank(line.at);
        }
        self.block.begun = true;
        if line.text.starts_with(':') {
            return self.log.note(DefectKind::Comment, || line.at);
        }
        self.block.fielded = true;
        if !line.whole {
            return self.too_large(line.at);
        }
        match fields::known(line.text) {
            Some((field, value)) => self.field(field, value, line),
            None => self.unknown(line),
        }
    }

    /// The stream has ended within this line, which may be empty: it and its block are discarded.
    pub(super) fn finish(mut self, tail: &Line<'_>) -> Transcript {
        let length = tail.at.offset + tail.at.length;
        let comment = tail.at.length == 0 || tail.text.starts_with(':');
        if !comment && !fields::may_become_known(tail.text) {
            self.unknown(tail);
        }
        if self.block.begun || tail.at.length > 0 {
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

    /// A blank line: dispatches the event, or not, and begins a block.
    fn blank(&mut self, at: Span) {
        let end = at.offset + 1;
        if !self.block.begun {
            self.log
                .note(DefectKind::ExtraBlankLine, || Span { length: 1, ..at });
        } else if self.block.too_large {
            self.event_type.clear();
        } else if self.block.has_data {
            self.dispatch(end);
        } else if self.block.fielded {
            self.without_data(at.offset);
        }
        self.begin_at(end, at.line + 1);
    }

    fn dispatch(&mut self, end: u64) {
        if self.data.is_empty() {
            let at = self.block_span(end - 1);
            self.log.note(DefectKind::EmptyData, || at);
        }
        let mut event = mem::take(&mut self.event_type);
        if event.is_empty() {
            event.push_str("message");
        }
        let data = mem::take(&mut self.data);
        let size = size_of::<Event>() + event.len() + data.len() + self.last_event_id.len();
        if self.left_out.is_some() || size > self.limits.kept_bytes - self.kept {
            let at = self.block_span(end - 1);
            self.left_out.get_or_insert(at);
            return;
        }
        self.kept += size;
        self.events.push(Event {
            event,
            data,
            id: self.last_event_id.clone(),
            retry: self.block.retry,
            offset: self.block.offset,
            end,
        });
    }

    /// A block without data dispatches nothing. Where it has unknown fields alone, each of
    /// them has been named already.
    fn without_data(&mut self, end: u64) {
        self.event_type.clear();
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

    fn unknown(&mut self, line: &Line<'_>) {
        let kind = fields::why_unknown(line.text);
        let seen = || match kind {
            DefectKind::BareJson | DefectKind::BareText => excerpt(line.text),
            _ => excerpt(fields::name(line.text)),
        };
        self.log.record(kind, line.at, seen);
    }

    fn field(&mut self, field: Field, value: Option<&str>, line: &Line<'_>) {
        let value = self.value(value, line);
        match field {
            Field::Data => self.field_data(value, line),
            Field::Event => self.field_event(value, line),
            Field::Id => self.field_id(value, line),
            Field::Retry => self.field_retry(value, line),
        }
    }

    /// The field's value after the colon: one space is removed from its beginning.
    fn value<'a>(&mut self, after_colon: Option<&'a str>, line: &Line<'_>) -> &'a str {
        let Some(after_colon) = after_colon else {
            self.log.note(DefectKind::FieldWithoutColon, || line.at);
            return "";
        };
        let Some(value) = after_colon.strip_prefix(' ') else {
            if !after_colon.is_empty() {
                self.log.note(DefectKind::NoSpaceAfterColon, || line.at);
            }
            return after_colon;
        };
        if value.starts_with(' ') {
            self.log.note(DefectKind::SpaceInValue, || line.at);
        }
        value
    }

    fn field_data(&mut self, value: &str, line: &Line<'_>) {
        if value.starts_with('\u{feff}') {
            self.log.note(DefectKind::BomInValue, || line.at);
        }
        let joint = usize::from(self.block.has_data);
        if self.data.len() + joint + value.len() > self.limits.event_bytes {
            return self.too_large(line.at);
        }
        if self.block.too_large {
            return;
        }
        if mem::replace(&mut self.block.has_data, true) {
            self.log.note(DefectKind::MultiLineData, || line.at);
            self.data.push('\n');
            self.data.push_str(value);
        } else {
            // Most events have one line of data: it gets exactly the room that it needs.
            self.data = value.to_owned();
        }
    }

    fn field_event(&mut self, value: &str, line: &Line<'_>) {
        if value.is_empty() {
            self.log.note(DefectKind::EmptyEventType, || line.at);
        }
        if mem::replace(&mut self.block.event, true) {
            self.again(Field::Event, self.event_type == value, line);
        }
        self.event_type = value.to_owned();
    }

    fn field_id(&mut self, value: &str, line: &Line<'_>) {
        if value.contains('\0') {
            return self.log.record(DefectKind::IdWithNul, line.at, String::new);
        }
        if mem::replace(&mut self.block.id, true) {
            self.again(Field::Id, self.last_event_id == value, line);
        }
        self.last_event_id.clear();
        self.last_event_id.push_str(value);
    }

    /// Digits beyond 64 bits are still digits, so the value is as great as we can say.
    fn field_retry(&mut self, value: &str, line: &Line<'_>) {
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            let seen = || excerpt(value);
            return self.log.record(DefectKind::RetryNotDigits, line.at, seen);
        }
        let time = value.parse().unwrap_or(u64::MAX);
        if time > LONGEST_TIMER {
            self.log.note(DefectKind::RetryTooLarge, || line.at);
        }
        if let Some(before) = self.block.retry.replace(time) {
            self.again(Field::Retry, before == time, line);
        }
        self.reconnection_time = Some(time);
    }

    /// The field has been in this block before.
    fn again(&mut self, field: Field, same: bool, line: &Line<'_>) {
        if same {
            return self.log.note(DefectKind::RepeatedField, || line.at);
        }
        let seen = || format!("`{}`", field.name());
        self.log.record(DefectKind::OverwrittenField, line.at, seen);
    }

    /// The limit is hit at this line: what the block has is freed. Said once a block.
    fn too_large(&mut self, at: Span) {
        self.data = String::new();
        if !mem::replace(&mut self.block.too_large, true) {
            let limit = self.limits.event_bytes;
            self.log
                .record(DefectKind::EventTooLarge, at, || limit.to_string());
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
