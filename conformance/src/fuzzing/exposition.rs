//! The exposition parser, on any text.

use std::fmt::Write;

use crate::exposition::{Exposition, Format, parse};

/// Any text is read to its end; what was read can be written, and is then read as the same.
pub fn exposition(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for format in [Format::Prometheus, Format::OpenMetrics] {
        let (read, defects) = parse(&text, format);
        let lines = text.split('\n').count();
        for defect in defects {
            assert!(defect.line <= lines, "{defect:?} of {lines} lines");
        }
        let _ = read.falling_buckets();
        let (again, _) = parse(&written(&read), Format::Prometheus);
        assert_eq!(told(&again), told(&read));
    }
}

/// The types, and then each sample on a line.
fn written(exposition: &Exposition) -> String {
    let mut text = String::new();
    for (name, family) in &exposition.families {
        let _ = writeln!(text, "# TYPE {name} {}", family.kind);
    }
    for sample in &exposition.samples {
        let escaped = |value: &str| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            value.replace('\n', "\\n")
        };
        let labels = sample.labels.iter();
        let labels = labels.map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
        let labels: Vec<String> = labels.collect();
        let value = sample.value;
        let _ = writeln!(text, "{}{{{}}} {value:e}", sample.name, labels.join(","));
    }
    text
}

/// What an exposition says, lines aside.
fn told(exposition: &Exposition) -> (String, Vec<String>) {
    let sample = exposition.samples.iter();
    let samples = sample.map(|it| format!("{} {:?} {:e}", it.name, it.labels, it.value));
    (format!("{:?}", exposition.families), samples.collect())
}
