//! Puts the page together: template, style, script, and the policy that allows just these.

use std::io;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::view::View;
use crate::Report;

const TEMPLATE: &str = include_str!("report.html");
const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");
/// The style of the pages made of `parts.html`.
const PARTS_STYLE: &str = concat!(include_str!("report.css"), include_str!("parts.css"));

/// Writes a report as a page.
pub(crate) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let page = filled(TEMPLATE, STYLE, View::of(report))?;
    out.write_all(page.as_bytes())
}

/// A page of the same family: a template that begins with `parts.html`, and what it shows as `view`.
pub(crate) fn render(template: &str, view: impl Serialize) -> io::Result<String> {
    filled(template, PARTS_STYLE, view)
}

/// Such a page without what stands in files of its own.
#[cfg(test)]
pub(crate) fn without_style(page: &str) -> String {
    let page = page
        .replace(PARTS_STYLE, "[style]\n")
        .replace(SCRIPT, "[script]\n");
    let policy = policy(PARTS_STYLE).replace('\'', "&#x27;");
    page.replace(&policy, "[policy]")
}

fn filled(template: &str, style: &str, view: impl Serialize) -> io::Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("in_text", in_text);
    let syntax = SyntaxConfig::builder().trim_blocks(true).build();
    environment.set_syntax(syntax.map_err(io::Error::other)?);
    let template = environment.template_from_str(template);
    let template = template.map_err(io::Error::other)?;
    let page = template.render(context! {
        policy => policy(style),
        style => style,
        script => SCRIPT,
        view => Serde(view),
    });
    let page = page.map_err(io::Error::other)?;
    // The library escapes slashes, too, which mean nothing in a text or between quotes.
    Ok(page.replace("&#x2f;", "/"))
}

/// Escapes for a place between tags, where quotes mean nothing: JSON is a third shorter so.
fn in_text(text: &str) -> Value {
    let safe = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    Value::from_safe_string(safe)
}

/// Nothing is loaded, nothing runs, but what stands in the page and has these digests.
fn policy(style: &str) -> String {
    format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        digest(style),
        digest(SCRIPT)
    )
}

fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    format!("sha256-{}", BASE64_STANDARD.encode(digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("the page is UTF-8")
    }

    /// The page without what stands in files of its own.
    fn body(report: &Report) -> String {
        let page = written(report);
        let page = page
            .replace(STYLE, "[style]\n")
            .replace(SCRIPT, "[script]\n");
        let policy = policy(STYLE).replace('\'', "&#x27;");
        page.replace(&policy, "[policy]")
    }

    #[test]
    fn the_sample_is_written_as_a_page() {
        insta::assert_snapshot!(body(&sample::streaming()));
    }

    #[test]
    fn a_run_without_an_agent_is_a_short_page() {
        insta::assert_snapshot!(body(&sample::unreachable()));
    }

    #[test]
    fn the_policy_allows_what_is_there_and_nothing_else() {
        let page = written(&sample::clean());
        let between = |open: &str, close: &str| {
            let (_, after) = page.split_once(open).expect("it is there");
            after.split_once(close).expect("it ends").0.to_owned()
        };
        assert_eq!(between("<style>", "</style>"), STYLE);
        assert_eq!(between("<script>", "</script>"), SCRIPT);
        for forbidden in [
            "src=",
            "href=\"http",
            "url(",
            "@import",
            " style=",
            " onclick=",
        ] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn nothing_that_others_wrote_is_markup() {
        let nasty = "</script><script>owned()</script><img src=x onerror=owned()>\"'><svg onload=owned()>{{9731*7}}</textarea>&lt;";
        let mut report = sample::streaming();
        let mut document = serde_json::to_value(&report).expect("it is JSON");
        taint(&mut document, nasty);
        report = serde_json::from_value(document).expect("it is a report");
        let page = written(&report);
        let page = page.replace(SCRIPT, "").replace(STYLE, "");
        for markup in ["<script>o", "<img", "<svg o", "68117", "&lt;</"] {
            assert!(!page.contains(markup), "{markup}");
        }
        assert_eq!(page.matches("</script>").count(), 1);
    }

    /// Puts the text into every string that may hold anything.
    fn taint(value: &mut serde_json::Value, text: &str) {
        use serde_json::Value;
        const WORDS: [&str; 15] = [
            "must",
            "should",
            "pass",
            "fail",
            "warn",
            "skip",
            "inconclusive",
            "error",
            "expected",
            "core",
            "none",
            "production",
            "acp-tck/check",
            "ZGF0YTogeyL/IjogMX0KCg==",
            "",
        ];
        match value {
            Value::String(word) if !WORDS.contains(&word.as_str()) => word.push_str(text),
            Value::Array(items) => items.iter_mut().for_each(|item| taint(item, text)),
            Value::Object(members) => members.values_mut().for_each(|item| taint(item, text)),
            _ => {}
        }
    }

    #[test]
    fn of_an_agent_that_nobody_reached_no_feature_is_said_to_be_missing() {
        let mut report = sample::undecided();
        report.features = sample::report().features;
        let page = written(&report);
        assert_eq!(page.matches(">not seen<").count(), 4);
        for word in ["not offered", "not certified", "not found", ", found"] {
            assert!(!page.contains(word), "{word}");
        }
    }

    #[test]
    fn the_lighter_escaping_stands_between_tags_alone() {
        for place in TEMPLATE.split("|in_text").skip(1) {
            let after = place.trim_start_matches([' ', '}']);
            assert!(
                after.starts_with('<') || after.starts_with('{'),
                "{after:.40}"
            );
        }
        assert_eq!(
            in_text("<a b='\"'>&lt;").as_str(),
            Some("&lt;a b='\"'&gt;&amp;lt;")
        );
    }

    #[test]
    fn a_run_of_120_rules_and_2000_exchanges_stays_under_3_megabytes() {
        let page = written(&sample::large());
        assert!(page.len() < 3_000_000, "{} bytes", page.len());
        assert!(page.matches("<article").count() >= 2_000);
    }

    #[test]
    fn an_agent_cannot_make_the_page_large() {
        let mut report = sample::large();
        for finding in &mut report.results {
            for evidence in &mut finding.evidence {
                let nasty = "\"\u{1b}<".repeat(6_000);
                *evidence = sample::hostile_evidence(&nasty);
                evidence.curl = nasty;
            }
        }
        let page = written(&report);
        assert!(page.len() < 12_000_000, "{} bytes", page.len());
    }
}
