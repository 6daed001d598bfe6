//! A server that does next to nothing, so that whoever asks it is the bottleneck. For
//! `scripts/bench-load-peers.sh`.
//!
//! `still PORT`: answers `GET /schema` with a schema, `GET /seen` with how many `POST`s it
//! has answered since it was last asked, and in how many nanoseconds, and all else with one output.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

const SCHEMA: &str = r#"{"input": {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}}, "required": ["city"]}}"#;
const OUTPUT: &str = r#"{"output": {"advice": "Take an umbrella, and mind the wind from the north-east.", "days": [1, 2, 3]}}"#;
/// No request that is sent to it is longer.
const LONGEST: usize = 16 * 1024;

/// How many requests, and when the first and the last were answered.
type Seen = Rc<RefCell<(u64, Option<(Instant, Instant)>)>>;

fn main() -> io::Result<()> {
    let port = std::env::args()
        .nth(1)
        .ok_or(io::Error::other("usage: still PORT"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
        let seen = Seen::default();
        loop {
            let (socket, _) = listener.accept().await?;
            let seen = seen.clone();
            // A client that leaves is no concern here.
            tokio::task::spawn_local(async move { drop(serve(socket, &seen).await) });
        }
    })
}

async fn serve(mut socket: TcpStream, seen: &Seen) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let ok = |body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    let (schema, output) = (ok(SCHEMA), ok(OUTPUT));
    let mut buffer = vec![0; LONGEST];
    let mut filled = 0;
    loop {
        let read = socket.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        while let Some(length) = request(&buffer[..filled]) {
            if buffer.starts_with(b"GET /schema") {
                socket.write_all(schema.as_bytes()).await?;
            } else if buffer.starts_with(b"GET /seen") {
                let (count, times) = seen.take();
                let nanos = times.map_or(0, |(first, last)| (last - first).as_nanos());
                socket
                    .write_all(ok(&format!("[{count}, {nanos}]")).as_bytes())
                    .await?;
            } else {
                // Not what a client asks before it begins.
                if buffer.starts_with(b"POST ") {
                    note(seen);
                }
                socket.write_all(output.as_bytes()).await?;
            }
            buffer.copy_within(length..filled, 0);
            filled -= length;
        }
    }
}

fn note(seen: &Seen) {
    let now = Instant::now();
    let mut seen = seen.borrow_mut();
    seen.0 += 1;
    seen.1 = Some((seen.1.map_or(now, |(first, _)| first), now));
}

/// How long the request at the beginning is, if it is there as a whole.
fn request(bytes: &[u8]) -> Option<usize> {
    let head = memchr::memmem::find(bytes, b"\r\n\r\n")? + 4;
    let fields = bytes[..head].split(|byte| *byte == b'\n');
    let length = fields.filter_map(|field| {
        let colon = memchr::memchr(b':', field)?;
        let (name, value) = (&field[..colon], &field[colon + 1..]);
        let is_length = name.eq_ignore_ascii_case(b"content-length");
        is_length.then(|| {
            std::str::from_utf8(value)
                .ok()?
                .trim()
                .parse::<usize>()
                .ok()
        })?
    });
    let whole = head + length.sum::<usize>();
    (bytes.len() >= whole).then_some(whole)
}
