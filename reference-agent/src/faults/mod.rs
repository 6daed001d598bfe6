//! The ways in which the agent can be wrong, by name.
//!
//! A fault is one value: what goes wrong, which rules must notice, and the seams at which
//! it acts. A new one is an entry in the list of its area, and nothing else.

mod auth;
mod cache;
mod config;
mod config_versions;
mod descriptor;
mod dialects;
mod documents;
mod errors;
mod invoke;
mod judgement;
mod lifecycle;
mod load;
mod observability;
mod orchestrator;
mod rate_limit;
mod sse;
mod stream;
mod transport;

#[cfg(test)]
mod tests;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    documents::now,
    exchange::Reply,
    seams::Seam,
    settings::{Auth, Error, Quota, Settings},
    validation::Violation,
};

/// One way of being wrong.
#[derive(Debug)]
pub struct Fault {
    /// What goes wrong, in kebab-case: `cuts-streams-short`.
    pub name: &'static str,
    /// What goes wrong, as a sentence.
    pub summary: &'static str,
    /// The ids of the rules that must fail: these, and no other. None, if it shows only under load.
    pub trips: &'static [&'static str],
    pub(crate) seams: &'static [Seam],
}

impl Fault {
    /// Lets the fault have its way with the settings.
    pub(crate) fn adjust(&self, settings: &mut Settings) {
        for seam in self.seams {
            if let Seam::Settings(change) = seam {
                change(settings);
            }
        }
    }

    /// Lets the fault have its way with what is enforced of a limit.
    pub(crate) fn enforce(&self, quota: &mut Quota) {
        for seam in self.seams {
            if let Seam::Quota(change) = seam {
                change(quota);
            }
        }
    }
}

impl Fault {
    /// Whether no rule can see it, and `acp-tck load` must.
    #[must_use]
    pub fn shows_under_load_alone(&self) -> bool {
        area_of(self).is_some_and(|area| area.shows_under_load_alone)
    }

    /// Whether it bends the settings, and so cannot come or go while the agent serves.
    pub(crate) fn acts_before_the_start(&self) -> bool {
        let before = |seam: &Seam| matches!(seam, Seam::Settings(_));
        self.seams.iter().any(before)
    }
}

/// Faults of one area, and what must be on for them to show.
#[derive(Debug)]
pub struct Area {
    /// What they have in common, in a word or two.
    pub name: &'static str,
    /// The faults.
    pub faults: &'static [Fault],
    /// What must be on, and the settings that see to it; empty for nothing.
    pub needs: &'static str,
    /// Whether no rule can see them, and `acp-tck load` must.
    pub shows_under_load_alone: bool,
    is_on: fn(&Settings) -> bool,
}

const fn always(name: &'static str, faults: &'static [Fault]) -> Area {
    Area {
        name,
        faults,
        needs: "",
        shows_under_load_alone: false,
        is_on: |_| true,
    }
}

/// Faults that no rule can see, and `acp-tck load` must.
const fn under_load(name: &'static str, faults: &'static [Fault]) -> Area {
    Area {
        shows_under_load_alone: true,
        ..always(name, faults)
    }
}

impl Area {
    /// The same faults, which show only where this is on.
    const fn with(self, needs: &'static str, is_on: fn(&Settings) -> bool) -> Self {
        Self {
            needs,
            is_on,
            ..self
        }
    }
}

