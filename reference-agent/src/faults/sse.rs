//! Faults of the event stream's bytes: what a client cannot read, or does not see.
//!
//! Most of them act on the second frame of a stream, or put one of their own before it: the
//! first and the last are what other rules look at.

use std::time::Duration;

use axum::{
    body::Bytes,
    http::{HeaderValue, header},
};

use super::Fault;
use crate::{
    seams::Seam,
    stream::{Frame, Plan},
};

/// Puts bytes before the second frame.
fn slip_in(plan: &mut Plan, bytes: &'static [u8]) {
    plan.frames
        .insert(1, Frame::bytes(Duration::ZERO, Bytes::from_static(bytes)));
}

/// Changes the text of the second frame.
fn reword(plan: &mut Plan, change: fn(&str) -> String) {
    reword_at(plan, 1, change);
}

/// Changes the text of the frame at `index`, when it is due.
fn reword_at(plan: &mut Plan, index: usize, change: fn(&str) -> String) {
    if let Some(frame) = plan.frames.remove(index) {
        let pause = frame.pause;
        let make = move || change(&String::from_utf8_lossy(&frame.make())).into();
        plan.frames.insert(index, Frame::made(pause, make));
    }
}

fn set(plan: &mut Plan, name: header::HeaderName, value: &'static str) {
    plan.head.insert(name, HeaderValue::from_static(value));
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "streams-as-plain-text",
        summary: "the content type of a stream is text/plain",
        trips: &["sse.content-type"],
        seams: &[Seam::Plan(|_, _, plan| {
            set(plan, header::CONTENT_TYPE, "text/plain")
        })],
    },
    Fault {
        name: "streams-in-latin-1",
        summary: "a stream says that its charset is ISO-8859-1",
        trips: &["sse.content-type"],
        seams: &[Seam::Plan(|_, _, plan| {
            set(
                plan,
                header::CONTENT_TYPE,
                "text/event-stream; charset=iso-8859-1",
            );
        })],
    },
    Fault {
        name: "comments-in-latin-1",
        summary: "a comment in the stream is not UTF-8",
        trips: &["sse.utf8"],
        seams: &[Seam::Plan(|_, _, plan| slip_in(plan, b": pr\xeat\n\n"))],
    },
    Fault {
        name: "breaks-off-in-a-comment",
        summary: "the stream ends within a comment: no event is lost, but the grammar does not hold",
        trips: &["sse.grammar"],
        seams: &[Seam::Plan(|_, _, plan| {
            plan.frames
                .push_back(Frame::bytes(Duration::ZERO, ": good b"));
        })],
    },
    Fault {
        name: "leaves-out-the-last-blank-line",
        summary: "the last event is not dispatched, for want of the blank line behind it",
        trips: &["sse.ends-on-boundary"],
        seams: &[Seam::Plan(|_, _, plan| {
            let last = plan.frames.len() - 1;
            reword_at(plan, last, |event| event.trim_end().to_owned() + "\n");
        })],
    },
    Fault {
        name: "forgets-the-data-prefix",
        summary: "one event is a line of bare JSON, without `data:`",
        trips: &["sse.nothing-lost"],
        seams: &[Seam::Plan(|_, _, plan| {
            reword(plan, |event| event.replacen("data: ", "", 1))
        })],
    },
    Fault {
        name: "capitalises-data",
        summary: "one event has `Data:` for `data:`",
        trips: &["sse.nothing-lost"],
        seams: &[Seam::Plan(|_, _, plan| {
            reword(plan, |event| event.replacen("data", "Data", 1))
        })],
    },
    Fault {
        name: "indents-data",
        summary: "one event has a space before `data:`",
        trips: &["sse.nothing-lost"],
        seams: &[Seam::Plan(|_, _, plan| {
            reword(plan, |event| format!(" {event}"))
        })],
    },
    Fault {
        name: "names-events-without-data",
        summary: "an event has a name and no data, so that no client hears of it",
        trips: &["sse.nothing-lost"],
        seams: &[Seam::Plan(|_, _, plan| slip_in(plan, b"event: ping\n\n"))],
    },
    Fault {
        name: "separates-with-white-space",
        summary: "an event is followed by a line with a space in it, which is no blank line",
        trips: &["sse.nothing-lost"],
        seams: &[Seam::Plan(|_, _, plan| {
            reword(plan, |event| format!("{}\n \n\n", event.trim_end()));
        })],
    },
    Fault {
        name: "repeats-the-bom",
        summary: "a byte order mark stands before an event in mid-stream, and hides it",
        trips: &["sse.bom-first-only"],
        seams: &[Seam::Plan(|_, _, plan| {
            reword(plan, |event| format!("\u{feff}{event}"))
        })],
    },
    Fault {
        name: "retries-in-words",
        summary: "the value of `retry` is a word",
        trips: &["sse.retry-digits"],
        seams: &[Seam::Plan(|_, _, plan| {
            reword(plan, |event| format!("retry: soon\n{event}"))
        })],
    },
    Fault {
        name: "retries-with-a-unit",
        summary: "the value of `retry` is 3000ms",
        trips: &["sse.retry-digits"],
        seams: &[Seam::Plan(|_, _, plan| {
            reword(plan, |event| format!("retry: 3000ms\n{event}"))
        })],
    },
    Fault {
        name: "puts-nul-into-ids",
        summary: "an event's id holds U+0000",
        trips: &["sse.id-no-nul"],
        seams: &[Seam::Plan(|_, _, plan| {
            reword(plan, |event| format!("id: a\0b\n{event}"))
        })],
    },
    Fault {
        name: "writes-python-for-json",
        summary: "the data of an event is a dict as Python prints it",
        trips: &["sse.data-is-json"],
        seams: &[Seam::Plan(|_, _, plan| {
            reword(plan, |event| event.replace('"', "'"))
        })],
    },
    Fault {
        name: "splits-data-over-events",
        summary: "a long event is cut in two, and neither half is JSON",
        trips: &["sse.data-is-json"],
        seams: &[Seam::Plan(|_, _, plan| {
            reword(plan, |event| event.replacen("\":", "\":\n\ndata: ", 1));
        })],
    },
    Fault {
        name: "sends-lists-for-objects",
        summary: "the data of an event is a JSON array",
        trips: &["sse.data-is-json"],
        seams: &[Seam::Plan(|_, _, plan| {
            reword(plan, |event| {
                event.replacen("data: ", "data: [", 1).trim_end().to_owned() + "]\n\n"
            });
        })],
    },
    Fault {
        name: "closes-with-done",
        summary: "the stream closes with [DONE], which is not JSON",
        trips: &["sse.no-sentinel"],
        seams: &[Seam::Plan(|_, _, plan| {
            plan.frames
                .push_back(Frame::bytes(Duration::ZERO, "data: [DONE]\n\n"));
        })],
    },
    Fault {
        name: "lets-streams-be-cached",
        summary: "a stream has no Cache-Control",
        trips: &["sse.no-cache"],
        seams: &[Seam::Plan(|_, _, plan| {
            plan.head.remove(header::CACHE_CONTROL);
        })],
    },
    Fault {
        name: "caches-streams-for-a-minute",
        summary: "a stream may be cached for a minute",
        trips: &["sse.no-cache"],
        seams: &[Seam::Plan(|_, _, plan| {
            set(plan, header::CACHE_CONTROL, "max-age=60")
        })],
    },
    Fault {
        name: "lets-proxies-buffer",
        summary: "a stream has no X-Accel-Buffering",
        trips: &["sse.unbuffered"],
        seams: &[Seam::Plan(|_, _, plan| {
            plan.head.remove("x-accel-buffering");
        })],
    },
    Fault {
        name: "buffers-to-the-end",
        summary: "all events leave together, when the last one has been made",
        trips: &["sse.incremental"],
        seams: &[Seam::Plan(|_, _, plan| {
            let pause = plan.frames.iter().map(|frame| frame.pause).sum();
            let frames: Vec<_> = plan.frames.drain(..).collect();
            let make = move || frames.into_iter().flat_map(Frame::make).collect();
            plan.frames.push_back(Frame::made(pause, make));
        })],
    },
    Fault {
        name: "measures-streams",
        summary: "a stream has a Content-Length",
        trips: &["sse.no-content-length"],
        seams: &[Seam::Plan(|_, _, plan| {
            // The length must be right, or HTTP would be broken as well: so all is made at once.
            let frames = plan
                .frames
                .drain(..)
                .map(|frame| (frame.pause, frame.make()));
            let frames: Vec<_> = frames.collect();
            let length: usize = frames.iter().map(|(_, bytes)| bytes.len()).sum();
            plan.head.insert(header::CONTENT_LENGTH, length.into());
            plan.frames = frames
                .into_iter()
                .map(|(pause, bytes)| Frame::bytes(pause, bytes))
                .collect();
        })],
    },
];
