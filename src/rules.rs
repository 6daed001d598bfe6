//! `acp-tck rules`: the catalogue, as a list or rule by rule.

use std::io::{self, Write};

use acp_conformance::dialects::DIALECTS;
use acp_conformance::profile::Profile;
use acp_conformance::rule::Rule;
use acp_conformance::rules;
use acp_reference_agent::faults;
use acp_reports::Level;
use anstyle::Style;

use crate::exit::{Exit, Failure};
use crate::output;

/// The rules: list them, or explain one.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Every rule, a line each
    List,
    /// The dialects: other forms that are recognised by name
    Dialects,
    /// One rule: what it asks for, why, and how to mend a failure
    Explain {
        /// The rule's id, for example sse.data-is-json
        id: String,
    },
}

const BOLD: Style = Style::new().bold();

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    match &arguments.command {
        None | Some(Command::List) => output::to_stdout(list)?,
        Some(Command::Dialects) => output::to_stdout(dialects)?,
        Some(Command::Explain { id }) => {
            let rule = rules::find(id).ok_or_else(|| unknown(id))?;
            output::to_stdout(|out| explain(rule, out))?;
        }
    }
    Ok(Exit::Holds)
}

fn unknown(id: &str) -> Failure {
    if faults::catalogue().any(|fault| fault.trips.contains(&id)) {
        return Failure::usage(format!(
            "the rule `{id}` is still to come; so far only faults name it (`acp-tck faults list {id}`)"
        ));
    }
    let hint =
        rules::nearest(id).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Failure::usage(format!(
        "there is no rule `{id}`{hint} (`acp-tck rules list` names all)"
    ))
}

fn level(rule: &Rule) -> &'static str {
    match rule.level {
        Level::Must => "MUST",
        Level::Should => "SHOULD",
    }
}

/// What is said of a rule that the profile does not hold yet.
fn later(rule: &Rule) -> String {
    let profile = Profile::LATEST;
    match profile.holds(rule) {
        true => String::new(),
        false => format!(" (not scored: later than {})", profile.name),
    }
}

fn list(out: &mut dyn Write) -> io::Result<()> {
    let width = rules::catalogue()
        .map(|rule| rule.id.len())
        .max()
        .unwrap_or(0);
    for rule in rules::catalogue() {
        let feature = rule.feature.name();
        writeln!(
            out,
            "{:width$}  {:6}  {feature:9}  {}{}",
            rule.id,
            level(rule),
            rule.clause,
            later(rule)
        )?;
    }
    Ok(())
}

fn dialects(out: &mut dyn Write) -> io::Result<()> {
    for dialect in DIALECTS {
        let rule = dialect
            .rule
            .unwrap_or("no rule: the profile leaves it open");
        writeln!(out, "{BOLD}{}{BOLD:#}  ({rule})", dialect.name)?;
        let (form, canonical) = (dialect.form, dialect.canonical);
        writeln!(out, "    {}: {form}, for {canonical}", dialect.point)?;
        writeln!(out, "    {} (spoken by: {})", dialect.cost, dialect.source)?;
    }
    Ok(())
}

fn explain(rule: &Rule, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{BOLD}{}{BOLD:#}  ({}, {}){}\n",
        rule.id,
        level(rule),
        rule.feature,
        later(rule)
    )?;
    for (name, text) in [
        ("clause", rule.clause),
        ("why", rule.why),
        ("mend", rule.mend),
        ("source", rule.source),
    ] {
        writeln!(out, "{name:8}{text}")?;
    }
    let proofs = faults::catalogue().filter(|fault| fault.trips.contains(&rule.id));
    for dialect in DIALECTS.iter().filter(|one| one.rule == Some(rule.id)) {
        writeln!(out, "{:8}{}: {}", "dialect", dialect.name, dialect.form)?;
    }
    for (index, fault) in proofs.enumerate() {
        let name = if index == 0 { "faults" } else { "" };
        writeln!(out, "{name:8}{}: {}", fault.name, fault.summary)?;
    }
    Ok(())
}
