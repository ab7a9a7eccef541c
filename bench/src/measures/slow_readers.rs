//! What followers cost who hardly read: a thousand of them on a log that grows by 64 MB.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::Measured;
use crate::figure::Figure;
use crate::load::Talking;
use crate::process;
use crate::server::Server;
use crate::setup::Setup;

const READERS: usize = 1000;
const WARM_UP: usize = 8;
const WRITES: usize = 64;

pub async fn measure(setup: &Setup) -> Measured {
    let server = Server::start(setup).await?;
    let mut wire = server.wire().await?;
    let Talking { path, body } = Talking::start(&server, &mut wire).await?;
    for _ in 0..WARM_UP {
        wire.post(&path, &body).await?;
    }
    let alone = Instant::now();
    for _ in 0..WARM_UP {
        wire.post(&path, &body).await?;
    }
    let alone = WARM_UP as f64 / alone.elapsed().as_secs_f64();
    let (_, before) = process::memory_mib(server.pid());
    let mut readers = Vec::with_capacity(READERS);
    for _ in 0..READERS {
        readers.push(reader(&server.base, &format!("{path}/stream")).await?);
    }
    let (cpu, begun) = (server.cpu_seconds(), Instant::now());
    let mut most = before;
    for _ in 0..WRITES {
        wire.post(&path, &body).await?;
        most = most.max(process::memory_mib(server.pid()).1);
    }
    let written = WRITES as f64 / begun.elapsed().as_secs_f64();
    let cpu = server.cpu_seconds() - cpu;
    drop(readers);
    let name = |what: &str| format!("{READERS} slow readers: {what}");
    Ok(vec![
        Figure::new(name("memory of all"), "MiB", "< 64", vec![most - before]),
        Figure::new(name("written meanwhile"), "MB/s", "", vec![written]),
        Figure::new("the same without readers", "MB/s", "", vec![alone]),
        Figure::new(name("CPU for 64 MB"), "s", "", vec![cpu]),
    ])
}

/// Asks, reads the first bytes of the answer, and no more.
async fn reader(base: &str, path: &str) -> anyhow::Result<TcpStream> {
    let host = base.strip_prefix("http://").context("an http address")?;
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    let mut stream = socket.connect(host.parse()?).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut begin = [0; 12];
    stream.read_exact(&mut begin).await?;
    ensure!(begin == *b"HTTP/1.1 200", "no answer but {begin:?}");
    Ok(stream)
}
