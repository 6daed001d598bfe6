//! Reports of generators that put one agent under load at the same time, in one report, without
//! loss: counts are added, and so are the histograms; every figure is made anew from these.

mod kin;
mod parts;
#[cfg(test)]
mod tests;
mod whole;

pub use kin::MergeError;
pub use whole::merge;
