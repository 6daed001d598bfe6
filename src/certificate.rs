//! `--certificate`: what a run has shown, signed.

use std::path::PathBuf;
use std::time::Duration;

use acp_reports::Report;
use acp_reports::certificate::{self, ReportFile, SigningKey, Terms};
use jiff::Timestamp;

use crate::exit::{Exit, Failure, complain};
use crate::input;
use crate::output::{Place, Sink};

/// The longest that a certificate may hold: an agent changes sooner.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// The arguments for it.
#[derive(Debug, clap::Args)]
// A flattened group needs a name of its own.
#[group(id = "certifying")]
pub(crate) struct Arguments {
    /// Write a signed certificate, if the run certifies a level; `acp-tck verify` checks it
    #[arg(long, value_name = "F")]
    certificate: Option<PathBuf>,
    /// The Ed25519 key to sign it with: PEM, as `openssl genpkey -algorithm ed25519` makes it
    #[arg(
        long,
        value_name = "F",
        requires = "certificate",
        conflicts_with = "signing_key_env"
    )]
    signing_key: Option<PathBuf>,
    /// The environment variable that holds that key
    #[arg(long, value_name = "NAME", requires = "certificate")]
    signing_key_env: Option<String>,
    /// How long the certificate holds, for example 30d
    #[arg(long, value_name = "D", default_value = "90d", value_parser = term)]
    valid_for: humantime::Duration,
}

fn term(text: &str) -> Result<humantime::Duration, String> {
    let term: humantime::Duration = text
        .parse()
        .map_err(|error: humantime::DurationError| error.to_string())?;
    let range = Duration::from_secs(1)..=LONGEST;
    match range.contains(&*term) {
        true => Ok(term),
        false => Err("a certificate holds from one second to ten years".to_owned()),
    }
}

/// The same, looked at before anything is asked.
#[derive(Debug)]
pub(crate) struct Plan {
    place: Place,
    key: SigningKey,
    valid_for: Duration,
}

impl Arguments {
    /// Makes the plan, if there is to be a certificate.
    pub(crate) fn plan(&self, sinks: &[Sink]) -> Result<Option<Plan>, Failure> {
        let Some(path) = &self.certificate else {
            return Ok(None);
        };
        if !sinks.iter().any(|sink| sink.json_file().is_some()) {
            return Err(Failure::usage(
                "--certificate is about a JSON report, and none goes to a file: add --output report.json",
            ));
        }
        Ok(Some(Plan {
            place: Place::of("--certificate", path)?,
            key: self.key()?,
            valid_for: self.valid_for.into(),
        }))
    }

    fn key(&self) -> Result<SigningKey, Failure> {
        let (name, pem) = match (&self.signing_key, &self.signing_key_env) {
            (Some(path), _) => (
                format!("--signing-key {}", path.display()),
                input::bytes(path)?,
            ),
            (None, Some(variable)) => {
                let name = format!("--signing-key-env {variable}");
                let held = std::env::var(variable).ok().filter(|held| !held.is_empty());
                let held = held.ok_or_else(|| {
                    Failure::usage(format!(
                        "{name}: there is no such environment variable, or it is empty; set it to the key's PEM text"
                    ))
                })?;
                (name, held.into_bytes())
            }
            (None, None) => {
                return Err(Failure::usage(
                    "--certificate needs a key to sign with: --signing-key FILE or --signing-key-env NAME",
                ));
            }
        };
        SigningKey::from_pem(&pem).map_err(|error| Failure::usage(format!("{name}: {error}")))
    }
}

impl Plan {
    /// Where the certificate goes.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Writes the certificate of a run that ends in `exit`, or says why there is none. A run that
    /// holds and certifies nothing falls short of what was asked for.
    pub(crate) fn write(
        &self,
        report: &Report,
        sinks: &[Sink],
        exit: Exit,
    ) -> Result<Exit, Failure> {
        let mut files = sinks
            .iter()
            .filter_map(|sink| Some((sink, sink.json_file()?)));
        let Some((sink, path)) = files.next() else {
            return Err(Failure::other("the JSON report has gone"));
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let file = ReportFile::new(&name, &sink.text(report)?);
        // Whole seconds: nobody needs more, and people read them.
        let now = Timestamp::now().as_second();
        let issued_at = Timestamp::from_second(now).map_err(Failure::other)?;
        let terms = Terms {
            issued_at,
            expires_at: issued_at
                .checked_add(self.valid_for)
                .map_err(Failure::other)?,
        };
        match certificate::issue(report, file, terms, &self.key) {
            Ok(text) => {
                self.place.write(text.as_bytes())?;
                Ok(exit)
            }
            Err(why) => {
                complain(&format!("no certificate was written: {why}"));
                Ok(match exit {
                    Exit::Holds => Exit::FallsShort,
                    other => other,
                })
            }
        }
    }
}
