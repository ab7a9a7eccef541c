//! Files of this machine, by `file:///…`.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::{FetchError, Fetched};
use crate::Digest;

/// Copies a file and hashes what was copied.
pub(super) fn copy(url: &str, from: &Path, into: &Path, most: u64) -> Result<Fetched, FetchError> {
    let found = fs::metadata(from);
    let found = match found {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(FetchError::Vanished {
                url: url.to_owned(),
                status: "no such file".to_owned(),
            });
        }
        found => found.map_err(FetchError::io("read", from))?,
    };
    if !found.is_file() {
        return Err(FetchError::Refused {
            url: url.to_owned(),
            why: "it is no file".to_owned(),
        });
    }
    let mut source = File::open(from).map_err(FetchError::io("read", from))?;
    let mut target = File::create(into).map_err(FetchError::io("write", into))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    let mut bytes = 0_u64;
    loop {
        let read = source
            .read(&mut buffer)
            .map_err(FetchError::io("read", from))?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        if bytes > most {
            return Err(FetchError::TooLarge {
                url: url.to_owned(),
                bound: most,
            });
        }
        hash.update(&buffer[..read]);
        target
            .write_all(&buffer[..read])
            .map_err(FetchError::io("write", into))?;
    }
    Ok(Fetched {
        path: into.to_owned(),
        sha256: Digest::from_hash(hash),
        bytes,
    })
}
