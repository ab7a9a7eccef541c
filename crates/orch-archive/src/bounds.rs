//! How much may come out of an archive.

use std::io::{self, Read};

/// Bounds of one unpacking.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes in all files.
    pub bytes: u64,
    /// Files, folders and links.
    pub entries: u64,
    /// Times that the unpacked may be larger than the packed.
    pub ratio: u64,
    /// So much may come out whatever the ratio.
    pub ratio_from: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            bytes: 8 << 30,
            entries: 500_000,
            ratio: 300,
            ratio_from: 64 << 20,
        }
    }
}

impl Bounds {
    /// Bytes that may come out of so many.
    pub(crate) fn allowed(&self, packed: u64) -> u64 {
        let by_ratio = packed.saturating_mul(self.ratio).max(self.ratio_from);
        by_ratio.min(self.bytes)
    }
}

/// Fails once more than so many bytes were read.
pub(crate) struct Limited<R> {
    inner: R,
    left: u64,
}

/// What a bomb is answered with, inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("more comes out of it than is allowed")]
pub(crate) struct TooMuch;

impl<R> Limited<R> {
    pub(crate) fn new(inner: R, left: u64) -> Self {
        Self { inner, left }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other(TooMuch))?;
        Ok(read)
    }
}
