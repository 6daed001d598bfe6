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
/// How much of a line is shown, and how many volatile places.
const WIDTH: usize = 160;
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
    for change in changes.iter().filter(|_| !is_first) {
        self::change(change, taken, out)?;
    }
    volatile(taken, out)?;
    if taken.cached > 0 {
        writeln!(
            out,
            "{} answers came out of the agent's cache both times: what is volatile in them, asking twice does not show",
            taken.cached
        )?;
    }
    sums(taken.snapshots.len(), changes, is_first, folder, out)?;
    let is_open = changes.iter().any(|change| keeping.leaves_open(change));
    let dir = folder.path().to_string();
    let dir = escape(&dir);
    match keeping {
        _ if !is_open => Ok(()),
        Keeping::Pending | Keeping::UnseenInPlace => writeln!(
            out,
            "what differs is in {dir} as .snap.new: `cargo insta review --workspace-root {dir}`, or --accept for all"
        ),
        Keeping::InPlace | Keeping::Nothing => writeln!(out, "nothing was written"),
    }
}

fn change(change: &Change, taken: &Taken, out: &mut dyn Write) -> io::Result<()> {
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
    if let Kind::Changed { lines, .. } = &change.kind {
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
            return writeln!(out, "    {DIM}… {count} more lines{DIM:#}");
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
