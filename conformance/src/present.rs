//! Turning an exchange into what a report shows: redacted, bounded, with a line for curl.

use acp_reports::{Request as ShownRequest, Response as ShownResponse, shorten};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::evidence::Ask;
use crate::places::Places;
use crate::redact::Redactor;
use crate::rule::Flaw;
use crate::wire::{Answer, Manner, Request};

/// How much of a body a report shows, in characters.
const SHOWN: usize = 16 * 1024;
/// Of a header field so much, and so many of them.
const FIELD_SHOWN: usize = 1024;
const FIELDS_SHOWN: usize = 100;
/// More is looked at than is shown, so that no secret is cut in two by the end of what is.
const AHEAD: usize = 4 * 1024;
/// How long a body may be to stand in a command line; Linux takes 128 KiB in one argument.
const IN_A_LINE: usize = 8 * 1024;

/// Shows exchanges of one agent.
#[derive(Debug)]
pub(crate) struct Presenter {
    /// The agent's base URL, without a slash at its end.
    pub(crate) base: String,
    /// Keeps secrets out.
    pub(crate) redactor: Redactor,
}

impl Presenter {
    /// What a report shows of an ask and what was wrong with it.
    #[must_use]
    pub(crate) fn evidence(&self, ask: &Ask, flaw: &Flaw) -> acp_reports::Evidence {
        let exchange = &ask.exchange;
        acp_reports::Evidence {
            note: ask.about.note.clone(),
            expected: Some(flaw.expected.clone()),
            got: Some(flaw.got.clone()),
            curl: self.curl(&exchange.request, ask.about.wants_stream),
            request: self.request(&exchange.request),
            response: ask.answer().map(|answer| self.response(ask, answer)),
            elapsed_ms: exchange.elapsed.as_secs_f64() * 1e3,
        }
    }

    fn headers(&self, headers: &[(String, String)]) -> Vec<(String, String)> {
        let short = |text: &str| shorten(text, FIELD_SHOWN).into_owned();
        let shown = |(name, value): &(String, String)| {
            let value = self.redactor.header(name, value);
            (short(&self.redactor.text(name)), short(&value))
        };
        let mut all: Vec<_> = headers.iter().take(FIELDS_SHOWN).map(shown).collect();
        if let Some(left_out @ 1..) = headers.len().checked_sub(FIELDS_SHOWN) {
            all.push(("…".to_owned(), format!("({left_out} more header fields)")));
        }
        all
    }

    fn url(&self, path: &str) -> String {
        self.redactor.text(&format!("{}{path}", self.base))
    }

    fn request(&self, request: &Request) -> ShownRequest {
        ShownRequest {
            method: request.method.clone(),
            url: self.url(&request.path),
            headers: self.headers(&request.headers),
            body: self.bounded(&request.body, request.body_length),
        }
    }

    fn response(&self, ask: &Ask, answer: &Answer) -> ShownResponse {
        // Where a secret was taken out, offsets would point beside what they mean.
        let is_whole = self.redactor.bytes(&answer.body) == answer.body;
        let places = if is_whole {
            Places::of(ask, answer)
        } else {
            Places::default()
        };
        let is_text = std::str::from_utf8(&answer.body).is_ok();
        let binary = || {
            let near = &answer.body[..answer.body.len().min(SHOWN + AHEAD)];
            let mut clean = self.redactor.bytes(near);
            clean.truncate(SHOWN);
            STANDARD.encode(clean)
        };
        ShownResponse {
            status: answer.status,
            headers: self.headers(&answer.headers),
            body: self.bounded(&answer.body, answer.body.len()),
            body_base64: (!is_text).then(binary),
            marks: places.marks,
            events: places.events,
            arrivals: places.arrivals,
        }
    }

    /// A body as text, cut where it is long, with its whole length then.
    fn bounded(&self, body: &[u8], length: usize) -> String {
        let near = &body[..body.len().min(4 * SHOWN + AHEAD)];
        let text = self.redactor.bytes(near);
        let text = String::from_utf8_lossy(&text);
        if length > body.len() {
            return format!("{} … ({length} bytes in all)", shorten(&text, IN_A_LINE));
        }
        match body.len() > near.len() {
            true => format!("{} … ({length} bytes in all)", beginning(&text, SHOWN)),
            false => shorten(&text, SHOWN).into_owned(),
        }
    }

    /// A shell command that sends the same request; empty if curl cannot.
    fn curl(&self, request: &Request, is_stream: bool) -> String {
        if request.manner != Manner::Polite || request.body_length > request.body.len() {
            return String::new();
        }
        let mut line = String::from(if is_stream { "curl -sSiN" } else { "curl -sSi" });
        let is_plain = |path: &str| !path.contains("..") && !path.contains("//");
        if !is_plain(&request.path) {
            line.push_str(" --path-as-is");
        }
        match request.method.as_str() {
            "GET" => {}
            "HEAD" => line.push_str(" --head"),
            method => line.push_str(&format!(" -X {}", quoted(method))),
        }
        for (name, value) in &request.headers {
            let is_curls_own = [
                "host",
                "user-agent",
                "accept",
                "accept-encoding",
                "content-length",
            ]
            .iter()
            .any(|own| name.eq_ignore_ascii_case(own));
            if !is_curls_own {
                let field = format!("{name}: {}", self.redactor.header(name, value));
                line.push_str(&format!(" -H {}", quoted(&field)));
            }
        }
        let url = quoted(&self.url(&request.path));
        // Before it is quoted: a quote within a secret would hide it.
        let body = self.redactor.bytes(&request.body);
        match std::str::from_utf8(&body) {
            Ok("") => format!("{line} {url}"),
            Ok(body) if body.len() <= IN_A_LINE && !body.contains('\0') => {
                format!("{line} --data-binary {} {url}", quoted(body))
            }
            _ if body.len() <= IN_A_LINE => {
                let encoded = STANDARD.encode(&body);
                format!("printf %s {encoded} | base64 -d | {line} --data-binary @- {url}")
            }
            _ => String::new(),
        }
    }
}

fn beginning(text: &str, characters: usize) -> &str {
    let cut = text.char_indices().nth(characters);
    &text[..cut.map_or(text.len(), |(at, _)| at)]
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presenter() -> Presenter {
        let headers = [("X-API-Key".to_owned(), "sk-secret".to_owned())];
        Presenter {
            base: "http://127.0.0.1:1".to_owned(),
            redactor: Redactor::new(&headers),
        }
    }

    #[test]
    fn a_curl_line_quotes_for_the_shell_and_holds_no_secret() {
        let request = Request::post("/invoke", r#"{"input": {"city": "L'Aquila"}}"#)
            .with_header("X-API-Key", "sk-secret");
        assert_eq!(
            presenter().curl(&request, false),
            "curl -sSi -X POST -H 'Content-Type: application/json' -H 'X-API-Key: <redacted>' \
             --data-binary '{\"input\": {\"city\": \"L'\\''Aquila\"}}' http://127.0.0.1:1/invoke"
        );
    }

    #[test]
    fn bytes_that_no_shell_takes_go_through_base64() {
        let request = Request::post("/invoke", b"\xff".to_vec());
        assert!(
            presenter()
                .curl(&request, false)
                .starts_with("printf %s /w== | base64 -d | curl ")
        );
    }

    #[test]
    fn what_curl_cannot_send_has_no_line() {
        let request = Request::post("/invoke", "x").in_manner(Manner::Drops(0));
        assert_eq!(presenter().curl(&request, false), "");
    }
}
