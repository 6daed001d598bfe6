//! The agent without faults, over a real socket: every endpoint, and every way to be refused.

#[expect(dead_code, reason = "this test uses a part of the module")]
mod wire;

use acp_reference_agent::{Running, Settings, start};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::TcpStream};
use wire::{Answer, agent, get, post, post_bytes, raw, request};

fn holds(schema: &str, value: &Value) {
    let path = format!(
        "{}/../fixtures/schemas/{schema}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).expect("the schema is there");
    let schema: Value = serde_json::from_str(&text).expect("the schema is JSON");
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("the schema is a schema");
    validator.validate(value).expect("the answer holds to it");
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    holds("error", &answer.json());
    assert_eq!(answer.json()["error"]["code"], code);
}

async fn output(agent: &Running, body: Value) -> Value {
    let answer = post(agent, "/invoke", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    holds("invoke-response", &answer.json());
    let schema = get(agent, "/schema").await.json()["output"].clone();
    jsonschema::validate(&schema, &answer.json()["output"])
        .expect("the output holds to its schema");
    answer.json()["output"].clone()
}

#[tokio::test]
async fn every_document_holds_to_the_protocols_schema() {
    let agent = agent().await;
    for (path, schema) in [
        ("/auth", "auth"),
        ("/schema", "schema"),
        ("/capabilities", "capabilities"),
        ("/health", "health"),
    ] {
        let answer = get(&agent, path).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("application/json"))
        );
        holds(schema, &answer.json());
    }
    assert_eq!(
        get(&agent, "/").await.json()["endpoints"]["invoke"],
        "/invoke"
    );
    agent.stop().await;
}

#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let agent = agent().await;
    for path in ["/", "/auth", "/schema", "/capabilities", "/health"] {
        let head = Answer::parse(&raw(agent.addr(), &request("HEAD", path, &[], b"")).await);
        let get = get(&agent, path).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-type"), get.header("content-type"));
        assert_eq!(head.header("content-length"), get.header("content-length"));
    }
    agent.stop().await;
}

#[tokio::test]
async fn the_defaults_and_examples_of_the_schemas_hold() {
    fn walk(schema: &Value) {
        for (name, member) in schema.as_object().into_iter().flatten() {
            match name.as_str() {
                "default" => jsonschema::validate(schema, member).expect("the default holds"),
                "examples" => {
                    for example in member.as_array().expect("a list") {
                        jsonschema::validate(schema, example).expect("the example holds");
                    }
                }
                "properties" => member
                    .as_object()
                    .into_iter()
                    .flatten()
                    .for_each(|(_, s)| walk(s)),
                "items" => walk(member),
                _ => {}
            }
        }
    }
    let agent = agent().await;
    let schemas = get(&agent, "/schema").await.json();
    for name in ["input", "output", "config"] {
        jsonschema::meta::validate(&schemas[name]).expect("a JSON Schema");
        walk(&schemas[name]);
    }
    agent.stop().await;
}

#[tokio::test]
async fn each_member_of_a_configuration_shows() {
    let agent = agent().await;
    let config = json!({
        "units": "fahrenheit", "language": "de", "include_forecast": true, "max_recommendations": 10.0
    });
    let answer = post(
        &agent,
        "/config",
        &json!({"config": config, "version": "a"}),
    )
    .await;
    assert_eq!(answer.status, 201);
    holds("config-response", &answer.json());
    assert_eq!(answer.json()["version"], "a");
    let plain = output(
        &agent,
        json!({"input": {"city": "Oslo"}, "config_id": null}),
    )
    .await;
    let asked =
        json!({"input": {"city": "Oslo", "days": 2.0}, "config_id": answer.json()["config_id"]});
    let configured = output(&agent, asked).await;
    assert_eq!(
        (&plain["temperature"], &configured["temperature"]),
        (&json!(-3.5), &json!(25.7))
    );
    assert_eq!(configured["summary"], "Schnee, 25.7 Grad");
    assert_eq!(
        (
            plain.get("forecast"),
            configured["forecast"].as_array().map(Vec::len)
        ),
        (None, Some(2))
    );
    let count = |output: &Value| output["recommendations"].as_array().map(Vec::len);
    assert_eq!((count(&plain), count(&configured)), (Some(3), Some(10)));
    agent.stop().await;
}

