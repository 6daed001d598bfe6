//! The event-stream parser beside `eventsource-stream`, and beside a bare scan for line ends.
//!
//! The goals: at least five times the throughput of the former, and at most three times the
//! time of the latter, which does nothing but find each LF. `scripts/bench-sse.sh` prints both.

use std::{convert::Infallible, fmt::Write, hint::black_box, time::Duration};

use acp_conformance::sse::Parser;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use eventsource_stream::Eventsource;
use futures_util::{FutureExt, StreamExt, stream};

/// About what an agent streams in a few minutes; small enough to stay in the second-level cache.
const BYTES: usize = 64 * 1024;

/// A read of a whole body, and one of a slow socket.
const READS: [(&str, usize); 2] = [("whole", BYTES * 2), ("1KiB", 1024)];

type Block = fn(&mut String, usize);

const INPUTS: [(&str, Block); 4] = [
    ("status", status),
    ("json", json),
    ("comments", comments),
    ("multi-line", multi_line),
];

fn status(stream: &mut String, index: usize) {
    let _ = write!(
        stream,
        "event: status\nid: {index}\ndata: {{\"state\":\"working\",\"progress\":{},\"message\":\"asking the forecast\"}}\n\n",
        index % 100
    );
}

/// One event of 4 KiB, with text in more than one script.
fn json(stream: &mut String, index: usize) {
    let text = "Rain until noon, then sun; wind from the north-east, at most 15 °C. ".repeat(59);
    let _ = write!(
        stream,
        "event: result\ndata: {{\"index\":{index},\"text\":\"{text}\"}}\n\n"
    );
}

fn comments(stream: &mut String, index: usize) {
    for _ in 0..20 {
        stream.push_str(": keep-alive\n\n");
    }
    status(stream, index);
}

fn multi_line(stream: &mut String, index: usize) {
    stream.push_str("event: report\n");
    for line in 0..24 {
        let _ = writeln!(
            stream,
            "data: {index}.{line}  12.5 °C  1013 hPa  light rain  NE 4"
        );
    }
    stream.push('\n');
}

fn stream_of(block: Block) -> Vec<u8> {
    let mut stream = String::new();
    for index in 0.. {
        block(&mut stream, index);
        if stream.len() >= BYTES {
            break;
        }
    }
    stream.into_bytes()
}

/// Takes and drops the events of each read, as a client does that acts on them at once: what
/// is measured is the parsing, not the hoarding.
fn ours(bytes: &[u8], read: usize) -> usize {
    let mut parser = Parser::default();
    let mut events = 0;
    for chunk in bytes.chunks(read) {
        parser.push(chunk);
        events += parser.drain_events().map(black_box).count();
    }
    events + black_box(parser.finish()).events.len()
}

/// Drops each event as it comes, likewise.
fn eventsource_stream(bytes: &[u8], read: usize) -> usize {
    let reads = stream::iter(bytes.chunks(read).map(Ok::<_, Infallible>));
    let events = reads.eventsource().fold(0, async |events, event| {
        black_box(event).map_or(events, |_| events + 1)
    });
    events.now_or_never().unwrap_or_default()
}

/// Finds each line end in the same reads, and does nothing else.
fn memchr_lines(bytes: &[u8], read: usize) -> usize {
    let mut lines = 0;
    for chunk in bytes.chunks(read) {
        for at in memchr::memchr_iter(b'\n', chunk) {
            black_box(at);
            lines += 1;
        }
    }
    lines
}

fn parsers(criterion: &mut Criterion) {
    for (input, block) in INPUTS {
        let bytes = stream_of(block);
        for (name, read) in READS {
            assert_eq!(ours(&bytes, read), eventsource_stream(&bytes, read));
            let mut group = criterion.benchmark_group(format!("sse-{input}-{name}"));
            group.throughput(Throughput::Bytes(bytes.len() as u64));
            group.bench_function("ours", |b| b.iter(|| ours(black_box(&bytes), read)));
            group.bench_function("eventsource-stream", |b| {
                b.iter(|| eventsource_stream(black_box(&bytes), read));
            });
            group.bench_function("memchr", |b| {
                b.iter(|| memchr_lines(black_box(&bytes), read))
            });
            group.finish();
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = parsers
}
criterion_main!(benches);
