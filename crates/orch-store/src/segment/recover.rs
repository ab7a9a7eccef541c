//! Finding the end of what was written, when a writer opens the folder.
//!
//! A crash leaves a torn tail: a record that was not written to its end, or bytes that were never
//! filled, at the end of the newest segment. That is cut off, and loses nothing acknowledged, since
//! lines are synced before they are. Everything else that is damaged stays where it is and is
//! reported, and what is written next goes behind it: a record that is all there and whose checksum
//! is wrong may have been acknowledged. Older segments are not looked at: that is what a scan is for.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::frame::SHORTEST_FRAME_BYTES;
use super::scan::{Frames, Piece};
use super::{Damage, LogError, Region, files};

/// What was found, and done, when a writer opened the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The segment that is written to next.
    pub segment: u64,
    /// Its length: where the next record goes.
    pub end: u64,
    /// Bytes of a torn tail that were cut off.
    pub truncated_bytes: u64,
    /// Damage that was left as it is.
    pub quarantined: Vec<Region>,
}

impl Recovery {
    /// Whether everything was as a writer that ended well leaves it.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.truncated_bytes == 0 && self.quarantined.is_empty()
    }
}

/// Opens the newest segment at its end, repaired; makes one where none can be continued.
pub(super) fn recover(dir: &Path) -> Result<(File, Recovery), LogError> {
    let Some(newest) = files::list(dir)?.pop() else {
        return begin(dir, 1, Vec::new());
    };
    let segment = newest.segment;
    let path = files::path(dir, segment);
    let unreadable = |cause: String| Region {
        segment,
        offset: 0,
        length: newest.size_bytes,
        damage: Damage::Unreadable { cause },
    };
    let file = match files::open_to_write(dir, segment) {
        Ok(file) => file,
        Err(LogError::Io { source, .. }) => {
            return begin(dir, segment + 1, vec![unreadable(source.to_string())]);
        }
        Err(error) => return Err(error),
    };
    let again = file.try_clone().map_err(LogError::io("open", &path))?;
    let mut survey = match survey(again, segment) {
        Ok(survey) => survey,
        Err(error) => return begin(dir, segment + 1, vec![unreadable(error.to_string())]),
    };
    let mut quarantined = survey.inside;
    // A file that begins as no segment does and holds no record is not ours to shorten.
    if survey.end == 0
        && let [foreign, ..] = survey.tail.as_slice()
        && foreign.damage == Damage::NoRecord
    {
        quarantined.extend(survey.tail);
        return begin(dir, segment + 1, quarantined);
    }
    let foreign = |region: &Region| matches!(region.damage, Damage::Format { .. });
    if survey.tail.iter().any(foreign) {
        quarantined.extend(survey.tail);
        return begin(dir, segment + 1, quarantined);
    }
    let torn = match torn_from(&file, &survey.tail) {
        Ok(torn) => torn,
        Err(error) => return begin(dir, segment + 1, vec![unreadable(error.to_string())]),
    };
    let kept = survey.tail.drain(..torn);
    let end = kept.as_slice().last().map_or(survey.end, Region::end);
    quarantined.extend(kept);
    let truncated_bytes = survey.length - end;
    if truncated_bytes > 0 {
        file.set_len(end).map_err(LogError::io("shorten", &path))?;
        file.sync_data().map_err(LogError::io("sync", &path))?;
    }
    let recovery = Recovery {
        segment,
        end,
        truncated_bytes,
        quarantined,
    };
    Ok((file, recovery))
}

/// How many of the damaged regions at the end are more than a write that was not finished: all before
/// those that were never filled.
fn torn_from(file: &File, tail: &[Region]) -> io::Result<usize> {
    let mut kept = tail.len();
    while let Some(last) = kept.checked_sub(1) {
        if !is_unfinished(file, &tail[last])? {
            break;
        }
        kept = last;
    }
    Ok(kept)
}

/// Whether a region is the beginning of a record, or bytes that were never written: nothing there
/// was ever synced, so nothing there was acknowledged.
fn is_unfinished(file: &File, region: &Region) -> io::Result<bool> {
    match region.damage {
        Damage::CutOff => Ok(true),
        // Less than a record, or a file that grew before its bytes came.
        Damage::NoRecord => {
            Ok(region.length < SHORTEST_FRAME_BYTES as u64 || is_blank(file, region)?)
        }
        // After a power cut a tail that was not synced may look so as well; it is kept all the same.
        Damage::Length { .. }
        | Damage::OtherLength { .. }
        | Damage::Checksum { .. }
        | Damage::Malformed { .. }
        | Damage::Format { .. }
        | Damage::Unreadable { .. } => Ok(false),
    }
}

fn is_blank(file: &File, region: &Region) -> io::Result<bool> {
    let mut window = [0; 64 * 1024];
    let mut at = region.offset;
    while at < region.end() {
        let left = usize::try_from(region.end() - at).unwrap_or(usize::MAX);
        let bytes = &mut window[..left.min(64 * 1024)];
        file.read_exact_at(bytes, at)?;
        if bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at += bytes.len() as u64;
    }
    Ok(true)
}

fn begin(dir: &Path, segment: u64, damage: Vec<Region>) -> Result<(File, Recovery), LogError> {
    let recovery = Recovery {
        segment,
        end: 0,
        truncated_bytes: 0,
        quarantined: damage,
    };
    Ok((files::create(dir, segment)?, recovery))
}

struct Survey {
    /// The file's length.
    length: u64,
    /// Where the last intact record ends.
    end: u64,
    /// Damage before it.
    inside: Vec<Region>,
    /// Damage behind it.
    tail: Vec<Region>,
}

fn survey(file: File, segment: u64) -> io::Result<Survey> {
    let mut frames = Frames::new(file, segment)?;
    let mut survey = Survey {
        length: frames.end(),
        end: 0,
        inside: Vec::new(),
        tail: Vec::new(),
    };
    while let Some(piece) = frames.next_piece()? {
        match piece {
            Piece::Frame(at) => {
                survey.end = at.offset + u64::from(at.length);
                survey.inside.append(&mut survey.tail);
            }
            Piece::Gap(region) => survey.tail.push(region),
        }
    }
    Ok(survey)
}
