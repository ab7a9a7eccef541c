//! A folder as a `.tar.gz`: its files in the order of their names. Links are not followed and not taken
//! along, and times, owners and what a build leaves behind stay out.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, write::GzEncoder};
use walkdir::WalkDir;

/// What is packed, and how much of it.
#[derive(Clone, Copy, Debug)]
pub struct Packing<'a> {
    /// Names of folders that are left out, wherever they stand.
    pub leave_out: &'a [&'a str],
    /// The most files.
    pub most_files: u64,
    /// The most bytes of all files.
    pub most_bytes: u64,
}

/// A packed folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// The `.tar.gz`.
    pub bytes: Vec<u8>,
    pub files: u64,
    /// The bytes of all files.
    pub unpacked_bytes: u64,
    /// Links, and files whose names are no UTF-8.
    pub skipped: u64,
}

/// Why a folder cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("the folder {} holds more than {most} {what}", .folder.display())]
    TooMuch {
        folder: PathBuf,
        most: u64,
        what: &'static str,
    },
    #[error("failed to read {}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("failed to pack")]
    Write(#[source] io::Error),
}

/// A `.tar.gz` that grows by one file after another, within bounds.
pub struct Packer {
    out: GzEncoder<Vec<u8>>,
    most_files: u64,
    most_bytes: u64,
    files: u64,
    bytes: u64,
}

impl Packer {
    /// An empty one, which may take so many files and bytes of them.
    #[must_use]
    pub fn new(most_files: u64, most_bytes: u64) -> Self {
        Self {
            out: GzEncoder::new(Vec::new(), Compression::default()),
            most_files,
            most_bytes,
            files: 0,
            bytes: 0,
        }
    }

    /// Puts a file into it. `folder` is what is packed, for the error.
    ///
    /// # Errors
    /// When it is one too many, or cannot be read as long as it was said to be.
    pub fn put(
        &mut self,
        folder: &Path,
        name: &str,
        size: u64,
        content: impl Read,
    ) -> Result<(), PackError> {
        let too_much = |most, what| PackError::TooMuch {
            folder: folder.to_owned(),
            most,
            what,
        };
        let failed = |source| PackError::Read {
            path: folder.join(name),
            source,
        };
        (self.files, self.bytes) = (self.files + 1, self.bytes + size);
        if self.files > self.most_files {
            return Err(too_much(self.most_files, "files"));
        }
        if self.bytes > self.most_bytes {
            return Err(too_much(self.most_bytes, "bytes"));
        }
        put_header(&mut self.out, name, size).map_err(PackError::Write)?;
        let written = io::copy(&mut content.take(size), &mut self.out).map_err(failed)?;
        if written != size {
            return Err(failed(io::Error::other("it became shorter meanwhile")));
        }
        pad(&mut self.out, size).map_err(PackError::Write)
    }

    /// The whole, with the number of files that were left out.
    ///
    /// # Errors
    /// When it cannot be compressed.
    pub fn finish(mut self, skipped: u64) -> Result<Packed, PackError> {
        self.out.write_all(&[0; 1_024]).map_err(PackError::Write)?;
        Ok(Packed {
            bytes: self.out.finish().map_err(PackError::Write)?,
            files: self.files,
            unpacked_bytes: self.bytes,
            skipped,
        })
    }
}

/// Packs a folder; `told` hears how many files are in after each.
///
/// # Errors
/// When it cannot be read, or holds too much.
pub fn pack(
    folder: &Path,
    packing: Packing<'_>,
    told: &mut dyn FnMut(u64),
) -> Result<Packed, PackError> {
    let mut packer = Packer::new(packing.most_files, packing.most_bytes);
    let mut skipped = 0;
    let entries = WalkDir::new(folder).sort_by_file_name().into_iter();
    let taken = entries.filter_entry(|entry| {
        let is_left_out = entry.depth() > 0
            && entry.file_type().is_dir()
            && packing
                .leave_out
                .iter()
                .any(|name| entry.file_name() == *name);
        !is_left_out
    });
    for entry in taken {
        let entry = entry.map_err(|error| PackError::Read {
            path: error.path().unwrap_or(folder).to_owned(),
            source: error.into(),
        })?;
        if entry.file_type().is_dir() {
            continue;
        }
        let inside = entry
            .path()
            .strip_prefix(folder)
            .ok()
            .and_then(Path::to_str);
        let (true, Some(name)) = (entry.file_type().is_file(), inside) else {
            skipped += 1;
            continue;
        };
        let failed = |source| PackError::Read {
            path: entry.path().to_owned(),
            source,
        };
        let file = File::open(entry.path()).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        packer.put(folder, name, size, file)?;
        told(packer.files);
    }
    packer.finish(skipped)
}

fn put_header(out: &mut impl Write, name: &str, size: u64) -> io::Result<()> {
    if name.len() > 100 {
        let long = name.len() as u64 + 1;
        out.write_all(&header(b"././@LongLink", b'L', long))?;
        out.write_all(name.as_bytes())?;
        out.write_all(&[0])?;
        pad(out, long)?;
    }
    let short = &name.as_bytes()[..name.len().min(100)];
    out.write_all(&header(short, b'0', size))
}

fn pad(out: &mut impl Write, size: u64) -> io::Result<()> {
    let zeros = [0; 512];
    let missing = (512 - size % 512) % 512;
    out.write_all(&zeros[..usize::try_from(missing).unwrap_or(0)])
}

fn header(name: &[u8], kind: u8, size: u64) -> [u8; 512] {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..107].copy_from_slice(b"0000644");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[156] = kind;
    block[257..263].copy_from_slice(b"ustar\0");
    block[263..265].copy_from_slice(b"00");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}
