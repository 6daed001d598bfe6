//! A percentile curve in characters: how slow the slowest are.
//!
//! As HdrHistogram's plots, the axis of percentiles is stretched so that each further nine takes
//! as much room as the one before; here the axis of times is logarithmic too.

use super::Curve;
use super::words::ms;

/// How many characters wide, and high, the curve is.
const COLUMNS: usize = 64;
const ROWS: usize = 9;
/// Room for the times beside it.
const MARGIN: usize = 9;
/// No more than this many nines are shown.
const NINES: f64 = 5.0;
/// Eighths of a character, from the bottom.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The percentiles that are written below the curve, and the share that lies above each.
const TICKS: [(&str, f64); 8] = [
    ("0", 1.0),
    ("50", 0.5),
    ("75", 0.25),
    ("90", 0.1),
    ("99", 0.01),
    ("99.9", 0.001),
    ("99.99", 0.000_1),
    ("99.999", 0.000_01),
];

/// The curve as lines; none if there are too few points for one.
pub(super) fn lines(points: &[Curve]) -> Vec<String> {
    let Some((first, last)) = points.first().zip(points.last()) else {
        return Vec::new();
    };
    if last.count < 10 {
        return Vec::new();
    }
    // So many nines as there were samples for.
    let nines = (last.count as f64).log10().clamp(1.0, NINES);
    let low = scale(first.ms);
    let span = (scale(last.ms) - low).max(0.01);
    let heights: Vec<f64> = (0..COLUMNS)
        .map(|column| {
            let at = nines * column as f64 / (COLUMNS - 1) as f64;
            let percentile = 100.0 * (1.0 - 10_f64.powf(-at));
            (scale(value_at(points, percentile)) - low) / span
        })
        .collect();
    let mut lines: Vec<_> = (0..ROWS)
        .rev()
        .map(|row| {
            let top = low + span * (row + 1) as f64 / ROWS as f64;
            line(row, 10_f64.powf(top), &heights)
        })
        .collect();
    lines.push(axis(nines));
    lines
}

/// Times below a microsecond are shown as one.
fn scale(milliseconds: f64) -> f64 {
    milliseconds.max(0.001).log10()
}

fn value_at(points: &[Curve], percentile: f64) -> f64 {
    let reached = points
        .iter()
        .find(|point| point.percentile + 1e-9 >= percentile);
    reached.or(points.last()).map_or(0.0, |point| point.ms)
}

fn line(row: usize, top: f64, heights: &[f64]) -> String {
    // Each other row is named, from the top on.
    let name = match (ROWS - 1 - row).is_multiple_of(2) {
        true => ms(top),
        false => String::new(),
    };
    let cells = heights.iter().map(|height| {
        // The least time still shows: a curve touches its axis nowhere.
        let eighths = 1.0 + height * (ROWS * 8 - 1) as f64;
        let here = eighths.round() - (row * 8) as f64;
        BLOCKS[here.clamp(0.0, 8.0) as usize]
    });
    let cells: String = cells.collect();
    format!("{name:>MARGIN$} ┤{}", cells.trim_end())
}

fn axis(nines: f64) -> String {
    let mut line = vec![' '; MARGIN + 2];
    for (name, above) in TICKS {
        let at = -above.log10();
        if at > nines + 1e-9 {
            break;
        }
        let column = (at / nines * (COLUMNS - 1) as f64).round() as usize + MARGIN + 2;
        // A name that would touch the one before is left out.
        if line.len() > column && column != MARGIN + 2 {
            continue;
        }
        line.resize(column, ' ');
        line.extend(name.chars());
        line.push(' ');
    }
    let axis: String = line.into_iter().collect();
    axis.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_rises_to_the_right_and_fits_a_terminal() {
        let lines = lines(&super::super::sample::curve());
        assert_eq!(lines.len(), ROWS + 1);
        for line in &lines {
            assert!(line.chars().count() <= crate::layout::WIDTH, "{line}");
        }
        let filled = |line: &String| line.chars().filter(|it| BLOCKS[1..].contains(it)).count();
        let counts: Vec<_> = lines[..ROWS].iter().map(filled).collect();
        assert!(counts.is_sorted(), "{counts:?}");
        assert_eq!(counts.last(), Some(&COLUMNS));
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn equal_times_make_a_flat_curve_and_a_few_none() {
        let point = |count| Curve {
            percentile: 100.0,
            ms: 0.0,
            count,
        };
        assert_eq!(lines(&[point(100)]).len(), ROWS + 1);
        assert!(lines(&[point(9)]).is_empty());
        assert!(lines(&[]).is_empty());
    }
}
