//! A private S3-compatible server (moto) on a free port. It ends with its handle, and with the process
//! that started it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
pub struct S3 {
    server: Option<Child>,
    port: u16,
}

impl S3 {
    /// Starts a server; panics with what to do where moto is missing.
    pub fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a free port")
            .port();
        let mut this = Self { server: None, port };
        this.up();
        this
    }

    /// Starts it again, empty, at the same address.
    pub fn up(&mut self) {
        let program = std::env::var("MOTO_BIN").expect(
            "MOTO_BIN names moto_server: run the tests by scripts/run-tests, which installs it",
        );
        let mut command = Command::new(&program);
        command
            .args(["-H", "127.0.0.1", "-p", &self.port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let server = command.spawn();
        self.server = Some(server.unwrap_or_else(|error| panic!("{program}: {error}")));
        let begun = Instant::now();
        while self.call("GET", "/", &[]).is_none() {
            assert!(begun.elapsed() < PATIENCE, "moto_server is not ready");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it with all that it kept.
    pub fn down(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes a bucket.
    pub fn bucket(&self, name: &str) {
        let answer = self.call("PUT", &format!("/{name}"), &[]);
        assert!(
            answer.is_some_and(|answer| answer.starts_with("HTTP/1.1 200")),
            "the bucket could not be made"
        );
    }

    /// Puts bytes under a key, behind everybody's back.
    pub fn put(&self, bucket: &str, key: &str, bytes: &[u8]) {
        let answer = self.call("PUT", &format!("/{bucket}/{key}"), bytes);
        assert!(answer.is_some_and(|answer| answer.starts_with("HTTP/1.1 200")));
    }

    /// What a plain request answers.
    pub fn get(&self, path: &str) -> String {
        self.call("GET", path, &[]).expect("an answer")
    }

    fn call(&self, method: &str, path: &str, body: &[u8]) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.port,
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        (!answer.is_empty()).then(|| String::from_utf8_lossy(&answer).into_owned())
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.down();
    }
}
