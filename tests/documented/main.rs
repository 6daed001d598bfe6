//! Every command in README.md and docs/ is run as a reader would run it, so that none can rot; and the
//! samples of what they print are what they print.

#![cfg(unix)]

mod exceptions;
mod pages;
mod sample;
mod stage;

use std::process::Command;

use self::exceptions::{CUT_OUT, ENDINGS, GIVEN, NOT_RUN};
use self::pages::{Block, blocks, commands, pages, text};
use self::stage::{Stage, said};

/// So few cases, and heartbeats so near to each other, show that a command works; a sample is printed without.
const FEW: [(&str, &str); 2] = [
    ("ACP_TCK_CHECK_CASES", "10"),
    ("ACP_TCK_CHECK_HEARTBEAT_INTERVAL", "2s"),
];

fn is_run(command: &str) -> bool {
    !NOT_RUN.iter().any(|(part, _)| command.contains(part))
}

/// Whether a sample is of a run that no command of the page makes.
fn is_cut_out(sample: &str) -> bool {
    CUT_OUT.iter().any(|(part, _)| sample.contains(part))
}

/// Whether a command may end with this code: 0, or what its comment says.
fn may_end_with(command: &str, code: i32) -> bool {
    if let Some((_, told)) = command.split_once("# exit code ") {
        return told.trim().parse() == Ok(code);
    }
    let mut known = ENDINGS.iter();
    let known = known.find(|(part, _, _)| command.contains(part));
    known.map_or(code == 0, |(_, codes, _)| codes.contains(&code))
}

/// Runs the commands of a page, in one folder; what went wrong.
fn faults_of(page: &str) -> Vec<String> {
    let mut stage = Stage::new();
    let mut faults = Vec::new();
    let all = blocks(page);
    for (index, block) in all
        .iter()
        .enumerate()
        .filter(|(_, block)| block.language == "sh")
    {
        let shown: Vec<String> = commands(block)
            .into_iter()
            .filter(|one| is_run(one))
            .collect();
        let sample = all
            .get(index + 1)
            .filter(|next| next.language == "text" && !is_cut_out(&next.text));
        let environment = match sample {
            Some(_) => &[][..],
            None => &FEW,
        };
        let outputs = stage.run(&shown, environment);
        let finished = shown.iter().filter(|one| !stage::serves(one));
        for (command, output) in finished.zip(&outputs) {
            if !output
                .status
                .code()
                .is_some_and(|code| may_end_with(command, code))
            {
                let told = said(output);
                faults.push(format!(
                    "{page}:{}: {command}: {}\n{told}",
                    block.line, output.status
                ));
            }
        }
        if let (Some(sample), Some(output)) = (sample, outputs.last()) {
            faults.extend(sample::held(page, sample, &said(output)));
        }
    }
    faults
}

#[test]
fn every_command_of_every_page_does_what_it_should() {
    let faults: Vec<String> = std::thread::scope(|scope| {
        let pages = pages();
        let running: Vec<_> = pages
            .into_iter()
            .map(|page| scope.spawn(move || faults_of(&page)))
            .collect();
        let done = running.into_iter().map(|one| one.join().expect("a page"));
        done.flatten().collect()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n---\n"));
}

#[test]
fn every_exception_is_still_one() {
    let all: Vec<Block> = pages().iter().flat_map(|page| blocks(page)).collect();
    let shown: Vec<String> = all
        .iter()
        .filter(|block| block.language == "sh")
        .flat_map(commands)
        .collect();
    let is_shown = |part: &str| shown.iter().any(|command| command.contains(part));
    for (part, why) in NOT_RUN {
        assert!(is_shown(part), "{part} ({why}) is in no page any more");
    }
    for (part, _, why) in ENDINGS {
        assert!(is_shown(part), "{part} ({why}) is in no page any more");
    }
    let samples: Vec<&Block> = all.iter().filter(|it| it.language == "text").collect();
    for (part, why) in CUT_OUT {
        let is_there = samples.iter().any(|sample| sample.text.contains(part));
        assert!(is_there, "{part} ({why}) is in no page any more");
    }
    for (name, _) in GIVEN {
        assert!(is_shown(name), "{name} is in no page any more");
    }
}

#[test]
fn what_is_shown_as_yaml_is_yaml() {
    for page in pages() {
        for block in blocks(&page).iter().filter(|it| it.language == "yaml") {
            let read: Result<serde_json::Value, _> = serde_saphyr::from_str(&block.text);
            let is_mapping = read.as_ref().is_ok_and(serde_json::Value::is_object);
            assert!(is_mapping, "{page}:{}: {read:?}", block.line);
        }
    }
}

#[test]
fn the_agent_of_the_walk_through_is_the_one_in_the_fixtures_and_is_certified() {
    let python = blocks("docs/write-an-agent.md")
        .into_iter()
        .filter(|block| block.language == "python");
    let told: Vec<String> = python.map(|block| block.text.trim().to_owned()).collect();
    let file = pages::root().join("fixtures/agents/afternoon/agent.py");
    let agent = std::fs::read_to_string(&file).expect("the agent");
    // The first lines say what it is, and the page says so itself.
    let (_, parts) = agent.split_once("\n\n").expect("parts");
    let squeezed = |text: &str| {
        text.lines()
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    };
    let parts = parts.split_once("\"\"\"\n").map_or(parts, |(_, rest)| rest);
    assert_eq!(squeezed(&told.join("\n")), squeezed(parts));

    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("not certified: there is no python3");
        return;
    }
    let launch = format!("python3 {}", file.display());
    let done = Command::new(env!("CARGO_BIN_EXE_acp-tck"))
        .args([
            "check", "--strict", "--quick", "--cases", "30", "--launch", &launch,
        ])
        .output()
        .expect("the program runs");
    let told = said(&done);
    assert_eq!(done.status.code(), Some(0), "{told}");
    let claim = "CERTIFIED: core, errors, streaming, observability\n";
    assert!(
        told.contains(claim) && text("docs/write-an-agent.md").contains(claim),
        "{told}"
    );
}

#[test]
fn the_index_names_each_page_and_every_link_leads_somewhere() {
    let index = text("docs/README.md");
    let link = regex::Regex::new(r"\]\(([^)#:]+)(?:#[^)]*)?\)").expect("a pattern");
    for page in pages() {
        let name = page.trim_start_matches("docs/");
        assert!(
            name == "README.md" || index.contains(&format!("]({name})")),
            "docs/README.md does not name {name}"
        );
        for found in link.captures_iter(&text(&page)) {
            let to = pages::path(&page).with_file_name("").join(&found[1]);
            assert!(to.exists(), "{page}: there is no {}", &found[1]);
        }
    }
}
