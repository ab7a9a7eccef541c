//! A client of the API that costs next to nothing: one HTTP/1.1 connection that is kept alive,
//! bodies made beforehand, answers handed out as bytes.
//!
//! The load generator shares the processors with what it measures.

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// One connection.
pub struct Wire {
    stream: BufReader<TcpStream>,
    host: String,
    out: Vec<u8>,
    answer: Vec<u8>,
    line: String,
}

impl Wire {
    /// Connects to `base`, such as `http://127.0.0.1:18080`.
    pub async fn open(base: &str) -> anyhow::Result<Self> {
        let host = base.strip_prefix("http://").context("an http address")?;
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::with_capacity(64 * 1024, stream),
            host: host.to_owned(),
            out: Vec::new(),
            answer: Vec::new(),
            line: String::new(),
        })
    }

    pub async fn post(&mut self, path: &str, body: &[u8]) -> anyhow::Result<&[u8]> {
        self.call("POST", path, body).await
    }

    pub async fn get(&mut self, path: &str) -> anyhow::Result<&[u8]> {
        self.call("GET", path, b"").await
    }

    async fn call(&mut self, method: &str, path: &str, body: &[u8]) -> anyhow::Result<&[u8]> {
        use std::io::Write as _;
        self.out.clear();
        let (host, length) = (&self.host, body.len());
        write!(
            self.out,
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n"
        )?;
        self.out.extend_from_slice(body);
        self.stream.get_mut().write_all(&self.out).await?;
        let status = self.head_line().await?;
        let code = status
            .split(' ')
            .nth(1)
            .context("a status line")?
            .to_owned();
        let mut length = None;
        loop {
            let line = self.head_line().await?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').context("a header")?;
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse::<usize>()?);
            }
        }
        let length = length.context("an answer of known length")?;
        self.answer.resize(length, 0);
        self.stream.read_exact(&mut self.answer).await?;
        if !code.starts_with('2') {
            let text = String::from_utf8_lossy(&self.answer);
            bail!("{method} {path}: {code} {text}");
        }
        Ok(&self.answer)
    }

    async fn head_line(&mut self) -> anyhow::Result<&str> {
        self.line.clear();
        let read = self.stream.read_line(&mut self.line).await?;
        ensure!(read > 0, "the server closed the connection");
        Ok(self.line.trim_end())
    }
}

/// The first `"id":` of an answer. Ids of one batch follow each other.
pub fn first_id(answer: &[u8]) -> anyhow::Result<i64> {
    number_after(answer, b"\"id\":").context("an id in the answer")
}

/// The number that follows `key` the first time.
pub fn number_after(answer: &[u8], key: &[u8]) -> Option<i64> {
    let at = find(answer, key)? + key.len();
    let digits = answer[at..].iter().take_while(|byte| byte.is_ascii_digit());
    let count = digits.count();
    std::str::from_utf8(&answer[at..at + count])
        .ok()?
        .parse()
        .ok()
}

/// Where `needle` begins.
pub fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|part| part == needle)
}
