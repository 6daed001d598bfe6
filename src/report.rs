//! `acp-tck report`: reports that were written as JSON, compared, put together, or in other formats.

mod history;
pub(crate) mod read;
mod store;

use std::path::{Path, PathBuf};

use acp_conformance::profile::Profile;
use acp_conformance::rules;
use acp_load::hlog::Log;
use acp_reports::{Comparison, Format, Level, LoadReport, Matrix, Report, Verdict};
use clap::builder::PossibleValuesParser;

use self::read::Document;
use crate::exit::{Exit, Failure};
use crate::output::{Face, Place};
use crate::{input, judging, output};

/// Reports that were written before: compare them, put them together, or render them in other
/// formats.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Two runs: what broke, what was mended, what is new; exit code 1 if it got worse, 3 if a run has no
    /// verdict
    Diff {
        /// The earlier JSON report
        before: PathBuf,
        /// The later one
        after: PathBuf,
        /// How to say it
        #[arg(long, value_name = "FORMAT", default_value = "human", value_parser = ["human", "json"])]
        format: String,
    },
    /// A JSON report, of a check or of a load, in other formats
    Render {
        /// The JSON report, - for standard input
        file: PathBuf,
        #[command(flatten)]
        faces: Faces,
    },
    /// Shards of one check, reports of one load from several generators, or their .hlog histograms,
    /// as one; the exit code is that of the whole
    Merge {
        /// The JSON reports, or the .hlog files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        faces: Faces,
    },
    /// Many agents beside each other: features and rules
    Matrix {
        /// The JSON reports of their checks
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// How to write it. Without it, the suffix of --output tells
        #[arg(long, value_name = "FORMAT", value_parser = ["html", "markdown"])]
        format: Option<String>,
        /// The file to write to, - for standard output
        #[arg(long, value_name = "F")]
        output: Option<PathBuf>,
    },
    /// Runs over time, checks and loads: what broke when, and where figures go, as HTML
    History {
        /// Folders of JSON reports, the reports, or SQLite files of them
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Add these JSON reports to the SQLite file, which is made if it is not there, and write no page
        #[arg(long, value_name = "REPORT", num_args = 1.., conflicts_with = "output")]
        add: Vec<PathBuf>,
        /// The file to write to, - for standard output
        #[arg(long, value_name = "F", default_value = "-")]
        output: PathBuf,
    },
}

/// Formats and files.
#[derive(Debug, clap::Args)]
struct Faces {
    /// The format; repeatable, in pairs with --output. Without any, the suffix of each
    /// --output tells
    #[arg(long, value_name = "FORMAT", value_parser = format_names())]
    format: Vec<String>,
    /// The file to write to, - for standard output; repeatable
    #[arg(long, value_name = "F")]
    output: Vec<PathBuf>,
}

/// Those of check reports; load reports have some of them.
fn format_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Format::ALL.iter().map(|format| format.name))
}

/// Runs the command.
pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Diff {
            before,
            after,
            format,
        } => diff(&before, &after, &format),
        Command::Render { file, faces } => render(&file, &faces),
        Command::Merge { files, faces } => merge(&files, &faces),
        Command::Matrix {
            files,
            format,
            output,
        } => matrix(&files, format.as_deref(), output.as_deref()),
        Command::History { files, add, output } => match add.as_slice() {
            [] => history::write(&files, &output),
            reports => history::record(&files, reports),
        },
    }
}

fn diff(before: &Path, after: &Path, format: &str) -> Result<Exit, Failure> {
    let comparison = Comparison::of(&read::check(before)?, &read::check(after)?);
    output::to_stdout(|out| match format {
        "json" => comparison.write_json(out),
        _ => comparison.write(out),
    })?;
    Ok(exit(comparison.verdict()))
}

fn render(file: &Path, faces: &Faces) -> Result<Exit, Failure> {
    match read::any(file)? {
        Document::Check(report) => faces.write::<Format>(&report)?,
        Document::Load(report) => faces.write::<acp_reports::load::Format>(&report)?,
    }
    Ok(Exit::Holds)
}

impl Faces {
    fn write<F: Face>(&self, report: &F::Report) -> Result<(), Failure> {
        let formats = self.format.iter().map(|name| {
            let mut known = F::ALL.iter();
            known.find(|it| it.name() == name).copied().ok_or_else(|| {
                let known: Vec<&str> = F::ALL.iter().map(|it| it.name()).collect();
                let known = known.join(", ");
                Failure::usage(format!(
                    "--format {name}: a load report has no such format; there are {known}"
                ))
            })
        });
        let sinks = output::sinks(formats.collect::<Result<Vec<F>, _>>()?, &self.output)?;
        output::all_differ(&sinks, None)?;
        sinks.iter().try_for_each(|sink| sink.write(report))
    }
}

