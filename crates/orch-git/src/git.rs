//! One call of git: its environment built from nothing, its settings given one by one.
//!
//! No setting of the system, the user or the repository's includes reaches it; no hook, monitor,
//! helper or prompt is started, and no protocol but the one that is meant. It ends within its time,
//! with everything that it started.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use orch_core::source::{RepositoryUrl, Scheme};

use crate::{GitError, orphan};

/// How much of what git says is kept.
const MOST_SAID: u64 = 64 * 1024;
/// How much of what git answers is kept.
const MOST_ANSWERED: u64 = 16 << 20;
/// How often a call is looked after.
const LOOK: Duration = Duration::from_millis(10);
/// How often what it writes is measured.
const MEASURE: Duration = Duration::from_millis(500);

/// What every call is told. `protocol.allow` lets nothing through; one is let through by name.
const SETTINGS: [&str; 28] = [
    "protocol.allow=never",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.askPass=",
    "core.pager=cat",
    "core.editor=false",
    "core.gitProxy=",
    "core.alternateRefsCommand=true",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "credential.helper=",
    "diff.external=",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "fetch.fsckObjects=true",
    // What old and honest repositories have.
    "fetch.fsck.zeroPaddedFilemode=warn",
    "fetch.fsck.missingSpaceBeforeDate=warn",
    "fetch.fsck.badTimezone=warn",
    "fetch.fsck.missingEmail=warn",
    "http.followRedirects=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    "uploadpack.packObjectsHook=",
    "log.showSignature=false",
];

/// A key for ssh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshKey {
    /// The private key's file.
    pub key: PathBuf,
    /// The hosts' keys; the user's own file where it is not given.
    pub known_hosts: Option<PathBuf>,
}

/// How git is called.
#[derive(Clone, Debug)]
pub struct Git {
    program: PathBuf,
    path: String,
    ssh: Option<SshKey>,
    timeout: Duration,
}

impl Git {
    /// The git of this search path, whose calls may take so long.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(path: &str, timeout: Duration) -> Result<Self, GitError> {
        let found = std::env::split_paths(path)
            .map(|folder| folder.join("git"))
            .find(|program| program.is_absolute() && program.is_file());
        let program = found.ok_or_else(|| GitError::Missing {
            path: path.to_owned(),
        })?;
        Ok(Self {
            program,
            path: path.to_owned(),
            ssh: None,
            timeout,
        })
    }

    /// The same, with a key for ssh.
    #[must_use]
    pub fn with_ssh(mut self, ssh: Option<SshKey>) -> Self {
        self.ssh = ssh;
        self
    }

    /// The same, whose calls may take so long.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// A call that talks to nobody.
    pub(crate) fn call(&self, action: &'static str) -> Call<'_> {
        Call {
            git: self,
            action,
            settings: Vec::new(),
            repository: None,
            work: None,
            arguments: Vec::new(),
            ssh_command: None,
            bound: None,
            input: Vec::new(),
        }
    }

    /// A call that talks to a repository, by its protocol alone.
    ///
    /// # Errors
    /// Where that takes a key that there is not.
    pub(crate) fn call_to(
        &self,
        action: &'static str,
        url: &RepositoryUrl,
    ) -> Result<Call<'_>, GitError> {
        let mut call = self.call(action);
        let scheme = url.scheme();
        call.settings
            .push(format!("protocol.{}.allow=always", scheme.as_str()));
        match scheme {
            Scheme::Ssh => {
                let ssh = self.ssh.as_ref().ok_or_else(|| GitError::NoSshKey {
                    url: url.to_string(),
                })?;
                call.ssh_command = Some(ssh_command(ssh));
            }
            // A repository of another user is read, and nothing in it obeyed.
            Scheme::File => call.settings.push("safe.directory=*".to_owned()),
            Scheme::Https | Scheme::Http => {}
        }
        Ok(call)
    }
}

fn ssh_command(ssh: &SshKey) -> OsString {
    let mut command = OsString::from(
        "ssh -F none -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes \
         -o ForwardAgent=no -o ClearAllForwardings=yes -o ConnectTimeout=20 -i ",
    );
    command.push(quoted(&ssh.key));
    if let Some(hosts) = &ssh.known_hosts {
        command.push(" -o UserKnownHostsFile=");
        command.push(quoted(hosts));
    }
    command
}

/// For the shell that git gives the command to.
fn quoted(path: &Path) -> OsString {
    let text = path.to_string_lossy().replace('\'', "'\\''");
    OsString::from(format!("'{text}'"))
}

/// A call to be made.
pub(crate) struct Call<'g> {
    git: &'g Git,
    action: &'static str,
    settings: Vec<String>,
    repository: Option<PathBuf>,
    work: Option<PathBuf>,
    arguments: Vec<OsString>,
    ssh_command: Option<OsString>,
    bound: Option<(PathBuf, u64)>,
    input: Vec<u8>,
}

