//! Bytes that were checked, open for reading from any place in them.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Bytes read at once.
const PIECE: usize = 256 * 1024;

/// A file whose bytes hash to their name; it stands at its beginning.
#[derive(Debug)]
pub struct Content {
    pub file: File,
    pub size_bytes: u64,
}

/// The digest and size of a file's bytes from its beginning; leaves it there. Blocks.
pub(super) fn digest(file: &mut File) -> std::io::Result<(String, u64)> {
    file.seek(SeekFrom::Start(0))?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut size = 0;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        hash.update(&piece[..read]);
        size += read as u64;
    }
    file.seek(SeekFrom::Start(0))?;
    Ok((hex::encode(hash.finalize()), size))
}

/// Up to `most` bytes of a file from a place on. Blocks.
pub(super) fn piece(path: &Path, from: u64, most: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
