//! What the agent keeps in a file: through kills, and for several processes at once.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use serde_json::{Value, json};

/// An agent in a process of its own, which is killed when this is dropped.
struct Agent {
    child: Child,
    addr: String,
}

impl Agent {
    fn start(store: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_acp-tck"))
            .args(["agent", "--port", "0", "--store-path"])
            .arg(store)
            .args(["--rate-limit", "off", "--rate-limit-invoke", "off"])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut told = String::new();
        let addr = loop {
            let mut line = String::new();
            let read = stderr.read_line(&mut line).expect("a line");
            assert!(read > 0, "the agent does not start: {told}");
            if let Some((_, rest)) = line.split_once(r#""url":"http://"#) {
                break rest.split('"').next().expect("an address").to_owned();
            }
            told += &line;
        };
        // What it has to say later must not fill the pipe.
        thread::spawn(move || io::copy(&mut stderr, &mut io::sink()));
        Self { child, addr }
    }

    /// SIGKILL, which no process can put off.
    fn kill(mut self) {
        self.child.kill().expect("killed");
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        ask(&self.addr, "POST", path, &body.to_string()).expect("an answer")
    }

    fn store(&self, id: &str, config: &Value) -> String {
        let (status, body) = self.post("/config", &json!({"config": config, "config_id": id}));
        assert_eq!(status, 201, "{body}");
        body["version"].as_str().expect("a version").to_owned()
    }

    /// The names of an id's versions, and that of the active one; none if there is no such id.
    fn history(&self, id: &str) -> (Vec<String>, String) {
        let path = format!("/config/{id}/history");
        let (status, body) = ask(&self.addr, "GET", &path, "").expect("an answer");
        if status == 404 {
            return Default::default();
        }
        assert_eq!(status, 200, "{body}");
        let entries = body["history"].as_array().expect("a history");
        let name = |entry: &Value| entry["version"].as_str().expect("a name").to_owned();
        let active = entries.iter().filter(|entry| entry["active"] == true);
        let active: Vec<_> = active.map(name).collect();
        let [active] = active.as_slice() else {
            panic!("one version is active: {body}");
        };
        (entries.iter().map(name).collect(), active.clone())
    }

