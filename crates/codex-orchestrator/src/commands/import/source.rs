//! What somebody names to import: an address, an archive, a folder, or a folder that is a repository.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// What is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A repository that the server reaches by itself.
    Address(String),
    Archive(PathBuf),
    Folder(PathBuf),
    /// A folder that is a git repository.
    Checkout(PathBuf),
}

/// Looks at what was named.
///
/// # Errors
/// When there is no such thing.
pub fn find(named: &str) -> Result<Source, Failure> {
    if named.contains("://") {
        return Ok(Source::Address(named.to_owned()));
    }
    let path = Path::new(named).canonicalize().map_err(|error| {
        Failure::usage(format!("failed to read `{named}`"))
            .caused_by(&error)
            .next_step("name a folder, an archive, or the address of a repository")
    })?;
    if !path.is_dir() {
        return Ok(Source::Archive(path));
    }
    Ok(match orch_git::is_repository(&path) {
        true => Source::Checkout(path),
        false => Source::Folder(path),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn addresses_archives_folders_and_repositories_are_told_apart() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().canonicalize().unwrap();
        let named = path.to_str().unwrap();
        let found = |named: &str| find(named).unwrap();
        assert_eq!(found(named), Source::Folder(path.clone()));
        fs::create_dir(path.join(".git")).unwrap();
        assert_eq!(found(named), Source::Checkout(path.clone()));
        let archive = path.join("a.zip");
        fs::write(&archive, "").unwrap();
        assert_eq!(found(archive.to_str().unwrap()), Source::Archive(archive));
        let address = "https://host/a.git";
        assert_eq!(found(address), Source::Address(address.to_owned()));
        let refused = find("/nowhere/at/all").unwrap_err();
        assert!(refused.message.contains("/nowhere/at/all"), "{refused:?}");
    }
}
