//! The parser's tests: the standard's cases, properties, each kind of defect.

mod cases;
mod kinds;
mod limits;
mod properties;
mod writing;

use super::{Limits, Parser, Transcript};

/// Parses pieces as if each had been read on its own.
fn parse_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: Limits) -> Transcript {
    let mut parser = Parser::new(limits);
    for piece in pieces {
        parser.push(piece);
    }
    parser.finish()
}
