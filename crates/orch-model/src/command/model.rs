//! One program that answers.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::Speech;
use super::group::Group;
use super::stray::{MARK, Mark};
use crate::{Answer, Ask, Asking, Deltas, LARGEST_ANSWER_BYTES, ModelError, Provider, said};

/// Bytes of what a program complains about; the last of them are kept.
const LARGEST_COMPLAINT_BYTES: usize = 8 << 10;
/// How long output may stay open once the program and its group have ended.
const CLOSES_WITHIN: Duration = Duration::from_secs(1);
/// How a program says that trying again may help (`EX_TEMPFAIL` of sysexits.h).
const TRY_AGAIN: i32 = 75;
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

/// A model behind a program. Each request starts it anew; it and all that it started, in its process group or
/// with its environment, is ended with the answer, at the timeout, and when the answer is given up.
#[derive(Clone)]
pub struct CommandModel {
    model: String,
    program: OsString,
    arguments: Vec<OsString>,
    speech: Speech,
    timeout: Duration,
    folder: Option<PathBuf>,
    environment: Vec<(OsString, OsString)>,
}

impl CommandModel {
    /// `model` is its name for prices and recordings; `program` is run without a shell.
    #[must_use]
    pub fn new(
        model: impl Into<String>,
        program: impl Into<OsString>,
        arguments: Vec<OsString>,
        speech: Speech,
    ) -> Self {
        Self {
            model: model.into(),
            program: program.into(),
            arguments,
            speech,
            timeout: Duration::from_secs(600),
            folder: None,
            environment: Vec::new(),
        }
    }

    /// From its start to the end of its answer.
    #[must_use]
    pub fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Where it runs; by default, where this program does.
    #[must_use]
    pub fn in_folder(self, folder: PathBuf) -> Self {
        Self {
            folder: Some(folder),
            ..self
        }
    }

    /// A variable beside those of a login (`PATH`, `HOME` and the like): nothing else is passed on.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    fn name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    fn failed(&self, why: impl Into<String>) -> ModelError {
        ModelError::Command {
            program: self.name(),
            why: why.into(),
        }
    }

    fn start(&self, mark: &Mark) -> Result<Child, ModelError> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear();
        for name in INHERITED {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env(MARK, mark.value());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
            .spawn()
            .map_err(|error| self.failed(error.to_string()))
    }

    async fn asked(&self, ask: &Ask, deltas: Deltas<'_>) -> Result<Answer, ModelError> {
        if self.speech == Speech::Text && !ask.tools.is_empty() {
            return Err(self.failed(
                "it is spoken to in plain text, which has no way to call tools: let it speak JSON, or ask another model",
            ));
        }
        let mark = Mark::new();
        let mut child = self.start(&mark)?;
        let mut group = Group::led_by(child.id(), mark);
        let answering = self.converse(&mut child, &mut group, ask, deltas);
        match timeout(self.timeout, answering).await {
            Ok(answered) => answered,
            Err(_) => {
                group.end();
                Err(ModelError::TimedOut {
                    place: self.name(),
                    after_ms: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX),
                })
            }
        }
    }

    async fn converse(
        &self,
        child: &mut Child,
        group: &mut Group,
        ask: &Ask,
        deltas: Deltas<'_>,
    ) -> Result<Answer, ModelError> {
        let (mut stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let request = self.speech.request(&self.model, ask);
        let write = async {
            if let Some(mut stdin) = stdin.take() {
                // A program may answer without having read all; whether it did well, its end tells.
                let _ = stdin.write_all(&request).await;
                let _ = stdin.shutdown().await;
            }
            Ok(())
        };
        let mut shown = Shown::default();
        let mut show = |piece: &[u8]| {
            if self.speech == Speech::Text {
                shown.show(piece, deltas);
            }
        };
        let (mut output, mut complaint) = (Vec::new(), Vec::new());
        let status = {
            let talk = async {
                let read = read_whole(stdout, &mut output, &mut show);
                let complain = read_last(stderr, &mut complaint);
                // Too much ends it at once; all else is waited for.
                tokio::try_join!(write, read, complain).map(|_| ())
            };
            let mut talk = std::pin::pin!(talk);
            let mut talked = false;
            let status = loop {
                tokio::select! {
                    said = &mut talk, if !talked => match said {
                        Err(TooMuch) => break None,
                        Ok(()) => talked = true,
                    },
                    status = child.wait() => break Some(status),
                }
            };
            // Whoever is left holds the output open.
            group.end();
            // What is out of the group's reach may still hold it: the answer is what was written until here.
            let exceeded = !talked
                && status.is_some()
                && timeout(CLOSES_WITHIN, talk).await == Ok(Err(TooMuch));
            status.filter(|_| !exceeded)
        };
        let Some(status) = status else {
            return Err(ModelError::TooLarge {
                place: self.name(),
                limit_bytes: LARGEST_ANSWER_BYTES,
            });
        };
        let status = status.map_err(|error| self.failed(error.to_string()))?;
        if !status.success() {
            let complaint = said::clean(&String::from_utf8_lossy(&complaint), None);
            let complaint = match complaint.is_empty() {
                true => "it said nothing".to_owned(),
                false => complaint,
            };
            if status.code() == Some(TRY_AGAIN) {
                return Err(ModelError::Unreachable {
                    place: self.name(),
                    why: complaint,
                });
            }
            return Err(self.failed(format!("it ended with {status}: {complaint}")));
        }
        let mut answer = self.speech.answer(&self.name(), output)?;
        self.model.clone_into(&mut answer.model);
        if self.speech == Speech::Json && !answer.text.is_empty() {
            deltas(&answer.text);
        }
        Ok(answer)
    }
}

