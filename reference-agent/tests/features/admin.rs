//! The admin API.

use std::{net::SocketAddr, time::Duration};

use acp_reference_agent::{Running, Settings, faults, settings::Secret, start};
use serde_json::{Value, json};

use crate::wire::{self, Answer, raw, request};

const PATHS: [(&str, &str); 6] = [
    ("GET", "/admin/configs"),
    ("POST", "/admin/cache/flush"),
    ("POST", "/admin/capabilities"),
    ("GET", "/admin/faults"),
    ("PUT", "/admin/faults"),
    ("POST", "/admin/drain"),
];

async fn agent() -> Running {
    agent_with(|_| {}).await
}

async fn agent_with(change: impl FnOnce(&mut Settings)) -> Running {
    let mut settings = Settings {
        admin_key: Some(Secret::of("open-sesame")),
        ..Settings::unlimited()
    };
    change(&mut settings);
    start(settings).await.expect("the agent starts")
}

async fn ask(addr: SocketAddr, method: &str, path: &str, key: &str, body: &str) -> Answer {
    let key = format!("X-Admin-Key: {key}");
    let headers = [key.as_str(), "Content-Type: application/json"];
    Answer::parse(&raw(addr, &request(method, path, &headers, body.as_bytes())).await)
}

async fn admin(agent: &Running, method: &str, path: &str, body: &Value) -> Answer {
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    ask(agent.addr(), method, path, "open-sesame", &body).await
}

async fn names(agent: &Running) -> Vec<String> {
    let known = wire::get(agent, "/capabilities").await.json();
    let list = known["capabilities"].as_array().expect("a list").clone();
    let name = |one: Value| one["name"].as_str().expect("a name").to_owned();
    list.into_iter().map(name).collect()
}

fn invalid(answer: &Answer) -> Value {
    assert_eq!(answer.status, 400, "{}", answer.text());
    let error = answer.json()["error"].take();
    assert_eq!(error["code"], "INVALID_INPUT");
    error["details"]["fields"].clone()
}

