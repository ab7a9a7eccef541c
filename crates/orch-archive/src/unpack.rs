//! One archive into one fresh folder, whatever its kind.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;

use crate::{
    Absolute, ArchiveError, ArchiveKind, Bounds, Zip, ar,
    bounds::Limited,
    place::Placer,
    sink::{Sink, What},
    tar,
};

/// What came out of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unpacked {
    /// Files, folders and links.
    pub entries: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Unpacks an archive into an empty folder; a file that is none becomes the program `name` there.
///
/// # Errors
/// When it is damaged, hostile or too large. What was written until then stays: remove the folder.
pub fn unpack(
    archive: &Path,
    into: &Path,
    name: &str,
    strip: usize,
    absolute: Absolute,
    bounds: Bounds,
) -> Result<Unpacked, ArchiveError> {
    let reading = || ArchiveError::io("read", archive);
    let mut file = File::open(archive).map_err(reading())?;
    let packed = file.metadata().map_err(reading())?.len();
    let kind = ArchiveKind::of(&mut file).map_err(reading())?;
    let mut placer = Placer::new(into, bounds, packed, strip, absolute);
    match kind {
        ArchiveKind::Zip => Zip::open(BufReader::new(file), &bounds)?.unpack(&mut placer)?,
        ArchiveKind::Ar => {
            let what = "a Debian package, which an entry names under `package: {apt: …}`";
            return Err(ArchiveError::Unsupported(what.to_owned()));
        }
        ArchiveKind::Tar
        | ArchiveKind::Gzip
        | ArchiveKind::Xz
        | ArchiveKind::Zstd
        | ArchiveKind::Plain => {
            unpack_stream(kind, file, name, &mut placer)?;
        }
    }
    let placed = placer.finish()?;
    Ok(Unpacked {
        entries: placed.entries,
        bytes: placed.bytes,
    })
}

/// Unpacks the files of a Debian package into a folder, which may hold those of others.
///
/// # Errors
/// As for [`unpack`].
pub fn unpack_deb(package: &Path, into: &Path, bounds: Bounds) -> Result<Unpacked, ArchiveError> {
    let reading = || ArchiveError::io("read", package);
    let mut file = File::open(package).map_err(reading())?;
    let Some((at, size)) = ar::find(&mut file, "data.tar")? else {
        return Err(ArchiveError::damaged("Debian package", "it holds no files"));
    };
    file.seek(SeekFrom::Start(at)).map_err(reading())?;
    let mut placer = Placer::new(into, bounds, size, 0, Absolute::Inside);
    let mut head = Vec::new();
    (&mut file)
        .take(512)
        .read_to_end(&mut head)
        .map_err(reading())?;
    file.seek(SeekFrom::Start(at)).map_err(reading())?;
    let kind = ArchiveKind::of_head(&head);
    unpack_stream(kind, file.take(size), "data", &mut placer)?;
    let placed = placer.finish()?;
    Ok(Unpacked {
        entries: placed.entries,
        bytes: placed.bytes,
    })
}

pub(crate) fn unpack_stream<R: Read>(
    kind: ArchiveKind,
    file: R,
    name: &str,
    sink: &mut dyn Sink,
) -> Result<(), ArchiveError> {
    let file = BufReader::new(file);
    let plain: Box<dyn Read + '_> = match kind {
        ArchiveKind::Gzip => Box::new(MultiGzDecoder::new(file)),
        ArchiveKind::Xz => Box::new(XzReader::new(file, true)),
        ArchiveKind::Zstd => {
            let decoder = StreamingDecoder::new(file);
            Box::new(
                decoder.map_err(|error| ArchiveError::damaged("zstd stream", error.to_string()))?,
            )
        }
        ArchiveKind::Tar | ArchiveKind::Plain | ArchiveKind::Zip | ArchiveKind::Ar => {
            Box::new(file)
        }
    };
    let bound = sink.allowed();
    // Headers and padding count as well: a bomb may consist of nothing else.
    let mut plain = BufReader::new(Limited::new(
        plain,
        bound.saturating_add(bound / 4).saturating_add(1 << 20),
    ));
    let mut head = vec![0; 512];
    let mut filled = 0;
    while filled < head.len() {
        let read = plain.read(&mut head[filled..]);
        match read.map_err(ArchiveError::reading("archive", bound))? {
            0 => break,
            read => filled += read,
        }
    }
    head.truncate(filled);
    let is_tar = ArchiveKind::of_head(&head) == ArchiveKind::Tar;
    let mut whole = std::io::Cursor::new(head).chain(plain);
    if is_tar {
        return tar::read(&mut whole, sink);
    }
    sink.lone_file();
    let program = What::File {
        content: &mut whole,
        runs: true,
    };
    sink.put(name.as_bytes(), program)
}
