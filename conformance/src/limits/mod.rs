//! Rate limits: what an agent says of its own, and what is measured.
//!
//! Pure; the asking is in `drive::rate_limit`. What answers tell is read here for whoever asks, load
//! tests too, and so is the plan by which a limit is searched for.

mod counts;
mod replay;
mod search;
mod told;

pub(crate) use counts::{Counted, Counting, Counts, Returned, is_admitted, is_refused};
pub(crate) use replay::{MEANS, MOST, replayed, seen};
pub use search::{Client, Found, Means, Outcome, Probe, Seen, Told, Truth, find, judge};
pub use told::{LONGEST, Limit, State, Wait, declared, policy, states, wait};
pub(crate) use told::{announced, shows};
