//! Log lines.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use acp_reference_agent::{Settings, faults, settings::Quota, start, telemetry};
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::wire::{raw, request};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Kept {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Kept {
    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().expect("not poisoned").clone());
        let text = text.expect("UTF-8");
        let lines = text.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().expect("JSON on each line")
    }
}

fn settings() -> Settings {
    Settings {
        agent_id: "logged".to_owned(),
        version: "1.2.3".to_owned(),
        debug: true,
        slow_city: Some(("Atlantis".to_owned(), Duration::from_secs(60))),
        request_timeout: Duration::from_millis(500),
        rate_limit: Some(Quota::a_minute(1)),
        weather_url: "http://me:hush@127.0.0.1:9/?hush".parse().ok(),
        weather_retries: 0,
        orchestrator_url: "http://me:hush@127.0.0.1:9/?hush".parse().ok(),
        otlp_endpoint: "http://me:hush@127.0.0.1:9/?hush".parse().ok(),
        jwt_issuer: Some("idle".to_owned()),
        faults: faults::find("refuses-head").into_iter().collect(),
        ..Settings::unlimited()
    }
}

#[tokio::test]
async fn log_lines_tell_of_requests_and_of_no_secret() {
    let kept = Kept::default();
    // With one subscriber alone, `tracing` takes what the first thread to pass a place wants
    // of it for what all want; and the other tests' threads want nothing.
    let _second = tracing::Dispatch::new(telemetry::subscriber(&settings(), Kept::default()));
    // For this thread alone, which is all that the test's runtime has.
    let guard = tracing::subscriber::set_default(telemetry::subscriber(&settings(), kept.clone()));
    let agent = start(settings()).await.expect("the agent starts");
    let ask = async |path: &str, id: &str, body: &str| {
        let id = format!("X-Request-Id: {id}");
        let trace = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01");
        let headers = [
            "Content-Type: application/json",
            "Authorization: Bearer hush-token",
            "X-API-Key: hush-key",
            "Cookie: hush=hush",
            &id,
            &trace,
        ];
        let query = format!("{path}?key=hush-query");
        raw(
            agent.addr(),
            &request("POST", &query, &headers, body.as_bytes()),
        )
        .await;
    };
    ask("/invoke", "fine", r#"{"input":{"city":"Hushville"}}"#).await;
    ask("/invoke", "slow", r#"{"input":{"city":"Atlantis"}}"#).await;
    ask("/invoke-external", "dead", r#"{"input":{"city":"Oslo"}}"#).await;
    ask("/hush-path", "lost", "hush-body").await;
    ask("/hush-path", "many", "hush-body").await;
    agent.stop().await;
    drop(guard);

    let lines = kept.lines();
    let told = |id: &str| {
        let found = lines.iter().find(|line| line["request_id"] == id);
        found.unwrap_or_else(|| panic!("no {id} in {lines:#?}"))
    };
    for (id, level, endpoint, status) in [
        ("fine", "DEBUG", "/invoke", 200),
        ("slow", "WARN", "/invoke", 504),
        ("dead", "WARN", "/invoke-external", 502),
        ("lost", "DEBUG", "unknown", 404),
        ("many", "INFO", "unknown", 429),
    ] {
        let line = told(id);
        let seen = json!([
            line["level"],
            line["endpoint"],
            line["status"],
            line["method"]
        ]);
        assert_eq!(seen, json!([level, endpoint, status, "POST"]), "{line}");
        assert_eq!(line["trace_id"], TRACE);
        assert!(line["duration_ms"].is_f64(), "{line}");
    }
    for line in &lines {
        assert_eq!(line["agent_id"], "logged");
        assert_eq!(line["version"], "1.2.3");
        assert!(line["timestamp"].is_string() && line["message"].is_string());
        assert!(!line.to_string().to_lowercase().contains("hush"), "{line}");
    }
    let by_message = |message: &str| {
        let found = lines.iter().find(|line| line["message"] == message);
        found.unwrap_or_else(|| panic!("no {message} in {lines:#?}"))
    };
    let registry = "the registry does not answer as it should; trying on";
    for line in [told("dead"), by_message(registry)] {
        let cause = line["cause"].as_str().unwrap_or_default();
        assert!(cause.contains("refused"), "{line}");
    }
    #[cfg(feature = "otlp")]
    {
        let line = by_message("traces cannot be sent to the collector");
        assert!(line["cause"].is_string(), "{line}");
        assert_eq!(line["collector"], "http://127.0.0.1:9/");
    }
    by_message("ACP_JWT_ISSUER has no effect because ACP_AUTH is not bearer");
    let serving = by_message("serving");
    assert_eq!(serving["level"], "WARN");
    assert_eq!(serving["faults"], "[refuses-head]");
    for message in ["serving", "stopping", "stopped"] {
        let told = lines.iter().filter(|line| line["message"] == message);
        assert_eq!(told.count(), 1, "{message}");
    }
}