/// An output goes beyond its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TooMuch;

async fn read_whole(
    from: Option<impl AsyncRead + Unpin>,
    into: &mut Vec<u8>,
    show: &mut (dyn FnMut(&[u8]) + Send),
) -> Result<(), TooMuch> {
    let Some(mut from) = from else {
        return Ok(());
    };
    let mut piece = vec![0; 16 << 10];
    loop {
        match from.read(&mut piece).await {
            Ok(0) | Err(_) => return Ok(()),
            Ok(read) if into.len() + read > LARGEST_ANSWER_BYTES => return Err(TooMuch),
            Ok(read) => {
                into.extend_from_slice(&piece[..read]);
                show(&piece[..read]);
            }
        }
    }
}

async fn read_last(
    from: Option<impl AsyncRead + Unpin>,
    into: &mut Vec<u8>,
) -> Result<(), TooMuch> {
    let Some(mut from) = from else {
        return Ok(());
    };
    let mut piece = vec![0; 4 << 10];
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        into.extend_from_slice(&piece[..read]);
        let over = into.len().saturating_sub(LARGEST_COMPLAINT_BYTES);
        into.drain(..over);
    }
    Ok(())
}

/// Shows text as it comes; a letter that is not whole waits for its rest.
#[derive(Default)]
struct Shown {
    waiting: Vec<u8>,
}

impl Shown {
    fn show(&mut self, piece: &[u8], deltas: Deltas<'_>) {
        self.waiting.extend_from_slice(piece);
        let whole = match std::str::from_utf8(&self.waiting) {
            Ok(text) => text.len(),
            // What can become no letter any more is shown as what it is: junk.
            Err(error) if error.error_len().is_some() => self.waiting.len(),
            Err(error) => error.valid_up_to(),
        };
        if whole > 0 {
            deltas(&String::from_utf8_lossy(&self.waiting[..whole]));
            self.waiting.drain(..whole);
        }
    }
}

impl Provider for CommandModel {
    fn model(&self) -> &str {
        &self.model
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(self.asked(ask, deltas))
    }
}

/// Without its arguments and variables, which may hold a key.
impl std::fmt::Debug for CommandModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommandModel")
            .field("model", &self.model)
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}
