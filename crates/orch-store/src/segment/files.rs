//! Segment files in their folder: names, the writer's lock, creation, listing, removal.
//!
//! Owns what a file is called and that its directory entry is durable; never looks inside one.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::LogError;

const SUFFIX: &str = ".seg";
const DIGITS: usize = 10;
const LOCK: &str = "writer.lock";

/// A segment as it lies in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentFile {
    pub segment: u64,
    pub size_bytes: u64,
}

pub(super) fn path(dir: &Path, segment: u64) -> PathBuf {
    dir.join(name(segment))
}

pub(super) fn name(segment: u64) -> String {
    format!("{segment:0DIGITS$}{SUFFIX}")
}

fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let all_digits = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    // Behind the last number of so many digits no other could follow.
    let followed = |segment: &u64| all_digits && *segment < 10_u64.pow(DIGITS as u32) - 1;
    digits.parse().ok().filter(followed)
}

/// The segments in a folder, oldest first; files of other names are passed over.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(dir: &Path) -> Result<Vec<SegmentFile>, LogError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(LogError::io("list the log folder", dir))? {
        let entry = entry.map_err(LogError::io("list the log folder", dir))?;
        let Some(segment) = entry.file_name().to_str().and_then(number) else {
            continue;
        };
        match entry.metadata() {
            Ok(metadata) => found.push(SegmentFile {
                segment,
                size_bytes: metadata.len(),
            }),
            // Removed since the folder was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // It has its number, whatever it is.
            Err(_) => found.push(SegmentFile {
                segment,
                size_bytes: 0,
            }),
        }
    }
    found.sort_unstable_by_key(|file| file.segment);
    Ok(found)
}

/// Removes a segment with everything in it; answers how many bytes it had.
///
/// Remove its index rows first: a reader that finds a row without its segment reports a loss.
/// A [`super::SegmentReader`] that has the file open keeps its space until it is told to forget.
///
/// # Errors
/// When it does not exist, is the newest, which the writer needs and whose number must not be
/// given twice, or cannot be removed.
pub fn retire(dir: &Path, segment: u64) -> Result<u64, LogError> {
    let files = list(dir)?;
    if files.last().is_some_and(|newest| newest.segment == segment) {
        return Err(LogError::InUse { segment });
    }
    let Some(file) = files.into_iter().find(|file| file.segment == segment) else {
        return Err(LogError::NoSegment {
            segment,
            dir: dir.to_owned(),
        });
    };
    let path = path(dir, segment);
    fs::remove_file(&path).map_err(LogError::io("remove", &path))?;
    sync_dir(dir)?;
    Ok(file.size_bytes)
}

/// Makes the folder where it is missing, and takes the writer's lock for as long as the answer
/// lives.
pub(super) fn lock(dir: &Path) -> Result<File, LogError> {
    if !dir.is_dir() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(LogError::io("create the log folder", dir))?;
        if let Some(parent) = dir.parent().filter(|path| !path.as_os_str().is_empty()) {
            sync_dir(parent)?;
        }
    }
    let path = dir.join(LOCK);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(LogError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LogError::Locked {
            dir: dir.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(LogError::io("lock", &path)(error)),
    }
}

/// Makes a new, empty segment whose directory entry is durable.
pub(super) fn create(dir: &Path, segment: u64) -> Result<File, LogError> {
    let path = path(dir, segment);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(LogError::io("create", &path))?;
    sync_dir(dir)?;
    Ok(file)
}

pub(super) fn open_to_read(dir: &Path, segment: u64) -> io::Result<File> {
    open_regular(&path(dir, segment))
}

/// Opens a file to read it; what is none is refused, for a pipe would be waited for.
pub(super) fn open_regular(path: &Path) -> io::Result<File> {
    require_regular(path)?;
    File::open(path)
}

fn require_regular(path: &Path) -> io::Result<()> {
    match fs::metadata(path)?.is_file() {
        true => Ok(()),
        false => Err(io::Error::other("it is no regular file")),
    }
}

pub(super) fn open_to_write(dir: &Path, segment: u64) -> Result<File, LogError> {
    let path = path(dir, segment);
    require_regular(&path)
        .and_then(|()| OpenOptions::new().read(true).write(true).open(&path))
        .map_err(LogError::io("open", &path))
}

/// Cuts a segment off at `length_bytes`.
pub(super) fn cut(dir: &Path, segment: u64, length_bytes: u64) -> Result<(), LogError> {
    open_to_write(dir, segment)?
        .set_len(length_bytes)
        .map_err(LogError::io("shorten", &path(dir, segment)))
}

fn sync_dir(dir: &Path) -> Result<(), LogError> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(LogError::io("sync the folder", dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_names_are_segments() {
        assert_eq!(number("0000000042.seg"), Some(42));
        for name in [
            "42.seg",
            "0000000042",
            "+000000042.seg",
            "0000000042.seg~",
            "writer.lock",
        ] {
            assert_eq!(number(name), None, "{name}");
        }
        assert_eq!(path(Path::new("d"), 7), Path::new("d/0000000007.seg"));
    }
}
