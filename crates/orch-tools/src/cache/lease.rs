//! Locks as files: one in use cannot be removed, one being made is made once.
//!
//! The kernel gives a lock back when its process ends, however it ends.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::Path,
};

/// A tool that is in use; it stays while this is held.
#[derive(Debug)]
pub struct Lease {
    _file: File,
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    Shared,
    Alone,
    /// Not at all where somebody else holds it.
    AloneIfFree,
}

/// Takes a lock, and makes its file where there is none.
pub(super) fn take(path: &Path, hold: Hold) -> io::Result<Option<Lease>> {
    loop {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        match hold {
            Hold::Shared => file.lock_shared()?,
            Hold::Alone => file.lock()?,
            Hold::AloneIfFree => match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            },
        }
        // Whoever removed it meanwhile left us a lock that nobody else sees.
        let ours = file.metadata()?.ino();
        if fs::metadata(path).is_ok_and(|found| found.ino() == ours) {
            return Ok(Some(Lease { _file: file }));
        }
    }
}

impl Lease {
    /// Notes that it was used now, by the file's time.
    pub(super) fn note_use(&self) -> io::Result<()> {
        self._file.set_len(0)?;
        (&self._file).write_all(b"1")
    }
}
