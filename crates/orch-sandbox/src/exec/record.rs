//! The small files by which a restarted agent finds what a killed one left running.
//!
//! A record is written before its process starts, so that no moment is without one, and removed
//! when nothing of the process is left. A record that cannot be read is no reason to fail.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::procfs::Process;

const HEADER: &str = "orch-step 1";
const EXTENSION: &str = "step";

/// The record of one running command; stays on disk until `remove`.
#[derive(Debug)]
pub(super) struct Record {
    path: PathBuf,
    file: File,
    marker: String,
}

/// What a record says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    /// The value that the environment of the command and its descendants carries.
    pub(super) marker: String,
    /// The command's first process, unless the agent ended before it could note it.
    pub(super) leader: Option<Process>,
}

impl Record {
    /// Announces a command about to be started.
    pub(super) fn create(folder: &Path, marker: &str) -> io::Result<Self> {
        let path = folder.join(marker).with_extension(EXTENSION);
        let record = Self {
            file: File::create_new(&path)?,
            path,
            marker: marker.to_owned(),
        };
        record.write(&format!("{HEADER} {marker}\n"))?;
        Ok(record)
    }

    /// Notes the process that was started.
    pub(super) fn started(&self, leader: Process) -> io::Result<()> {
        let Process { pid, start } = leader;
        self.write(&format!("{HEADER} {} {pid} {start}\n", self.marker))
    }

    /// In one call: whoever reads after a crash finds the old text or the new, never a torn one. A
    /// record without any text is that of a process that was not started.
    fn write(&self, text: &str) -> io::Result<()> {
        self.file.write_all_at(text.as_bytes(), 0)
    }

    /// Ends the record: nothing of the command is left.
    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "failed to remove a process record");
        }
    }
}

/// The records in a folder, each with its file; files that are none are passed over.
pub(super) fn read_all(folder: &Path) -> Vec<(PathBuf, Recorded)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == EXTENSION)
        })
        .filter_map(|path| {
            let recorded = parse(&fs::read_to_string(&path).ok()?);
            if recorded.is_none() {
                tracing::warn!(path = %path.display(), "passed over an unreadable process record");
            }
            Some((path, recorded?))
        })
        .collect()
}

fn parse(text: &str) -> Option<Recorded> {
    let fields: Vec<&str> = text
        .strip_prefix(HEADER)?
        .split_ascii_whitespace()
        .collect();
    let (marker, leader) = match fields.as_slice() {
        [marker] => (marker, None),
        [marker, pid, start] => {
            let (pid, start) = (pid.parse().ok()?, start.parse().ok()?);
            (marker, Some(Process { pid, start }))
        }
        _ => return None,
    };
    Some(Recorded {
        marker: (*marker).to_owned(),
        leader,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_tells_the_marker_and_then_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let record = Record::create(folder.path(), "abc").unwrap();
        let recorded = |leader| {
            let marker = "abc".to_owned();
            vec![(folder.path().join("abc.step"), Recorded { marker, leader })]
        };
        assert_eq!(read_all(folder.path()), recorded(None));
        let leader = Process { pid: 7, start: 99 };
        record.started(leader).unwrap();
        assert_eq!(read_all(folder.path()), recorded(Some(leader)));
        record.remove();
        assert_eq!(read_all(folder.path()), []);
    }

    #[test]
    fn records_of_version_one_still_parse_and_others_are_passed_over() {
        let leader = Some(Process {
            pid: 31,
            start: 400,
        });
        let marker = "00ff".to_owned();
        assert_eq!(
            parse("orch-step 1 00ff 31 400\n"),
            Some(Recorded { marker, leader })
        );
        for text in [
            "",
            "orch-step 1",
            "orch-step 1 a b",
            "orch-step 1 a b c",
            "other",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
