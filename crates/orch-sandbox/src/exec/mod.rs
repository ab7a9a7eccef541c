//! Running one command as a plain process, and the folder a run works in.
//!
//! Owns starting, streaming and ending processes: whatever is started here is ended here, its
//! descendants included, and leftovers of a killed agent are ended at the next start. Knows nothing
//! of runs' states, the server or recipes, and never passes the agent's own environment on.

mod children;
mod command;
mod copy;
mod error;
mod facts;
mod family;
mod lasting;
mod leftovers;
mod lines;
mod output;
mod procfs;
mod pumps;
mod record;
mod removal;
mod run;
mod secret;
mod snapshot;
mod spare;
mod spawn;
mod start;
#[cfg(test)]
mod testing;
mod wait;
mod watch;
mod which;
mod workspace;
mod wrapper;

pub use command::{Command, Program, Stdin, base_env};
pub use copy::{Copied, CopyLimits};
pub use error::{ExecError, WorkspaceError};
pub use facts::list_files;
pub(crate) use family::{KILL_TIME, MARKER_VARIABLE, Search};
pub use leftovers::{Leftover, reap_leftovers};
pub use lines::{Encoding, Line, MAX_LINE_BYTES, Stream};
pub(crate) use procfs::{is_alive, started_at};
pub use removal::{remove_all, remove_if_there};
pub(crate) use run::run_within;
pub use run::{Exit, run};
pub use secret::SecretFile;
pub use snapshot::Snapshots;
pub(crate) use spawn::{Ours, pipes_for};
pub(crate) use start::{Kinfolk, stand};
pub(crate) use watch::{Processes, watch};
pub use which::which;
pub use workspace::RunFolder;
pub(crate) use wrapper::Wrapper;
