//! What the targets share: where they begin.

use std::path::Path;
use std::{fs, io};

use acp_conformance::fuzzing::TARGETS;

/// Writes what the target of this name begins with to its corpus, where libFuzzer reads it next.
pub fn begin(name: &str) {
    if let Err(error) = write(name) {
        eprintln!("no seeds: {error}");
    }
}

fn write(name: &str) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    fs::create_dir_all(&folder)?;
    let known = TARGETS.iter().filter(|(known, _, _)| *known == name);
    let seeds = known.flat_map(|(_, _, seeds)| seeds());
    for (number, seed) in seeds.enumerate() {
        fs::write(folder.join(format!("seed-{number:03}")), seed)?;
    }
    Ok(())
}
