//! What `acp-tck sse` writes of a transcript: a fixed JSON shape, and a text for people.

use std::{fmt::Write as _, io};

use serde::{Serialize, Serializer};

use super::{Defect, DefectKind, Event, Tier, Transcript};

/// A transcript in the JSON shape that others rely on: add to it, never change it.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    grammar_valid: bool,
    events: Vec<EventReport<'a>>,
    defects: Vec<DefectReport<'a>>,
}

#[derive(Debug, Serialize)]
struct EventReport<'a> {
    event: &'a str,
    data: &'a str,
    id: &'a str,
    retry: Option<u64>,
}

#[derive(Debug, Serialize)]
struct DefectReport<'a> {
    kind: DefectKind,
    offset: u64,
    length: u64,
    tier: Tier,
    message: &'a str,
}

impl Serialize for DefectKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Serialize for Tier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'a> From<&'a Transcript> for Report<'a> {
    fn from(transcript: &'a Transcript) -> Self {
        Self {
            grammar_valid: transcript.grammar_valid,
            events: transcript.events.iter().map(EventReport::from).collect(),
            defects: transcript.defects.iter().map(DefectReport::from).collect(),
        }
    }
}

impl<'a> From<&'a Event> for EventReport<'a> {
    fn from(event: &'a Event) -> Self {
        Self {
            event: &event.event,
            data: &event.data,
            id: &event.id,
            retry: event.retry,
        }
    }
}

impl<'a> From<&'a Defect> for DefectReport<'a> {
    fn from(defect: &'a Defect) -> Self {
        Self {
            kind: defect.kind,
            offset: defect.offset,
            length: defect.length,
            tier: defect.tier,
            message: &defect.message,
        }
    }
}

/// Writes the transcript for a person. Nothing of the stream reaches the terminal raw.
///
/// # Errors
/// Only those of `out`.
pub fn write_human(transcript: &Transcript, out: &mut dyn io::Write) -> io::Result<()> {
    for (index, event) in transcript.events.iter().enumerate() {
        write_event(index + 1, event, out)?;
    }
    if !transcript.events.is_empty() && !transcript.defects.is_empty() {
        writeln!(out)?;
    }
    for defect in &transcript.defects {
        write_defect(defect, out)?;
    }
    if !transcript.events.is_empty() || !transcript.defects.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "{}", summary(transcript))
}

fn write_event(number: usize, event: &Event, out: &mut dyn io::Write) -> io::Result<()> {
    /// Names are short; what is longer is no name.
    const NAME: usize = 60;
    /// About what two lines of a terminal hold.
    const DATA: usize = 160;
    let Event { offset, end, .. } = event;
    write!(
        out,
        "event {number}  {}  bytes {offset}..{end}",
        printable(&event.event, NAME)
    )?;
    if !event.id.is_empty() {
        write!(out, "  id {}", printable(&event.id, NAME))?;
    }
    if let Some(retry) = event.retry {
        write!(out, "  retry {retry} ms")?;
    }
    let data = if event.data.is_empty() {
        "(empty)".to_owned()
    } else {
        printable(&event.data, DATA)
    };
    writeln!(out, "\n    {data}")
}

fn write_defect(defect: &Defect, out: &mut dyn io::Write) -> io::Result<()> {
    let Defect {
        kind,
        tier,
        line,
        offset,
        length,
        ..
    } = defect;
    writeln!(
        out,
        "{tier:<7}  {kind}  line {line}, byte {offset} ({})",
        count(*length, "byte")
    )?;
    writeln!(out, "    {}", defect.message)
}

/// One line on the whole stream.
fn summary(transcript: &Transcript) -> String {
    let of = |tier| transcript.defects.iter().filter(|d| d.tier == tier).count() as u64;
    let verdict = if !transcript.grammar_valid {
        "not the grammar of an event stream"
    } else if of(Tier::Lost) > 0 {
        "the grammar holds, but a client loses something"
    } else {
        "the stream holds"
    };
    format!(
        "{verdict}: {} in {}; {}, {} lost, {}",
        count(transcript.events.len() as u64, "event"),
        count(transcript.length, "byte"),
        count(of(Tier::Grammar), "grammar defect"),
        of(Tier::Lost),
        count(of(Tier::Note), "note"),
    )
}

fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The text with everything escaped that is not plainly visible, cut after `limit` characters.
/// Quotes stay as they are: most data is JSON.
fn printable(text: &str, limit: usize) -> String {
    let mut shown = String::new();
    let mut characters = text.chars();
    for character in characters.by_ref().take(limit) {
        match character {
            '"' | '\'' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    let left = characters.count() as u64;
    if left > 0 {
        let _ = write!(shown, "… ({} more)", count(left, "character"));
    }
    shown
}
