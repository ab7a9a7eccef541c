//! Messages as lines over a pair of streams.
//!
//! What is no message is answered as JSON-RPC says, one answer at a time, and the talk goes on. A line is
//! never kept beyond its bound.

use std::io;
use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::model::{ClientRequest, JsonRpcMessage};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::tools::{self, Pace};

/// A longer line is no message. More than arguments may have: who sends too many is told so by its message's id,
/// which a line that is passed over does not tell.
const LONGEST_LINE_BYTES: usize = 16 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Lines of one caller.
pub(super) struct Lines<R, W> {
    read: BufReader<R>,
    line: Vec<u8>,
    /// The rest of a line that was too long is passed over.
    passing_over: bool,
    write: Arc<Mutex<W>>,
    /// What was no message is being answered.
    answering: Option<JoinHandle<()>>,
}

impl<R, W> Lines<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    pub(super) fn new(read: R, write: W) -> Self {
        Self {
            read: BufReader::new(read),
            line: Vec::new(),
            passing_over: false,
            write: Arc::new(Mutex::new(write)),
            answering: None,
        }
    }

    /// The next line, or that it was too long; none at the end. May be dropped at any time: what was read
    /// stays.
    async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let available = self.read.fill_buf().await?;
            if available.is_empty() {
                return Ok(None);
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(available.len(), |at| at + 1);
            let too_long = self.line.len() + taken > LONGEST_LINE_BYTES;
            if !self.passing_over && !too_long {
                self.line.extend_from_slice(&available[..taken]);
            }
            self.read.consume(taken);
            let was_passing_over = self.passing_over;
            self.passing_over = end.is_none() && (too_long || was_passing_over);
            if too_long && !was_passing_over {
                self.line = Vec::new();
                return Ok(Some(Line::TooLong));
            }
            if end.is_some() && !was_passing_over {
                return Ok(Some(Line::Whole(std::mem::take(&mut self.line))));
            }
        }
    }

    fn answer(&mut self, fault: &Value) {
        let mut line = fault.to_string();
        line.push('\n');
        let write = Arc::clone(&self.write);
        // In a task of its own: this one may be dropped in the middle of a line.
        self.answering = Some(tokio::spawn(async move {
            // Whoever does not read any more ends its input, too.
            let _ = put(&write, line.as_bytes()).await;
        }));
    }
}

enum Line {
    Whole(Vec<u8>),
    TooLong,
}

async fn put<W: AsyncWrite + Unpin>(write: &Mutex<W>, line: &[u8]) -> io::Result<()> {
    let mut write = write.lock().await;
    write.write_all(line).await?;
    write.flush().await
}

impl<R, W> Transport<RoleServer> for Lines<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let write = Arc::clone(&self.write);
        async move {
            let mut line = serde_json::to_vec(&message)?;
            line.push(b'\n');
            put(&write, &line).await
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            // One at a time: a flood of junk is read as slowly as its answers are.
            if let Some(answering) = &mut self.answering {
                let _ = answering.await;
                self.answering = None;
            }
            let line = match self.next().await {
                Ok(Some(Line::Whole(line))) => line,
                Ok(Some(Line::TooLong)) => {
                    let what = format!("a message has at most {LONGEST_LINE_BYTES} bytes");
                    self.answer(&fault(-32600, &what, Value::Null));
                    continue;
                }
                Ok(None) => return None,
                Err(error) => {
                    tracing::error!(%error, "the input cannot be read");
                    return None;
                }
            };
            match read(&line) {
                Read::Message(message) => return Some(*message),
                Read::Nothing => {}
                Read::Fault(fault) => self.answer(&fault),
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.write.lock().await.flush().await
    }
}

enum Read {
    Message(Box<RxJsonRpcMessage<RoleServer>>),
    /// An empty line, or a notification that means nothing here: nobody waits for an answer.
    Nothing,
    Fault(Value),
}

fn read(line: &[u8]) -> Read {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    if line.trim_ascii().is_empty() {
        return Read::Nothing;
    }
    match serde_json::from_slice(line) {
        Ok(message) => Read::Message(Box::new(message)),
        Err(_) => no_message(line),
    }
}

