//! Instances of any JSON Schema: valid ones, and ones that are invalid in one known way.
//!
//! How a case was made counts for nothing: its final text is parsed again and classified by the
//! validator before it is handed out. The pieces, from the outside in:
//!
//! - [`Generator`] rounds up candidates, classifies, orders and counts them;
//! - `explore` composes them: each interesting value of each part, set into a whole instance;
//! - `valid` and `invalid` say which values of one part are interesting, keyword by keyword;
//! - `build` makes one instance; `shape` is what a part asks for once references are followed
//!   and a branch of each `anyOf` is chosen; `number`, `text`, `pattern`, `formats`, `array` and
//!   `object` know a kind of value each;
//! - [`shrink`] makes a failing case smaller.
//!
//! Knows nothing of agents, HTTP or rules.

mod array;
mod beyond;
mod build;
mod case;
mod coverage;
mod explore;
mod formats;
mod generator;
mod height;
mod invalid;
mod maker;
mod misfit;
mod number;
mod object;
mod pattern;
mod refusal;
mod rng;
mod seed;
mod shape;
mod shrink;
mod spelling;
mod text;
mod valid;

pub use case::{Case, Class, Unclassed, Unmade, Unsatisfiable, classify};
pub use generator::Generator;
pub(crate) use rng::Rng;
pub use shrink::shrink;
pub(crate) use shrink::shrink_until;
