//! GraphQL beside REST.
#![cfg(feature = "graphql")]

use acp_reference_agent::{Running, Settings, settings::Quota, start};
use serde_json::{Value, json};

use crate::wire::{self, raw, request};

/// The introspection query of GraphiQL, with all that it can ask for.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { description queryType { name } mutationType { name } subscriptionType { name } types { ...FullType } directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } } fragment FullType on __Type { kind name description specifiedByURL isOneOf fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } } fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason } fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

/// The answer to a query that was executed.
async fn ask(agent: &Running, query: &str, variables: Value) -> Value {
    let body = json!({"query": query, "variables": variables});
    let answer = wire::post(agent, "/graphql", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()
}

fn data(mut answer: Value) -> Value {
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].take()
}

/// Code, status and the first field at fault of the first error.
fn error(answer: &Value) -> (Value, Value, Value) {
    let extensions = &answer["errors"][0]["extensions"];
    let field = &extensions["details"]["fields"][0]["path"];
    (
        extensions["code"].clone(),
        extensions["status"].clone(),
        field.clone(),
    )
}

fn known(code: &str, status: u16, field: &str) -> (Value, Value, Value) {
    (json!(code), json!(status), json!(field))
}

#[tokio::test]
async fn its_documents_are_those_of_rest() {
    let agent = wire::agent().await;
    let answer = ask(&agent, "{ capabilities auth schema health }", json!({})).await;
    let answer = data(answer);
    for name in ["capabilities", "auth", "schema"] {
        let rest = wire::get(&agent, &format!("/{name}")).await.json();
        assert_eq!(answer[name], rest, "{name}");
    }
    assert_eq!(answer["health"]["status"], "healthy");
}

#[tokio::test]
async fn a_configuration_and_an_answer_are_those_of_rest() {
    let agent = wire::agent().await;
    let create = "mutation($config: JSON!) { createConfig(config: $config, configId: \"mine\", version: \"v1\") }";
    let config = json!({"config": {"units": "fahrenheit", "language": "de"}});
    let stored = data(ask(&agent, create, config).await);
    assert_eq!(stored["createConfig"]["config_id"], "mine");
    assert_eq!(stored["createConfig"]["status"], "created");

    let shown = data(ask(&agent, "{ config(id: \"mine\") }", json!({})).await);
    assert_eq!(shown["config"]["config"]["units"], "fahrenheit");

    let invoke = "mutation Ask($input: JSON!) { invoke(input: $input, configId: \"mine\") }";
    let input = json!({"city": "Oslo", "days": 2});
    let answer = data(ask(&agent, invoke, json!({"input": input})).await);
    let body = json!({"input": input, "config_id": "mine"});
    let rest = wire::post(&agent, "/invoke", &body).await.json();
    let settled = |answer: &Value| {
        let mut output = answer["output"].clone();
        // The second of two that ask the same is answered from the cache.
        for name in ["timestamp", "_from_cache"] {
            output.as_object_mut().expect("an output").remove(name);
        }
        output
    };
    assert_eq!(settled(&answer["invoke"]), settled(&rest));
    // Without variables, too.
    let literal = "mutation { invoke(input: {city: \"Oslo\", days: 2}, configId: \"mine\") }";
    let answer = data(ask(&agent, literal, json!(null)).await);
    assert_eq!(settled(&answer["invoke"]), settled(&rest));
}

#[tokio::test]
async fn its_errors_are_those_of_rest() {
    let agent = wire::agent().await;
    let invoke = "mutation($input: JSON!, $id: String) { invoke(input: $input, configId: $id) }";
    let answer = ask(&agent, invoke, json!({"input": {"city": ""}})).await;
    assert_eq!(error(&answer), known("INVALID_INPUT", 400, "/input/city"));
    let answer = ask(
        &agent,
        invoke,
        json!({"input": {"city": "Oslo"}, "id": "x"}),
    )
    .await;
    assert_eq!(error(&answer), known("CONFIG_NOT_FOUND", 404, "/config_id"));
    let create = "mutation { createConfig(config: {units: \"kelvin\"}) }";
    let answer = ask(&agent, create, json!({})).await;
    assert_eq!(error(&answer), known("INVALID_INPUT", 400, "/config/units"));
    let answer = ask(&agent, "{ config(id: \"x\") }", json!({})).await;
    assert_eq!(error(&answer).0, "CONFIG_NOT_FOUND");
}

#[tokio::test]
async fn what_goes_against_the_graph_has_a_code_too() {
    let agent = wire::agent().await;
    for query in [
        "{ nothing }",
        "{",
        "",
        "mutation { invoke }",
        "{ a: health } { b: health }",
    ] {
        let answer = ask(&agent, query, json!({})).await;
        let (code, status, _) = error(&answer);
        assert_eq!(
            (code, status),
            (json!("INVALID_INPUT"), json!(400)),
            "{query}"
        );
        assert!(answer["data"].is_null(), "{query}");
    }
}

#[tokio::test]
async fn an_operation_is_chosen_by_its_name() {
    let agent = wire::agent().await;
    let body = json!({"query": "query A { auth } query B { health }", "operationName": "B"});
    let answer = wire::post(&agent, "/graphql", &body).await.json();
    assert_eq!(data(answer)["health"]["status"], "healthy");
}

