//! What was asked of the figures: thresholds, and a comparison with an earlier run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Curve, Report, Slice};

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Milliseconds.
    #[default]
    Ms,
    /// Seconds.
    Seconds,
    /// A share, from 0 to 1.
    Share,
    /// So many a second.
    PerSecond,
    /// A number of things.
    Count,
    /// Bytes.
    Bytes,
}

/// A threshold, and whether it holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Threshold {
    /// As it was given: `p99<50ms`.
    pub expression: String,
    /// The figure, in the unit of the report (milliseconds, shares from 0 to 1); absent where
    /// the run has none, and then the threshold does not hold.
    pub value: Option<f64>,
    /// What the figure is counted in.
    #[serde(default)]
    pub unit: Unit,
    /// Whether it holds.
    pub holds: bool,
    /// Why the figure is absent though the run has it, in a line: it lies among arrivals that were dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Threshold {
    /// Why there is no value, in a line.
    pub(crate) fn lack(&self) -> &str {
        let why = self.why.as_deref();
        why.unwrap_or("the run has no such figure")
    }
}

/// A run beside an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Baseline {
    /// The earlier run's report.
    pub file: String,
    /// By how much a figure may become worse, as a share: 0.1 for 10 %.
    #[serde(default)]
    pub max_regression: f64,
    /// How sure the intervals are, as a share: 0.95.
    #[serde(default)]
    pub confidence: f64,
    /// What differs between the runs, so that figures may differ for that reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
    /// The figures that both runs have.
    pub metrics: Vec<Metric>,
    /// The earlier run's course, to be drawn beside this one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Earlier>,
}

/// An earlier run, as far as it is drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Earlier {
    /// When it began.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub started_at: String,
    /// The version that its agent declared, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// Its [`Report::curve`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<Curve>,
    /// Its [`Report::curves`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub curves: BTreeMap<String, Vec<Curve>>,
    /// Its [`Report::slices`], without histograms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<Slice>,
}

impl Earlier {
    /// What is drawn of a run.
    #[must_use]
    pub fn of(run: &Report) -> Self {
        let without = |slice: &Slice| Slice {
            histograms: BTreeMap::new(),
            ..slice.clone()
        };
        Self {
            started_at: run.started_at.clone(),
            agent_version: run.target.agent_version.clone(),
            curve: run.curve.clone(),
            curves: run.curves.clone(),
            slices: run.slices.iter().map(without).collect(),
        }
    }
}

/// One figure of two runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Metric {
    /// Its name, as thresholds have it.
    pub name: String,
    /// What it is counted in.
    #[serde(default)]
    pub unit: Unit,
    /// In the earlier run.
    pub before: f64,
    /// In this one.
    pub after: f64,
    /// The change as a share of `before`: 0.1 is a tenth more. Where `before` is 0, and of figures
    /// that are shares themselves, the difference.
    pub change: f64,
    /// Where the change lies, by bootstrap over time slices.
    pub interval: [f64; 2],
    /// Whether it became worse by more than is allowed, and surely so.
    pub regressed: bool,
    /// Whether it became worse or better at all: whether the interval leaves 0 out.
    #[serde(default)]
    pub significant: bool,
}
