//! A chart: lines, bars and dots over two axes, in a place of 100 by 100.

use serde::Serialize;

use super::scale::{Scale, Tick};

/// No more texts than this are shown on pointing at a chart.
const TIPS: usize = 300;

/// What is drawn.
#[derive(Debug, Serialize)]
pub(crate) struct Chart {
    title: String,
    /// What it shows, for those who do not see it.
    summary: String,
    /// What stands below the axes: what they are.
    axes: String,
    x: Vec<Tick>,
    y: Vec<Tick>,
    marks: Vec<Mark>,
    tips: Vec<Tip>,
    legend: Vec<Key>,
}

/// Something drawn: a path, by its look.
#[derive(Debug, PartialEq, Serialize)]
struct Mark {
    class: String,
    path: String,
}

/// A text for whoever points at a part of the width.
#[derive(Debug, Serialize)]
struct Tip {
    x: String,
    width: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct Key {
    class: String,
    name: String,
}

/// A chart that is being drawn.
pub(crate) struct Plot {
    chart: Chart,
    across: Scale,
    up: Scale,
}

impl Plot {
    pub(crate) fn new(title: &str, across: Scale, up: Scale) -> Self {
        let chart = Chart {
            title: title.to_owned(),
            summary: String::new(),
            axes: String::new(),
            x: Vec::new(),
            y: Vec::new(),
            marks: Vec::new(),
            tips: Vec::new(),
            legend: Vec::new(),
        };
        Self { chart, across, up }
    }

    /// Names the numbers on both axes.
    pub(crate) fn named(
        mut self,
        across: impl Fn(f64) -> String,
        up: impl Fn(f64) -> String,
        axes: &str,
    ) -> Self {
        self.chart.x = self.across.ticks(across);
        self.chart.y = self.up.ticks(up);
        for tick in &mut self.chart.y {
            // Places in SVG go down.
            let up: f64 = tick.at.parse().unwrap_or(0.0);
            tick.at = format!("{:.2}", 100.0 - up);
        }
        self.chart.axes = axes.to_owned();
        self
    }

    /// A line through these points, in order; where there is none, it is broken.
    pub(crate) fn line(
        mut self,
        class: &str,
        name: &str,
        points: impl IntoIterator<Item = (f64, Option<f64>)>,
    ) -> Self {
        let mut path = String::new();
        let mut letter = 'M';
        for (x, y) in points {
            let Some(y) = y.filter(|y| y.is_finite()) else {
                letter = 'M';
                continue;
            };
            let (x, y) = self.place(x, y);
            path.push_str(&format!("{letter}{x} {y}"));
            // A point without neighbours is seen, too.
            path.push_str(if letter == 'M' { "h0" } else { "" });
            letter = 'L';
        }
        self.mark(&format!("line {class}"), path);
        self.key(&format!("line {class}"), name)
    }

    /// Bars: from where to where across, and from where to where up.
    pub(crate) fn bars(
        mut self,
        class: &str,
        name: &str,
        bars: impl IntoIterator<Item = ([f64; 2], [f64; 2])>,
    ) -> Self {
        let mut path = String::new();
        for ([left, right], [bottom, top]) in bars {
            if top > bottom {
                let (left, low) = self.place(left, bottom);
                let (right, high) = self.place(right, top);
                path.push_str(&format!("M{left} {low}V{high}H{right}V{low}Z"));
            }
        }
        if path.is_empty() {
            return self;
        }
        self.mark(&format!("area {class}"), path);
        self.key(&format!("area {class}"), name)
    }

    /// A level across the whole width.
    pub(crate) fn level(mut self, class: &str, name: &str, value: f64) -> Self {
        let (_, y) = self.place(0.0, value);
        self.mark(&format!("line {class}"), format!("M0 {y}H100"));
        self.key(&format!("line {class}"), name)
    }

