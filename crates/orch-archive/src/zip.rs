//! Zip: by its central directory, every entry compared with its own header.

use std::io::{self, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;

use crate::{
    ArchiveError, Bounds,
    bounds::Limited,
    sink::{Sink, What},
};

/// Longest central directory that is held in memory.
const MAX_DIRECTORY: u64 = 64 << 20;
/// Longest comment, and so where the end's record may begin.
const MAX_TAIL: u64 = 65_535 + 22;
/// Longest target of a link.
const MAX_TARGET: u64 = 1_024;

fn damaged(why: impl Into<String>) -> ArchiveError {
    ArchiveError::damaged("zip archive", why)
}

/// An open archive.
pub struct Zip<F> {
    file: F,
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    name: Vec<u8>,
    method: u16,
    flags: u16,
    crc: u32,
    packed: u64,
    size: u64,
    mode: u32,
    offset: u64,
}

/// Reads numbers from the front of bytes.
struct Cursor<'b>(&'b [u8]);

impl<'b> Cursor<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], ArchiveError> {
        if self.0.len() < count {
            return Err(damaged("it breaks off in a record"));
        }
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: usize) -> Result<u64, ArchiveError> {
        let taken = self.take(bytes)?.iter().rev();
        Ok(taken.fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
    }

    fn short(&mut self) -> Result<u16, ArchiveError> {
        self.number(2).map(|number| number as u16)
    }
}

impl<F: Read + Seek> Zip<F> {
    /// Reads the directory.
    ///
    /// # Errors
    /// When it is damaged or too large.
    pub fn open(mut file: F, bounds: &Bounds) -> Result<Self, ArchiveError> {
        let (offset, size, count) = directory(&mut file)?;
        if size > MAX_DIRECTORY || count > bounds.entries {
            return Err(ArchiveError::Bomb {
                what: "entries",
                bound: bounds.entries,
            });
        }
        let bytes = read_at(&mut file, offset, size)?;
        let mut cursor = Cursor(&bytes);
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(central(&mut cursor)?);
        }
        Ok(Self { file, entries })
    }

    /// The whole of a small file, where it is there.
    ///
    /// # Errors
    /// When it is damaged or too large.
    pub fn small(
        &mut self,
        fits: impl Fn(&str) -> bool,
        most: u64,
    ) -> Result<Option<Vec<u8>>, ArchiveError> {
        let named = |entry: &&Entry| std::str::from_utf8(&entry.name).is_ok_and(&fits);
        let Some(entry) = self.entries.iter().find(named).cloned() else {
            return Ok(None);
        };
        self.content(&entry, most).map(Some)
    }

    /// The content of an entry, of at most so many bytes.
    fn content(&mut self, entry: &Entry, most: u64) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = Vec::new();
        self.read(entry, most, &mut |content| {
            content
                .read_to_end(&mut bytes)
                .map_err(ArchiveError::reading("zip archive", most))?;
            Ok(())
        })?;
        Ok(bytes)
    }

    /// The content of every file whose name fits, one after another.
    ///
    /// # Errors
    /// When one is damaged or too large.
    pub fn each(
        &mut self,
        fits: impl Fn(&str) -> bool,
        most: u64,
        take: &mut dyn FnMut(Vec<u8>),
    ) -> Result<(), ArchiveError> {
        for entry in self.entries.clone() {
            if !std::str::from_utf8(&entry.name).is_ok_and(&fits) {
                continue;
            }
            take(self.content(&entry, most)?);
        }
        Ok(())
    }

    /// Unpacks all entries.
    pub(crate) fn unpack(&mut self, sink: &mut dyn Sink) -> Result<(), ArchiveError> {
        for entry in self.entries.clone() {
            if entry.name.contains(&b'\\') {
                return Err(ArchiveError::hostile(
                    &entry.name,
                    "has a path with backslashes",
                ));
            }
            let kind = entry.mode & 0o170_000;
            let is_folder = entry.name.ends_with(b"/");
            match kind {
                0o040_000 => sink.put(&entry.name, What::Folder)?,
                _ if is_folder => sink.put(&entry.name, What::Folder)?,
                0o120_000 => {
                    let mut target = Vec::new();
                    self.read(&entry, MAX_TARGET, &mut |content| {
                        content
                            .read_to_end(&mut target)
                            .map_err(ArchiveError::reading("zip archive", MAX_TARGET))?;
                        Ok(())
                    })?;
                    sink.put(&entry.name, What::Link { target })?;
                }
                0 | 0o100_000 => {
                    let most = sink.allowed();
                    self.read(&entry, most, &mut |content| {
                        let runs = entry.mode & 0o111 != 0;
                        sink.put(&entry.name, What::File { content, runs })
                    })?;
                }
                _ => {
                    return Err(ArchiveError::hostile(
                        &entry.name,
                        "is no file, folder or link",
                    ));
                }
            }
        }
        Ok(())
    }

    fn read(
        &mut self,
        entry: &Entry,
        most: u64,
        take: &mut dyn FnMut(&mut dyn Read) -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        if entry.flags & 1 != 0 {
            return Err(ArchiveError::Unsupported("encryption".to_owned()));
        }
        let header = read_at(&mut self.file, entry.offset, 30)?;
        let mut cursor = Cursor(&header);
        if cursor.take(4)? != b"PK\x03\x04" {
            return Err(damaged("an entry is not where the directory says"));
        }
        cursor.take(22)?;
        let (name, extra) = (cursor.short()?, cursor.short()?);
        let said = read_at(
            &mut self.file,
            entry.offset.saturating_add(30),
            u64::from(name),
        )?;
        // Programs that read one and programs that read the other would see different files.
        if said != entry.name {
            return Err(ArchiveError::hostile(
                &entry.name,
                "has another name in its own header",
            ));
        }
        let at = entry
            .offset
            .saturating_add(30 + u64::from(name) + u64::from(extra));
        self.file
            .seek(SeekFrom::Start(at))
            .map_err(|error| damaged(error.to_string()))?;
        let packed = (&mut self.file).take(entry.packed);
        let unpacked: Box<dyn Read + '_> = match entry.method {
            0 => Box::new(packed),
            8 => Box::new(DeflateDecoder::new(packed)),
            method => {
                return Err(ArchiveError::Unsupported(format!(
                    "the compression method {method}"
                )));
            }
        };
        let mut checked = Checked {
            inner: Limited::new(unpacked, most),
            crc: flate2::Crc::new(),
            read: 0,
        };
        take(&mut checked)?;
        let rest = io::copy(&mut checked, &mut io::sink());
        rest.map_err(ArchiveError::reading("zip archive", most))?;
        if checked.crc.sum() != entry.crc || checked.read != entry.size {
            return Err(damaged(format!(
                "the content of `{}` is not what the directory says",
                crate::error::shown(&entry.name)
            )));
        }
        Ok(())
    }
}

