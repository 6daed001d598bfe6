//! The folder of snapshots: what is recorded there, and what is written. Files that are not ours
//! stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use acp_conformance::snapshot::{self, File, Line, Snapshot, Unreadable};

use crate::exit::Failure;
use crate::input;
use crate::output::Place;

const RECORDED: &str = ".snap";
const PENDING: &str = ".snap.new";

/// A folder, as it was found.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    seed: u64,
    cases: usize,
    recorded: BTreeMap<String, File>,
    /// Our pending ones, by the name of their snapshot.
    pending: BTreeSet<String>,
    /// Names of files that somebody else has made.
    foreign: BTreeSet<String>,
}

/// What is written of what differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// The snapshots themselves.
    InPlace,
    /// Those that are new; the others as pending.
    UnseenInPlace,
    /// All as pending.
    Pending,
    /// Nothing.
    Nothing,
}

/// What became of a snapshot.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) name: String,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// It was not recorded.
    New,
    /// The answer is another one.
    Changed {
        /// All of it now.
        contents: String,
        lines: Vec<Line>,
    },
    /// It is asked no longer.
    Gone,
}

impl Keeping {
    /// Whether somebody has yet to look at a change.
    pub(super) fn leaves_open(self, change: &Change) -> bool {
        match self {
            Self::InPlace => false,
            Self::UnseenInPlace => !matches!(change.kind, Kind::New),
            Self::Pending | Self::Nothing => true,
        }
    }

    /// How the file ends that a new or changed answer is written to.
    fn suffix(self, kind: &Kind) -> Option<&'static str> {
        match (self, kind) {
            (_, Kind::Gone) | (Self::Nothing, _) => None,
            (Self::InPlace, _) | (Self::UnseenInPlace, Kind::New) => Some(RECORDED),
            (Self::Pending | Self::UnseenInPlace, _) => Some(PENDING),
        }
    }
}

impl Folder {
    /// Reads a folder that need not be there yet; `settings` are the seed and the number of cases
    /// that are asked for.
    pub(super) fn open(path: &Path, (seed, cases): (u64, usize)) -> Result<Self, Failure> {
        let mut folder = Self {
            path: path.to_owned(),
            seed,
            cases,
            recorded: BTreeMap::new(),
            pending: BTreeSet::new(),
            foreign: BTreeSet::new(),
        };
        let wrong =
            |error: std::io::Error| Failure::usage(format!("--dir {}: {error}", path.display()));
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(folder),
            Err(error) => return Err(wrong(error)),
        };
        for entry in entries {
            let file = entry.map_err(wrong)?.file_name();
            let Some(file) = file.to_str() else {
                continue;
            };
            if let Some(name) = file.strip_suffix(RECORDED) {
                folder.read(name, file)?;
            } else if let Some(name) = file.strip_suffix(PENDING) {
                // What cannot be read is not ours to remove.
                let text = std::fs::read_to_string(path.join(file)).unwrap_or_default();
                match File::read(&text) {
                    Ok(_) => folder.pending.insert(name.to_owned()),
                    Err(_) => folder.foreign.insert(file.to_owned()),
                };
            }
        }
        Ok(folder)
    }

    fn read(&mut self, name: &str, file: &str) -> Result<(), Failure> {
        let path = self.path.join(file);
        match File::read(&input::text(&path)?) {
            Ok(read) => {
                self.recorded.insert(name.to_owned(), read);
            }
            Err(Unreadable::Foreign) => {
                self.foreign.insert(file.to_owned());
            }
            Err(why) => {
                let path = path.display();
                return Err(Failure::usage(format!(
                    "{path}: {why}; restore it, or remove it and record it anew"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.recorded.is_empty()
    }

    pub(super) fn path(&self) -> std::path::Display<'_> {
        self.path.display()
    }

    /// Other cases would make every answer another one.
    pub(super) fn check_settings(&self) -> Result<(), Failure> {
        let is_other = |file: &&File| (file.seed, file.cases) != (self.seed, self.cases);
        match self.recorded.values().find(is_other) {
            None => Ok(()),
            Some(file) => Err(Failure::usage(format!(
                "{} was recorded with --seed {} --cases {}: give the same, or --accept to record it anew",
                self.path(),
                file.seed,
                file.cases
            ))),
        }
    }

    /// What differs between what is recorded and what is answered now.
    pub(super) fn compare(&self, snapshots: &[Snapshot]) -> Vec<Change> {
        let mut changes = Vec::new();
        for fresh in snapshots {
            let kind = match self.recorded.get(&fresh.name) {
                None => Kind::New,
                Some(recorded) => {
                    let contents = snapshot::settled(&recorded.contents, &fresh.contents);
                    if contents.trim_end() == recorded.contents {
                        continue;
                    }
                    let lines = snapshot::difference(&recorded.contents, &contents);
                    Kind::Changed { contents, lines }
                }
            };
            let name = fresh.name.clone();
            changes.push(Change { name, kind });
        }
        let asked: BTreeSet<&str> = snapshots.iter().map(|it| it.name.as_str()).collect();
        let gone = self
            .recorded
            .keys()
            .filter(|name| !asked.contains(name.as_str()));
        changes.extend(gone.map(|name| Change {
            name: name.clone(),
            kind: Kind::Gone,
        }));
        changes
    }

    /// Writes what is to be kept, and removes what it replaces.
    pub(super) fn write(
        &self,
        snapshots: &[Snapshot],
        changes: &[Change],
        keeping: Keeping,
    ) -> Result<(), Failure> {
        let mut files = Vec::new();
        for change in changes {
            let fresh = snapshots.iter().find(|fresh| fresh.name == change.name);
            if let (Some(suffix), Some(fresh)) = (keeping.suffix(&change.kind), fresh) {
                let file = format!("{}{suffix}", change.name);
                if self.foreign.contains(&file) {
                    let path = self.path.join(file);
                    return Err(Failure::usage(format!(
                        "{}: somebody else's, so it is not replaced; choose another --dir",
                        path.display()
                    )));
                }
                files.push((file, self.text(change, fresh)));
            }
        }
        if !files.is_empty() {
            let made = std::fs::create_dir_all(&self.path);
            made.map_err(|error| Failure::usage(format!("--dir {}: {error}", self.path())))?;
        }
        for (file, text) in &files {
            Place::of_anything("--dir", &self.path.join(file))?.write(text.as_bytes())?;
        }
        let is_open = |name: &str| {
            let mut changes = changes.iter();
            changes.any(|change| change.name == name && keeping.leaves_open(change))
        };
        // A pending one of an answer that is as recorded again is over.
        let over = self.pending.iter().filter(|name| !is_open(name));
        let over = over.filter(|_| keeping != Keeping::Nothing);
        let over = over.map(|name| format!("{name}{PENDING}"));
        let gone = changes
            .iter()
            .filter(|change| keeping == Keeping::InPlace && matches!(change.kind, Kind::Gone));
        let gone = gone.map(|change| format!("{}{RECORDED}", change.name));
        for file in over.chain(gone) {
            let path = self.path.join(file);
            let removed = std::fs::remove_file(&path);
            removed.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        }
        Ok(())
    }

    fn text(&self, change: &Change, fresh: &Snapshot) -> String {
        let contents = match &change.kind {
            Kind::Changed { contents, .. } => contents,
            Kind::New | Kind::Gone => &fresh.contents,
        };
        let file = File {
            seed: self.seed,
            cases: self.cases,
            contents: contents.clone(),
        };
        file.write(fresh)
    }
}
