//! Texts that are handed in as a file, or on standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::failure::Failure;

/// The server accepts bodies of 1 MiB; more cannot be meant.
const MOST_BYTES: u64 = 1024 * 1024;

/// The files of a vision have 4 MiB together.
const MOST_ATTACHED_BYTES: u64 = 4 * 1024 * 1024;

/// The largest archive that is imported.
const MOST_ARCHIVE_BYTES: u64 = 24 * 1024 * 1024;

/// The bytes of a file that goes with a vision.
pub fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    bytes_up_to(path, MOST_ATTACHED_BYTES)
}

/// The bytes of an archive that is imported.
pub fn archive(path: &Path) -> Result<Vec<u8>, Failure> {
    bytes_up_to(path, MOST_ARCHIVE_BYTES)
}

fn bytes_up_to(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let name = path.display();
    let failed =
        |error: &io::Error| Failure::usage(format!("failed to read `{name}`")).caused_by(error);
    let file = File::open(path).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error))?;
    if bytes.len() as u64 > most {
        let most = most / 1024 / 1024;
        return Err(Failure::usage(format!(
            "`{name}` holds more than {most} MiB, which the server does not accept"
        )));
    }
    Ok(bytes)
}

/// The text of the file at `path`, or of standard input for `-`.
pub fn text(path: &str) -> Result<String, Failure> {
    let name = if path == "-" {
        "standard input".to_owned()
    } else {
        format!("`{path}`")
    };
    let failed =
        |error: &io::Error| Failure::usage(format!("failed to read {name}")).caused_by(error);
    let source: Box<dyn Read> = match path {
        "-" => Box::new(io::stdin()),
        _ => Box::new(File::open(path).map_err(|error| failed(&error))?),
    };
    let mut bytes = Vec::new();
    source
        .take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Failure::usage(format!(
            "{name} holds more than 1 MiB, which the server does not accept"
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::usage(format!(
            "{name} is not UTF-8 text: byte {at} begins no character"
        ))
    })
}
