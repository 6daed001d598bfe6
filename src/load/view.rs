//! The live view of a run, as a picture of one moment. Pure: nothing but numbers and our own words
//! is drawn, so nothing that an agent sends can get to the terminal.

use acp_load::attack::{Load, Model};
use acp_load::live::{Figures, Glance};
use acp_load::recorder::Series;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{
    Axis, Block, Borders, Chart, Dataset, Gauge, GraphType, Paragraph, Sparkline, Wrap,
};

/// Below this size there is room for the figures alone.
const SMALLEST: (u16, u16) = (72, 18);
/// The width of the figures.
const FIGURES: u16 = 36;
/// So many kinds of answers are named.
const MOST_KINDS: usize = 6;

/// What is to be seen.
pub(super) struct View<'v> {
    /// What is done to whom.
    pub(super) title: &'v str,
    /// Which attack of the run it is, from 1.
    pub(super) number: usize,
    /// What the attack means to do, and how it goes; nothing before the first one counts.
    pub(super) seen: Option<(&'v Load, &'v Glance)>,
    /// What is told where there is no attack to be seen.
    pub(super) says: Option<&'v str>,
    /// Whether the user has asked for the end.
    pub(super) is_ending: bool,
}

/// Draws it.
pub(super) fn draw(frame: &mut Frame, view: &View<'_>) {
    let doubts = view.seen.and_then(|(_, glance)| glance.doubts.as_ref());
    let trust_rows = if doubts.is_some() { 2 } else { 1 };
    let rows = [
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(trust_rows),
        Constraint::Length(1),
    ];
    let [head, progress, body, trust, foot] = Layout::vertical(rows).areas(frame.area());
    let title = Line::from(vec!["acp-tck load ".bold(), view.title.into()]);
    frame.render_widget(title, head);
    frame.render_widget(hint(view), foot);
    let Some((load, glance)) = view.seen else {
        let waiting = "asking the agent what it takes, and warming up …";
        let says = Paragraph::new(view.says.unwrap_or(waiting).dim());
        frame.render_widget(says.wrap(Wrap { trim: true }), progress.union(body));
        return;
    };
    frame.render_widget(gauge(load, glance, view.number), progress);
    let generator = Paragraph::new(generator(load, glance));
    frame.render_widget(generator.wrap(Wrap { trim: true }), trust);
    if body.width < SMALLEST.0 || body.height < SMALLEST.1 {
        return figures(frame, body, load, glance);
    }
    let columns = [Constraint::Min(0), Constraint::Length(FIGURES)];
    let [pictures, words] = Layout::horizontal(columns).spacing(2).areas(body);
    let rows = [Constraint::Fill(1), Constraint::Fill(2)];
    let [above, below] = Layout::vertical(rows).areas(pictures);
    rate(frame, above, load, glance);
    chart(frame, below, load, glance);
    figures(frame, words, load, glance);
}

fn hint(view: &View<'_>) -> Line<'static> {
    match view.is_ending {
        true => {
            Line::from("ending: waiting for what is under way; Ctrl-C again ends at once").yellow()
        }
        false => Line::from("Ctrl-C ends the run and reports what was found").dim(),
    }
}

fn gauge(load: &Load, glance: &Glance, number: usize) -> Gauge<'static> {
    let length = load.plan().length().as_secs_f64();
    let elapsed = glance.elapsed.as_secs_f64();
    let mut label = format!("{elapsed:.0} s of {length:.0} s");
    if number > 1 {
        label.push_str(&format!(", run {number}"));
    }
    let share = (elapsed / length.max(1e-3)).clamp(0.0, 1.0);
    let style = Style::new().fg(Color::Blue).bg(Color::DarkGray);
    Gauge::default()
        .ratio(share)
        .label(label)
        .gauge_style(style)
}

fn part(title: &'static str) -> Block<'static> {
    Block::new().borders(Borders::TOP).title(title.bold())
}

fn rate(frame: &mut Frame, area: Rect, load: &Load, glance: &Glance) {
    let block = part(" Requests a second ");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [words, bars] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(inner);
    let aim = match load.model {
        Model::Open { .. } => format!("{} /s wanted", short(glance.aim)),
        Model::Closed(_) => format!("{:.0} users", glance.aim),
    };
    let now = Line::from(vec![
        format!("{} /s", short(glance.rate)).bold(),
        format!(" now, {aim}").into(),
    ]);
    frame.render_widget(now, words);
    let from = glance.points.len().saturating_sub(usize::from(bars.width));
    let rates = glance
        .points
        .iter()
        .skip(from)
        .map(|point| point.rate as u64);
    let bars_of = Sparkline::default().data(rates).style(Color::Green);
    frame.render_widget(bars_of, bars);
}

fn chart(frame: &mut Frame, area: Rect, load: &Load, glance: &Glance) {
    let line = |of: fn(&acp_load::live::Point) -> f64| -> Vec<(f64, f64)> {
        let points = glance.points.iter().filter(|point| point.p99_ms > 0.0);
        points.map(|point| (point.at_s, of(point))).collect()
    };
    let (p50, p99) = (line(|point| point.p50_ms), line(|point| point.p99_ms));
    let most = p99
        .iter()
        .map(|point| point.1)
        .fold(0.0, f64::max)
        .max(1e-3);
    let length = load.plan().length().as_secs_f64();
    let set = |name: &'static str, data, colour: Color| {
        let set = Dataset::default().name(name).data(data);
        set.marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(colour)
    };
    let sets = vec![
        set("p99", &p99[..], Color::Red),
        set("p50", &p50[..], Color::Cyan),
    ];
    let axis = |most: f64, labels: [String; 2]| {
        Axis::default()
            .bounds([0.0, most])
            .labels(labels)
            .style(Color::DarkGray)
    };
    let chart = Chart::new(sets)
        .block(part(" Latency over time, ms: p99 and p50 "))
        .x_axis(axis(length, ["0 s".to_owned(), format!("{length:.0} s")]))
        .y_axis(axis(most, ["0".to_owned(), short(most)]));
    frame.render_widget(chart, area);
}

