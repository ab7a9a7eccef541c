//! What depends on a real connection: refusals that must reach a client which is still sending,
//! odd request targets, and the WebSocket handshake.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::super::{ApiToken, EdgeConfig, apply};
use super::world::{area, config};

/// Serves on a port of its own for as long as the test's runtime lives.
async fn serve(config: EdgeConfig) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = apply(area(), &config);
    let service = server.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// Sends head and then `chunks` pieces of a body before it reads anything, as a simple client does.
async fn send_all_then_read(
    address: SocketAddr,
    head: &str,
    piece: &[u8],
    pieces: usize,
) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..pieces {
        socket.write_all(piece).await.unwrap();
    }
    read(&mut socket).await
}

/// The answer until the server closes.
async fn read(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let whole = socket.read_to_end(&mut answer);
    let in_time = tokio::time::timeout(Duration::from_secs(30), whole).await;
    in_time.expect("the server closes the connection").unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_a_large_body_to_its_end_reads_the_refusal() {
    let address = serve(config()).await;
    let piece = vec![b'x'; 1024 * 1024];
    let head = "POST /projects HTTP/1.1\r\nhost: localhost\r\ncontent-length: 67108864\r\n\r\n";
    let answer = send_all_then_read(address, head, &piece, 64).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("/problems/too-large"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_streams_without_an_announced_length_reads_the_refusal() {
    let address = serve(config()).await;
    let mut piece = b"100000\r\n".to_vec();
    piece.resize(piece.len() + 0x10_0000, b' ');
    piece.extend_from_slice(b"\r\n");
    let head = "POST /projects HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..32 {
        socket.write_all(&piece).await.unwrap();
    }
    socket.write_all(b"0\r\n\r\n").await.unwrap();
    let answer = read(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refusal_of_an_announced_body_does_not_wait_for_it() {
    let address = serve(config()).await;
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = "POST /projects HTTP/1.1\r\nhost: localhost\r\ncontent-length: 67108864\r\n\r\nxx";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut start = [0; 13];
    let answer = socket.read_exact(&mut start);
    tokio::time::timeout(Duration::from_secs(5), answer)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&start, b"HTTP/1.1 413 ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_to_continue_is_refused_without_sending() {
    let address = serve(config()).await;
    let head = "POST /projects HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
                content-length: 67108864\r\n\r\n";
    let answer = send_all_then_read(address, head, b"", 0).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_above_the_handler_reaches_a_client_that_is_still_sending() {
    let token = Some(ApiToken::parse("s3cret").unwrap());
    let address = serve(EdgeConfig { token, ..config() }).await;
    let piece = vec![b'x'; 1024 * 1024];
    for (host, status) in [("localhost", "401"), ("evil.example", "403")] {
        let head = format!(
            "POST /artifacts HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             content-length: 33554432\r\n\r\n"
        );
        let answer = send_all_then_read(address, &head, &piece, 32).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_on_after_a_refused_body() {
    let address = serve(config()).await;
    let both = "POST /nowhere HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nhello\
                GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = send_all_then_read(address, both, b"", 0).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\nuser"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_request_targets_are_answered() {
    let address = serve(config()).await;
    for (target, status) in [
        ("OPTIONS *", "404"),
        ("GET //health//", "200"),
        ("GET http://localhost/health", "200"),
        ("GET http://evil.example/health", "400"),
        ("CONNECT localhost:80", "400"),
    ] {
        let head = format!("{target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let answer = send_all_then_read(address, &head, b"", 0).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{target}: {answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admitted_websocket_handshake_goes_through_the_whole_edge() {
    let address = serve(config()).await;
    let mut socket = TcpStream::connect(address).await.unwrap();
    let handshake = "GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n\
                     upgrade: websocket\r\nsec-websocket-version: 13\r\n\
                     sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\norigin: http://localhost\r\n\r\n";
    socket.write_all(handshake.as_bytes()).await.unwrap();
    let answer = read(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
}
