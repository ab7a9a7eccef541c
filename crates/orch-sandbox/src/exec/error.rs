//! What can go wrong before a process runs, while it is watched, and in a run's folder.
//!
//! A command that runs and fails is not an error but an `Exit`. Messages name what was wrong, where,
//! and what to do; they never carry values of environment variables.

use std::{io, path::PathBuf};

use super::Stream;

/// Why a command could not be started or watched.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The argument list is empty.
    #[error("no program to run: the argument list is empty; name the program as its first element")]
    NoProgram,
    /// The program is neither a file nor found along `PATH`.
    #[error(
        "program {program:?} was not found (PATH is {path:?}): install it, or name it by its full path"
    )]
    NotFound {
        /// The program as it was asked for.
        program: String,
        /// The `PATH` that was searched.
        path: String,
    },
    /// The program exists, and may not be executed by this user.
    #[error(
        "program {} may not be executed: make it an executable file (chmod +x) that this user may run", .program.display()
    )]
    NotExecutable {
        /// The file that was found.
        program: PathBuf,
    },
    /// The working folder does not exist.
    #[error("working folder {} does not exist: create it in an earlier step, or correct `cwd`", .cwd.display())]
    CwdMissing {
        /// The folder asked for.
        cwd: PathBuf,
    },
    /// The working folder is a file or another thing that is no folder.
    #[error("working folder {} is not a folder: correct `cwd`", .cwd.display())]
    CwdNotAFolder {
        /// The path asked for.
        cwd: PathBuf,
    },
    /// The working folder cannot be looked at or entered.
    #[error("failed to enter working folder {}", .cwd.display())]
    Cwd {
        /// The folder asked for.
        cwd: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// An environment variable's name or value cannot be passed to a process.
    #[error(
        "environment variable {name:?} {problem}: a name is not empty and has no `=`, and neither name nor value has a NUL"
    )]
    Environment {
        /// The variable's name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The script or an argument contains a NUL byte, which no process can be given.
    #[error("the command has a NUL byte in {part}: remove it")]
    Nul {
        /// Where the byte stands.
        part: &'static str,
    },
    /// Script, arguments and environment together are more than the system passes on.
    #[error(
        "the command is too long for the system ({size_bytes} bytes of script, arguments and environment; one argument may have 128 KiB): put the script into a file of the workspace and run that"
    )]
    TooLong {
        /// Bytes of script, arguments and environment.
        size_bytes: usize,
    },
    /// The record by which leftovers are found after a crash could not be written.
    #[error("failed to write the process record in {}", .folder.display())]
    Record {
        /// The folder of the records.
        folder: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The system refused to start the process.
    #[error("failed to start {}", .program.display())]
    Start {
        /// The program that was to be started.
        program: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The end of the process could not be waited for.
    #[error("failed to wait for the process to end")]
    Wait(#[source] io::Error),
    /// The output of the process could not be read.
    #[error("failed to read the {stream} of the process")]
    Output {
        /// Which of the two.
        stream: Stream,
        /// What the system answered.
        source: io::Error,
    },
}

/// Why a run's folder could not be made, filled, used or removed.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// A file operation failed.
    #[error("failed to {action} {}", .path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The folder of this run and epoch is there already.
    #[error(
        "the run's folder {} exists already: reopen it to go on with its contents, or remove it first", .path.display()
    )]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// Another owner, alive, holds the run's folder.
    #[error("the run's folder {} is in use by another agent or run", .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The source workspace is no folder.
    #[error("workspace {} is not a folder: name an existing folder", .path.display())]
    SourceNotAFolder {
        /// The path that was given as workspace.
        path: PathBuf,
    },
    /// The source workspace holds more bytes than allowed.
    #[error(
        "workspace {} is larger than the limit of {max_bytes} bytes (at {}): raise the limit, or point to a smaller folder", .source_root.display(), .at.display()
    )]
    TooManyBytes {
        /// The workspace.
        source_root: PathBuf,
        /// The limit.
        max_bytes: u64,
        /// The file that went over it.
        at: PathBuf,
    },
    /// The source workspace holds more files and folders than allowed.
    #[error(
        "workspace {} has more than {max_entries} files and folders: raise the limit, or point to a smaller folder", .source_root.display()
    )]
    TooManyEntries {
        /// The workspace.
        source_root: PathBuf,
        /// The limit.
        max_entries: u64,
    },
    /// A step's working folder is not a relative path inside the workspace.
    #[error(
        "cwd {cwd:?} leaves the workspace: give a folder inside it, relative to its top (for example \"./deploy\")"
    )]
    CwdOutside {
        /// The path as given.
        cwd: String,
    },
    /// A step's working folder does not exist in the workspace.
    #[error(
        "cwd {cwd:?} does not exist in the workspace: create it in an earlier step, or correct it"
    )]
    CwdMissing {
        /// The path as given.
        cwd: String,
    },
    /// A step's working folder is not a folder.
    #[error("cwd {cwd:?} is not a folder: name a folder of the workspace")]
    CwdNotAFolder {
        /// The path as given.
        cwd: String,
    },
    /// A secret file's name is not one plain file name.
    #[error(
        "secret file name {name:?} is not a plain file name: use letters, digits, `.`, `-` and `_`"
    )]
    SecretName {
        /// The name as given.
        name: String,
    },
}
