//! A run, written down, read again and judged again: it must say the same.

use acp_conformance::recording::Recording;
use acp_conformance::settings::Judging;
use acp_reports::Report;

/// The report on a recording, which is also what its record says.
pub(crate) fn report(recording: &Recording, judging: &Judging) -> Report {
    let report = recording.report(judging);
    let mut file = Vec::new();
    recording.write(&mut file).expect("memory");
    let read = Recording::read(&mut file.as_slice()).expect("a record");
    let text = |report: &Report| serde_json::to_string_pretty(report).expect("JSON");
    assert_eq!(text(&report), text(&read.report(judging)), "judged again");
    report
}
