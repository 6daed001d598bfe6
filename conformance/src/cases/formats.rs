//! Strings that hold a `format`: plain ones, that every sensible reader of it accepts.

use super::rng::Rng;

/// Fixed examples, the commonest first; formats that are not listed mean nothing here.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "date-time",
        &[
            "2024-05-17T12:30:00Z",
            "2024-02-29T23:59:59+05:30",
            "1999-12-31T00:00:00.123Z",
        ],
    ),
    ("date", &["2024-05-17", "2024-02-29", "1999-12-31"]),
    ("time", &["12:30:00Z", "23:59:59+00:00", "00:00:00.5Z"]),
    ("duration", &["P1D", "PT36H", "P3Y6M4DT12H30M5S"]),
    (
        "email",
        &["ada@example.com", "a.b+c@mail.example.org", "x@example.net"],
    ),
    ("idn-email", &["ada@example.com"]),
    ("name-email", &["Ada <ada@example.com>"]),
    (
        "hostname",
        &["example.com", "a.b-c.example.org", "localhost"],
    ),
    ("idn-hostname", &["example.com"]),
    ("ipv4", &["192.0.2.1", "127.0.0.1", "255.255.255.255"]),
    ("ipv6", &["2001:db8::1", "::1", "2001:db8:0:0:0:0:0:1"]),
    ("ipvanyaddress", &["192.0.2.1", "2001:db8::1"]),
    ("ipv4network", &["192.0.2.0/24"]),
    ("ipv6network", &["2001:db8::/32"]),
    (
        "uri",
        &[
            "https://example.com/a?b=c#d",
            "http://example.org",
            "https://example.com:8443/",
        ],
    ),
    (
        "uri-reference",
        &["/a/b?c", "https://example.com/", "#fragment"],
    ),
    ("iri", &["https://example.com/a"]),
    ("iri-reference", &["/a/b"]),
    ("uri-template", &["https://example.com/{id}", "/a/b"]),
    (
        "uuid",
        &[
            "3b241101-e2bb-4255-8caf-4136c566a962",
            "00000000-0000-4000-8000-000000000000",
        ],
    ),
    ("uuid1", &["c9a646d3-9c61-11d1-85b8-00c04fb68a2c"]),
    ("uuid4", &["3b241101-e2bb-4255-8caf-4136c566a962"]),
    ("json-pointer", &["", "/a/b", "/a~1b/0"]),
    ("relative-json-pointer", &["0", "1/a", "2#"]),
    ("regex", &["^[a-z]+$", "a|b", ""]),
    ("byte", &["aGVsbG8=", "", "QQ=="]),
    ("base64", &["aGVsbG8=", "QQ=="]),
    ("base64url", &["aGVsbG8=", "QQ=="]),
    ("json-string", &["{}", "[1, 2]", "null"]),
    ("decimal", &["1.50", "-3", "0"]),
    ("semver", &["1.2.3"]),
    ("color", &["#a1b2c3"]),
    ("phone", &["+12025550123"]),
];

/// The fixed examples of a format, or `None` where it is not known.
pub(super) fn examples(format: &str) -> Option<&'static [&'static str]> {
    EXAMPLES
        .iter()
        .find(|(name, _)| *name == format)
        .map(|(_, examples)| *examples)
}

/// A random string of a format; the fixed ones where chance has nothing to add.
pub(super) fn random(format: &str, rng: &mut Rng) -> Option<String> {
    let fixed = examples(format)?;
    let date = |rng: &mut Rng| {
        format!(
            "{:04}-{:02}-{:02}",
            1971 + rng.below(120),
            1 + rng.below(12),
            1 + rng.below(28)
        )
    };
    let time = |rng: &mut Rng| {
        format!(
            "{:02}:{:02}:{:02}Z",
            rng.below(24),
            rng.below(60),
            rng.below(60)
        )
    };
    Some(match format {
        "date" => date(rng),
        "time" => time(rng),
        "date-time" => format!("{}T{}", date(rng), time(rng)),
        "ipv4" => {
            let mut octet = || 1 + rng.below(254);
            format!("{}.{}.{}.{}", octet(), octet(), octet(), octet())
        }
        "email" => format!("user{}@example.com", rng.below(100_000)),
        "hostname" => format!("host-{}.example.com", rng.below(100_000)),
        "uri" | "iri" => format!(
            "https://example.com/{}?q={}",
            rng.below(1_000),
            rng.below(1_000)
        ),
        "uuid" | "uuid4" => {
            let mut hex = |digits: u32| rng.below(16_usize.pow(digits));
            format!(
                "{:08x}-{:04x}-4{:03x}-a{:03x}-{:06x}{:06x}",
                hex(8),
                hex(4),
                hex(3),
                hex(3),
                hex(6),
                hex(6)
            )
        }
        _ => (*rng.pick(fixed)?).to_owned(),
    })
}
