//! What lies in a workspace, as names: enough to infer what can be built and tested there.
//!
//! Reads names alone, never contents, and follows no symlinks.

use std::{collections::BTreeSet, fs, io, path::Path};

/// Folders whose contents say nothing about the project and may be huge.
const NOT_ENTERED: [&str; 4] = [".git", ".venv", "node_modules", "target"];

/// The names in `root` down to `depth` levels (1: its own entries alone), relative to it, upper
/// levels first and sorted within a folder; a folder ends in `/`. At most `bound` names.
///
/// # Errors
/// When `root` itself cannot be read; folders below that cannot are passed over.
pub fn list_files(root: &Path, depth: usize, bound: usize) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    let mut level = vec![String::new()];
    for current_depth in 0..depth {
        let mut next = Vec::new();
        for folder in level {
            let entries = match entries(&root.join(&folder), bound - names.len()) {
                Ok(entries) => entries,
                Err(error) if current_depth == 0 => return Err(error),
                Err(_) => continue,
            };
            for (name, kind) in entries {
                let path = match kind {
                    Kind::Folder => format!("{folder}{name}/"),
                    Kind::Other => format!("{folder}{name}"),
                };
                if kind == Kind::Folder && !NOT_ENTERED.contains(&name.as_str()) {
                    next.push(path.clone());
                }
                names.push(path);
            }
        }
        level = next;
    }
    Ok(names)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Folder,
    Other,
}

/// The first `bound` entries by name, holding no more than that at any time.
fn entries(folder: &Path, bound: usize) -> io::Result<BTreeSet<(String, Kind)>> {
    let mut first = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = if entry.file_type()?.is_dir() {
            Kind::Folder
        } else {
            Kind::Other
        };
        first.insert((entry.file_name().to_string_lossy().into_owned(), kind));
        if first.len() > bound {
            first.pop_last();
        }
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_level_by_level_and_bounded() {
        let root = tempfile::tempdir().unwrap();
        for folder in [
            "src/deep/deeper",
            ".git/objects",
            "node_modules/left-pad",
            "app",
        ] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for file in [
            "Cargo.toml",
            "src/main.rs",
            "src/deep/x",
            "app/package.json",
        ] {
            fs::write(root.path().join(file), "").unwrap();
        }
        std::os::unix::fs::symlink("/", root.path().join("link")).unwrap();
        let all = [
            ".git/",
            "Cargo.toml",
            "app/",
            "link",
            "node_modules/",
            "src/",
            "app/package.json",
            "src/deep/",
            "src/main.rs",
        ];
        assert_eq!(list_files(root.path(), 2, 100).unwrap(), all);
        assert_eq!(list_files(root.path(), 2, 7).unwrap(), all[..7]);
        assert_eq!(list_files(root.path(), 1, 3).unwrap(), all[..3]);
        assert_eq!(list_files(root.path(), 0, 3).unwrap(), [""; 0]);
        assert!(list_files(&root.path().join("none"), 2, 3).is_err());
    }
}
