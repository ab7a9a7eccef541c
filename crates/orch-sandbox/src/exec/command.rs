//! What is to be run: a script or a program, its whole environment, folder, input and limits.
//!
//! Checks a command before anything is started, so that mistakes come out as clear errors and not
//! as a shell's exit code. Never adds to the environment what the caller did not give.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::sync::mpsc;

use super::{
    ExecError,
    watch::Bounds,
    which::{is_executable, which},
};

/// What goes into a command's standard input.
pub enum Stdin {
    /// These bytes, and then its end.
    Bytes(Vec<u8>),
    /// Each piece as it comes; the end is when nobody is left who could send another. Nothing is
    /// received any more once the command does not read.
    Pieces(mpsc::Receiver<Vec<u8>>),
}

impl Stdin {
    fn kind(&self) -> &'static str {
        match self {
            Self::Bytes(_) => "bytes",
            Self::Pieces(_) => "pieces",
        }
    }
}

impl From<Vec<u8>> for Stdin {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

/// What is executed.
#[derive(Clone)]
pub enum Program {
    /// A script, run as `shell -c script`.
    Shell {
        /// The shell, by its full path or by a name to find along `PATH`.
        shell: PathBuf,
        /// The script's text.
        script: String,
    },
    /// A program and its arguments, without a shell. A name with a slash is relative to the
    /// working folder, one without is found along the `PATH` of the command's environment.
    Argv(Vec<String>),
}

/// One command, complete: nothing is inherited from the agent.
pub struct Command {
    /// What is executed.
    pub program: Program,
    /// The standard input; without one it is `/dev/null`.
    pub stdin: Option<Stdin>,
    /// The entire environment; [`base_env`] gives the usual beginning.
    pub env: BTreeMap<String, String>,
    /// The folder it starts in, as an absolute path.
    pub cwd: PathBuf,
    /// How long it may run.
    pub timeout: Option<Duration>,
    /// How long it may take to end itself after SIGTERM before it is killed.
    pub kill_grace: Duration,
    /// The folder for the record by which leftovers are found after a crash of the agent
    /// ([`RunFolder::pids`](super::RunFolder::pids)); without one there is no such record.
    pub records: Option<PathBuf>,
}

impl fmt::Debug for Command {
    /// Shows names of environment variables alone, and no script, arguments or input: any of them
    /// may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("program", &self.name())
            .field("stdin", &self.stdin.as_ref().map(Stdin::kind))
            .field("env", &self.env.keys())
            .field("cwd", &self.cwd)
            .field("timeout", &self.timeout)
            .field("kill_grace", &self.kill_grace)
            .field("records", &self.records)
            .finish()
    }
}

/// The environment every command starts from: `PATH`, `HOME`, `TMPDIR`, a UTF-8 `LANG` and a `TERM`
/// without colours or cursor movement.
pub fn base_env(path: &str, home: &Path, tmp: &Path) -> BTreeMap<String, String> {
    [
        ("PATH", path.to_owned()),
        ("HOME", home.to_string_lossy().into_owned()),
        ("TMPDIR", tmp.to_string_lossy().into_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("TERM", "dumb".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

impl Command {
    fn name(&self) -> String {
        match &self.program {
            Program::Shell { shell, .. } => shell.to_string_lossy().into_owned(),
            Program::Argv(argv) => argv.first().cloned().unwrap_or_default(),
        }
    }

    /// The arguments after the program.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        match &self.program {
            Program::Shell { script, .. } => vec!["-c", script],
            Program::Argv(argv) => argv.iter().skip(1).map(String::as_str).collect(),
        }
    }

    /// What bounds it and goes into it; the input is taken out.
    pub(crate) fn bounds(&mut self) -> Bounds {
        Bounds {
            stdin: self.stdin.take(),
            timeout: self.timeout,
            kill_grace: self.kill_grace,
        }
    }

    /// Checks all that can be checked before starting, and finds the program's file.
    pub(crate) fn resolve(&self) -> Result<PathBuf, ExecError> {
        self.check_environment()?;
        self.check_cwd()?;
        match &self.program {
            Program::Shell { script, .. } if script.contains('\0') => {
                return Err(ExecError::Nul { part: "its script" });
            }
            Program::Argv(argv) if argv.iter().any(|argument| argument.contains('\0')) => {
                return Err(ExecError::Nul {
                    part: "its arguments",
                });
            }
            Program::Shell { .. } | Program::Argv(_) => {}
        }
        self.find_program()
    }

    /// Checks all that can be checked where it is not known which programs there are, and tells the
    /// program's name or path.
    pub(crate) fn named(&self) -> Result<PathBuf, ExecError> {
        self.check_environment()?;
        self.check_cwd()?;
        match self.name() {
            name if name.is_empty() => Err(ExecError::NoProgram),
            name => Ok(name.into()),
        }
    }

    fn find_program(&self) -> Result<PathBuf, ExecError> {
        let program = self.name();
        if program.is_empty() {
            return Err(ExecError::NoProgram);
        }
        let path = self.env.get("PATH").map_or("", String::as_str);
        let file = if program.contains('/') {
            Some(self.cwd.join(&program)).filter(|file| file.exists())
        } else {
            which(&program, path)
        };
        match file {
            Some(file) if is_executable(&file) => Ok(file),
            Some(file) => Err(ExecError::NotExecutable { program: file }),
            None => Err(ExecError::NotFound {
                program,
                path: path.to_owned(),
            }),
        }
    }

    fn check_environment(&self) -> Result<(), ExecError> {
        let problem = |name: &str, value: &str| {
            if name.is_empty() {
                Some("has an empty name")
            } else if name.contains('=') {
                Some("has a `=` in its name")
            } else if name.contains('\0') || value.contains('\0') {
                Some("has a NUL byte")
            } else {
                None
            }
        };
        match self
            .env
            .iter()
            .find_map(|(name, value)| Some((name, problem(name, value)?)))
        {
            Some((name, problem)) => Err(ExecError::Environment {
                name: name.clone(),
                problem,
            }),
            None => Ok(()),
        }
    }

    fn check_cwd(&self) -> Result<(), ExecError> {
        let cwd = self.cwd.clone();
        match fs::metadata(&cwd) {
            Ok(metadata) if metadata.is_dir() => Ok(()),
            Ok(_) => Err(ExecError::CwdNotAFolder { cwd }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(ExecError::CwdMissing { cwd })
            }
            Err(source) => Err(ExecError::Cwd { cwd, source }),
        }
    }

    /// The error for what the system answered to the attempt to start.
    pub(crate) fn start_error(&self, program: PathBuf, source: io::Error) -> ExecError {
        if source.kind() == io::ErrorKind::ArgumentListTooLong {
            let environment = self
                .env
                .iter()
                .map(|(name, value)| name.len() + value.len() + 2);
            let arguments = self
                .arguments()
                .into_iter()
                .map(|argument| argument.len() + 1);
            return ExecError::TooLong {
                size_bytes: environment.chain(arguments).sum(),
            };
        }
        ExecError::Start { program, source }
    }
}
