//! Certificates that hold, and every way in which one does not.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::envelope::{PAYLOAD_TYPE, to_sign};
use super::*;
use crate::{Report, sample};

/// `openssl genpkey -algorithm ed25519`, for these tests alone.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";
/// Its other half (RFC 8032, section 7.1, the first test: 9d61…60).
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
";
/// Of another pair (the RFC's second test).
const ANOTHER: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=
-----END PUBLIC KEY-----
";
const REPORT: &[u8] = b"{\"format\": \"acp-tck/check\"}\n";

static ISSUED: LazyLock<Timestamp> =
    LazyLock::new(|| "2026-11-22T10:00:00Z".parse().expect("a time"));

fn days(count: i64) -> Timestamp {
    *ISSUED + SignedDuration::from_hours(24 * count)
}

fn terms() -> Terms {
    Terms {
        issued_at: *ISSUED,
        expires_at: days(90),
    }
}

fn signing() -> SigningKey {
    SigningKey::from_pem(PRIVATE.as_bytes()).expect("a key")
}

fn verifying(pem: &str) -> VerifyingKey {
    VerifyingKey::from_pem(pem.as_bytes()).expect("a key")
}

fn issued() -> Value {
    let file = ReportFile::new("acp.json", REPORT);
    let text = issue(&sample::clean(), file, terms(), &signing()).expect("a certificate");
    serde_json::from_str(&text).expect("JSON")
}

fn payload(certificate: &Value) -> Value {
    let payload = certificate["payload"].as_str().expect("a text");
    let payload = STANDARD.decode(payload).expect("base64");
    serde_json::from_slice(&payload).expect("JSON")
}

/// A certificate with this payload, by the same key.
fn signed(payload: &str) -> Value {
    let signature = signing().sign(&to_sign(PAYLOAD_TYPE, payload.as_bytes()));
    json!({
        "payload": STANDARD.encode(payload), "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": signing().id(), "sig": STANDARD.encode(signature)}],
    })
}

fn verified(certificate: &Value) -> Result<Statement, Unverified> {
    let text = certificate.to_string();
    verify(text.as_bytes(), REPORT, &verifying(PUBLIC), days(1))
}

