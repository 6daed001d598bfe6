//! The pages, and the fenced blocks in them.

use std::path::{Path, PathBuf};

/// A fenced block of a page.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The word behind the fence.
    pub(crate) language: String,
    /// The line that its text begins at, from 1.
    pub(crate) line: usize,
    pub(crate) text: String,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README.md, and all that stands in docs/ itself; the pages below are made from the catalogue.
pub(crate) fn pages() -> Vec<String> {
    let folder = std::fs::read_dir(root().join("docs")).expect("docs/");
    let names = folder.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("UTF-8"));
    let mut pages: Vec<String> = names
        .filter(|name| name.ends_with(".md"))
        .map(|name| format!("docs/{name}"))
        .collect();
    pages.push("README.md".to_owned());
    pages.sort();
    pages
}

pub(crate) fn path(page: &str) -> PathBuf {
    root().join(page)
}

pub(crate) fn text(page: &str) -> String {
    std::fs::read_to_string(path(page)).expect(page)
}

/// The blocks of a page, in its order.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in text(page).lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block {
                    language: language.trim().to_owned(),
                    line: index + 2,
                    text: String::new(),
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{page}: a fence is open at its end");
    blocks
}

/// The commands of a block; a line that ends in a backslash goes on.
pub(crate) fn commands(block: &Block) -> Vec<String> {
    let mut commands = Vec::new();
    let mut begun = String::new();
    for line in block.text.lines() {
        if begun.is_empty() && (line.trim().is_empty() || line.trim_start().starts_with('#')) {
            continue;
        }
        match line.strip_suffix('\\') {
            Some(part) => begun.push_str(part),
            None => {
                begun.push_str(line);
                commands.push(std::mem::take(&mut begun).trim().to_owned());
            }
        }
    }
    assert!(
        begun.is_empty(),
        "a line goes on, and there is none: {begun}"
    );
    commands
}
