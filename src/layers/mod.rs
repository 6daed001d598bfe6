//! What a subcommand is told, by three layers: flags of the command line go before `ACP_TCK_*` variables,
//! and those before `acp-tck.toml`.
//!
//! All of it is read off clap's command, so that a new flag has its variable and its key at once.

mod file;
mod flags;
mod parse;
mod said;

pub(crate) use self::file::NAME as FILE;
pub(crate) use self::flags::command;
pub(crate) use self::parse::parse;
