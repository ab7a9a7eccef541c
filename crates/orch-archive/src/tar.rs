//! Tar: ustar, with the long names of GNU and pax. Streams; holds one name in memory.

use std::io::{self, Read};

use crate::{
    ArchiveError,
    sink::{Sink, What},
};

const BLOCK: usize = 512;
/// Longest block of names.
const MAX_NAMES: u64 = 64 * 1024;

fn damaged(why: impl Into<String>) -> ArchiveError {
    ArchiveError::damaged("tar archive", why)
}

/// Names that were said before the entry that they are of.
#[derive(Default)]
struct Ahead {
    name: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
}

/// Unpacks all entries.
pub(crate) fn read(reader: &mut dyn Read, sink: &mut dyn Sink) -> Result<(), ArchiveError> {
    let bound = sink.allowed();
    let mut ahead = Ahead::default();
    let mut seen = 0_u64;
    loop {
        let Some(header) = header(reader, bound)? else {
            return match seen {
                0 => Err(damaged("it is empty")),
                _ => Ok(()),
            };
        };
        seen += 1;
        let flag = header[156];
        let size = match (ahead.size, flag) {
            (Some(size), b'0' | 0 | b'7') => size,
            _ => number(&header[124..136]).ok_or_else(|| damaged("a size is no number"))?,
        };
        let padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        match flag {
            b'L' => ahead.name = Some(text(names(reader, size, bound)?)),
            b'K' => ahead.target = Some(text(names(reader, size, bound)?)),
            b'x' => pax(&names(reader, size, bound)?, &mut ahead)?,
            // What holds for all entries says nothing of their place.
            b'g' => drop(names(reader, size, bound)?),
            _ => {
                let said = std::mem::take(&mut ahead);
                entry(reader, sink, &header, said, size)?;
            }
        }
        skip(reader, padding, bound)?;
    }
}

fn entry(
    reader: &mut dyn Read,
    sink: &mut dyn Sink,
    header: &[u8; BLOCK],
    said: Ahead,
    size: u64,
) -> Result<(), ArchiveError> {
    let name = said.name.unwrap_or_else(|| own_name(header));
    let target = said
        .target
        .unwrap_or_else(|| text(header[157..257].to_vec()));
    let mode = number(&header[100..108]).unwrap_or(0);
    let mut content = Exact {
        inner: reader,
        left: size,
    };
    let what = match header[156] {
        // Old archives say by a slash that it is a folder.
        0 | b'0' if name.ends_with(b"/") => What::Folder,
        0 | b'0' | b'7' => What::File {
            content: &mut content,
            runs: mode & 0o111 != 0,
        },
        b'5' => What::Folder,
        b'2' => What::Link { target },
        b'1' => What::Hard { target },
        b'3' | b'4' => return Err(ArchiveError::hostile(&name, "is a device")),
        b'6' => return Err(ArchiveError::hostile(&name, "is a named pipe")),
        b'S' => return Err(ArchiveError::Unsupported("sparse files".to_owned())),
        flag => {
            let flag = char::from(flag).escape_default();
            return Err(ArchiveError::Unsupported(format!(
                "tar entries of the kind `{flag}`"
            )));
        }
    };
    sink.put(&name, what)?;
    // Folders and links have no content, whatever their size says.
    let left = content.left;
    skip(reader, left, sink.allowed())
}

/// Whether bytes begin as a tar archive does, also one that is older than its magic number.
pub(crate) fn is_header(head: &[u8]) -> bool {
    let block = head
        .get(..BLOCK)
        .and_then(|block| <&[u8; BLOCK]>::try_from(block).ok());
    block.is_some_and(|block| block[0] != 0 && number(&block[148..156]) == Some(sum(block)))
}

fn sum(block: &[u8; BLOCK]) -> u64 {
    let bytes = block.iter().enumerate();
    bytes
        .map(|(at, byte)| match (148..156).contains(&at) {
            true => u64::from(b' '),
            false => u64::from(*byte),
        })
        .sum()
}

