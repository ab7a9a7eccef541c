//! What is known to be damaged in the log files, for people to see.
//!
//! Damaged bytes stay where they are, and everything around them is served. The list is kept beside
//! the segments, so that a restart forgets nothing; it is never needed for reading, and a list that
//! is damaged itself, or cannot be written, is no error.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::frame::{self, HEADER_BYTES};
use super::{Damage, Region, SegmentFile, files};

const LIST: &str = "quarantine.jsonl";
/// More than this is not listed: whoever reads so far knows that the disk is broken.
const MOST: usize = 1000;
const MOST_BYTES: u64 = 1024 * 1024;

/// A place that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The file's name in the log folder, or what else it is.
    pub file: String,
    /// Bytes from its beginning.
    pub offset: u64,
    pub problem: String,
}

/// The list; clones share it.
#[derive(Clone, Debug)]
pub struct Quarantine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: Option<PathBuf>,
    known: Mutex<BTreeMap<(String, u64), String>>,
}

impl Quarantine {
    /// A list that is kept nowhere.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::of(None)
    }

    fn of(dir: Option<&Path>) -> Self {
        Self {
            inner: Arc::new(Inner {
                dir: dir.map(Path::to_owned),
                known: Mutex::default(),
            }),
        }
    }

    /// The list of a folder: what is written there of files that still exist, and files that are
    /// plainly no segments.
    #[must_use]
    pub fn open(dir: &Path) -> Self {
        let opened = Self::of(Some(dir));
        let files = files::list(dir).unwrap_or_default();
        let names: Vec<String> = files.iter().map(|file| files::name(file.segment)).collect();
        let mut text = Vec::new();
        if let Ok(file) = files::open_regular(&dir.join(LIST)) {
            // What was read before an error counts.
            let _ = file.take(MOST_BYTES).read_to_end(&mut text);
        }
        for line in text.split(|byte| *byte == b'\n') {
            if let Ok(entry) = serde_json::from_slice::<Quarantined>(line)
                && names.contains(&entry.file)
            {
                let mut known = opened.known();
                known.insert((entry.file, entry.offset), entry.problem);
            }
        }
        for file in files {
            if let Some(damage) = head(dir, file) {
                opened.note(&Region {
                    segment: file.segment,
                    offset: 0,
                    length: file.size_bytes,
                    damage,
                });
            }
        }
        opened
    }

    /// Notes damage; once for each place.
    pub fn note(&self, region: &Region) {
        let entry = Quarantined {
            file: files::name(region.segment),
            offset: region.offset,
            problem: region.damage.to_string(),
        };
        self.add(entry);
    }

    /// Notes what is damaged elsewhere than in a segment.
    pub(crate) fn add(&self, entry: Quarantined) {
        let key = (entry.file.clone(), entry.offset);
        {
            let mut known = self.known();
            if known.contains_key(&key) || known.len() >= MOST {
                return;
            }
            known.insert(key, entry.problem.clone());
        }
        tracing::error!(
            log.file = entry.file,
            log.offset = entry.offset,
            problem = entry.problem,
            "a log file is damaged: what can be read of it is served, and the rest is left as it is"
        );
        if let Some(dir) = &self.inner.dir
            && let Err(error) = append(&dir.join(LIST), &entry)
        {
            tracing::warn!(%error, "the list of damaged log files was not written");
        }
    }

    /// Everything that is known, by file and offset.
    #[must_use]
    pub fn list(&self) -> Vec<Quarantined> {
        let known = self.known();
        let entries = known.iter().map(|((file, offset), problem)| Quarantined {
            file: file.clone(),
            offset: *offset,
            problem: problem.clone(),
        });
        entries.collect()
    }

    /// Forgets a segment that was removed.
    pub fn forget(&self, segment: u64) {
        let name = files::name(segment);
        let mut known = self.known();
        let before = known.len();
        known.retain(|(file, _), _| *file != name);
        let is_changed = known.len() < before;
        drop(known);
        // Entries of files that are gone are passed over when the list is read.
        if is_changed
            && self.list().is_empty()
            && let Some(dir) = &self.inner.dir
        {
            let _ = fs::remove_file(dir.join(LIST));
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<(String, u64), String>> {
        let known = self.inner.known.lock();
        known.unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is wrong with a file that does not even begin as a segment.
fn head(dir: &Path, file: SegmentFile) -> Option<Damage> {
    let mut bytes = Vec::new();
    let read = files::open_to_read(dir, file.segment)
        .and_then(|file| file.take(HEADER_BYTES as u64).read_to_end(&mut bytes));
    if let Err(error) = read {
        return Some(Damage::Unreadable {
            cause: error.to_string(),
        });
    }
    match frame::claimed_length(&bytes) {
        // Empty, or cut off within its first bytes: nothing was ever acknowledged of it.
        Ok(_) | Err(Damage::CutOff) => None,
        Err(damage) => Some(damage),
    }
}

fn append(list: &Path, entry: &Quarantined) -> io::Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    options.open(list)?.write_all(&line)
}