/// The figures, from the most important down: what there is no room for is the least.
fn figures(frame: &mut Frame, area: Rect, load: &Load, glance: &Glance) {
    let parts = [
        (" Latency, ms ", latency(glance)),
        (" Answers ", answers(glance)),
        (" This scenario ", own(load, glance)),
    ];
    let parts = parts.into_iter().filter(|(_, lines)| !lines.is_empty());
    let mut top = area.y;
    for (title, lines) in parts {
        let left = area.bottom().saturating_sub(top);
        if left < 2 {
            return;
        }
        let height = u16::try_from(lines.len()).unwrap_or(left).saturating_add(1);
        let here = Rect::new(area.x, top, area.width, height.min(left));
        frame.render_widget(Paragraph::new(lines).block(part(title)), here);
        top += here.height;
    }
}

fn latency(glance: &Glance) -> Vec<Line<'static>> {
    let row = |name: &str, of: fn(&Figures) -> f64| {
        let (now, all) = (of(&glance.recent), of(&glance.whole));
        let cell = |value, count| {
            if count > 0 {
                short(value)
            } else {
                "–".to_owned()
            }
        };
        let now = cell(now, glance.recent.count);
        let all = cell(all, glance.whole.count);
        Line::from(format!("{name:<6}{now:>12}{all:>12}"))
    };
    vec![
        Line::from(format!("{:<6}{:>12}{:>12}", "", "now", "all")).dim(),
        row("p50", |it| it.p50_ms),
        row("p90", |it| it.p90_ms),
        row("p99", |it| it.p99_ms),
        row("p99.9", |it| it.p999_ms),
        row("max", |it| it.max_ms),
    ]
}

fn answers(glance: &Glance) -> Vec<Line<'static>> {
    let total = (glance.ok + glance.failed).max(1) as f64;
    let row = |name: String, count: u64, colour| {
        let share = count as f64 / total * 100.0;
        Line::from(format!("{name:<15}{count:>11}{share:>8.2} %")).fg(colour)
    };
    let statuses = glance.statuses.iter().filter(|(status, _)| **status > 0);
    let statuses = statuses.map(|(status, count)| {
        let colour = match status {
            200..=299 => Color::Green,
            400..=499 => Color::Yellow,
            _ => Color::Red,
        };
        (status.to_string(), *count, colour)
    });
    let errors = glance.errors.iter();
    let errors = errors.map(|(name, count)| ((*name).to_owned(), *count, Color::Red));
    let mut kinds: Vec<_> = statuses.chain(errors).collect();
    kinds.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    let rest = kinds.len().saturating_sub(MOST_KINDS);
    kinds.truncate(MOST_KINDS);
    let mut lines: Vec<_> = kinds
        .into_iter()
        .map(|(name, count, colour)| row(name, count, colour))
        .collect();
    if rest > 0 {
        lines.push(Line::from(format!("and {rest} kinds more")).dim());
    }
    let (sent, wrong) = glance.invalid;
    if sent > 0 {
        let line = Line::from(format!("{sent} to be refused, {wrong} were not"));
        lines.push(if wrong > 0 { line.red() } else { line });
    }
    lines
}

/// What this scenario has and others do not.
fn own(load: &Load, glance: &Glance) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let (hits, misses) = glance.hits;
    if hits + misses > 0 {
        let rate = hits as f64 / (hits + misses) as f64 * 100.0;
        lines.push(Line::from(format!(
            "hit rate {rate:.1} % ({hits} of {})",
            hits + misses
        )));
    }
    if glance.open > 0 {
        lines.push(Line::from(format!("{} streams open", glance.open)));
    }
    for (series, figures) in &glance.series {
        // In the open model this stands beside the latency, and is of the generator's making.
        let name = match series {
            Series::Latency => continue,
            Series::Service => "once sent",
            Series::Hit => "hits",
            Series::Miss => "misses",
            Series::FirstEvent => "first event",
            Series::Gap => "event gap",
            Series::Complete => "whole stream",
        };
        let (p50, p99) = (short(figures.p50_ms), short(figures.p99_ms));
        lines.push(Line::from(format!("{name:<13}p50 {p50:>6}  p99 {p99:>6}")));
    }
    if let Some(bytes) = glance.memory {
        lines.push(Line::from(format!(
            "agent's memory {:.1} MiB",
            bytes as f64 / 1_048_576.0
        )));
    }
    if let Model::Open { .. } = load.model {
        let line = Line::from(format!("{} arrivals dropped", glance.dropped));
        lines.push(if glance.dropped > 0 { line.red() } else { line });
    }
    lines
}

fn generator(load: &Load, glance: &Glance) -> Line<'static> {
    let (cpu, threads) = (glance.cpu_share, load.threads);
    let mut used = format!("this generator: {cpu:.2} of {threads} core(s)");
    if let Some(lag) = glance.lag_p99_ms {
        used.push_str(&format!(", late by {} ms (p99)", short(lag)));
    }
    let trust = match &glance.doubts {
        None => " · trusted so far".green(),
        Some(why) => format!(" · not to be trusted: {why}").yellow(),
    };
    Line::from(vec![used.into(), trust])
}

/// With as many digits as say something.
fn short(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests;
