//! Starting a program that serves tools, and ending it with all that it started.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use orch_model::{Group, MARK, Mark};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::error::Why;

/// What a program finds in its environment by itself: nothing that holds a secret of ours.
const INHERITED: [&str; 9] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TZ",
    "XDG_CONFIG_HOME",
];
/// Bytes of what a program complains about; the last of them are kept.
const COMPLAINT_BYTES: usize = 2 << 10;

/// A program that runs. It and all that it started, in its process group or with its environment, end when this is
/// dropped.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    group: Group,
    complaint: Arc<Mutex<Vec<u8>>>,
}

/// Starts it; its output is for the protocol alone.
pub(super) fn start(
    program: &str,
    arguments: &[String],
    environment: &[String],
) -> Result<(Program, ChildStdout, ChildStdin), Why> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    for name in INHERITED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    for name in environment {
        let value = std::env::var_os(name).ok_or_else(|| Why::NoVariable(name.clone()))?;
        command.env(name, value);
    }
    let mark = Mark::new();
    command.env(MARK, mark.value());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Why::NoStart(program.to_owned(), error))?;
    let group = Group::led_by(child.id(), mark);
    let complaint = Arc::new(Mutex::new(Vec::new()));
    let stdin = child.stdin.take().expect("invariant: it is piped");
    let stdout = child.stdout.take().expect("invariant: it is piped");
    if let Some(mut stderr) = child.stderr.take() {
        let kept = Arc::clone(&complaint);
        tokio::spawn(async move {
            let mut piece = vec![0; 4 << 10];
            while let Ok(read @ 1..) = stderr.read(&mut piece).await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&piece[..read]);
                let over = kept.len().saturating_sub(COMPLAINT_BYTES);
                kept.drain(..over);
            }
        });
    }
    let program = Program {
        child,
        group,
        complaint,
    };
    Ok((program, stdout, stdin))
}

impl Program {
    /// What it said on standard error, as the end of a sentence.
    pub(super) fn complaint(&self) -> String {
        let kept = self
            .complaint
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let said = String::from_utf8_lossy(&kept);
        let said: String = said
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .filter(|c| !c.is_control())
            .take(600)
            .collect();
        match said.is_empty() {
            true => String::new(),
            false => format!("; it said: {said}"),
        }
    }

    /// Waits for its own end, which comes with that of its input, and ends what it left.
    pub(super) async fn ended(&mut self) {
        let _ = self.child.wait().await;
        self.group.end();
    }
}
