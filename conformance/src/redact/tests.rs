//! Secrets, in every writing that an agent may give them.

use std::time::Duration;

use super::*;

#[test]
fn the_arrivals_of_a_body_move_with_what_is_taken_out() {
    let redactor = Redactor::default().and(&["s3cr3t".to_owned()]);
    let body = b"a s3cr3t b s3cr3t".to_vec();
    let mut reads = [1, 2, 5, 8, 10, 11, 17].map(|until| Read {
        until,
        at: Duration::from_millis(until as u64),
    });
    let clean = redactor.body(body, &mut reads);
    assert_eq!(clean, b"a <redacted> b <redacted>");
    assert_eq!(reads.map(|read| read.until), [1, 2, 2, 12, 14, 15, 25]);
}

#[test]
fn a_secret_that_json_writes_otherwise_is_found_in_json() {
    let redactor = Redactor::default().and(&["se\\cr\"et".to_owned()]);
    let echoed = serde_json::json!({"key": "se\\cr\"et"}).to_string();
    assert_eq!(redactor.text(&echoed), r#"{"key":"<redacted>"}"#);
}

fn redactor() -> Redactor {
    Redactor::new(&[
        ("Authorization".to_owned(), "Bearer s3cr3t-t0ken".to_owned()),
        ("X-Id".to_owned(), "1".to_owned()),
        ("Accept".to_owned(), "application/json".to_owned()),
    ])
}

#[test]
fn a_token_is_found_wherever_it_is_echoed() {
    assert_eq!(
        redactor().text("no such token: s3cr3t-t0ken!"),
        "no such token: <redacted>!"
    );
    assert_eq!(
        redactor().bytes(b"\xffs3cr3t-t0ken\xff"),
        b"\xff<redacted>\xff"
    );
}

#[test]
fn what_is_made_of_a_secret_is_redacted_as_the_secret_is() {
    let secret = "sK/test+0123";
    for name in ["X-API-Key", "X-Tenant"] {
        let redactor = Redactor::new(&[(name.to_owned(), secret.to_owned())]);
        let made = altered(secret);
        assert!(made.len() >= 5);
        for (how, text) in made {
            let told = redactor.text(&format!("{text} opens nothing"));
            assert_eq!(told, "<redacted> opens nothing", "{how}");
        }
        let asked = redactor.text("/invoke?api_key=sK%2Ftest%2B0123&x=1");
        assert_eq!(asked, "/invoke?api_key=<redacted>&x=1");
    }
}

#[test]
fn a_token_is_redacted_however_it_is_altered() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl";
    let value = format!("Bearer {token}");
    let redactor = Redactor::new(&[("Authorization".to_owned(), value)]);
    for (how, text) in altered(token) {
        assert!(!redactor.text(&text).contains("eyJzdWIi"), "{how}");
        assert!(!redactor.text(&text).contains("c2lnbmF0"), "{how}");
    }
}

#[test]
fn a_secret_that_is_like_its_replacement_ends_no_loop() {
    let redactor = Redactor::new(&[("X-API-Key".to_owned(), "redacted1".to_owned())]);
    assert_eq!(
        redactor.bytes(b"redacted1 redacted"),
        b"<redacted> redacted"
    );
    let more = Redactor::default().and(&["revoked-key".to_owned()]);
    assert_eq!(more.text("a revoked-key!"), "a <redacted>!");
}

#[test]
fn the_users_fields_are_redacted_whole_and_harmless_ones_shown() {
    assert_eq!(
        redactor().header("authorization", "Bearer s3cr3t-t0ken"),
        REDACTED
    );
    assert_eq!(redactor().header("x-id", "1"), REDACTED);
    assert_eq!(
        redactor().text("1 of 10 application/json"),
        "1 of 10 application/json"
    );
}

const KEY: &str = "sk-live/9f8e7d+6c5b4a";

fn with_key() -> Redactor {
    Redactor::new(&[("X-API-Key".to_owned(), KEY.to_owned())])
}

fn stays(text: &str) -> bool {
    let clean = with_key().text(text).to_ascii_lowercase();
    ["9f8e", "7d+6", "7d%2b6", "6c5b", "5b4a"]
        .iter()
        .any(|piece| clean.contains(piece))
}

#[test]
fn a_key_is_found_whatever_way_it_is_written() {
    let escaped: String = KEY.bytes().map(|b| format!("\\u00{b:02X}")).collect();
    let percent: String = KEY.bytes().map(|b| format!("%{b:02x}")).collect();
    let entities: String = KEY.bytes().map(|b| format!("&#{b};")).collect();
    let twice = percent.replace('%', "%25");
    let slashes = KEY.replace('/', "\\/");
    let json_in_json = escaped.replace('\\', "\\\\");
    for text in [
        KEY.to_owned(),
        KEY.to_ascii_uppercase(),
        escaped,
        percent,
        entities,
        twice,
        slashes,
        json_in_json,
    ] {
        let told = with_key().text(&format!("a {text} b"));
        assert_eq!(told, "a <redacted> b", "{text}");
    }
}

#[test]
fn a_key_is_found_in_base64_and_hexadecimal_digits() {
    let hex: String = KEY.bytes().map(|b| format!("{b:02X}")).collect();
    assert_eq!(with_key().text(&hex), REDACTED);
    for before in ["", "a", "ab", "abc"] {
        for text in [
            STANDARD_NO_PAD.encode(format!("{before}{KEY}after")),
            URL_SAFE_NO_PAD.encode(format!("{before}{KEY}")),
        ] {
            let told = with_key().text(&text);
            let kept = told.replace(REDACTED, "");
            assert!(told.contains(REDACTED) && kept.len() <= 14, "{told}");
        }
    }
}

#[test]
fn what_a_cut_or_a_split_leaves_of_a_key_is_not_shown_either() {
    let pieces = |at: usize| (&KEY[..at], &KEY[at..]);
    for at in 1..KEY.len() {
        let (left, right) = pieces(at);
        assert!(!stays(&format!("x {left}… (99 more)")), "cut at {at}");
        assert!(!stays(&format!("…{right} x")), "begun at {at}");
        let split = format!("data: {left}\n\nevent: x\ndata: {right}\n\n");
        assert!(!stays(&split), "{split}");
        let deltas = format!(
            "data: {{\"n\":1,\"delta\":\"{left}\"}}\n\ndata: {{\"n\":2,\"delta\":\"{right}\"}}\n\n"
        );
        assert!(!stays(&deltas), "{deltas}");
        if (STUMP..=KEY.len() - STUMP).contains(&at) {
            assert!(!stays(&format!("{left} and {right}")), "split at {at}");
        }
    }
    let letters: String = KEY.chars().map(|c| format!("data: {c}\n\n")).collect();
    assert!(!stays(&letters));
}

#[test]
fn what_is_no_credential_is_redacted_whole_or_not_at_all() {
    let headers = [("X-Tenant".to_owned(), "localhost-weather".to_owned())];
    let redactor = Redactor::new(&headers);
    let told = redactor.text("http://localhost:8000 localhost-weather");
    assert_eq!(told, "http://localhost:8000 <redacted>");
}
