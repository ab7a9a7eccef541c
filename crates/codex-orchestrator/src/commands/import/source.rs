//! What somebody names to import: an address, an archive, a folder, or a folder that is a repository.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orch_api::types::import::SourceArchive;
use orch_archive::{Packing, pack};

use crate::failure::Failure;
use crate::input;

/// What builds and downloads leave behind, and what git keeps.
const LEFT_OUT: [&str; 8] = [
    ".git",
    "node_modules",
    "target",
    ".venv",
    "venv",
    "__pycache__",
    ".tox",
    ".gradle",
];
/// What the server accepts.
const MOST_PACKED_BYTES: usize = 24 * 1024 * 1024;

/// What is imported.
#[derive(Debug)]
pub enum Source {
    /// A repository that the server reaches by itself.
    Repository(String),
    Archive(SourceArchive),
}

/// Reads what was named.
///
/// # Errors
/// When there is no such thing, or it is too large.
pub fn read(named: &str, note: &mut dyn FnMut(&str)) -> Result<Source, Failure> {
    if named.contains("://") {
        return Ok(Source::Repository(named.to_owned()));
    }
    let path = Path::new(named);
    let failed = |error: &std::io::Error| {
        Failure::usage(format!("failed to read `{named}`"))
            .caused_by(error)
            .next_step("name a folder, an archive, or the address of a repository")
    };
    let path = path.canonicalize().map_err(|error| failed(&error))?;
    if path.is_file() {
        let name = path.file_name().and_then(|name| name.to_str());
        let name =
            name.ok_or_else(|| Failure::usage(format!("`{named}` names no file in UTF-8")))?;
        return Ok(Source::Archive(SourceArchive {
            name: name.to_owned(),
            content_base64: STANDARD.encode(input::archive(&path)?),
        }));
    }
    // A work tree, or a bare repository.
    if path.join(".git").is_dir() || (path.join("HEAD").is_file() && path.join("objects").is_dir())
    {
        let address = path.to_str().map(|path| format!("file://{path}"));
        let address =
            address.ok_or_else(|| Failure::usage(format!("`{named}` is no path in UTF-8")))?;
        note(&format!(
            "`{named}` is a git repository: its last commit is imported, what is not committed is not"
        ));
        return Ok(Source::Repository(address));
    }
    packed(&path, named, note).map(Source::Archive)
}

fn packed(path: &Path, named: &str, note: &mut dyn FnMut(&str)) -> Result<SourceArchive, Failure> {
    let packing = Packing {
        leave_out: &LEFT_OUT,
        most_files: 100_000,
        most_bytes: 256 * 1024 * 1024,
    };
    let packed = pack(path, packing).map_err(|error| {
        Failure::usage(format!("failed to pack `{named}`"))
            .caused_by(&error)
            .next_step("import a part of it, or its repository by address")
    })?;
    if packed.bytes.len() > MOST_PACKED_BYTES {
        return Err(Failure::usage(format!(
            "`{named}` packs to more than 24 MiB, which the server does not accept"
        ))
        .next_step("import a part of it, or its repository by address"));
    }
    if packed.skipped > 0 {
        note(&format!(
            "links and names that are no UTF-8 were left out: {}",
            packed.skipped
        ));
    }
    let name = path.file_name().and_then(|name| name.to_str());
    let plain: String = name
        .unwrap_or("source")
        .chars()
        .filter(|c| !c.is_control() && *c != '\\')
        .take(150)
        .collect();
    Ok(SourceArchive {
        name: format!("{plain}.tar.gz"),
        content_base64: STANDARD.encode(packed.bytes),
    })
}