#[tokio::test]
async fn any_valid_input_is_answered() {
    let agent = agent().await;
    for input in [
        json!({"city": "\0"}),
        json!({"city": "🌦".repeat(80)}),
        json!({"city": " \r\n\u{85}\u{feff}\u{202e}"}),
        json!({"city": "x", "temperature_preference": -50, "wind_limit": 199.9, "days": 7.0}),
        json!({"city": "x", "location": {"latitude": -90, "longitude": 180.0}, "country": "ZA"}),
        json!({"city": "x", "tags": ["a", "A", "\0", "🌦".repeat(20), "e"], "activity_type": "sports"}),
    ] {
        let output = output(&agent, json!({"input": input})).await;
        assert_eq!(output["city"], input["city"]);
    }
    agent.stop().await;
}

#[tokio::test]
async fn each_invalid_body_is_refused_and_the_field_named() {
    let agent = agent().await;
    for (body, path) in [
        (json!({}), "/input"),
        (json!([]), ""),
        (json!({"input": null}), "/input"),
        (json!({"input": {}}), "/input/city"),
        (json!({"input": {"city": ""}}), "/input/city"),
        (json!({"input": {"city": "x".repeat(81)}}), "/input/city"),
        (json!({"input": {"city": null}}), "/input/city"),
        (json!({"input": {"city": "x", "days": 2.5}}), "/input/days"),
        (json!({"input": {"city": "x", "days": true}}), "/input/days"),
        (
            json!({"input": {"city": "x", "temperature_preference": "1"}}),
            "/input/temperature_preference",
        ),
        (
            json!({"input": {"city": "x", "wind_limit": 0}}),
            "/input/wind_limit",
        ),
        (
            json!({"input": {"city": "x", "tags": ["a", "a"]}}),
            "/input/tags",
        ),
        (json!({"input": {"city": "x", "b/c": 1}}), "/input/b~1c"),
        (
            json!({"input": {"city": "x"}, "config_id": 1}),
            "/config_id",
        ),
        (json!({"input": {"city": "x"}, "metadata": 1}), "/metadata"),
    ] {
        for place in ["/invoke", "/invoke/stream", "/invoke/advanced-stream"] {
            let answer = post(&agent, place, &body).await;
            refused(&answer, 400, "INVALID_INPUT");
            assert_eq!(answer.json()["error"]["details"]["fields"][0]["path"], path);
        }
    }
    for config in [
        json!({"units": "kelvin"}),
        json!({"max_recommendations": 0}),
        json!({"a": 1}),
    ] {
        refused(
            &post(&agent, "/config", &json!({"config": config})).await,
            400,
            "INVALID_INPUT",
        );
    }
    refused(
        &post(&agent, "/config", &json!({})).await,
        400,
        "INVALID_INPUT",
    );
    agent.stop().await;
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    let agent = agent().await;
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    for body in [
        &b""[..],
        b"{",
        b"{\"input\": {\"city\": NaN}}",
        b"{\"input\": {\"city\": \"\\ud800\"}}",
        b"{\"input\": {\"city\": \"\xff\"}}",
        b"{\"input\": {\"city\": \"x\", \"days\": 1e400}}",
        b"\xef\xbb\xbf{\"input\": {\"city\": \"x\"}}",
        b"{\"input\": {\"city\": \"x\"}} x",
        &deep,
    ] {
        for path in ["/config", "/invoke", "/invoke/stream"] {
            refused(&post_bytes(&agent, path, body).await, 400, "INVALID_INPUT");
        }
    }
    agent.stop().await;
}

#[tokio::test]
async fn an_unknown_configuration_is_not_found() {
    let agent = agent().await;
    for path in ["/invoke", "/invoke/stream", "/invoke/advanced-stream"] {
        for id in ["", "cfg_0", "\0"] {
            let body = json!({"input": {"city": "x"}, "config_id": id});
            refused(&post(&agent, path, &body).await, 404, "CONFIG_NOT_FOUND");
        }
    }
    agent.stop().await;
}

