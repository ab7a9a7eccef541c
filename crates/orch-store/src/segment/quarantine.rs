//! What is known to be damaged in the log files, for people to see.
//!
//! Damaged bytes stay where they are, and everything around them is served. What is wrong with a file
//! in many places stands there once, with their number. The list is kept beside the segments, so that
//! a restart forgets nothing; it is never needed for reading, and a list that is damaged itself, or
//! cannot be written, is no error.

use std::collections::{BTreeMap, BTreeSet};
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

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The file's name in the log folder, or what else it is.
    pub file: String,
    /// Bytes from its beginning: of the first place.
    pub offset: u64,
    pub problem: String,
    /// In how many places.
    #[serde(default = "one")]
    pub places: u64,
}

fn one() -> u64 {
    1
}

/// The list; clones share it.
#[derive(Clone, Debug)]
pub struct Quarantine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: Option<PathBuf>,
    known: Mutex<Known>,
}

/// By file and problem.
#[derive(Debug, Default)]
struct Known(BTreeMap<(String, String), Places>);

#[derive(Debug, Default)]
struct Places {
    /// Those that were met.
    offsets: BTreeSet<u64>,
    /// How many there are, where somebody counted them.
    counted: u64,
}

impl Places {
    fn number(&self) -> u64 {
        self.counted.max(self.offsets.len() as u64)
    }
}

impl Known {
    /// Answers whether it was not known.
    fn add(&mut self, entry: &Quarantined) -> bool {
        let met: usize = self.0.values().map(|places| places.offsets.len()).sum();
        let key = (entry.file.clone(), entry.problem.clone());
        if met >= MOST && !self.0.contains_key(&key) {
            return false;
        }
        let places = self.0.entry(key).or_default();
        let before = places.number();
        places.counted = places.counted.max(entry.places);
        if met < MOST {
            places.offsets.insert(entry.offset);
        }
        places.number() > before
    }
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
                opened.known().add(&entry);
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
        self.note_places(region, 1);
    }

    /// The same, of `places` that begin with this one.
    pub(crate) fn note_places(&self, region: &Region, places: u64) {
        self.add(Quarantined {
            file: files::name(region.segment),
            offset: region.offset,
            problem: region.damage.to_string(),
            places,
        });
    }

    /// Notes what is damaged elsewhere than in a segment.
    pub(crate) fn add(&self, entry: Quarantined) {
        if !self.known().add(&entry) {
            return;
        }
        tracing::error!(
            log.file = entry.file,
            log.offset = entry.offset,
            log.places = entry.places,
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
        let entry = |((file, problem), places): (&(String, String), &Places)| {
            Some(Quarantined {
                file: file.clone(),
                offset: *places.offsets.first()?,
                problem: problem.clone(),
                places: places.number(),
            })
        };
        let mut entries: Vec<Quarantined> = known.0.iter().filter_map(entry).collect();
        entries.sort_by(|a, b| (&a.file, a.offset).cmp(&(&b.file, b.offset)));
        entries
    }

    /// Forgets a segment that was removed.
    pub fn forget(&self, segment: u64) {
        let name = files::name(segment);
        let mut known = self.known();
        let before = known.0.len();
        known.0.retain(|(file, _), _| *file != name);
        let is_changed = known.0.len() < before;
        drop(known);
        // Entries of files that are gone are passed over when the list is read.
        if is_changed
            && self.list().is_empty()
            && let Some(dir) = &self.inner.dir
        {
            let _ = fs::remove_file(dir.join(LIST));
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
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
