//! Taking the user's secrets out of a load report, before any face of it is drawn.

use acp_conformance::redact::Redactor;
use acp_load::target::Wishes;
use acp_reports::load::Report;

/// Takes what was sent as a header field or a key out of every text that the agent may have had a
/// hand in: it may echo what it was sent.
pub(super) fn redact(report: &mut Report, wishes: &Wishes) {
    let keys = wishes.keys.iter();
    let keys = keys.map(|key| ("X-API-Key".to_owned(), key.clone()));
    let headers: Vec<_> = wishes.headers.iter().cloned().chain(keys).collect();
    let redactor = Redactor::new(&headers);
    let clean = |text: &mut String| *text = redactor.text(text);
    clean(&mut report.target.url);
    let told = [
        &mut report.target.agent_id,
        &mut report.target.agent_version,
        &mut report.error,
        &mut report.generator.why,
    ];
    told.into_iter().flatten().for_each(clean);
    report.notes.iter_mut().for_each(clean);
    for endpoint in &mut report.endpoints {
        clean(&mut endpoint.name);
    }
    for defect in &mut report.defects {
        clean(&mut defect.message);
    }
    let violation = report.stream.as_mut().map(|it| &mut it.first_violation);
    if let Some(Some(violation)) = violation {
        clean(&mut violation.message);
    }
    if let Some(baseline) = &mut report.baseline {
        baseline.differences.iter_mut().for_each(clean);
        let earlier = baseline.earlier.as_mut();
        let version = earlier.and_then(|it| it.agent_version.as_mut());
        version.into_iter().for_each(clean);
    }
}