fn refusal(certificate: &Value) -> Refusal {
    match verified(certificate) {
        Err(Unverified::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_certificate_says_what_the_run_has_shown() {
    let said = verified(&issued()).expect("it holds");
    let report = sample::clean();
    assert_eq!(said.subject[0].name, "weather-advisor");
    assert_eq!(said.subject[0].uri, report.target.url);
    assert_eq!(said.predicate.features, ["core", "errors"]);
    assert_eq!(said.predicate.results.len(), report.results.len());
    assert_eq!(said.predicate.summary, report.summary);
    assert_eq!(said.predicate.report.name, "acp.json");
    insta::assert_snapshot!(format!("{:#}", payload(&issued())));
}

#[test]
fn the_digest_is_of_the_canonical_json_of_the_names() {
    let subject = &payload(&issued())["subject"][0];
    let names = r#"{"name":"weather-advisor","uri":"http://127.0.0.1:8001","version":"1.2.3"}"#;
    assert_eq!(subject["digest"]["sha256"], sha256(names.as_bytes()));
}

#[test]
fn a_run_that_certifies_no_level_gets_none() {
    let of = |report: &Report| {
        let file = ReportFile::new("acp.json", REPORT);
        issue(report, file, terms(), &signing()).expect_err("no certificate")
    };
    assert_eq!(of(&sample::report()), NotCertified::Fails);
    assert_eq!(of(&sample::unreachable()), NotCertified::Fails);
    let mut partial = sample::clean();
    partial.level = crate::ProfileLevel::None;
    assert!(matches!(of(&partial), NotCertified::NoLevel(_)));
}

#[test]
fn what_never_holds_is_not_issued() {
    let file = ReportFile::new("acp.json", REPORT);
    let terms = Terms {
        issued_at: *ISSUED,
        expires_at: *ISSUED,
    };
    let issued = issue(&sample::clean(), file, terms, &signing());
    assert_eq!(issued, Err(NotCertified::Expired));
}

#[test]
fn an_altered_payload_is_refused() {
    let mut altered = issued();
    let mut said = payload(&altered);
    said["predicate"]["level"] = "production".into();
    altered["payload"] = STANDARD.encode(said.to_string()).into();
    assert_eq!(refusal(&altered), Refusal::Altered);
    let mut garbled = issued();
    garbled["signatures"][0]["sig"] = STANDARD.encode([0; 64]).into();
    assert_eq!(refusal(&garbled), Refusal::Altered);
}

#[test]
fn another_key_is_refused_whatever_the_hint_says() {
    let text = issued().to_string();
    let done = verify(text.as_bytes(), REPORT, &verifying(ANOTHER), days(1));
    let Err(Unverified::Refused(Refusal::OtherKey(told))) = done else {
        panic!("{done:?}");
    };
    assert!(told.contains(signing().id()), "{told}");
    let mut without = issued();
    without["signatures"][0]["keyid"] = "".into();
    assert!(verified(&without).is_ok());
    without["signatures"][0]["sig"] = "".into();
    assert!(matches!(refusal(&without), Refusal::OtherKey(_)));
}

#[test]
fn one_good_signature_among_others_is_enough() {
    let mut certificate = issued();
    let good = certificate["signatures"][0].clone();
    let foreign = json!({"keyid": "x", "sig": STANDARD.encode([1; 64])});
    certificate["signatures"] = json!([foreign, good]);
    assert!(verified(&certificate).is_ok());
    certificate["signatures"] = json!(vec![foreign; 17]);
    assert_eq!(refusal(&certificate), Refusal::TooManySignatures);
    certificate["signatures"] = json!([]);
    assert_eq!(refusal(&certificate), Refusal::Unsigned);
}

#[test]
fn an_envelope_of_another_kind_is_refused() {
    let mut typed = issued();
    typed["payloadType"] = "application/json".into();
    assert!(matches!(refusal(&typed), Refusal::PayloadType(_)));
    for broken in [json!({}), json!([]), json!({"payload": 1})] {
        assert!(
            matches!(refusal(&broken), Refusal::NoEnvelope(_)),
            "{broken}"
        );
    }
}

#[test]
fn what_is_cut_is_refused() {
    for (field, name) in [("payload", "payload"), ("sig", "signature")] {
        let mut cut = issued();
        let text = match field {
            "payload" => &mut cut["payload"],
            _ => &mut cut["signatures"][0]["sig"],
        };
        let whole = text.as_str().expect("a text").to_owned();
        *text = whole[..whole.len() - 1].into();
        assert_eq!(refusal(&cut), Refusal::NotBase64(name));
    }
    let text = issued().to_string();
    for end in [0, 1, text.len() / 2, text.len() - 1] {
        let verified = verify(&text.as_bytes()[..end], REPORT, &verifying(PUBLIC), days(1));
        assert!(matches!(verified, Err(Unverified::Unreadable(_))), "{end}");
    }
}

#[test]
fn a_name_twice_is_refused_outside_and_inside() {
    let text = issued().to_string();
    let twice = text.replacen('{', r#"{"payload": "e30=", "#, 1);
    let verified = verify(twice.as_bytes(), REPORT, &verifying(PUBLIC), days(1));
    let told = verified.expect_err("a refusal").to_string();
    assert!(told.contains("duplicate field `payload`"), "{told}");
    let inside = payload(&issued()).to_string();
    let inside = inside.replacen(r#""level":"#, r#""level":"production","level":"#, 1);
    let told = refusal(&signed(&inside)).to_string();
    assert!(told.contains("duplicate field `level`"), "{told}");
}

#[test]
fn what_is_signed_and_no_certificate_is_refused() {
    let said = payload(&issued());
    let changed = |at: &str, to: Value| {
        let mut said = said.clone();
        *said.pointer_mut(at).expect(at) = to;
        said
    };
    for foreign in [
        json!({}),
        changed("/_type", "https://in-toto.io/Statement/v0.1".into()),
        changed("/predicateType", "https://slsa.dev/provenance/v1".into()),
        changed("/predicate/level", "none".into()),
        changed("/predicate/expiresAt", "soon".into()),
        changed("/subject", json!([])),
        changed("/subject/0/name", "another-agent".into()),
        changed("/subject/0/uri", "http://localhost:1".into()),
        changed("/subject/0/annotations/version", "9.9.9".into()),
    ] {
        let why = refusal(&signed(&foreign.to_string()));
        assert!(matches!(why, Refusal::Foreign(_)), "{foreign}: {why}");
    }
}

#[test]
fn a_certificate_holds_from_its_issue_to_its_end() {
    let text = issued().to_string();
    let at = |now| verify(text.as_bytes(), REPORT, &verifying(PUBLIC), now);
    let second = SignedDuration::from_secs(1);
    assert!(at(*ISSUED - SignedDuration::from_mins(5)).is_ok());
    assert!(at(days(90) - second).is_ok());
    for (now, why) in [
        (days(90), Refusal::Expired(days(90))),
        (days(-1), Refusal::Early(*ISSUED)),
    ] {
        assert_eq!(at(now).expect_err("a refusal"), why.into());
    }
}

#[test]
fn another_report_is_refused() {
    let text = issued().to_string();
    for report in [&b""[..], &REPORT[1..], b"{\"format\":\"acp-tck/check\"}"] {
        let verified = verify(text.as_bytes(), report, &verifying(PUBLIC), days(1));
        let why = verified.expect_err("a refusal");
        assert!(matches!(why, Unverified::Refused(Refusal::Report { .. })));
    }
}

#[test]
fn keys_are_what_they_should_be() {
    let private = |pem: &str| SigningKey::from_pem(pem.as_bytes()).map(|_| ());
    let public = |pem: &str| VerifyingKey::from_pem(pem.as_bytes()).map(|_| ());
    assert_eq!(signing().id(), verifying(PUBLIC).id());
    assert_eq!(private(PUBLIC), Err(KeyError::Public));
    assert_eq!(public(PRIVATE), Err(KeyError::Private));
    for nothing in ["", "nope", "-----BEGIN CERTIFICATE-----\n"] {
        assert_eq!(private(nothing), Err(KeyError::NotPem));
        assert_eq!(public(nothing), Err(KeyError::NotPem));
    }
    let cut = |pem: &str| pem.replacen("MC", "", 1);
    assert_eq!(private(&cut(PRIVATE)), Err(KeyError::NotEd25519));
    assert_eq!(public(&cut(PUBLIC)), Err(KeyError::NotEd25519));
    let locked = PRIVATE.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert_eq!(private(&locked), Err(KeyError::Encrypted));
    assert_eq!(public(&locked), Err(KeyError::Private));
    // secp256k1, 0x01: the right form, and another curve.
    let other = "-----BEGIN PUBLIC KEY-----\nMFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEeb5mfvncu6xVoGKVzocLBwKb/NstzijZWfKBWxb4F5hIOtp3JqPEZV2k+/wOEQio/Re0SKaFVBmcR9CP+xDUuA==\n-----END PUBLIC KEY-----\n";
    assert_eq!(public(other), Err(KeyError::NotEd25519));
}

#[test]
fn no_message_and_no_debug_output_holds_the_key() {
    let shown = format!("{:?}", signing());
    assert!(
        !shown.contains("9d61b19d") && !shown.contains("nWGxne"),
        "{shown}"
    );
}
