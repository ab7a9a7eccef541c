//! Starting a program that serves tools, and ending it with all that it started.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
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

/// A program that runs. It and its process group end when this is dropped.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    group: Option<Pid>,
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
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Why::NoStart(program.to_owned(), error))?;
    let leader = child.id().and_then(|id| i32::try_from(id).ok());
    let group = leader.filter(|leader| *leader > 1).map(Pid::from_raw);
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

    /// Waits for its own end, which comes with that of its input.
    pub(super) async fn ended(&mut self) {
        let _ = self.child.wait().await;
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(group) = self.group.take() {
            // None left is what is wanted.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}