/// The next header; none at the end.
fn header(reader: &mut dyn Read, bound: u64) -> Result<Option<[u8; BLOCK]>, ArchiveError> {
    let mut block = [0; BLOCK];
    let mut filled = 0;
    while filled < BLOCK {
        let read = reader.read(&mut block[filled..]);
        let read = read.map_err(ArchiveError::reading("tar archive", bound))?;
        if read == 0 && filled == 0 {
            return Ok(None);
        }
        if read == 0 {
            return Err(damaged("it breaks off in a header"));
        }
        filled += read;
    }
    if block.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    match number(&block[148..156]) {
        Some(said) if said == sum(&block) => Ok(Some(block)),
        _ => Err(damaged("the sum of a header is wrong")),
    }
}

fn own_name(header: &[u8; BLOCK]) -> Vec<u8> {
    let name = text(header[..100].to_vec());
    let prefix = text(header[345..500].to_vec());
    // GNU keeps times where ustar keeps the beginning of the name.
    match &header[257..263] == b"ustar\0" && !prefix.is_empty() {
        true => [prefix, b"/".to_vec(), name].concat(),
        false => name,
    }
}

/// Up to the first NUL.
fn text(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte == 0);
    bytes.truncate(end.unwrap_or(bytes.len()));
    bytes
}

/// Octal digits, or GNU's binary form.
fn number(field: &[u8]) -> Option<u64> {
    if field.first()? & 0x80 != 0 {
        let (high, low) = field.split_at(field.len().checked_sub(8)?);
        let clean = high.iter().enumerate().all(|(at, byte)| match at {
            0 => *byte == 0x80,
            _ => *byte == 0,
        });
        return clean.then(|| {
            low.iter()
                .fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
        });
    }
    let digits = field.iter().copied();
    let digits: Vec<u8> = digits.filter(|byte| !matches!(byte, 0 | b' ')).collect();
    if digits.is_empty() {
        return Some(0);
    }
    u64::from_str_radix(std::str::from_utf8(&digits).ok()?, 8).ok()
}

fn names(reader: &mut dyn Read, size: u64, bound: u64) -> Result<Vec<u8>, ArchiveError> {
    if size > MAX_NAMES {
        return Err(damaged(format!(
            "a block of names has {size} bytes, more than {MAX_NAMES}"
        )));
    }
    let mut bytes = vec![0; size as usize];
    let read = reader.read_exact(&mut bytes);
    read.map_err(ArchiveError::reading("tar archive", bound))?;
    Ok(bytes)
}

fn pax(mut records: &[u8], ahead: &mut Ahead) -> Result<(), ArchiveError> {
    let wrong = || damaged("a pax header is malformed");
    while !records.is_empty() {
        let space = records
            .iter()
            .position(|byte| *byte == b' ')
            .ok_or_else(wrong)?;
        let length = std::str::from_utf8(&records[..space]).ok();
        let length: usize = length
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(wrong)?;
        if length <= space + 1 || length > records.len() || records[length - 1] != b'\n' {
            return Err(wrong());
        }
        let (record, rest) = records.split_at(length);
        let record = &record[space + 1..length - 1];
        let equals = record
            .iter()
            .position(|byte| *byte == b'=')
            .ok_or_else(wrong)?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        match key {
            b"path" => ahead.name = Some(value.to_vec()),
            b"linkpath" => ahead.target = Some(value.to_vec()),
            b"size" => {
                let size = std::str::from_utf8(value).ok();
                ahead.size = Some(size.and_then(|size| size.parse().ok()).ok_or_else(wrong)?);
            }
            key if key.starts_with(b"GNU.sparse.") => {
                return Err(ArchiveError::Unsupported("sparse files".to_owned()));
            }
            _ => {}
        }
        records = rest;
    }
    Ok(())
}

fn skip(reader: &mut dyn Read, bytes: u64, bound: u64) -> Result<(), ArchiveError> {
    let skipped = io::copy(&mut reader.take(bytes), &mut io::sink());
    match skipped.map_err(ArchiveError::reading("tar archive", bound))? {
        skipped if skipped == bytes => Ok(()),
        _ => Err(damaged("it breaks off")),
    }
}

/// So many bytes, and an error where there are fewer.
struct Exact<'r> {
    inner: &'r mut dyn Read,
    left: u64,
}

impl Read for Exact<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.inner.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it breaks off in a file",
            ));
        }
        self.left -= read as u64;
        Ok(read)
    }
}
