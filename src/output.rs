//! Where reports go: standard output, or files that appear whole or not at all.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use acp_reports::{Format, LoadReport, Report, load};

use crate::exit::Failure;
use crate::uses;

/// A report to write: in which format, and where to.
#[derive(Debug)]
pub(crate) struct Sink<F = Format> {
    format: F,
    place: Place,
}

/// The formats of one kind of report; the first is for people to read.
pub(crate) trait Face: Copy + 'static {
    /// What is written.
    type Report;
    /// All of them.
    const ALL: &'static [Self];

    fn of_file(name: &str) -> Option<Self>;
    fn name(self) -> &'static str;
    fn suffixes(self) -> &'static [&'static str];
    fn write(self, report: &Self::Report, out: &mut dyn Write) -> io::Result<()>;
}

impl Face for Format {
    type Report = Report;
    const ALL: &'static [Self] = Self::ALL;

    fn of_file(name: &str) -> Option<Self> {
        Self::of_file(name)
    }

    fn name(self) -> &'static str {
        self.name
    }

    fn suffixes(self) -> &'static [&'static str] {
        self.suffixes
    }

    fn write(self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        self.write(report, out)
    }
}

impl Face for load::Format {
    type Report = LoadReport;
    const ALL: &'static [Self] = Self::ALL;

    fn of_file(name: &str) -> Option<Self> {
        Self::of_file(name)
    }

    fn name(self) -> &'static str {
        self.name
    }

    fn suffixes(self) -> &'static [&'static str] {
        self.suffixes
    }

    fn write(self, report: &LoadReport, out: &mut dyn Write) -> io::Result<()> {
        self.write(report, out)
    }
}

/// Where an output goes; found out before the run, so that nothing fails after it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Standard output.
    Stdout,
    /// A device or a pipe, to be written to and never replaced.
    Direct(PathBuf),
    /// A regular file, or none yet: its own path, after all symbolic links.
    File(PathBuf),
}

/// Pairs formats and files in the order given; without any format, the files' names tell.
pub(crate) fn sinks<F: Face>(
    mut formats: Vec<F>,
    paths: &[PathBuf],
) -> Result<Vec<Sink<F>>, Failure> {
    if formats.is_empty() {
        let guesses = paths.iter().map(|path| guessed(path));
        formats = guesses.collect::<Result<_, _>>()?;
    }
    let pairs = paired(formats, F::ALL[0], paths)?.into_iter();
    Ok(pairs
        .map(|(format, place)| Sink { format, place })
        .collect())
}

/// The same for the formats of any report; without any, `default` on standard output.
fn paired<F>(formats: Vec<F>, default: F, paths: &[PathBuf]) -> Result<Vec<(F, Place)>, Failure> {
    let formats = if formats.is_empty() {
        vec![default]
    } else {
        formats
    };
    if paths.len() > formats.len() {
        return Err(Failure::usage(
            "there are more --output than --format; give them in pairs, a --format before each --output, or no --format at all: then the files' names tell",
        ));
    }
    let mut places = Vec::new();
    for path in paths {
        places.push(Place::of("--output", path)?);
    }
    places.resize_with(formats.len(), || Place::Stdout);
    let to_stdout = places.iter().filter(|place| **place == Place::Stdout);
    if to_stdout.count() > 1 {
        return Err(Failure::usage(
            "more than one format would go to standard output; give each --format an --output",
        ));
    }
    Ok(formats.into_iter().zip(places).collect())
}

/// Writes a report of any kind: in colour where a terminal wants it, in plain text to files.
pub(crate) fn write(
    place: &Place,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    if *place == Place::Stdout {
        return to_stdout(write);
    }
    place.write(&plain(write)?)
}

/// What is written to files.
fn plain(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let mut plain = anstream::StripStream::new(&mut text);
    write(&mut plain).map_err(Failure::other)?;
    Ok(text)
}

/// The format that a file's name asks for. What has no suffix is for people to read.
fn guessed<F: Face>(path: &Path) -> Result<F, Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if let Some(format) = F::of_file(&name) {
        return Ok(format);
    }
    if path.extension().is_none() {
        return Ok(F::ALL[0]);
    }
    let known: Vec<&str> = F::ALL
        .iter()
        .flat_map(|format| format.suffixes())
        .copied()
        .collect();
    Err(Failure::usage(format!(
        "--output {}: no format goes by that suffix ({} do); give a --format before it",
        path.display(),
        known.join(", ")
    )))
}

