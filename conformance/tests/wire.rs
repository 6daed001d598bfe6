//! The client against servers that do as no server should.

use std::time::Duration;

use acp_conformance::wire::{Client, End, Exchange, Limits, Manner, Reading, Request, Watch};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use url::Url;

/// Serves one connection with a fixed text; what it was sent comes back by the channel.
async fn server(answer: &'static [u8]) -> (Url, oneshot::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let _ = tell.send(request(&mut stream).await);
        let _ = stream.write_all(answer).await;
    });
    (Url::parse(&url).expect("a URL"), told)
}

/// Reads until the blank line and the declared length, or the end.
async fn request(stream: &mut TcpStream) -> Vec<u8> {
    let mut taken = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&taken).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return taken;
            }
        }
        if stream.read_buf(&mut taken).await.unwrap_or(0) == 0 {
            return taken;
        }
    }
}

fn client(url: &Url) -> Client {
    let limits = Limits {
        body: 1000,
        ..Limits::with_timeout(Duration::from_secs(5))
    };
    Client::new(url, Vec::new(), limits).expect("a client")
}

async fn answer_to(answer: &'static [u8]) -> Exchange {
    let (url, _told) = server(answer).await;
    client(&url).exchange(Request::get("/x")).await
}

#[tokio::test]
async fn an_answer_is_recorded_as_it_was_sent() {
    let exchange = answer_to(
        b"HTTP/1.1 200 OK\r\nX-Case: Kept\r\nx-case: twice\r\nContent-Length: 2\r\n\r\nhi",
    )
    .await;
    assert_eq!(exchange.end, End::Complete);
    let answer = exchange.answer.expect("an answer");
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, b"hi".as_slice())
    );
    let names: Vec<&str> = answer
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["X-Case", "x-case", "Content-Length"]);
    assert_eq!(answer.reads.last().map(|read| read.until), Some(2));
}

#[tokio::test]
async fn interim_answers_are_passed_over() {
    let exchange = answer_to(
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    assert_eq!(exchange.answer.map(|answer| answer.status), Some(404));
}

#[tokio::test]
async fn an_end_that_http_does_not_allow_is_told_as_what_it_is() {
    let cut = answer_to(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await;
    assert!(matches!(cut.end, End::Cut(_)), "{:?}", cut.end);
    assert_eq!(cut.answer.expect("what came").body, b"half");
    let cut =
        answer_to(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n").await;
    assert!(matches!(cut.end, End::Cut(_)), "{:?}", cut.end);
    let none = answer_to(b"").await;
    assert!(
        matches!(none.end, End::Cut(_)) && none.answer.is_none(),
        "{:?}",
        none.end
    );
    for garbage in [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n".as_slice(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let exchange = answer_to(garbage).await;
        assert!(
            matches!(exchange.end, End::NotHttp(_)),
            "{:?}",
            exchange.end
        );
    }
    let closed = answer_to(b"HTTP/1.1 200 OK\r\n\r\nuntil the end").await;
    assert_eq!(closed.end, End::Complete);
}

#[tokio::test]
async fn an_endless_body_ends_at_its_bound() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    let exchange = client(&Url::parse(&url).expect("a URL"))
        .exchange(Request::get("/"))
        .await;
    assert_eq!(exchange.end, End::TooLarge);
    assert_eq!(exchange.answer.expect("what came").body.len(), 1000);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = Url::parse(&format!(
        "http://{}",
        listener.local_addr().expect("an address")
    ));
    let limits = Limits::with_timeout(Duration::from_millis(50));
    let client = Client::new(&url.expect("a URL"), Vec::new(), limits).expect("a client");
    let exchange = client.exchange(Request::get("/")).await;
    assert_eq!(exchange.end, End::TimedOut);
}

#[tokio::test]
async fn an_answer_that_comes_before_the_request_is_sent_whole_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let answer = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n";
        let _ = stream.write_all(answer).await;
        // Keeps the connection until the client goes, and never reads.
        std::future::pending::<()>().await;
    });
    let big = Request::post("/", vec![b'x'; 32 << 20]);
    let exchange = client(&Url::parse(&url).expect("a URL"))
        .exchange(big)
        .await;
    assert_eq!(exchange.answer.map(|answer| answer.status), Some(413));
    assert_eq!(exchange.request.body.len(), Request::KEPT);
    assert_eq!(exchange.request.body_length, 32 << 20);
}

