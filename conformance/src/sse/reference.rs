//! A deliberately naive reading of the standard: all bytes at once, line by line, in its own
//! words (HTML, 9.2.5 and 9.2.6). It shares no code with the parser.

use crate::sse::Transcript;

/// An event's type, data, last event ID, and the `retry` of its block.
pub(crate) type Told = (String, String, String, Option<u64>);

/// What the parser tells, in the reference's terms.
pub(crate) fn told(transcript: &Transcript) -> (Vec<Told>, Option<u64>, bool) {
    let events = transcript.events.iter();
    let events = events.map(|e| {
        (
            e.event.to_string(),
            e.data.clone(),
            e.id.to_string(),
            e.retry,
        )
    });
    (events.collect(), transcript.retry, transcript.grammar_valid)
}

/// The events, the reconnection time, and whether the grammar holds.
pub(crate) fn read(bytes: &[u8]) -> (Vec<Told>, Option<u64>, bool) {
    let decoded = String::from_utf8_lossy(bytes);
    let text = decoded.strip_prefix('\u{feff}').unwrap_or(&decoded);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let grammar = str::from_utf8(bytes).is_ok()
        && (text.is_empty() || text == "\n" || text.ends_with("\n\n"));
    let (events, retry) = interpret(&text);
    (events, retry, grammar)
}

fn interpret(text: &str) -> (Vec<Told>, Option<u64>) {
    let (mut data, mut event_type, mut last_event_id) =
        (String::new(), String::new(), String::new());
    let (mut reconnection_time, mut block_retry) = (None, None);
    let mut events = Vec::new();
    let mut lines: Vec<&str> = text.split('\n').collect();
    // What follows the last line end is not a line: the file has ended within it.
    lines.pop();
    for line in lines {
        if line.is_empty() {
            if !data.is_empty() {
                assert_eq!(data.pop(), Some('\n'));
                let name = if event_type.is_empty() {
                    "message"
                } else {
                    &event_type
                };
                events.push((
                    name.to_owned(),
                    data.clone(),
                    last_event_id.clone(),
                    block_retry,
                ));
            }
            data.clear();
            event_type.clear();
            block_retry = None;
            continue;
        }
        if line.starts_with(':') {
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut event_type),
            "data" => {
                data.push_str(value);
                data.push('\n');
            }
            "id" if !value.contains('\0') => value.clone_into(&mut last_event_id),
            "retry" if !value.is_empty() && value.chars().all(|c| c.is_ascii_digit()) => {
                block_retry = Some(value.parse().unwrap_or(u64::MAX));
                reconnection_time = block_retry;
            }
            _ => {}
        }
    }
    (events, reconnection_time)
}