    /// Dots.
    pub(crate) fn dots(
        mut self,
        class: &str,
        name: &str,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        let path: String = points
            .into_iter()
            .map(|(x, y)| {
                let (x, y) = self.place(x, y);
                format!("M{x} {y}h0")
            })
            .collect();
        if path.is_empty() {
            return self;
        }
        self.mark(&format!("dots {class}"), path);
        self.key(&format!("dots {class}"), name)
    }

    /// Texts, each for a part of the width.
    pub(crate) fn tips(mut self, tips: impl IntoIterator<Item = ([f64; 2], String)>) -> Self {
        let tips = tips.into_iter().take(TIPS).map(|([from, to], text)| {
            let from = self.across.place(from);
            let width = (self.across.place(to) - from).max(0.01);
            Tip {
                x: format!("{from:.2}"),
                width: format!("{width:.2}"),
                text,
            }
        });
        self.chart.tips = tips.collect();
        self
    }

    /// The chart, with what it shows in a sentence.
    pub(crate) fn finished(mut self, summary: String) -> Chart {
        self.chart.summary = summary;
        self.chart
    }

    fn place(&self, x: f64, y: f64) -> (String, String) {
        let short = |place: f64| {
            let text = format!("{place:.2}");
            let text = text.trim_end_matches('0').trim_end_matches('.');
            text.to_owned()
        };
        (short(self.across.place(x)), short(100.0 - self.up.place(y)))
    }

    fn mark(&mut self, class: &str, path: String) {
        self.chart.marks.push(Mark {
            class: class.to_owned(),
            path,
        });
    }

    fn key(mut self, class: &str, name: &str) -> Self {
        if !name.is_empty() {
            self.chart.legend.push(Key {
                class: class.to_owned(),
                name: name.to_owned(),
            });
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot() -> Plot {
        Plot::new("x", Scale::Linear(0.0, 10.0), Scale::Linear(0.0, 100.0))
    }

    fn paths(plot: Plot) -> Vec<String> {
        let chart = plot.finished(String::new());
        chart.marks.into_iter().map(|mark| mark.path).collect()
    }

    #[test]
    fn a_line_goes_through_its_points_and_stops_where_there_is_none() {
        let points = [
            (0.0, Some(0.0)),
            (5.0, Some(50.0)),
            (6.0, None),
            (10.0, Some(100.0)),
        ];
        assert_eq!(
            paths(plot().line("one", "", points)),
            ["M0 100h0L50 50M100 0h0"]
        );
    }

    #[test]
    fn bars_stand_on_each_other_and_empty_ones_are_not_drawn() {
        let bars = [([0.0, 5.0], [0.0, 50.0]), ([5.0, 10.0], [50.0, 50.0])];
        assert_eq!(paths(plot().bars("one", "", bars)), ["M0 100V50H50V100Z"]);
        assert!(paths(plot().bars("one", "", [([0.0, 1.0], [0.0, 0.0])])).is_empty());
    }

    #[test]
    fn the_numbers_of_the_upright_axis_go_down_in_svg() {
        let chart = plot()
            .named(|it| it.to_string(), |it| it.to_string(), "")
            .level("limit", "the limit", 100.0)
            .finished(String::new());
        let last = chart.y.last().expect("there are numbers");
        assert_eq!((last.at.as_str(), last.label.as_str()), ("0.00", "100"));
        assert_eq!(chart.marks[0].path, "M0 0H100");
        assert_eq!(chart.legend.len(), 1);
    }

    #[test]
    fn tips_are_as_wide_as_what_they_tell_of_and_not_without_number() {
        let tips = (0..10_000).map(|number| {
            let from = f64::from(number) / 100.0;
            ([from, from + 0.01], "x".to_owned())
        });
        let chart = plot().tips(tips).finished(String::new());
        assert_eq!(chart.tips.len(), TIPS);
        assert_eq!(chart.tips[1].x, "0.10");
    }
}