#[tokio::test]
async fn the_client_can_send_what_a_polite_one_cannot() {
    let (url, told) = server(b"").await;
    let half = Request::post("/", "0123456789").in_manner(Manner::Drops(4));
    let exchange = client(&url).exchange(half).await;
    assert_eq!(exchange.end, End::Left);
    let sent = String::from_utf8(told.await.expect("a request")).expect("UTF-8");
    assert!(
        sent.contains("Content-Length: 10\r\n") && sent.ends_with("\r\n\r\n0123"),
        "{sent}"
    );

    let (url, told) = server(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
    let more = Request::post("/", b"\xff".to_vec()).in_manner(Manner::Declares(100));
    let exchange = client(&url).exchange(more).await;
    assert_eq!(exchange.answer.map(|answer| answer.status), Some(400));
    assert!(told.await.expect("a request").ends_with(b"\r\n\r\n\xff"));
}

#[tokio::test]
async fn a_stream_can_be_left_and_can_be_given_a_time_to_end() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst";
    let (url, _told) = server(head).await;
    let mut leave = |_: &[u8]| Watch::Leave;
    let exchange = client(&url)
        .exchange_reading(Request::get("/"), Reading::Stream(&mut leave))
        .await;
    assert_eq!(exchange.end, End::Left);

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        request(&mut stream).await;
        let _ = stream.write_all(head).await;
        std::future::pending::<()>().await;
    });
    let mut hurry = |_: &[u8]| Watch::EndsWithin(Duration::from_millis(20));
    let client = client(&Url::parse(&url).expect("a URL"));
    let exchange = client
        .exchange_reading(Request::get("/"), Reading::Stream(&mut hurry))
        .await;
    assert_eq!(exchange.end, End::TimedOut);
}

#[tokio::test]
async fn the_users_fields_go_with_every_request_but_anonymous_ones() {
    for (is_anonymous, expected) in [(false, true), (true, false)] {
        let (url, told) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        let headers = vec![("X-API-Key".to_owned(), "k".to_owned())];
        let limits = Limits::with_timeout(Duration::from_secs(5));
        let client = Client::new(&url, headers, limits).expect("a client");
        client
            .exchange(Request {
                is_anonymous,
                ..Request::get("/auth")
            })
            .await;
        let sent = String::from_utf8(told.await.expect("a request")).expect("UTF-8");
        assert_eq!(sent.contains("X-API-Key: k\r\n"), expected, "{sent}");
    }
}

#[tokio::test]
async fn several_requests_share_a_connection_as_long_as_it_lasts() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        for connection in ["keep-alive", "close"] {
            request(&mut stream).await;
            let answer =
                format!("HTTP/1.1 200 OK\r\nConnection: {connection}\r\nContent-Length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let requests = vec![Request::get("/1"), Request::get("/2"), Request::get("/3")];
    let exchanges = client(&Url::parse(&url).expect("a URL"))
        .converse(requests)
        .await;
    assert_eq!(exchanges.len(), 2);
    assert!(
        exchanges
            .iter()
            .all(|exchange| exchange.end == End::Complete)
    );
}

#[test]
fn urls_that_cannot_be_an_agents_are_refused() {
    for url in ["ftp://x", "http://u:p@x", "http://x/?q", "http://x/#f"] {
        let url = Url::parse(url).expect("a URL");
        let limits = Limits::with_timeout(Duration::from_secs(1));
        assert!(Client::new(&url, Vec::new(), limits).is_err(), "{url}");
    }
}