/// The areas, in the order of the profile.
static AREAS: [Area; 22] = [
    always("transport", transport::FAULTS),
    always("documents", documents::FAULTS),
    always("config", config::FAULTS),
    always("judgement", judgement::FAULTS),
    always("invoke", invoke::FAULTS),
    always("errors", errors::FAULTS),
    always("sse", sse::FAULTS).with("streams (--enable-streaming true)", |s| s.enable_streaming),
    always("stream", stream::FAULTS)
        .with("streams (--enable-streaming true)", |s| s.enable_streaming),
    always("config-versions", config_versions::FAULTS),
    always("cache", cache::FAULTS).with("a cache (--enable-caching true)", |s| s.enable_caching),
    always("auth", auth::FAULTS).with("authentication (--auth api_key, for one)", |s| {
        s.auth != Auth::None
    }),
    always("api-keys", auth::KEY_FAULTS)
        .with("API keys (--auth api_key)", |s| s.auth == Auth::ApiKey),
    always("tokens", auth::TOKEN_FAULTS).with("tokens (--auth bearer, for one)", |s| {
        matches!(s.auth, Auth::Bearer | Auth::OAuth2)
    }),
    always("rate-limit", rate_limit::FAULTS).with(
        "a limit on invocations (--rate-limit-invoke 10/60s, for one)",
        |s| s.rate_limit_invoke.is_some(),
    ),
    always("observability", observability::FAULTS)
        .with("metrics (--enable-metrics true)", |s| s.enable_metrics),
    always("orchestrator", orchestrator::FAULTS)
        .with("an orchestrator (--orchestrator-url URL)", |s| {
            s.orchestrator_url.is_some()
        }),
    always("lifecycle", lifecycle::FAULTS),
    always("descriptor", descriptor::FAULTS),
    always("dialects", dialects::FAULTS),
    under_load("limits-under-load", load::LIMITS).with(
        "a limit on invocations (--rate-limit-invoke 10/60s, for one)",
        |s| s.rate_limit_invoke.is_some(),
    ),
    under_load("streams-under-load", load::STREAMS)
        .with("streams (--enable-streaming true)", |s| s.enable_streaming),
    under_load("cache-under-load", load::ANSWERS)
        .with("a cache (--enable-caching true)", |s| s.enable_caching),
];

/// The areas, in the order of the profile.
pub fn areas() -> impl Iterator<Item = &'static Area> {
    AREAS.iter()
}

/// Every fault there is, area by area.
pub fn catalogue() -> impl Iterator<Item = &'static Fault> {
    AREAS.iter().flat_map(|area| area.faults)
}

fn area_of(fault: &Fault) -> Option<&'static Area> {
    let holds = |area: &&Area| area.faults.iter().any(|one| std::ptr::eq(one, fault));
    AREAS.iter().find(holds)
}

/// What the settings lack for a fault to show, if anything.
pub(crate) fn lacks(fault: &Fault, settings: &Settings) -> Option<&'static str> {
    let area = area_of(fault)?;
    (!(area.is_on)(settings)).then_some(area.needs)
}

/// The settings as their faults leave them.
pub(crate) fn effective(settings: &Settings) -> Result<Settings, Error> {
    let mut settings = settings.clone();
    for fault in settings.faults.clone() {
        fault.adjust(&mut settings);
    }
    for fault in &settings.faults {
        if let Some(needs) = lacks(fault, &settings) {
            let fault = fault.name;
            return Err(Error::IdleFault { fault, needs });
        }
    }
    Ok(settings)
}

/// The fault of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Fault> {
    catalogue().find(|fault| fault.name == name)
}

/// The names of faults as log lines have them; `None` for no fault.
pub(crate) fn names(faults: &[&Fault]) -> Option<String> {
    let names: Vec<_> = faults.iter().map(|fault| fault.name).collect();
    (!names.is_empty()).then(|| format!("[{}]", names.join(", ")))
}

/// An answer in the envelope, as a handler would have made it.
fn failure(status: StatusCode, code: &str) -> Reply {
    let message = "the agent is not up to this request";
    let inner = json!({"code": code, "message": message, "details": {}, "timestamp": now()});
    Reply::json(status, json!({"error": inner}))
}

/// Overlooks what was found wrong at a path under a keyword.
fn overlook(found: &mut Vec<Violation>, path: &str, keyword: &str) {
    found.retain(|one| one.path != path || one.keyword != keyword);
}

/// The number that stands at a pointer of a body.
fn number(body: &Value, pointer: &str) -> Option<f64> {
    body.pointer(pointer).and_then(Value::as_f64)
}

/// The text that stands at a pointer of a body.
fn text<'a>(body: &'a Value, pointer: &str) -> Option<&'a str> {
    body.pointer(pointer).and_then(Value::as_str)
}
