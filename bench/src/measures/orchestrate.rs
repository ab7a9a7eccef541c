//! What `/api/orchestrate` adds to a model's own time: three roles against a model that takes 20 ms for each.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::Measured;
use crate::figure::Figure;
use crate::server::Server;
use crate::setup::Setup;

/// What the model takes for an answer.
const THINKS: Duration = Duration::from_millis(20);
const ROLES: [&str; 3] = ["spec", "code", "reviewer"];
/// Requests of one round.
const REQUESTS: usize = 20;

pub async fn measure(setup: &Setup) -> Measured {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}/v1", listener.local_addr()?);
    let model = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A connection that breaks is its caller's affair.
            tokio::spawn(answer(stream));
        }
    });
    let server = Server::start_with(setup, "serve", &[("ORCH_OPENAI_BASE_URL", &base)]).await?;
    let mut wire = server.wire().await?;
    let body = json!({"prompt": "a shop for bikes", "agent_sequence": ROLES}).to_string();
    let mut added = Vec::new();
    for round in 0..=setup.rounds {
        for _ in 0..REQUESTS {
            let begun = Instant::now();
            let done: Value =
                serde_json::from_slice(wire.post("/api/orchestrate", body.as_bytes()).await?)?;
            let took = begun.elapsed();
            ensure!(done["status"] == "completed", "a request failed: {done}");
            // The first round makes connections and fills caches.
            if round > 0 {
                let own = took.saturating_sub(THINKS * ROLES.len() as u32);
                added.push(own.as_secs_f64() * 1000.0 / ROLES.len() as f64);
            }
        }
    }
    model.abort();
    Ok(vec![Figure::new(
        "orchestrate, added to the model's time for each role",
        "ms",
        "< 5",
        added,
    )])
}

/// Answers requests of one connection: whatever is asked, after the same time.
async fn answer(mut stream: TcpStream) -> anyhow::Result<()> {
    let body = json!({
        "id": "r", "object": "response", "status": "completed", "model": "bench",
        "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]}],
        "usage": {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110},
    })
    .to_string();
    let reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut read = Vec::new();
    loop {
        let head = loop {
            if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
        let length: usize = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .context("a request without a length")?
            .trim()
            .parse()?;
        while read.len() < head + length {
            ensure!(stream.read_buf(&mut read).await? > 0, "a request broke off");
        }
        read.drain(..head + length);
        tokio::time::sleep(THINKS).await;
        stream.write_all(reply.as_bytes()).await?;
    }
}
