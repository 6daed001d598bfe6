//! The HTML face: one page that needs nothing else, from the disk or from a server.
//!
//! `page` puts it together, `view` says what stands in it, `exchange` shows what went over the
//! wire, `bytes` finds the places in a body, `timeline` draws arrivals to scale. What anyone else
//! wrote reaches the page through the template's escaping alone, and the page's own policy lets
//! nothing run but its own script, and nothing be fetched at all.
//!
//! Other pages of the family (loads, matrix, history) are templates that begin with `parts.html`.

mod bytes;
mod exchange;
mod page;
mod prose;
mod timeline;
mod view;

#[cfg(test)]
pub(crate) use page::without_style;
pub(crate) use page::{render, write};
