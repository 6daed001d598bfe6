//! What this run reads, and what it writes: no file is both, or what the user gave would be lost.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::exit::Failure;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Read,
    Written,
}

static USES: Mutex<BTreeMap<PathBuf, Use>> = Mutex::new(BTreeMap::new());

/// A file is about to be read.
pub(crate) fn reads(path: &Path) -> Result<(), Failure> {
    match path.canonicalize() {
        Ok(file) if file.is_file() => claim(&file, Use::Read),
        // What is not there is told by whoever reads it; nothing of a device or a pipe is lost.
        _ => Ok(()),
    }
}

/// A file is to be written, or replaced; by its own path, after all links.
pub(crate) fn writes(file: &Path) -> Result<(), Failure> {
    claim(file, Use::Written)
}

fn claim(file: &Path, wanted: Use) -> Result<(), Failure> {
    let mut uses = USES.lock().unwrap_or_else(PoisonError::into_inner);
    match *uses.entry(file.to_owned()).or_insert(wanted) == wanted {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "{}: would be read and written in one run, and what it holds be lost; name another file to write",
            file.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_use_whichever_comes_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("a folder");
        let (one, other) = (folder.join("one"), folder.join("other"));
        for file in [&one, &other] {
            std::fs::write(file, "mine").expect("written");
        }
        assert!(reads(&one).is_ok() && reads(&one).is_ok() && writes(&one).is_err());
        assert!(writes(&other).is_ok() && reads(&other).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_leads_to_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("a folder");
        std::fs::write(folder.join("file"), "mine").expect("written");
        std::os::unix::fs::symlink(folder.join("file"), folder.join("link")).expect("a link");
        assert!(reads(&folder.join("link")).is_ok());
        assert!(writes(&folder.join("file")).is_err());
    }
}
