//! Where reports go: standard output, or files that appear whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use acp_reports::{Format, Report};

use crate::exit::Failure;

/// A report to write: in which format, and where to (standard output without a path).
#[derive(Debug)]
pub(crate) struct Sink {
    format: Format,
    path: Option<PathBuf>,
}

/// Pairs formats and files in the order given; without any, text on standard output.
pub(crate) fn sinks(formats: Vec<Format>, paths: Vec<PathBuf>) -> Result<Vec<Sink>, Failure> {
    let formats = if formats.is_empty() {
        vec![Format::ALL[0]]
    } else {
        formats
    };
    if paths.len() > formats.len() {
        return Err(Failure::usage(
            "there are more --output than --format; give them in pairs, a --format before each --output",
        ));
    }
    let to_stdout = formats.len() - paths.len();
    if to_stdout > 1 {
        return Err(Failure::usage(
            "more than one format would go to standard output; give each --format an --output",
        ));
    }
    let mut paths = paths.into_iter();
    let sinks: Vec<Sink> = formats
        .into_iter()
        .map(|format| Sink {
            format,
            path: paths.next(),
        })
        .collect();
    for sink in &sinks {
        sink.check()?;
    }
    Ok(sinks)
}

impl Sink {
    /// Whether the report's place can be written: told before the run, not after it.
    fn check(&self) -> Result<(), Failure> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let folder = folder(path);
        if path.is_dir() {
            return Err(Failure::usage(format!(
                "--output {}: is a folder; name a file",
                path.display()
            )));
        }
        if !folder.is_dir() {
            return Err(Failure::usage(format!(
                "--output {}: there is no folder {}; make it first",
                path.display(),
                folder.display()
            )));
        }
        Ok(())
    }

    /// Writes the report.
    pub(crate) fn write(&self, report: &Report) -> Result<(), Failure> {
        match &self.path {
            None => to_stdout(|out| self.format.write(report, out)),
            Some(path) => {
                let mut text = Vec::new();
                let mut plain = anstream::StripStream::new(&mut text);
                self.format
                    .write(report, &mut plain)
                    .map_err(Failure::other)?;
                file(path, &text)
            }
        }
    }
}

/// Writes to standard output, in colour if it is a terminal that wants it. A reader who has
/// seen enough (`| head`) is no error.
pub(crate) fn to_stdout(
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let mut text = Vec::new();
    write(&mut text).map_err(Failure::other)?;
    let mut out = anstream::stdout().lock();
    match out.write_all(&text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|error| Failure::other(format!("standard output: {error}"))),
    }
}

/// Writes a file that appears whole or not at all.
pub(crate) fn file(path: &Path, text: &[u8]) -> Result<(), Failure> {
    let told = |error: std::io::Error| Failure::usage(format!("{}: {error}", path.display()));
    let mut beside = tempfile::NamedTempFile::new_in(folder(path)).map_err(told)?;
    beside.write_all(text).map_err(told)?;
    beside.as_file().sync_all().map_err(told)?;
    beside.persist(path).map_err(|error| told(error.error))?;
    Ok(())
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
