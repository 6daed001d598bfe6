//! What `check` and `judge` have in common: which rules are judged and how, and where the report
//! goes.

use std::path::{Path, PathBuf};

use acp_conformance::expected::ExpectedFailures;
use acp_conformance::profile::Profile;
use acp_conformance::recording::Recording;
use acp_conformance::select::Selection;
use acp_conformance::settings::Judging;
use acp_reports::{Format, Report, Verdict};
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::exit::{Exit, Failure, complain};
use crate::output::{Place, Sink};
use crate::{certificate, input, output};

/// The arguments for it.
#[derive(Debug, clap::Args)]
// A flattened group needs a name of its own.
#[group(id = "judging")]
pub(crate) struct Arguments {
    /// Judge only these rules: an id, an area or a feature, with * and ?
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    only: Vec<String>,
    /// Leave these rules out
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    skip: Vec<String>,
    /// Let a SHOULD that does not hold fail the run
    #[arg(long)]
    strict: bool,
    /// The requirement set to judge by
    #[arg(long, value_name = "NAME", default_value = Profile::LATEST.name, value_parser = profile())]
    profile: &'static Profile,
    /// Failures that are known: excused, and told when they are over
    #[arg(long, value_name = "F")]
    expected_failures: Option<PathBuf>,
    /// Write the file that excuses all that fails now; - for standard output
    #[arg(long, value_name = "F")]
    write_expected_failures: Option<PathBuf>,
    /// Write all that was asked as an HTTP Archive, for browsers' developer tools
    #[arg(long, value_name = "F")]
    har: Option<PathBuf>,
    /// The report's format; repeatable, in pairs with --output. Without any, the suffix of each
    /// --output tells
    #[arg(long, value_name = "FORMAT", value_parser = format())]
    format: Vec<Format>,
    /// The file to write the report to, - for standard output; repeatable
    #[arg(long, value_name = "F")]
    output: Vec<PathBuf>,
    #[command(flatten)]
    certificate: certificate::Arguments,
}

fn profile() -> impl TypedValueParser<Value = &'static Profile> {
    let names = Profile::ALL.iter().map(|profile| profile.name);
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

pub(crate) fn format() -> impl TypedValueParser<Value = Format> {
    let names = Format::ALL.iter().map(|format| format.name);
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

/// The same, looked at before anything is asked: what is wrong with it is told at once.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) judging: Judging,
    sinks: Vec<Sink>,
    excuses: Option<Excuses>,
    har: Option<Place>,
    record: Option<Place>,
    certificate: Option<certificate::Plan>,
}

/// A file of excuses to write, and what is known of it before.
#[derive(Debug)]
struct Excuses {
    place: Place,
    known: ExpectedFailures,
}

impl Arguments {
    /// Makes the plan; the recording itself is to go to `record`.
    pub(crate) fn plan(&self, record: Option<&PathBuf>) -> Result<Plan, Failure> {
        let place =
            |option, path: Option<&PathBuf>| path.map(|path| Place::of(option, path)).transpose();
        let sinks = output::sinks(self.format.clone(), &self.output)?;
        let expected = expected(self.expected_failures.as_ref())?;
        let excuses = self.write_expected_failures.as_ref();
        let excuses = excuses
            .map(|path| Excuses::of(path, &expected))
            .transpose()?;
        let har = place("--har", self.har.as_ref())?;
        let record = place("--record", record)?;
        let certificate = self.certificate.plan(&sinks)?;
        let others = [&har, &record].into_iter().flatten();
        let others = others.chain(excuses.as_ref().map(|it| &it.place));
        let others = others.chain(certificate.as_ref().map(certificate::Plan::place));
        output::all_differ(&sinks, others)?;
        let selection = Selection::new(self.only.clone(), self.skip.clone());
        Ok(Plan {
            judging: Judging {
                strict: self.strict,
                profile: self.profile,
                selection: selection.map_err(Failure::usage)?,
                expected,
            },
            sinks,
            excuses,
            har,
            record,
            certificate,
        })
    }
}

impl Excuses {
    /// What stands there already must be excuses, too: they are kept, beside those that were given.
    fn of(path: &Path, given: &ExpectedFailures) -> Result<Self, Failure> {
        let option = "--write-expected-failures";
        let place = Place::of_anything(option, path)?;
        let mut known = given.clone();
        if path.is_file() {
            let held = ExpectedFailures::parse(&input::text(path)?).map_err(|error| {
                Failure::usage(format!(
                    "{option} {}: holds something else, which would be lost ({error}); name another file",
                    path.display()
                ))
            })?;
            known.add(held);
        }
        Ok(Self { place, known })
    }
}

fn expected(path: Option<&PathBuf>) -> Result<ExpectedFailures, Failure> {
    let Some(path) = path else {
        return Ok(ExpectedFailures::default());
    };
    ExpectedFailures::parse(&input::text(path)?)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

impl Plan {
    /// Whether a run is to be written down as a whole.
    pub(crate) fn keeps(&self) -> bool {
        self.har.is_some() || self.record.is_some()
    }

    /// Writes down what was gathered, where that was asked for.
    pub(crate) fn keep(&self, recording: &Recording) -> Result<(), Failure> {
        if let Some(place) = &self.record {
            place.write_with(|out| recording.write(out))?;
        }
        if let Some(place) = &self.har {
            place.write_with(|out| recording.write_har(out))?;
        }
        Ok(())
    }

    /// Writes the report, and says how the program ends by it.
    pub(crate) fn tell(&self, report: &Report) -> Result<Exit, Failure> {
        for sink in &self.sinks {
            sink.write(report)?;
        }
        if let Some(excuses) = self.excuses.as_ref().filter(|_| report.error.is_none()) {
            let text = excuses.known.write(&report.results);
            excuses.place.write(text.as_bytes())?;
        }
        tell_verdict(report, &self.sinks);
        match &self.certificate {
            Some(plan) => plan.write(report, &self.sinks, exit(report)),
            None => Ok(exit(report)),
        }
    }
}

/// Tells on stderr what somebody at a terminal would not see otherwise: why there is no verdict, or
/// the verdict, if all reports go to files.
pub(crate) fn tell_verdict(report: &Report, sinks: &[Sink]) {
    match &report.error {
        Some(_) if sinks.iter().any(Sink::is_read_at_once) => {}
        Some(error) => complain(error),
        None if sinks.iter().any(Sink::is_stdout) => {}
        None => complain(&report.in_a_line()),
    }
}

/// How the program ends by a report.
pub(crate) fn exit(report: &Report) -> Exit {
    match report.verdict {
        Verdict::Pass => Exit::Holds,
        Verdict::Fail => Exit::FallsShort,
        Verdict::Error => Exit::Failed,
    }
}
