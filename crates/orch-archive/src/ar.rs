//! `ar`, as Debian packages are made of: members one after another.

use std::io::{self, Read, Seek, SeekFrom};

use crate::ArchiveError;

/// Most members that are looked at.
const MAX_MEMBERS: usize = 64;

fn damaged(why: &str) -> ArchiveError {
    ArchiveError::damaged("Debian package", why)
}

/// Where a member lies whose name begins so: its offset and size.
pub(crate) fn find<F: Read + Seek>(
    file: &mut F,
    begins: &str,
) -> Result<Option<(u64, u64)>, ArchiveError> {
    let broken = |error: io::Error| damaged(&error.to_string());
    file.seek(SeekFrom::Start(0)).map_err(broken)?;
    let mut magic = [0; 8];
    file.read_exact(&mut magic).map_err(broken)?;
    if &magic != b"!<arch>\n" {
        return Err(damaged("it is no ar archive"));
    }
    let mut at = 8_u64;
    for _ in 0..MAX_MEMBERS {
        let mut header = [0; 60];
        match file.read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(broken(error)),
        }
        if &header[58..] != b"`\n" {
            return Err(damaged("a member's header is wrong"));
        }
        let field = |range: std::ops::Range<usize>| {
            std::str::from_utf8(&header[range])
                .map(str::trim)
                .unwrap_or_default()
        };
        let name = field(0..16).trim_end_matches('/');
        let size: u64 = field(48..58)
            .parse()
            .map_err(|_| damaged("a member's size is no number"))?;
        at += 60;
        if name.starts_with(begins) {
            return Ok(Some((at, size)));
        }
        at = at.saturating_add(size).saturating_add(size % 2);
        file.seek(SeekFrom::Start(at)).map_err(broken)?;
    }
    Err(damaged("it has too many members"))
}