fn no_message(line: &[u8]) -> Read {
    let value: Value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(error) => return Read::Fault(parse_error(&error)),
    };
    let id = value.get("id");
    if id.is_none() && value["method"].is_string() {
        return Read::Nothing;
    }
    let id = id.filter(|id| id.is_string() || id.is_number());
    let what =
        "no message of the protocol: an object with `jsonrpc`, `id`, `method` and `params` is one";
    Read::Fault(fault(-32600, what, id.cloned().unwrap_or_default()))
}

/// What came in one body over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub enum Judged {
    /// A message, and how long it may take to answer.
    Message(Pace),
    /// A notification that means nothing here.
    Nothing,
    /// No message; this is the answer.
    Fault(Value),
}

/// Whether a body is a message.
#[must_use]
pub fn judge(body: &[u8]) -> Judged {
    match read(body) {
        Read::Message(message) => Judged::Message(pace(&message)),
        Read::Nothing if body.trim_ascii().is_empty() => {
            Judged::Fault(fault(-32700, "no JSON: the body is empty", Value::Null))
        }
        Read::Nothing => Judged::Nothing,
        Read::Fault(fault) => Judged::Fault(fault),
    }
}

fn pace(message: &RxJsonRpcMessage<RoleServer>) -> Pace {
    match message {
        JsonRpcMessage::Request(asked) => match &asked.request {
            ClientRequest::CallToolRequest(call) => tools::pace(&call.params.name),
            _ => Pace::Short,
        },
        JsonRpcMessage::Response(_)
        | JsonRpcMessage::Notification(_)
        | JsonRpcMessage::Error(_) => Pace::Short,
    }
}

/// The answer to what is no JSON.
fn parse_error(error: &serde_json::Error) -> Value {
    fault(-32700, &format!("no JSON: {error}"), Value::Null)
}

fn fault(code: i32, message: &str, id: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    async fn answers(input: Vec<u8>) -> (Vec<RxJsonRpcMessage<RoleServer>>, Vec<Value>) {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let mut lines = Lines::new(input.as_slice(), theirs);
        let mut messages = Vec::new();
        while let Some(message) = lines.receive().await {
            messages.push(message);
        }
        drop(lines);
        let mut said = String::new();
        tokio::io::split(ours)
            .0
            .read_to_string(&mut said)
            .await
            .unwrap();
        let said = said.lines().map(|line| serde_json::from_str(line).unwrap());
        (messages, said.collect())
    }

    const PING: &str = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;

    #[tokio::test]
    async fn what_is_no_message_is_answered_and_the_next_one_is_read() {
        let junk = "{\n\u{1}\n\n[]\n{\"jsonrpc\":\"2.0\",\"id\":3}\n";
        let odd = r#"{"jsonrpc":"2.0","method":"notifications/of-another-kind","params":[]}"#;
        let (messages, said) = answers(format!("{junk}{odd}\n{PING}\r\n").into_bytes()).await;
        assert_eq!(messages.len(), 1, "{messages:?}");
        let said: Vec<(&Value, &Value)> = said
            .iter()
            .map(|fault| (&fault["error"]["code"], &fault["id"]))
            .collect();
        let (parse, invalid) = (json!(-32700), json!(-32600));
        let expected = [
            (&parse, &Value::Null),
            (&parse, &Value::Null),
            (&invalid, &Value::Null),
            (&invalid, &json!(3)),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_call_that_waits_is_told_from_others() {
        let call = |method: &str, name: &str| {
            let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"name": name, "arguments": {}}});
            judge(message.to_string().as_bytes())
        };
        for name in ["await_answer", "await_approval"] {
            assert_eq!(call("tools/call", name), Judged::Message(Pace::Waits));
            assert_eq!(call("tools/list", name), Judged::Message(Pace::Short));
        }
        for name in ["list_projects", "await", ""] {
            assert_eq!(call("tools/call", name), Judged::Message(Pace::Short));
        }
        assert_eq!(judge(PING.as_bytes()), Judged::Message(Pace::Short));
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_passed_over_to_its_end() {
        let mut input = vec![b'x'; LONGEST_LINE_BYTES + 5_000_000];
        input.extend_from_slice(format!("\n{PING}\n").as_bytes());
        let (messages, said) = answers(input).await;
        assert_eq!((messages.len(), said.len()), (1, 1));
        assert_eq!(said[0]["error"]["code"], -32600, "{said:?}");
    }
}
