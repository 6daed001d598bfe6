//! The HTML face of a load report: a page of the same family as the check report's.
//!
//! `view` says what stands in it, `course` puts stretches of time together, `charts` draws them.
//! Frame, style and script are those of `crate::html`, and so are their rules: one file, nothing
//! fetched, and what anyone else wrote reaches the page through the template's escaping alone.

mod charts;
mod course;
mod gates;
mod view;

use std::io;

use super::Report;
use crate::html;

const TEMPLATE: &str = concat!(
    include_str!("../../html/parts.html"),
    include_str!("load.html")
);

/// Writes a load report as a page.
pub(super) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let page = html::render(TEMPLATE, view::View::of(report))?;
    out.write_all(page.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("the page is UTF-8")
    }

    /// The page without what stands in files of its own.
    fn body(report: &Report) -> String {
        html::without_style(&written(report))
    }

    #[test]
    fn a_cache_under_load_is_written_as_a_page() {
        insta::assert_snapshot!(body(&sample::cache()));
    }

    #[test]
    fn a_run_without_an_agent_is_a_short_page() {
        insta::assert_snapshot!(body(&sample::unreachable()));
    }

    #[test]
    fn what_an_agent_says_is_text_and_no_markup() {
        let page = written(&sample::hostile());
        assert!(!page.contains("<script>x") && !page.contains('\u{1b}'));
        assert_eq!(page.matches("</script>").count(), 1);
        assert!(page.len() < 300_000, "{} bytes", page.len());
    }

    #[test]
    fn charts_show_what_the_run_has_and_nothing_else() {
        let has =
            |report: &Report, title: &str| written(report).contains(&format!("<b>{title}</b>"));
        let cache = sample::cache();
        for title in [
            "Latency by percentile",
            "Throughput",
            "Latency over time",
            "Hits and misses",
            "Hit rate",
        ] {
            assert!(has(&cache, title), "{title}");
        }
        for title in [
            "Gaps between events",
            "Refused with 429",
            "Memory of the agent",
        ] {
            assert!(!has(&cache, title), "{title}");
        }
        assert!(has(&sample::rate_limit(), "Admitted and refused"));
        assert!(has(&sample::rate_limit(), "Admitted in a window"));
        assert!(has(&sample::rest(), "Gaps between events"));
        assert!(has(&sample::rest(), "Latency by rate"));
        assert!(!written(&sample::unreachable()).contains("<figure"));
    }

    #[test]
    fn an_earlier_run_is_drawn_beside_this_one() {
        let page = written(&sample::cache());
        assert!(
            page.contains("line one earlier"),
            "the earlier run has a line"
        );
        let mut alone = sample::cache();
        alone.baseline = None;
        assert!(!written(&alone).contains("line one earlier"));
    }

    #[test]
    fn a_file_cannot_make_the_page_large() {
        let mut report = sample::cache();
        let slice = report.slices[0].clone();
        report.slices = vec![slice; 50_000];
        let point = report.curve[0];
        report.curve = vec![point; 50_000];
        report.endpoints = vec![super::super::Endpoint::default(); 50_000];
        report.notes = vec!["x".to_owned(); 50_000];
        let page = written(&report);
        assert!(page.len() < 1_000_000, "{} bytes", page.len());
    }

    #[test]
    fn numbers_that_no_run_has_do_no_harm() {
        let mut report = sample::cache();
        for slice in &mut report.slices {
            slice.at_s = 1e300;
            slice.length_s = -1.0;
            slice.ok = u64::MAX;
            slice.hits = Some(u64::MAX);
        }
        for point in &mut report.curve {
            point.ms = 1e300;
            point.percentile = 1e300;
        }
        let page = written(&report);
        assert!(
            !page.contains("NaN") && !page.contains("inf "),
            "no number of SVG"
        );
    }
}