fn merge(files: &[PathBuf], faces: &Faces) -> Result<Exit, Failure> {
    if files.iter().any(|file| is_log(file)) {
        return merge_logs(files, faces);
    }
    let mut checks: Vec<(String, Report)> = Vec::new();
    let mut loads: Vec<(String, LoadReport)> = Vec::new();
    for file in files {
        let name = file.display().to_string();
        match read::any(file)? {
            Document::Check(report) => checks.push((name, *report)),
            Document::Load(report) => loads.push((name, *report)),
        }
    }
    match (checks.first(), loads.first()) {
        (Some((check, _)), Some((load, _))) => Err(Failure::usage(format!(
            "{load}: a load report, and {check} is of a check: merge each kind by itself"
        ))),
        (_, Some(_)) => {
            let whole = acp_load::merge::merge(&loads).map_err(Failure::usage)?;
            faces.write::<acp_reports::load::Format>(&whole)?;
            Ok(exit(whole.verdict))
        }
        _ => {
            let profile = checks.first().map(|(_, it)| it.profile.parse::<&Profile>());
            // Of a profile that is not known here, only whole features are certified.
            let profile = profile.and_then(Result::ok);
            let musts = |feature: &str| profile.map(|it| musts(it, feature)).unwrap_or_default();
            let whole = acp_reports::merge(checks, musts).map_err(Failure::usage)?;
            faces.write::<Format>(&whole)?;
            Ok(judging::exit(&whole))
        }
    }
}

/// The MUSTs of a feature, in a revision of the profile.
fn musts(profile: &Profile, feature: &str) -> Vec<String> {
    let rules = rules::catalogue().filter(|rule| {
        let is_scored = profile.holds(rule);
        is_scored && rule.level == Level::Must && rule.feature.name() == feature
    });
    rules.map(|rule| rule.id.to_owned()).collect()
}

fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Pass => Exit::Holds,
        Verdict::Fail => Exit::FallsShort,
        Verdict::Error => Exit::Failed,
    }
}

fn is_log(file: &Path) -> bool {
    let suffix = file.extension().unwrap_or_default();
    suffix.eq_ignore_ascii_case("hlog")
}

fn merge_logs(files: &[PathBuf], faces: &Faces) -> Result<Exit, Failure> {
    if let Some(other) = files.iter().find(|file| !is_log(file)) {
        return Err(Failure::usage(format!(
            "{}: not an .hlog file, as others here are: merge each kind by itself",
            other.display()
        )));
    }
    if !faces.format.is_empty() || faces.output.len() > 1 {
        return Err(Failure::usage(
            "histograms are merged into one .hlog file: give one --output, and no --format",
        ));
    }
    let output = faces
        .output
        .first()
        .map_or(Path::new("-"), PathBuf::as_path);
    let place = Place::of("--output", output)?;
    let read = |file: &PathBuf| {
        let named = |error| Failure::usage(format!("{}: {error}", file.display()));
        Log::read(&input::bytes(file)?).map_err(named)
    };
    let logs: Vec<Log> = files.iter().map(read).collect::<Result<_, _>>()?;
    let whole = Log::merge(&logs).map_err(Failure::usage)?;
    place.write(whole.write().map_err(Failure::other)?.as_bytes())?;
    Ok(Exit::Holds)
}

fn matrix(files: &[PathBuf], format: Option<&str>, output: Option<&Path>) -> Result<Exit, Failure> {
    let place = Place::of("--output", output.unwrap_or(Path::new("-")))?;
    let suffix = output.and_then(Path::extension).unwrap_or_default();
    let format = match (format, suffix.to_ascii_lowercase().to_str()) {
        (Some(format), _) => format,
        (None, Some("html" | "htm")) => "html",
        (None, Some("md" | "")) => "markdown",
        _ => {
            let output = output.unwrap_or(Path::new("-")).display();
            return Err(Failure::usage(format!(
                "--output {output}: a matrix is written as HTML or Markdown; name a file that ends in .html or .md, or give a --format"
            )));
        }
    };
    let mut matrix = Matrix::default();
    for file in files {
        matrix.add(&read::check(file)?);
    }
    output::write(&place, |out| match format {
        "html" => matrix.write_html(out),
        _ => matrix.write_markdown(out),
    })?;
    Ok(Exit::Holds)
}
