//! What a person is told of a comparison.

use std::io::{self, Write};

use acp_conformance::snapshot::{Line, Taken};
use acp_reports::{escape, shorten};
use anstyle::{AnsiColor, Style};

use super::folder::{Change, Folder, Keeping, Kind};

const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
/// How much of a line is shown, of how many changes, and how many volatile places.
const WIDTH: usize = 160;
const CHANGES: usize = 20;
const PLACES: usize = 20;

/// Writes the changes, what is volatile without a reason, and the sums.
pub(super) fn write(
    taken: &Taken,
    changes: &[Change],
    folder: &Folder,
    keeping: Keeping,
    out: &mut dyn Write,
) -> io::Result<()> {
    // What is recorded for the first time differs from nothing.
    let is_first = folder.is_empty() && keeping == Keeping::InPlace;
    let told = changes.iter().filter(|_| !is_first).enumerate();
    for (index, change) in told {
        self::change(change, index < CHANGES, taken, out)?;
    }
    if changes.len() > CHANGES && !is_first {
        writeln!(out, "(how, is shown of the first {CHANGES})")?;
    }
    volatile(taken, out)?;
    if taken.cached > 0 && !changes.is_empty() {
        writeln!(
            out,
            "{} answers came out of the agent's cache both times: what is volatile in them, asking twice does not show",
            taken.cached
        )?;
    }
    sums(taken.snapshots.len(), changes, is_first, folder, out)?;
    advise(changes, folder, keeping, out)
}

/// How to go on from what differs.
fn advise(
    changes: &[Change],
    folder: &Folder,
    keeping: Keeping,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut open = changes
        .iter()
        .filter(|change| keeping.leaves_open(change))
        .peekable();
    if open.peek().is_none() {
        return Ok(());
    }
    let dir = folder.path().to_string();
    let dir = escape(&dir);
    if keeping == Keeping::Nothing {
        return writeln!(out, "nothing was written");
    }
    match open.all(|change| matches!(change.kind, Kind::Gone)) {
        true => writeln!(out, "--accept removes what is asked for no longer"),
        false => writeln!(
            out,
            "what differs is in {dir} as .snap.new: `cargo insta review` shows it within a Cargo package; --accept takes all"
        ),
    }
}

/// One change; of the first ones also how.
fn change(change: &Change, with_lines: bool, taken: &Taken, out: &mut dyn Write) -> io::Result<()> {
    let mut snapshots = taken.snapshots.iter();
    let description = snapshots
        .find(|fresh| fresh.name == change.name)
        .map_or("", |fresh| fresh.description.as_str());
    let (mark, style) = match change.kind {
        Kind::New => ("new    ", GREEN),
        Kind::Changed { .. } => ("changed", RED),
        Kind::Gone => ("gone   ", RED),
    };
    let description = shorten(description, WIDTH);
    writeln!(
        out,
        "{style}{mark}{style:#} {BOLD}{}{BOLD:#}  {}",
        escape(&change.name),
        escape(&description)
    )?;
    if let Kind::Changed { lines, .. } = &change.kind
        && with_lines
    {
        for line in lines {
            self::line(line, out)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn line(line: &Line, out: &mut dyn Write) -> io::Result<()> {
    let (mark, style, text) = match line {
        Line::Same(text) => (' ', DIM, text),
        Line::Removed(text) => ('-', RED, text),
        Line::Added(text) => ('+', GREEN, text),
        Line::LeftOut(count) => {
            let lines = if *count == 1 { "line" } else { "lines" };
            return writeln!(out, "    {DIM}… {count} more {lines}{DIM:#}");
        }
    };
    let text = shorten(text, WIDTH);
    writeln!(out, "  {style}{mark} {}{style:#}", escape(&text))
}

fn volatile(taken: &Taken, out: &mut dyn Write) -> io::Result<()> {
    let snapshots = taken.snapshots.iter();
    let places: Vec<(&str, &str)> = snapshots
        .flat_map(|one| one.volatile.iter().map(|place| (&*one.name, &**place)))
        .collect();
    if places.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "different each time, for no reason that a rule names, and so [volatile]:"
    )?;
    for (name, place) in places.iter().take(PLACES) {
        let place = shorten(place, WIDTH);
        writeln!(out, "  {name}  {}", escape(&place))?;
    }
    match places.len().saturating_sub(PLACES) {
        0 => Ok(()),
        more => writeln!(out, "  … {more} more, each in its snapshot's `info`"),
    }
}

fn sums(
    answers: usize,
    changes: &[Change],
    is_first: bool,
    folder: &Folder,
    out: &mut dyn Write,
) -> io::Result<()> {
    let number = |is: fn(&Kind) -> bool| changes.iter().filter(|it| is(&it.kind)).count();
    let new = number(|kind| matches!(kind, Kind::New));
    let changed = number(|kind| matches!(kind, Kind::Changed { .. }));
    let gone = number(|kind| matches!(kind, Kind::Gone));
    if is_first {
        let dir = folder.path().to_string();
        return writeln!(out, "{answers} answers recorded in {}", escape(&dir));
    }
    let same = answers - new - changed;
    writeln!(
        out,
        "{answers} answers: {same} as recorded, {changed} changed, {new} new; {gone} no longer asked for"
    )
}
