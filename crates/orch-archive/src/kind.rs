//! What kind of archive a file is: by its first bytes, never by its name.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveKind {
    /// `.tar`.
    Tar,
    /// `.tar.gz`, or one file compressed so.
    Gzip,
    /// `.tar.xz`, or one file compressed so.
    Xz,
    /// `.tar.zst`, or one file compressed so.
    Zstd,
    /// `.zip`, `.whl`.
    Zip,
    /// `.deb`.
    Ar,
    /// None of these: a program.
    Plain,
}

impl ArchiveKind {
    /// Looks at the beginning of a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(file: &mut File) -> io::Result<Self> {
        let mut head = Vec::with_capacity(512);
        file.seek(SeekFrom::Start(0))?;
        file.by_ref().take(512).read_to_end(&mut head)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Self::of_head(&head))
    }

    pub(crate) fn of_head(head: &[u8]) -> Self {
        let begins = |magic: &[u8]| head.starts_with(magic);
        if begins(&[0x1f, 0x8b]) {
            Self::Gzip
        } else if begins(b"\xfd7zXZ\0") {
            Self::Xz
        } else if begins(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Self::Zstd
        } else if begins(b"PK\x03\x04") || begins(b"PK\x05\x06") {
            Self::Zip
        } else if begins(b"!<arch>\n") {
            Self::Ar
        } else if head.get(257..262) == Some(b"ustar") || crate::tar::is_header(head) {
            Self::Tar
        } else {
            Self::Plain
        }
    }
}