impl Call<'_> {
    /// Works on this repository (its own folder, not the files).
    pub(crate) fn on(mut self, repository: &Path) -> Self {
        self.repository = Some(repository.to_owned());
        self
    }

    /// The files of the repository.
    pub(crate) fn files(mut self, work: &Path) -> Self {
        self.work = Some(work.to_owned());
        self
    }

    pub(crate) fn setting(mut self, setting: impl Into<String>) -> Self {
        self.settings.push(setting.into());
        self
    }

    pub(crate) fn arguments<S: AsRef<OsStr>>(
        mut self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        let arguments = arguments.into_iter().map(|text| text.as_ref().to_owned());
        self.arguments.extend(arguments);
        self
    }

    /// Ended when this folder holds more.
    pub(crate) fn bounded(mut self, folder: &Path, max_bytes: u64) -> Self {
        self.bound = Some((folder.to_owned(), max_bytes));
        self
    }

    /// What it reads on its standard input.
    pub(crate) fn input(mut self, input: Vec<u8>) -> Self {
        self.input = input;
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.git.program);
        command.env_clear();
        command.envs([
            ("PATH", self.git.path.as_str()),
            ("HOME", "/nonexistent"),
            ("LC_ALL", "C"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_LFS_SKIP_SMUDGE", "1"),
            ("GIT_ADVICE", "0"),
        ]);
        if let Some(ssh) = &self.ssh_command {
            command.env("GIT_SSH_COMMAND", ssh);
            command.env("GIT_SSH_VARIANT", "ssh");
        } else {
            command.env("GIT_SSH_COMMAND", "false");
        }
        // No repository is looked for where none is named.
        match &self.repository {
            Some(repository) => command.env("GIT_DIR", repository),
            None => command.env("GIT_CEILING_DIRECTORIES", "/"),
        };
        if let Some(work) = &self.work {
            command.env("GIT_WORK_TREE", work);
            command.current_dir(work);
        } else {
            command.current_dir("/");
        }
        for setting in SETTINGS
            .into_iter()
            .chain(self.settings.iter().map(String::as_str))
        {
            command.arg("-c").arg(setting);
        }
        command.arg("--no-pager").args(&self.arguments);
        command.stdin(match self.input.is_empty() {
            true => Stdio::null(),
            false => Stdio::piped(),
        });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0);
        orphan::ends_with_its_caller(&mut command);
        command
    }

    /// Makes the call and answers what it wrote.
    ///
    /// # Errors
    /// When it cannot be made, takes too long, writes too much or fails.
    pub(crate) fn run(self) -> Result<String, GitError> {
        let action = self.action;
        let (status, answer, said) = self.finish(MOST_ANSWERED)?;
        match status.success() {
            true => Ok(String::from_utf8_lossy(&answer).into_owned()),
            false => Err(GitError::Failed {
                action,
                said: excerpt(&String::from_utf8_lossy(&said)),
            }),
        }
    }

    /// Makes the call and answers the bytes that it wrote. One that writes more is ended.
    ///
    /// # Errors
    /// As for [`Call::run`].
    pub(crate) fn run_bytes(self, most: u64) -> Result<Vec<u8>, GitError> {
        let action = self.action;
        let (status, answer, said) = self.finish(most.saturating_add(1))?;
        if answer.len() as u64 > most {
            return Err(GitError::TooLarge {
                action,
                max_bytes: most,
            });
        }
        match status.success() {
            true => Ok(answer),
            false => Err(GitError::Failed {
                action,
                said: excerpt(&String::from_utf8_lossy(&said)),
            }),
        }
    }

    /// Makes the call and answers whether it succeeded.
    ///
    /// # Errors
    /// When it cannot be made or takes too long.
    pub(crate) fn holds(self) -> Result<bool, GitError> {
        Ok(self.finish(MOST_ANSWERED)?.0.success())
    }

    fn finish(mut self, most_answered: u64) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), GitError> {
        let mut child = self.command().spawn().map_err(GitError::Start)?;
        if let Some(mut stdin) = child.stdin.take() {
            let input = std::mem::take(&mut self.input);
            // A program that ended, or reads no more, says so itself.
            thread::spawn(move || stdin.write_all(&input));
        }
        let read = |stream: Option<Box<dyn Read + Send>>, most: u64| {
            thread::spawn(move || {
                let mut text = Vec::new();
                if let Some(mut stream) = stream {
                    // With more than is wanted the pipe is closed, and the program ends.
                    let _ = Read::by_ref(&mut stream).take(most).read_to_end(&mut text);
                }
                text
            })
        };
        let stdout = child
            .stdout
            .take()
            .map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
        let stderr = child
            .stderr
            .take()
            .map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
        let (answer, said) = (read(stdout, most_answered), read(stderr, MOST_SAID));
        let waited = self.wait(&mut child);
        if waited.is_err() {
            end(&mut child);
        }
        let status = waited?;
        let joined = |handle: thread::JoinHandle<Vec<u8>>| handle.join().unwrap_or_default();
        Ok((status, joined(answer), joined(said)))
    }

    fn wait(&self, child: &mut Child) -> Result<ExitStatus, GitError> {
        let begun = Instant::now();
        let mut measured = begun;
        let mut pause = Duration::from_micros(500);
        loop {
            if let Some(status) = child.try_wait().map_err(GitError::Start)? {
                return Ok(status);
            }
            if begun.elapsed() > self.git.timeout {
                return Err(GitError::TimedOut {
                    action: self.action,
                    after: self.git.timeout,
                });
            }
            if let Some((folder, max_bytes)) = &self.bound
                && measured.elapsed() > MEASURE
            {
                measured = Instant::now();
                if crate::size_bytes(folder) > *max_bytes {
                    return Err(GitError::TooLarge {
                        action: self.action,
                        max_bytes: *max_bytes,
                    });
                }
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LOOK);
        }
    }
}

/// Ends a call with all that it started.
fn end(child: &mut Child) {
    if let Ok(pid) = i32::try_from(child.id()) {
        let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The last lines that git said, as one line without control characters.
fn excerpt(said: &str) -> String {
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(4)..].join("; ");
    let text: String = last.chars().filter(|c| !c.is_control()).take(600).collect();
    match text.is_empty() {
        true => "it said nothing".to_owned(),
        false => text,
    }
}
