//! What is made from the code and committed all the same is in step with it:
//! `ACP_TCK_BLESS=1 cargo test -p acp-reference-agent --test generated` writes it anew.

use std::{collections::BTreeSet, fs, path::PathBuf};

use acp_reference_agent::{
    Settings, descriptor, manifest,
    settings::{SETTINGS, as_markdown},
};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_default()
}

fn keep_in_step(name: &str, text: &str) {
    if std::env::var_os("ACP_TCK_BLESS").is_some() {
        fs::write(path(name), text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(
        read(name) == text,
        "{name} is out of step: ACP_TCK_BLESS=1 cargo test -p acp-reference-agent --test generated"
    );
}

#[test]
fn the_descriptor_is_in_step() {
    let document = descriptor(&Settings::default()).expect("a descriptor");
    let text = serde_json::to_string_pretty(&document).expect("JSON");
    keep_in_step("fixtures/descriptor/acp-descriptor.json", &(text + "\n"));
}

#[test]
fn the_manifest_is_in_step() {
    let text = manifest(&Settings::default()).expect("a manifest");
    keep_in_step("fixtures/descriptor/agent-manifest.yaml", &text);
}

#[test]
fn the_readme_has_every_setting() {
    let readme = read("README.md");
    let (before, rest) = readme.split_once("<!-- settings -->\n").expect("a mark");
    let (_, after) = rest.split_once("<!-- /settings -->").expect("a mark");
    let table = as_markdown();
    keep_in_step(
        "README.md",
        &format!("{before}<!-- settings -->\n{table}<!-- /settings -->{after}"),
    );
}

const DEPLOYED: [&str; 4] = [
    "deploy/Dockerfile",
    "deploy/compose.yaml",
    "deploy/kubernetes/agent.yaml",
    "deploy/kubernetes/kustomization.yaml",
];

#[test]
fn what_is_deployed_sets_variables_that_there_are() {
    let known: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.variable()).collect();
    for name in DEPLOYED {
        let text = read(name);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for word in words.filter(|word| word.starts_with("ACP_")) {
            assert!(known.contains(word), "{name}: {word}");
        }
    }
}

#[test]
fn what_is_deployed_is_this_release() {
    let image = concat!("acp-tck:", env!("CARGO_PKG_VERSION"));
    for name in &DEPLOYED[1..3] {
        assert!(read(name).contains(image), "{name} has not {image}");
    }
}
