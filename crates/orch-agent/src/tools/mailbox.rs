//! Where a run's processes leave requests: a folder in their home, which they may have made hostile.
//!
//! Follows no link, opens nothing but small plain files, and reads a bounded number of them. Answers
//! go elsewhere, where the run can read and not write.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::{
        fd::AsRawFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use nix::fcntl::OFlag;
use orch_sandbox::exec::RunFolder;
use serde::{Deserialize, Serialize};

/// Requests of one run.
pub(super) const MOST: usize = 100;
/// Names that are looked at at once.
const MOST_NAMES: usize = 1_000;
/// Longest request.
const MAX_BYTES: u64 = 1024;
/// The folder in the run's home.
const FOLDER: &str = ".tool-requests";

/// A request as a process writes it, named `<id>.ask`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// `name` or `name@range`.
    pub(super) tool: String,
}

/// A request that was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) id: String,
    /// What was asked, or why that cannot be read.
    pub(super) request: Result<Request, String>,
}

/// The answer, as `<id>.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Answer {
    pub(super) status: &'static str,
    pub(super) reason: String,
    pub(super) version: String,
    pub(super) programs: Vec<String>,
}

/// A run's mailbox.
#[derive(Debug)]
pub(super) struct Mailbox {
    home: PathBuf,
    answers: PathBuf,
    seen: BTreeSet<String>,
}

impl Mailbox {
    pub(super) fn of(folder: &RunFolder) -> Self {
        Self {
            home: folder.home(),
            answers: answers(folder),
            seen: BTreeSet::new(),
        }
    }

    /// Whether no more requests are taken.
    pub(super) fn is_full(&self) -> bool {
        self.seen.len() >= MOST
    }

    /// Requests that were not there before.
    pub(super) fn look(&mut self) -> Vec<Asked> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits())
            .open(self.home.join(FOLDER));
        // There is none before the first request; one that is a link is none.
        let Ok(folder) = opened else {
            return Vec::new();
        };
        // By its descriptor, so that nobody can put another in its place meanwhile.
        let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
        let mut asked = Vec::new();
        for name in opened_names(&path) {
            let Some(id) = name.strip_suffix(".ask").filter(|id| is_id(id)) else {
                continue;
            };
            if self.is_full() || self.seen.contains(id) {
                continue;
            }
            self.seen.insert(id.to_owned());
            asked.push(Asked {
                id: id.to_owned(),
                request: read(&path.join(&name)),
            });
        }
        asked
    }

    /// Writes an answer at once.
    pub(super) fn answer(&self, id: &str, answer: &Answer) -> io::Result<()> {
        let json = serde_json::to_string(answer).expect("invariant: an answer is plain data");
        let draft = self.answers.join(format!("{id}.new"));
        fs::write(&draft, json)?;
        fs::rename(&draft, self.answers.join(format!("{id}.json")))
    }
}

/// Where answers lie.
pub(super) fn answers(folder: &RunFolder) -> PathBuf {
    folder.path().join("tools").join("answers")
}

/// Where requests lie, for the run's processes.
pub(super) fn requests(folder: &RunFolder) -> PathBuf {
    folder.home().join(FOLDER)
}

fn opened_names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.take(MOST_NAMES).map(|entry| entry.file_name());
    let mut names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
    names.sort();
    names
}

fn is_id(id: &str) -> bool {
    (8..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn read(path: &Path) -> Result<Request, String> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path);
    let file = opened.map_err(|_| "the request is a link or cannot be opened".to_owned())?;
    read_file(file)
}

fn read_file(file: File) -> Result<Request, String> {
    let found = file.metadata().map_err(|error| error.to_string())?;
    if !found.is_file() || found.nlink() != 1 {
        return Err("the request is no plain file with one name".to_owned());
    }
    let mut text = String::new();
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
    read.map_err(|_| "the request is no text".to_owned())?;
    if text.len() as u64 > MAX_BYTES {
        return Err(format!("the request is longer than {MAX_BYTES} bytes"));
    }
    serde_json::from_str(&text).map_err(|error| format!("the request cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mailbox() -> (tempfile::TempDir, Mailbox) {
        let top = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(top.path(), 1, 1).unwrap();
        let mailbox = Mailbox::of(&folder);
        (top, mailbox)
    }

    fn write(mailbox: &Mailbox, name: &str, text: &str) {
        let folder = mailbox.home.join(FOLDER);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), text).unwrap();
    }

    #[test]
    fn a_request_is_found_once() {
        let (_top, mut mailbox) = mailbox();
        assert_eq!(mailbox.look(), []);
        write(&mailbox, "0123456789abcdef.ask", r#"{"tool":"greet@^1"}"#);
        let request = Ok(Request {
            tool: "greet@^1".to_owned(),
        });
        let id = "0123456789abcdef".to_owned();
        assert_eq!(mailbox.look(), [Asked { id, request }]);
        assert_eq!(mailbox.look(), []);
    }

    #[test]
    fn links_pipes_and_long_or_malformed_requests_are_refused() {
        let (top, mut mailbox) = mailbox();
        let secret = top.path().join("secret");
        fs::write(&secret, r#"{"tool":"greet"}"#).unwrap();
        write(&mailbox, "00000001.ask", &"x".repeat(5_000));
        write(&mailbox, "00000002.ask", r#"{"tool":"a","more":1}"#);
        write(&mailbox, "../../not-an-id.ask", "{}");
        let folder = mailbox.home.join(FOLDER);
        symlink(&secret, folder.join("00000003.ask")).unwrap();
        fs::hard_link(&secret, folder.join("00000004.ask")).unwrap();
        fs::create_dir(folder.join("00000005.ask")).unwrap();
        nix::unistd::mkfifo(&folder.join("00000006.ask"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let found = mailbox.look();
        assert_eq!(found.len(), 6, "{found:?}");
        assert!(
            found.iter().all(|asked| asked.request.is_err()),
            "{found:?}"
        );
        // A folder that is a link is none.
        fs::remove_dir_all(&folder).unwrap();
        symlink(top.path(), &folder).unwrap();
        fs::write(top.path().join("00000009.ask"), r#"{"tool":"greet"}"#).unwrap();
        assert_eq!(mailbox.look(), []);
    }

    #[test]
    fn a_flood_of_requests_ends() {
        let (_top, mut mailbox) = mailbox();
        for number in 0..300 {
            write(&mailbox, &format!("{number:08x}.ask"), "{}");
        }
        let found = mailbox.look().len() + mailbox.look().len();
        assert_eq!((found, mailbox.is_full()), (MOST, true));
    }
}
