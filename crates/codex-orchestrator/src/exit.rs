//! Exit codes: part of the interface, listed in `--help`.

use std::process::ExitCode;

/// The list at the end of `--help`.
pub const HELP: &str = "\
Exit codes:
  0   done
  1   failed
  2   the command line or a setting is wrong
  3   the server cannot be reached
  4   the server refused (4xx)
  5   the server refused because of the state of things (409)
  10  `run watch --exit-status`: the run failed
  11  `run watch --exit-status`: the run was cancelled
  12  `run watch --exit-status`: the run was lost

Settings come from flags, then the environment, then .env.local, then .env (both in the current
folder), then the default; `codex-orchestrator doctor` shows each with its origin. An empty
variable counts as not set.";

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done,
    Failed,
    Usage,
    Unreachable,
    Refused,
    Conflict,
    RunFailed,
    RunCancelled,
    RunLost,
    /// Whoever read the output has had enough of it.
    ReaderLeft,
}

impl Exit {
    /// The number that the caller sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done | Self::ReaderLeft => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Refused => 4,
            Self::Conflict => 5,
            Self::RunFailed => 10,
            Self::RunCancelled => 11,
            Self::RunLost => 12,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