/// Refuses to write two things to one place: the second would undo the first.
pub(crate) fn all_differ<'p, F>(
    sinks: &'p [Sink<F>],
    others: impl IntoIterator<Item = &'p Place>,
) -> Result<(), Failure> {
    let places: Vec<&Place> = sinks.iter().map(|sink| &sink.place).chain(others).collect();
    for (index, place) in places.iter().enumerate() {
        let again = places[..index].contains(place);
        match place {
            Place::File(path) if again => {
                return Err(Failure::usage(format!(
                    "{}: two outputs would go to this file; give each its own",
                    path.display()
                )));
            }
            Place::Stdout if again => {
                return Err(Failure::usage(
                    "two outputs would go to standard output; give each its own place",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

impl<F: Face> Sink<F> {
    /// Whether somebody reads the report for people as it is written.
    pub(crate) fn is_read_at_once(&self) -> bool {
        let is_human = self.format.name() == F::ALL[0].name();
        is_human && self.place == Place::Stdout && io::stdout().is_terminal()
    }

    /// The file that gets the report as JSON, if this is where it goes.
    pub(crate) fn json_file(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) if self.format.name() == "json" => Some(path),
            _ => None,
        }
    }

    /// The bytes that a file gets.
    pub(crate) fn text(&self, report: &F::Report) -> Result<Vec<u8>, Failure> {
        plain(|out| self.format.write(report, out))
    }

    /// Whether the report goes to standard output.
    pub(crate) fn is_stdout(&self) -> bool {
        self.place == Place::Stdout
    }

    /// Writes the report.
    pub(crate) fn write(&self, report: &F::Report) -> Result<(), Failure> {
        write(&self.place, |out| self.format.write(report, out))
    }
}

impl Place {
    /// The place that an option names, if it can be written: `-` is standard output. What this run
    /// reads cannot.
    pub(crate) fn of(option: &str, path: &Path) -> Result<Self, Failure> {
        let place = Self::of_anything(option, path)?;
        if let Self::File(file) = &place {
            uses::writes(file)?;
        }
        Ok(place)
    }

    /// The same where what this run has read is to be replaced by what comes of it.
    pub(crate) fn of_anything(option: &str, path: &Path) -> Result<Self, Failure> {
        let wrong = |what: String| {
            let path = path.display();
            Err(Failure::usage(format!("{option} {path}: {what}")))
        };
        // Reopening /dev/stdout would truncate a file that the shell appends to.
        if path == Path::new("-") || path == Path::new("/dev/stdout") {
            return Ok(Self::Stdout);
        }
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => return wrong("is a folder; name a file".to_owned()),
            Ok(found) if !found.is_file() => return Ok(Self::Direct(path.to_owned())),
            _ => {}
        }
        let file = followed(path);
        let parent = folder(&file);
        if !parent.is_dir() {
            let parent = parent.display();
            return wrong(format!("there is no folder {parent}; make it first"));
        }
        let (Ok(parent), Some(name)) = (parent.canonicalize(), file.file_name()) else {
            return wrong("names no file".to_owned());
        };
        if let Err(error) = tempfile::NamedTempFile::new_in(&parent) {
            let (parent, cause) = (parent.display(), cause(&error));
            return wrong(format!("nothing can be written in {parent}: {cause}"));
        }
        Ok(Self::File(parent.join(name)))
    }

    /// Writes it: a file appears whole or not at all.
    pub(crate) fn write(&self, text: &[u8]) -> Result<(), Failure> {
        self.write_with(|out| out.write_all(text))
    }

    /// The same of what is too much to be held as a whole.
    pub(crate) fn write_with(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let (path, done) = match self {
            Self::Stdout => return to_stdout(write),
            Self::Direct(path) => (path, direct(path, write)),
            Self::File(path) => (path, replace(path, write)),
        };
        done.map_err(|error| Failure::usage(format!("{}: {}", path.display(), cause(&error))))
    }
}

/// A path after all symbolic links, also of one that leads to a file not yet there.
fn followed(path: &Path) -> PathBuf {
    /// As many as Linux follows.
    const LINKS: usize = 40;
    let mut file = path.to_owned();
    for _ in 0..LINKS {
        match std::fs::read_link(&file) {
            Ok(target) => file = folder(&file).join(target),
            Err(_) => break,
        }
    }
    file
}

/// What went wrong, without the name of a temporary file that nobody asked for.
fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    let cause = text.split(" at path ").next();
    cause.unwrap_or_default().to_owned()
}

fn direct(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let out = std::fs::OpenOptions::new().write(true).open(path)?;
    let mut out = io::BufWriter::new(out);
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The umask takes its bits off, as from any file that a program creates.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut beside = builder.tempfile_in(folder(path))?;
    let mut out = io::BufWriter::new(&mut beside);
    write(&mut out)?;
    out.flush()?;
    drop(out);
    if let Ok(existing) = std::fs::metadata(path) {
        beside.as_file().set_permissions(existing.permissions())?;
    }
    beside.as_file().sync_all()?;
    beside.persist(path).map_err(|error| error.error)?;
    Ok(())
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

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
