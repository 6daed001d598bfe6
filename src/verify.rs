//! `acp-tck verify`: whether a certificate holds; nobody is asked anything.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use acp_reports::certificate::{self, Statement, Unverified, VerifyingKey};
use acp_reports::{ProfileLevel, escape};

use crate::exit::{Exit, Failure, complain};
use crate::{input, output};

/// Check a certificate of `check --certificate`: who signed it, what it says, whether it has
/// expired, and whether the report is the one that it is of.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The certificate; - for standard input
    certificate: PathBuf,
    /// The JSON report that it was issued for, byte by byte as it was written
    #[arg(long, value_name = "R")]
    report: PathBuf,
    /// The public key of whoever you trust to certify: PEM, as `openssl pkey -in KEY -pubout`
    /// writes it
    #[arg(long, value_name = "K")]
    key: PathBuf,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let at = |path: &Path, why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let key = VerifyingKey::from_pem(&input::bytes(&arguments.key)?)
        .map_err(|why| Failure::usage(at(&arguments.key, &why)))?;
    let report = input::bytes(&arguments.report)?;
    let certificate = input::bytes(&arguments.certificate)?;
    let now = jiff::Timestamp::now();
    match certificate::verify(&certificate, &report, &key, now) {
        Ok(statement) => {
            output::to_stdout(|out| tell(&statement, &key, out))?;
            Ok(Exit::Holds)
        }
        Err(why @ Unverified::Refused(_)) => {
            complain(&at(&arguments.certificate, &why));
            Ok(Exit::FallsShort)
        }
        Err(why @ Unverified::Unreadable(_)) => {
            Err(Failure::usage(at(&arguments.certificate, &why)))
        }
    }
}

fn tell(statement: &Statement, key: &VerifyingKey, out: &mut dyn Write) -> io::Result<()> {
    let said = &statement.predicate;
    writeln!(out, "the certificate holds")?;
    let mut line = |name: &str, text: String| writeln!(out, "  {name:<11}{}", escape(&text));
    for subject in &statement.subject {
        let version = subject.annotations.version.as_deref();
        let version = version.unwrap_or("(no version)");
        line(
            "agent:",
            format!("{} {version}, {}", subject.name, subject.uri),
        )?;
    }
    let level = match said.level {
        ProfileLevel::Production => "production",
        ProfileLevel::Core => "core",
        ProfileLevel::None => "none",
    };
    line("level:", format!("{level}, of {}", said.profile))?;
    line("certified:", said.features.join(", "))?;
    let sum = &said.summary;
    let rules = format!(
        "{} passed, {} warned, {} excused, {} skipped, {} open",
        sum.pass, sum.warn, sum.expected, sum.skip, sum.inconclusive
    );
    line("rules:", rules)?;
    let (tool, cases) = (&said.tool, said.cases);
    let run = format!(
        "{}, {} {}, {cases} cases a rule, seed {}",
        said.checked_at, tool.name, tool.version, said.seed
    );
    line("run:", run)?;
    line(
        "report:",
        format!(
            "{}, SHA-256 {}",
            said.report.name, said.report.digest.sha256
        ),
    )?;
    line("signed by:", key.id().to_owned())?;
    line("issued:", said.issued_at.to_string())?;
    line("until:", said.expires_at.to_string())
}
