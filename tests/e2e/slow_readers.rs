//! A thousand readers that do not read cost next to nothing, and miss nothing once they do.

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use crate::process::proportional_kib;
use crate::support::{Installation, PATIENCE};

const EVENT_READERS: usize = 700;
const SOCKET_READERS: usize = 300;
/// What all of them may cost.
const MOST_KIB: u64 = 64 * 1024;
const LINES_AT_ONCE: usize = 1000;
const WRITES: usize = 36;

/// What becomes of a reader once the log has grown.
#[derive(Clone, Copy)]
enum Later {
    NeverReads,
    ReadsAll,
}

/// Asks, reads the first bytes of the answer, and no more.
async fn reader(server: &Installation, path: &str, more: &str, later: Later) -> TcpStream {
    let address = server.base.strip_prefix("http://").expect("an address");
    let socket = TcpSocket::new_v4().expect("a socket");
    if let Later::NeverReads = later {
        // The kernel is to keep little for them.
        socket.set_recv_buffer_size(4096).expect("a small buffer");
    }
    let connecting = socket.connect(address.parse().expect("an address"));
    let mut stream = connecting.await.expect("it connects");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{more}\r\n");
    stream.write_all(request.as_bytes()).await.expect("it asks");
    let mut begin = [0; 10];
    let answer = tokio::time::timeout(PATIENCE, stream.read_exact(&mut begin));
    answer.await.expect("in time").expect("an answer");
    assert!(begin.starts_with(b"HTTP/1.1 "), "{begin:?}");
    stream
}

/// Reads events until the one with this id; answers all ids.
async fn ids_until(stream: &mut TcpStream, last: usize) -> Vec<usize> {
    let mut lines = BufReader::with_capacity(64 * 1024, stream).lines();
    let mut ids = Vec::new();
    while ids.last() != Some(&last) {
        let line = tokio::time::timeout(PATIENCE, lines.next_line());
        let line = line.await.expect("in time").expect("a line");
        let line = line.expect("the stream goes on");
        ids.extend(
            line.strip_prefix("id: ")
                .and_then(|id| id.parse::<usize>().ok()),
        );
    }
    ids
}

#[tokio::test]
async fn a_thousand_readers_who_do_not_read_cost_little_and_miss_nothing() {
    let server = Installation::serve();
    let item = server.item(server.project().await, "talks").await;
    let start = format!("/work-items/{item}/start");
    let run = server.post(&start, json!(null)).await["id"].clone();
    let path = format!("/work-items/runs/{run}/logs");
    let line = "x".repeat(1000);
    let write = async || {
        let lines = vec![line.as_str(); LINES_AT_ONCE];
        server.post(&path, json!({ "lines": lines })).await;
    };
    // What writing alone takes is there before it is measured.
    for _ in 0..4 {
        write().await;
    }
    let before = proportional_kib(server.pid());

    let mut readers = Vec::new();
    let mut late = Vec::new();
    for number in 0..EVENT_READERS {
        let stream = format!("{path}/stream");
        match number {
            0 | 500 => late.push(reader(&server, &stream, "", Later::ReadsAll).await),
            _ => readers.push(reader(&server, &stream, "", Later::NeverReads).await),
        }
    }
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for _ in 0..SOCKET_READERS {
        let socket = format!("{path}/ws?format=json");
        readers.push(reader(&server, &socket, upgrade, Later::NeverReads).await);
    }
    let mut most = 0;
    for _ in 4..WRITES {
        write().await;
        most = most.max(proportional_kib(server.pid()));
    }
    let cost = most.saturating_sub(before);
    eprintln!("{} readers cost {cost} KiB", readers.len() + late.len());
    assert!(cost < MOST_KIB, "{cost} KiB, {before} KiB before");

    let last = WRITES * LINES_AT_ONCE;
    for mut reader in late {
        let ids = ids_until(&mut reader, last).await;
        assert_eq!(ids.len(), last + 1);
        assert!(ids.iter().copied().eq(0..=last));
    }
}