    fn language(&self, id: &str) -> Value {
        let body = json!({"input": {"city": "Oslo"}, "config_id": id});
        let (status, mut body) = self.post("/invoke", &body);
        assert_eq!(status, 200, "{body}");
        body["output"]["language"].take()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request on a connection of its own; an answer that does not arrive whole is an error.
fn ask(addr: &str, method: &str, path: &str, body: &str) -> io::Result<(u16, Value)> {
    let mut socket = TcpStream::connect(addr)?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    socket.write_all(request.as_bytes())?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok((status, serde_json::from_str(body)?))
}

/// What one client knows about its own configuration, which nobody else changes.
#[derive(Debug, Clone, Default)]
struct Ledger {
    /// What was acknowledged under its own id, in order.
    versions: Vec<String>,
    active: String,
    /// What was acknowledged under the id that all clients share.
    shared: Vec<String>,
}

/// Stores and rolls back until the agent is gone, and says so each time that it is told yes.
fn work(addr: &str, client: usize, mut ledger: Ledger, told: &Sender<()>) -> Ledger {
    let own = format!("own-{client}");
    let version = |answer: (u16, Value)| {
        assert!(matches!(answer.0, 200 | 201), "{}", answer.1);
        answer.1["version"].as_str().expect("a version").to_owned()
    };
    let store = |id: &str| {
        let body = json!({"config": {}, "config_id": id});
        ask(addr, "POST", "/config", &body.to_string()).map(version)
    };
    while let Ok(stored) = store(&own) {
        ledger.versions.push(stored.clone());
        ledger.active = stored;
        let Ok(stored) = store("shared") else { break };
        ledger.shared.push(stored);
        let body = json!({"version": ledger.versions[0]}).to_string();
        let path = format!("/config/{own}/rollback");
        let Ok(active) = ask(addr, "POST", &path, &body).map(version) else {
            break;
        };
        ledger.active = active;
        let _ = told.send(());
    }
    ledger
}

/// Compares what is there with what was acknowledged: at most the one request that was under
/// way has done more.
fn check(ledger: &Ledger, names: &[String], active: &str) {
    let acknowledged = ledger.versions.len();
    let known = names.get(..acknowledged).unwrap_or(names);
    assert_eq!(
        known, ledger.versions,
        "in the order in which they were stored"
    );
    assert!(names.len() <= acknowledged + 1, "{names:?} {ledger:?}");
    let expected = match names.len() > acknowledged {
        // It was a store that was under way: active from the moment that it is there.
        true => vec![names[acknowledged].as_str()],
        // Or it may have been a rollback to the first.
        false => vec![
            ledger.active.as_str(),
            names.first().map_or("", String::as_str),
        ],
    };
    assert!(expected.contains(&active), "{active} {ledger:?}");
}

#[test]
fn nothing_acknowledged_is_lost_in_a_kill_under_load() {
    const CLIENTS: usize = 4;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("configs.sqlite");
    let mut ledgers = vec![Ledger::default(); CLIENTS];
    for round in 0..12 {
        let agent = Agent::start(&path);
        let (told, heard) = channel();
        let addr = agent.addr.clone();
        ledgers = thread::scope(|scope| {
            let clients = ledgers.drain(..).enumerate();
            let working: Vec<_> = clients
                .map(|(client, ledger)| {
                    let (addr, told) = (&addr, told.clone());
                    scope.spawn(move || work(addr, client, ledger, &told))
                })
                .collect();
            // Every time after another number of answers, with four requests under way.
            heard.iter().take(1 + 3 * round).for_each(drop);
            agent.kill();
            let joined = working.into_iter().map(|client| client.join());
            joined
                .collect::<Result<_, _>>()
                .expect("no client gives up")
        });
        let agent = Agent::start(&path);
        for (client, ledger) in ledgers.iter_mut().enumerate() {
            let (names, active) = agent.history(&format!("own-{client}"));
            check(ledger, &names, &active);
            (ledger.versions, ledger.active) = (names, active);
        }
        let (names, _) = agent.history("shared");
        let expected: Vec<_> = (1..=names.len())
            .map(|number| format!("v{number}"))
            .collect();
        assert_eq!(names, expected);
        let names: BTreeSet<_> = names.iter().collect();
        let acknowledged: Vec<_> = ledgers.iter().flat_map(|ledger| &ledger.shared).collect();
        assert!(
            acknowledged.iter().all(|name| names.contains(*name)),
            "{acknowledged:?}"
        );
        let distinct: BTreeSet<_> = acknowledged.iter().collect();
        assert_eq!(distinct.len(), acknowledged.len(), "no name is given twice");
    }
}

#[test]
fn two_processes_share_the_configurations_of_one_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("configs.sqlite");
    let (one, other) = thread::scope(|scope| {
        // At once, over a file that is not there yet.
        let other = scope.spawn(|| Agent::start(&path));
        (Agent::start(&path), other.join().expect("it starts"))
    });
    one.store("a", &json!({"language": "de"}));
    assert_eq!(other.language("a"), "de");
    assert_eq!(other.store("a", &json!({"language": "fr"})), "v2");
    assert_eq!(one.language("a"), "fr");
    let (status, _) = other.post("/config/a/rollback", &json!({"version": "v1"}));
    assert_eq!((status, one.language("a")), (200, json!("de")));

    thread::scope(|scope| {
        for agent in [&one, &other, &one, &other] {
            scope.spawn(|| (0..15).for_each(|_| drop(agent.store("b", &json!({})))));
        }
    });
    let expected: Vec<_> = (1..=60).map(|number| format!("v{number}")).collect();
    for agent in [&one, &other] {
        assert_eq!(agent.history("b"), (expected.clone(), "v60".to_owned()));
    }

    one.kill();
    assert_eq!(other.store("b", &json!({"language": "es"})), "v61");
    let third = Agent::start(&path);
    assert_eq!(
        (third.language("b"), other.language("b")),
        (json!("es"), json!("es"))
    );
}
