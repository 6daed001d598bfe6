//! Charts as inline SVG: positions in per cent of their place, so that lines stretch with the page
//! and no text does. What is drawn is data here; `parts.html` makes elements of it, and escapes.

mod plot;
mod scale;
mod spark;

pub(crate) use plot::{Chart, Plot};
pub(crate) use scale::Scale;
pub(crate) use spark::Spark;