#[tokio::test]
async fn without_the_key_there_is_no_way_in() {
    let agent = agent().await;
    for (method, path) in PATHS {
        for key in ["", "open-sesam", "open-sesame2", "OPEN-SESAME"] {
            let answer = ask(agent.addr(), method, path, key, "").await;
            assert_eq!(answer.status, 401, "{method} {path} with {key}");
            assert_eq!(answer.json()["error"]["code"], "UNAUTHORIZED");
            assert!(answer.header("www-authenticate").is_some());
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
        let answer = Answer::parse(&raw(agent.addr(), &request(method, path, &[], b"")).await);
        assert_eq!(answer.status, 401, "{method} {path} without any key");
    }
    assert_eq!(wire::get(&agent, "/health/ready").await.status, 200);
}

#[tokio::test]
async fn an_agent_without_a_key_has_no_admin_api() {
    let agent = agent_with(|settings| settings.admin_key = None).await;
    for (method, path) in PATHS {
        assert_eq!(admin(&agent, method, path, &Value::Null).await.status, 404);
    }
    assert_eq!(agent.admin_addr(), None);
}

#[tokio::test]
async fn it_can_have_a_port_of_its_own() {
    let agent = agent_with(|settings| settings.admin_port = Some(0)).await;
    let own = agent.admin_addr().expect("an address");
    let path = "/admin/configs";
    assert_eq!(admin(&agent, "GET", path, &Value::Null).await.status, 404);
    assert_eq!(ask(own, "GET", path, "open-sesame", "").await.status, 200);
    assert_eq!(ask(own, "GET", path, "sesame", "").await.status, 401);
    assert_eq!(
        ask(own, "GET", "/health", "open-sesame", "").await.status,
        404
    );
    agent.stop().await;
    assert!(tokio::net::TcpStream::connect(own).await.is_err());
}

#[tokio::test]
async fn configurations_are_listed_page_by_page() {
    let agent = agent().await;
    let list = async |query: &str| {
        let path = format!("/admin/configs{query}");
        let answer = admin(&agent, "GET", &path, &Value::Null).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.json()
    };
    assert_eq!(list("").await, json!({"count": 0, "configs": []}));
    for (id, version) in [("b", "one"), ("a", "one"), ("a", "two")] {
        let body = json!({"config": {}, "config_id": id, "version": version});
        wire::post(&agent, "/config", &body).await;
    }
    let all = list("").await;
    assert_eq!(all["count"], 2);
    assert_eq!(all["configs"][0]["config_id"], "a");
    assert_eq!(all["configs"][0]["active_version"], "two");
    let ids = |page: &Value| {
        let page = page["configs"].as_array().expect("a list").clone();
        let id = |one: Value| one["config_id"].as_str().expect("an id").to_owned();
        page.into_iter().map(id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&list("?limit=1").await), ["a"]);
    assert_eq!(ids(&list("?after=a&limit=1").await), ["b"]);
    for query in ["?limit=many", "?limit=-1", "?page=2"] {
        assert_eq!(list(query).await["error"]["code"], "INVALID_INPUT");
    }
}

#[tokio::test]
async fn the_cache_is_flushed() {
    let agent = agent().await;
    let flushed = admin(&agent, "POST", "/admin/cache/flush", &Value::Null).await;
    assert_eq!(flushed.json(), json!({"status": "flushed"}));
}

#[tokio::test]
async fn a_capability_comes_and_goes() {
    let agent = agent().await;
    let before = names(&agent).await;
    for _ in 0..2 {
        let answer = admin(&agent, "POST", "/admin/capabilities", &Value::Null).await;
        assert_eq!(answer.status, 200);
        assert!(names(&agent).await.contains(&"weather_alerts".to_owned()));
        admin(&agent, "POST", "/admin/capabilities", &Value::Null).await;
        assert_eq!(names(&agent).await, before);
    }
}

#[tokio::test]
async fn capabilities_are_replaced_only_by_good_ones() {
    let agent = agent().await;
    let good = json!({"capabilities": [{"name": "one", "input_schema": {"type": "object"}}, {"name": "two"}]});
    let answer = admin(&agent, "POST", "/admin/capabilities", &good).await;
    assert_eq!(answer.json(), good);
    assert_eq!(names(&agent).await, ["one", "two"]);
    let many: Vec<_> = (0..101).map(|n| json!({"name": n.to_string()})).collect();
    for (body, path) in [
        (json!({}), "/capabilities"),
        (json!([]), "/capabilities"),
        (json!({"capabilities": []}), "/capabilities"),
        (json!({"capabilities": many}), "/capabilities"),
        (json!({"capabilities": {"name": "x"}}), "/capabilities"),
        (json!({"capabilities": ["x"]}), "/capabilities/0/name"),
        (
            json!({"capabilities": [{"name": ""}]}),
            "/capabilities/0/name",
        ),
        (
            json!({"capabilities": [{"name": "x"}, {"name": "x"}]}),
            "/capabilities/1/name",
        ),
        (
            json!({"capabilities": [{"name": "x", "input_schema": {"type": "x"}}]}),
            "/capabilities/0/input_schema",
        ),
    ] {
        let fields = invalid(&admin(&agent, "POST", "/admin/capabilities", &body).await);
        assert_eq!(fields[0]["path"], path, "{body}");
    }
    assert_eq!(names(&agent).await, ["one", "two"]);
}

#[tokio::test]
async fn faults_are_switched_on_and_off() {
    let agent = agent().await;
    let known = admin(&agent, "GET", "/admin/faults", &Value::Null)
        .await
        .json();
    assert_eq!(known["faults"], json!([]));
    let count = known["known"].as_array().map(Vec::len);
    assert_eq!(count, Some(faults::catalogue().count()));
    let ends = async || {
        let question = json!({"input": {"city": "Oslo"}});
        let events = wire::post(&agent, "/invoke/stream", &question)
            .await
            .events();
        events
            .last()
            .is_some_and(|event| event["status"] == "complete")
    };
    assert!(ends().await);
    let name = json!({"faults": ["never-completes", "never-completes"]});
    let answer = admin(&agent, "PUT", "/admin/faults", &name).await;
    assert_eq!(answer.json(), json!({"faults": ["never-completes"]}));
    assert!(!ends().await);
    let answer = admin(&agent, "PUT", "/admin/faults", &json!({"faults": []})).await;
    assert_eq!(answer.json(), json!({"faults": []}));
    assert!(ends().await);
}

#[tokio::test]
async fn no_fault_locks_the_switch() {
    let agent = agent().await;
    for fault in faults::catalogue() {
        let name = json!({"faults": [fault.name]});
        let answer = admin(&agent, "PUT", "/admin/faults", &name).await;
        assert!(matches!(answer.status, 200 | 400), "{}", fault.name);
        // The clean connection of the next round, too.
        let answer = admin(&agent, "PUT", "/admin/faults", &json!({"faults": []})).await;
        assert_eq!(answer.status, 200, "{}", fault.name);
    }
}

#[tokio::test]
async fn only_faults_that_can_show_are_switched() {
    let agent = agent_with(|settings| settings.enable_streaming = false).await;
    for (body, path, hint) in [
        (
            json!({"faults": ["nonsense"]}),
            "/faults/0",
            "GET /admin/faults",
        ),
        (json!({"faults": [7]}), "/faults/0", "GET /admin/faults"),
        (
            json!({"faults": ["never-completes"]}),
            "/faults/0",
            "--enable-streaming",
        ),
        (
            json!({"faults": "never-completes"}),
            "/faults",
            "a list of names",
        ),
        (json!({}), "/faults", "a list of names"),
    ] {
        let fields = invalid(&admin(&agent, "PUT", "/admin/faults", &body).await);
        assert_eq!(fields[0]["path"], path, "{body}");
        let message = fields[0]["message"].as_str().unwrap_or_default();
        assert!(message.contains(hint), "{message}");
    }
    let flood = json!({"faults": vec!["nonsense"; 1000]});
    let fields = invalid(&admin(&agent, "PUT", "/admin/faults", &flood).await);
    assert_eq!(fields.as_array().map(Vec::len), Some(10));
}

#[tokio::test]
async fn a_fault_that_acts_before_the_start_stays_as_it_is() {
    let clean = agent().await;
    let known = admin(&clean, "GET", "/admin/faults", &Value::Null)
        .await
        .json();
    let known = known["known"].as_array().expect("a list").clone();
    let Some(early) = known.iter().find(|one| one["can_be_switched"] == false) else {
        return;
    };
    let name = early["name"].as_str().expect("a name");
    let fields = invalid(&admin(&clean, "PUT", "/admin/faults", &json!({"faults": [name]})).await);
    let message = fields[0]["message"].as_str().unwrap_or_default();
    assert!(message.contains("before the start"), "{message}");
    let fault = faults::find(name).expect("a fault");
    let faulty = agent_with(|settings| settings.faults = vec![fault]).await;
    let answer = admin(&faulty, "PUT", "/admin/faults", &json!({"faults": []})).await;
    assert_eq!(answer.json(), json!({"faults": [name]}));
}

#[tokio::test]
async fn a_drained_agent_finishes_and_takes_nothing_new() {
    let agent = agent_with(|settings| settings.stream_step = Duration::from_millis(200)).await;
    let question = json!({"input": {"city": "Oslo"}});
    let mut open = agent.open_streams();
    let (under_way, ()) = tokio::join!(wire::post(&agent, "/invoke/stream", &question), async {
        open.wait_for(|open| *open == 1).await.expect("an agent");
        let answer = admin(&agent, "POST", "/admin/drain", &Value::Null).await;
        assert_eq!(answer.json()["status"], "draining");
    });
    let last = under_way.events().pop().expect("an event");
    assert_eq!(last["status"], "complete");
    let refused = wire::post(&agent, "/invoke", &question).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (503, &json!("UNAVAILABLE"))
    );
    assert_eq!(wire::get(&agent, "/health/ready").await.status, 503);
    assert_eq!(wire::get(&agent, "/health").await.status, 200);
    // The admin API is still there, to see what is left.
    assert_eq!(
        admin(&agent, "GET", "/admin/configs", &Value::Null)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let agent = agent_with(|settings| settings.body_limit = 1000).await;
    let body = json!({"faults": ["x".repeat(1000)]});
    assert_eq!(
        admin(&agent, "PUT", "/admin/faults", &body).await.status,
        413
    );
}

#[tokio::test]
async fn the_key_is_in_no_document() {
    let agent = agent().await;
    for path in ["/", "/auth", "/schema", "/capabilities", "/health"] {
        let text = wire::get(&agent, path).await.text();
        assert!(
            !text.contains("open-sesame") && !text.contains("admin"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn of_two_keys_neither_is_taken() {
    let agent = agent().await;
    let keys = ["X-Admin-Key: open-sesame", "X-Admin-Key: another"];
    let request = request("GET", "/admin/faults", &keys, b"");
    let answer = Answer::parse(&raw(agent.addr(), &request).await);
    assert_eq!(answer.status, 401, "{}", answer.text());
    agent.stop().await;
}