#[tokio::test]
async fn tools_can_read_the_graph() {
    let agent = wire::agent().await;
    let answer = data(ask(&agent, INTROSPECTION, json!({})).await);
    let types = answer["__schema"]["types"]
        .as_array()
        .expect("types")
        .clone();
    let mutation = types.iter().find(|one| one["name"] == "Mutation");
    let fields = mutation.expect("mutations")["fields"].clone();
    assert_eq!(fields[0]["name"], "createConfig");
    assert!(
        fields[0]["description"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_the_envelope() {
    let agent = wire::agent().await;
    let long = format!("{{ health }} #{}", "x".repeat(16 * 1024));
    let nested = format!("{{ config(id: {}{}) }}", "[".repeat(5000), "]".repeat(5000));
    let laughs: String = (0..25)
        .map(|n| format!("fragment f{n} on Query {{ ...f{0} ...f{0} }} ", n + 1))
        .collect();
    let laughs = format!("{{ ...f0 }} {laughs} fragment f25 on Query {{ health }}");
    for (body, path) in [
        (json!([]), "/query"),
        (json!([{"query": "{ health }"}]), "/query"),
        (json!({}), "/query"),
        (json!({"query": 7}), "/query"),
        (json!({"query": long}), "/query"),
        (json!({"query": nested}), "/query"),
        (json!({"query": laughs}), "/query"),
        (
            json!({"query": "{ health }", "variables": []}),
            "/variables",
        ),
        (
            json!({"query": "{ health }", "operationName": 1}),
            "/operationName",
        ),
    ] {
        let answer = wire::post(&agent, "/graphql", &body).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let error = answer.json()["error"].take();
        assert_eq!(error["code"], "INVALID_INPUT");
        assert_eq!(error["details"]["fields"][0]["path"], path, "{error}");
    }
    assert_eq!(
        wire::post_bytes(&agent, "/graphql", b"{ health }")
            .await
            .status,
        400
    );
    let text = request("POST", "/graphql", &["Content-Type: text/plain"], b"{}");
    let text = wire::Answer::parse(&raw(agent.addr(), &text).await);
    assert_eq!(text.status, 415);
    assert_eq!(wire::get(&agent, "/graphql").await.status, 405);
}

#[tokio::test]
async fn the_deepest_values_and_spreads_that_pass_do_no_harm() {
    let agent = wire::agent().await;
    let nested = format!("{{ config(id: {}{}) }}", "[".repeat(126), "]".repeat(126));
    let laughs: String = (0..9)
        .map(|n| format!("fragment f{n} on Query {{ ...f{0} ...f{0} }} ", n + 1))
        .collect();
    let laughs = format!("{{ ...f0 }} {laughs} fragment f9 on Query {{ health }}");
    let cycle = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }".to_owned();
    for query in [nested, laughs, cycle] {
        let answer = ask(&agent, &query, json!({})).await;
        assert_eq!(error(&answer).0, "INVALID_INPUT", "{query}");
    }
}

#[tokio::test]
async fn a_query_can_be_too_deep_or_ask_for_too_much() {
    let agent = wire::agent().await;
    let deep = format!(
        "{{ __schema {{ types {{ {} name {} }} }} }}",
        "ofType {".repeat(15),
        "}".repeat(15)
    );
    let answer = ask(&agent, &deep, json!({})).await;
    assert_eq!(answer["errors"][0]["message"], "Query is nested too deep.");
    let many = |count: usize, field: &str| {
        let fields: String = (0..count).map(|n| format!("f{n}: {field} ")).collect();
        format!("{{ {fields} }}")
    };
    let questions = many(7, "invoke(input: {city: \"Oslo\"})");
    let documents = many(16, "capabilities");
    for query in [
        format!("mutation {questions}"),
        documents,
        many(301, "health"),
    ] {
        let answer = ask(&agent, &query, json!({})).await;
        assert_eq!(answer["errors"][0]["message"], "Query is too complex.");
        assert_eq!(error(&answer).0, "INVALID_INPUT");
    }
}

#[tokio::test]
async fn each_answer_is_taken_from_the_allowance_of_invoke() {
    let settings = Settings {
        rate_limit_invoke: Some(Quota::a_minute(2)),
        ..Settings::unlimited()
    };
    let agent = start(settings).await.expect("the agent starts");
    let ask_for = |name| format!("{name}: invoke(input: {{city: \"Oslo\"}})");
    let three = ["a", "b", "c"].map(ask_for).join(" ");
    let answer = ask(&agent, &format!("mutation {{ {three} }}"), json!({})).await;
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer["errors"][0]["path"], json!(["c"]));
    let (code, status, _) = error(&answer);
    assert_eq!((code, status), (json!("RATE_LIMIT_EXCEEDED"), json!(429)));
    let body = json!({"query": "{ health }"});
    assert_eq!(wire::post(&agent, "/graphql", &body).await.status, 429);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let settings = Settings {
        body_limit: 1000,
        ..Settings::unlimited()
    };
    let agent = start(settings).await.expect("the agent starts");
    let body = json!({"query": "{ health }", "variables": {"x": "x".repeat(1000)}});
    assert_eq!(wire::post(&agent, "/graphql", &body).await.status, 413);
}
