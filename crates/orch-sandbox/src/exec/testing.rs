//! What the tests of running commands share: a run's folder with commands in it, and a command
//! while it runs.

use std::{fs, time::Duration};

use jiff::Timestamp;
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Command, ExecError, Exit, Line, Program, RunFolder, Stream, base_env, procfs, run};

/// So long does nothing here take; a test that comes to it has failed.
pub(super) const DEADLINE: Duration = Duration::from_secs(60);
pub(super) const PATH: &str = "/usr/bin:/bin";

/// A run's folder and commands in it.
pub(super) struct Place {
    pub(super) folder: RunFolder,
    _top: tempfile::TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(top.path(), 1, 1).unwrap();
        Self { folder, _top: top }
    }

    pub(super) fn command(&self, program: Program) -> Command {
        Command {
            program,
            stdin: None,
            env: base_env(PATH, &self.folder.home(), &self.folder.tmp()),
            cwd: self.folder.work(),
            timeout: None,
            kill_grace: Duration::from_secs(10),
            records: Some(self.folder.pids()),
        }
    }

    pub(super) fn shell(&self, script: &str) -> Command {
        self.command(Program::Shell {
            shell: "/bin/sh".into(),
            script: script.to_owned(),
        })
    }

    pub(super) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.work().join(name)).unwrap_or_default()
    }

    pub(super) fn records(&self) -> usize {
        fs::read_dir(self.folder.pids()).unwrap().count()
    }
}

pub(super) struct Live {
    pub(super) task: JoinHandle<Result<Exit, ExecError>>,
    pub(super) lines: mpsc::Receiver<Line>,
    pub(super) cancel: CancellationToken,
}

impl Live {
    pub(super) fn start(command: Command, capacity: usize) -> Self {
        let (sink, lines) = mpsc::channel(capacity);
        let cancel = CancellationToken::new();
        let clock = || Timestamp::UNIX_EPOCH;
        let task = tokio::spawn(run(command, clock, sink, cancel.clone()));
        Self {
            task,
            lines,
            cancel,
        }
    }

    pub(super) async fn line(&mut self) -> String {
        let line = timeout(DEADLINE, self.lines.recv()).await;
        line.expect("a line within the deadline")
            .expect("a line before the end")
            .message
    }

    pub(super) async fn exit(&mut self) -> Result<Exit, ExecError> {
        let exit = timeout(DEADLINE, &mut self.task).await;
        exit.expect("an end within the deadline").unwrap()
    }

    pub(super) async fn finish(mut self) -> (Exit, Vec<Line>) {
        let collect = async {
            let mut lines = Vec::new();
            while let Some(line) = self.lines.recv().await {
                lines.push(line);
            }
            lines
        };
        let lines = timeout(DEADLINE, collect)
            .await
            .expect("all lines within the deadline");
        (self.exit().await.unwrap(), lines)
    }
}

pub(super) async fn outcome(command: Command) -> (Exit, Vec<(Stream, String)>) {
    let (exit, lines) = Live::start(command, 16).finish().await;
    let lines = lines
        .into_iter()
        .map(|line| (line.stream, line.message))
        .collect();
    (exit, lines)
}

pub(super) async fn stdout_of(command: Command) -> Vec<String> {
    let (exit, lines) = outcome(command).await;
    assert_eq!(exit, Exit::Code(0), "{lines:?}");
    lines.into_iter().map(|(_, message)| message).collect()
}

pub(super) async fn error_of(command: Command) -> String {
    let error = Live::start(command, 16).exit().await.unwrap_err();
    error.to_string()
}

pub(super) fn pid(text: &str) -> i32 {
    text.trim().parse().unwrap()
}

pub(super) fn is_alive(pid: i32) -> bool {
    procfs::stat(pid).is_some_and(|stat| stat.alive)
}