struct Checked<R> {
    inner: R,
    crc: flate2::Crc,
    read: u64,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.crc.update(&buffer[..read]);
        self.read += read as u64;
        Ok(read)
    }
}

fn read_at<F: Read + Seek>(file: &mut F, at: u64, count: u64) -> Result<Vec<u8>, ArchiveError> {
    let broken = |error: io::Error| damaged(error.to_string());
    file.seek(SeekFrom::Start(at)).map_err(broken)?;
    let mut bytes = Vec::new();
    file.take(count).read_to_end(&mut bytes).map_err(broken)?;
    match bytes.len() as u64 == count {
        true => Ok(bytes),
        false => Err(damaged("it breaks off")),
    }
}

/// Offset, size and number of entries of the central directory.
fn directory<F: Read + Seek>(file: &mut F) -> Result<(u64, u64, u64), ArchiveError> {
    let broken = |error: io::Error| damaged(error.to_string());
    let length = file.seek(SeekFrom::End(0)).map_err(broken)?;
    let tail_at = length.saturating_sub(MAX_TAIL);
    let tail = read_at(file, tail_at, length - tail_at)?;
    let end = tail.windows(4).rposition(|window| window == b"PK\x05\x06");
    let end = end.ok_or_else(|| damaged("it has no end"))?;
    let mut cursor = Cursor(&tail[end + 4..]);
    let (disk, with) = (cursor.short()?, cursor.short()?);
    let (_, count) = (cursor.short()?, cursor.short()?);
    let (size, offset) = (cursor.number(4)?, cursor.number(4)?);
    if disk != with {
        return Err(ArchiveError::Unsupported("several disks".to_owned()));
    }
    if count != u16::MAX && size != u64::from(u32::MAX) && offset != u64::from(u32::MAX) {
        return Ok((offset, size, u64::from(count)));
    }
    // Zip64: a locator stands right before the end.
    let locator = end
        .checked_sub(20)
        .ok_or_else(|| damaged("it has no locator"))?;
    let mut cursor = Cursor(&tail[locator..]);
    if cursor.take(4)? != b"PK\x06\x07" {
        return Err(damaged("it has no locator"));
    }
    cursor.take(4)?;
    let at = cursor.number(8)?;
    let record = read_at(file, at, 56)?;
    let mut cursor = Cursor(&record);
    if cursor.take(4)? != b"PK\x06\x06" {
        return Err(damaged("its end is not where the locator says"));
    }
    cursor.take(28)?;
    let (count, size, offset) = (cursor.number(8)?, cursor.number(8)?, cursor.number(8)?);
    Ok((offset, size, count))
}

fn central(cursor: &mut Cursor<'_>) -> Result<Entry, ArchiveError> {
    if cursor.take(4)? != b"PK\x01\x02" {
        return Err(damaged("the directory is malformed"));
    }
    let made_by = cursor.short()?;
    cursor.take(2)?;
    let (flags, method) = (cursor.short()?, cursor.short()?);
    cursor.take(4)?;
    let crc = cursor.number(4)? as u32;
    let (mut packed, mut size) = (cursor.number(4)?, cursor.number(4)?);
    let (name, extra, comment) = (cursor.short()?, cursor.short()?, cursor.short()?);
    cursor.take(4)?;
    let attributes = cursor.number(4)? as u32;
    let mut offset = cursor.number(4)?;
    let name = cursor.take(usize::from(name))?.to_vec();
    let mut extras = Cursor(cursor.take(usize::from(extra))?);
    cursor.take(usize::from(comment))?;
    while extras.0.len() >= 4 {
        let (id, length) = (extras.short()?, extras.short()?);
        let mut field = Cursor(extras.take(usize::from(length))?);
        if id == 1 {
            for value in [&mut size, &mut packed, &mut offset] {
                if *value == u64::from(u32::MAX) {
                    *value = field.number(8)?;
                }
            }
        }
    }
    // Only archives made on Unix hold Unix modes.
    let mode = match made_by >> 8 {
        3 => attributes >> 16,
        _ => 0,
    };
    Ok(Entry {
        name,
        method,
        flags,
        crc,
        packed,
        size,
        mode,
        offset,
    })
}