#[tokio::test]
async fn unknown_paths_and_methods_get_the_envelope() {
    let agent = agent().await;
    refused(&get(&agent, "/nothing/here").await, 404, "NOT_FOUND");
    refused(&get(&agent, "/invoke/").await, 404, "NOT_FOUND");
    for (method, path, allow) in [
        ("GET", "/invoke", "POST"),
        ("PUT", "/auth", "GET,HEAD"),
        ("DELETE", "/invoke/stream", "POST"),
    ] {
        let answer = Answer::parse(&raw(agent.addr(), &request(method, path, &[], b"")).await);
        refused(&answer, 405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), Some(allow));
    }
    let bytes = request("POST", "/invoke", &["Content-Type: text/plain"], b"{}");
    refused(
        &Answer::parse(&raw(agent.addr(), &bytes).await),
        415,
        "UNSUPPORTED_MEDIA_TYPE",
    );
    agent.stop().await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_the_refusal_arrives() {
    let agent = agent().await;
    let json = ["Content-Type: application/json"];
    let declared = request("POST", "/invoke", &json, &vec![b' '; 17 * 1024 * 1024]);
    refused(
        &Answer::parse(&raw(agent.addr(), &declared).await),
        413,
        "PAYLOAD_TOO_LARGE",
    );
    let head = "POST /config HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
    let chunked = [head.as_bytes(), &chunk.repeat(64), b"0\r\n\r\n"].concat();
    refused(
        &Answer::parse(&raw(agent.addr(), &chunked).await),
        413,
        "PAYLOAD_TOO_LARGE",
    );
    let expecting =
        b"POST /invoke HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n";
    refused(
        &Answer::parse(&raw(agent.addr(), expecting).await),
        413,
        "PAYLOAD_TOO_LARGE",
    );
    output(&agent, json!({"input": {"city": "x"}})).await;
    agent.stop().await;
}

#[tokio::test]
async fn the_limit_is_the_one_in_the_settings() {
    let settings = Settings {
        body_limit: 4 << 20,
        ..Settings::unlimited()
    };
    let agent = start(settings).await.expect("the agent starts");
    let body = [b"{\"input\":{\"city\":\"x\"}}", &b" ".repeat(3 << 20)[..]].concat();
    assert_eq!(post_bytes(&agent, "/invoke", &body).await.status, 200);
    let body = [body.as_slice(), &b" ".repeat(1 << 20)].concat();
    refused(
        &post_bytes(&agent, "/invoke", &body).await,
        413,
        "PAYLOAD_TOO_LARGE",
    );
    agent.stop().await;
}

#[tokio::test]
async fn odd_requests_are_refused_in_the_envelope() {
    let agent = agent().await;
    let long = format!("/{}", "x".repeat(8 * 1024));
    for (method, path, status) in [
        ("GET", "/schema%00", 404),
        ("GET", "/%ff%fe", 404),
        ("GET", "/..%2f..%2fetc/passwd", 404),
        ("GET", "//", 404),
        ("GET", long.as_str(), 404),
        ("OPTIONS", "/invoke", 405),
        ("TRACE", "/auth", 405),
        ("ACPTCK", "/invoke", 405),
    ] {
        let answer = Answer::parse(&raw(agent.addr(), &request(method, path, &[], b"")).await);
        let code = if status == 404 {
            "NOT_FOUND"
        } else {
            "METHOD_NOT_ALLOWED"
        };
        refused(&answer, status, code);
    }
    for kind in ["Content-Type: ;;;", "Content-Type: text/json", "X-None: 1"] {
        let bytes = request("POST", "/invoke", &[kind], b"{\"input\":{\"city\":\"x\"}}");
        let answer = Answer::parse(&raw(agent.addr(), &bytes).await);
        refused(&answer, 415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let kind = ["Content-Type: Application/Problem+JSON; charset=utf-8"];
    let bytes = request("POST", "/invoke", &kind, b"{\"input\":{\"city\":\"x\"}}");
    assert_eq!(Answer::parse(&raw(agent.addr(), &bytes).await).status, 200);
    agent.stop().await;
}

#[tokio::test]
async fn a_connection_can_be_used_again_even_after_refusals() {
    let agent = agent().await;
    let mut socket = TcpStream::connect(agent.addr())
        .await
        .expect("a connection");
    let once = b"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let last = b"GET /auth HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    socket
        .write_all(&[once.as_slice(), once, last].concat())
        .await
        .expect("taken");
    let mut all = String::new();
    socket
        .read_to_string(&mut all)
        .await
        .expect("three answers");
    assert_eq!(all.matches("HTTP/1.1 404 Not Found").count(), 2);
    assert_eq!(all.matches("HTTP/1.1 200 OK").count(), 1);
    agent.stop().await;
}

#[tokio::test]
async fn several_agents_share_nothing() {
    let (first, second) = (agent().await, agent().await);
    let id = post(&first, "/config", &json!({"config": {}})).await.json()["config_id"].clone();
    let body = json!({"input": {"city": "x"}, "config_id": id});
    assert_eq!(post(&first, "/invoke", &body).await.status, 200);
    assert_eq!(post(&second, "/invoke", &body).await.status, 404);
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() {
    let agent = agent().await;
    let settings = Settings {
        port: agent.addr().port(),
        ..Settings::unlimited()
    };
    let error = start(settings).await.expect_err("the port is taken");
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {}", agent.addr())
    );
    agent.stop().await;
}
