//! Where the entries of an archive go, one after another: into a folder, or into memory.

use std::io::Read;

use crate::ArchiveError;

/// What an entry is.
pub(crate) enum What<'r> {
    Folder,
    File {
        content: &'r mut dyn Read,
        /// Whether it can be run.
        runs: bool,
    },
    Link {
        target: Vec<u8>,
    },
    /// Another name of a file that came before.
    Hard {
        target: Vec<u8>,
    },
}

/// Takes what comes out of an archive, and judges every name.
pub(crate) trait Sink {
    /// Bytes that may come out in all.
    fn allowed(&self) -> u64;

    fn put(&mut self, name: &[u8], what: What<'_>) -> Result<(), ArchiveError>;

    /// What is put next is no archive's entry, but all that there is.
    fn lone_file(&mut self);
}
