//! What a client shows to be let in, and what is only like it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Header fields that have nothing to do with who is asking.
const HARMLESS: &[&str] = &[
    "accept",
    "accept-language",
    "accept-encoding",
    "content-type",
    "user-agent",
    "traceparent",
];
/// Parts of the names of fields that credentials stand in.
const TELLING: &[&str] = &["auth", "key", "token", "secret", "cookie"];

/// The header field in which a client says who it is, and what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    /// The field's name.
    pub(crate) name: String,
    /// What comes before the secret, with its blank: `Bearer `, or nothing.
    pub(crate) scheme: String,
    /// The secret, if the user gave one.
    pub(crate) secret: Option<String>,
    /// The user's other header fields, which are sent with or without the secret.
    pub(crate) others: Vec<(String, String)>,
}

impl Credential {
    /// What is used of the user's header fields; if none is a credential, what `/auth` asks for.
    #[must_use]
    pub(crate) fn of(headers: &[(String, String)], auth: Option<&Value>) -> Self {
        let told = auth.and_then(|auth| auth.get("header")?.as_str());
        let chosen = choose(headers, told);
        let others = headers.iter().filter(|header| {
            Some(*header) != chosen && !is_telling(&header.0) && !is_named(&header.0, told)
        });
        let others = others.cloned().collect();
        if let Some((name, value)) = chosen {
            let (scheme, secret) = match value.trim().split_once(' ') {
                Some((scheme, secret)) => (format!("{scheme} "), secret.trim()),
                None => (String::new(), value.trim()),
            };
            return Self {
                name: name.clone(),
                scheme,
                secret: Some(secret.to_owned()),
                others,
            };
        }
        let kind = auth.and_then(|auth| auth.get("type")?.as_str());
        let (name, scheme) = match kind {
            Some("bearer" | "oauth2") => ("Authorization", "Bearer "),
            _ => ("X-API-Key", ""),
        };
        // A name from the agent may hold what would break the head.
        let told = told.filter(|name| is_token(name));
        Self {
            name: told.unwrap_or(name).to_owned(),
            scheme: scheme.to_owned(),
            secret: None,
            others,
        }
    }
}

fn choose<'h>(headers: &'h [(String, String)], told: Option<&str>) -> Option<&'h (String, String)> {
    let find = |is_it: &dyn Fn(&str) -> bool| headers.iter().find(|(name, _)| is_it(name));
    find(&|name| is_named(name, told))
        .or_else(|| find(&|name| name.eq_ignore_ascii_case("authorization")))
        .or_else(|| find(&is_telling))
        .or_else(|| find(&|name| !is_harmless(name)))
}

fn is_named(name: &str, told: Option<&str>) -> bool {
    told.is_some_and(|told| name.eq_ignore_ascii_case(told))
}

fn is_telling(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    TELLING.iter().any(|part| name.contains(part))
}

fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Whether a header field's value is no secret.
#[must_use]
pub(crate) fn is_harmless(name: &str) -> bool {
    HARMLESS
        .iter()
        .any(|harmless| name.eq_ignore_ascii_case(harmless))
}

/// What is like a secret and is not it, each with what was done to it.
#[must_use]
pub(crate) fn altered(secret: &str) -> Vec<(&'static str, String)> {
    let shorter = || {
        let (at, _) = secret.char_indices().next_back()?;
        (at > 0).then(|| secret[..at].to_owned())
    };
    let mut made = vec![
        ("one letter short", shorter()),
        ("one letter longer", Some(format!("{secret}x"))),
        ("with another last letter", with_another_last_letter(secret)),
        (
            "in other letters",
            Some(secret.chars().map(turned).collect()),
        ),
        (
            "another of its length",
            Some(secret.chars().map(replaced).collect()),
        ),
    ];
    if let [_, claims, signature] = secret.split('.').collect::<Vec<_>>()[..]
        && !signature.is_empty()
    {
        let head = URL_SAFE_NO_PAD.encode("{\"alg\":\"none\",\"typ\":\"JWT\"}");
        made.push(("with no signature", Some(format!("{head}.{claims}."))));
        let signed = secret.len() - signature.len();
        let other: String = signature.chars().map(replaced).collect();
        let other = format!("{}{other}", &secret[..signed]);
        made.push(("with a made-up signature", Some(other)));
    }
    made.into_iter()
        .filter_map(|(how, text)| Some((how, text.filter(|text| text != secret)?)))
        .collect()
}

/// Not the next letter: the last one of a base64 text may hold bits that nobody reads.
fn with_another_last_letter(secret: &str) -> Option<String> {
    let (at, last) = secret.char_indices().next_back()?;
    let other = if last == 'A' { 'z' } else { 'A' };
    Some(format!("{}{other}", &secret[..at]))
}

fn turned(letter: char) -> char {
    match letter.is_ascii_lowercase() {
        true => letter.to_ascii_uppercase(),
        false => letter.to_ascii_lowercase(),
    }
}

fn replaced(letter: char) -> char {
    match letter {
        'a'..='z' => 'q',
        'A'..='Z' => 'Q',
        '0'..='9' => '7',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headers(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        fields.iter().map(owned).collect()
    }

    #[test]
    fn the_field_that_says_who_asks_is_told_from_the_others() {
        let given = headers(&[("X-Tenant", "blue"), ("Authorization", "Bearer t0ken")]);
        let credential = Credential::of(&given, None);
        assert_eq!(credential.name, "Authorization");
        assert_eq!(credential.scheme, "Bearer ");
        assert_eq!(credential.secret.as_deref(), Some("t0ken"));
        assert_eq!(credential.others, headers(&[("X-Tenant", "blue")]));
        let told = Credential::of(&given, Some(&json!({"header": "x-tenant"})));
        assert_eq!(told.secret.as_deref(), Some("blue"));
        assert_eq!(told.others, []);
    }

    #[test]
    fn without_credentials_the_agent_says_where_they_would_stand() {
        let with = |auth| Credential::of(&[], Some(&auth)).name;
        assert_eq!(with(json!({"type": "bearer"})), "Authorization");
        assert_eq!(with(json!({"type": "api_key"})), "X-API-Key");
        assert_eq!(with(json!({"header": "X-My-Key"})), "X-My-Key");
        assert_eq!(with(json!({"header": "a\r\nb: c"})), "X-API-Key");
    }

    #[test]
    fn nothing_that_is_altered_is_the_secret() {
        for secret in ["sk_test_Abc1", "x", "", "1234", "qqqq", "é", "a.b.c", "A"] {
            for (how, text) in altered(secret) {
                assert_ne!(text, secret, "{how}");
            }
        }
        assert!(altered("sk_test_Abc1").len() >= 5);
        assert!(
            altered("a.b.c")
                .iter()
                .any(|(_, text)| text.ends_with(".b."))
        );
    }
}
