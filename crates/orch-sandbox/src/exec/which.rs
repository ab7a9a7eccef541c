//! Finding a program along a `PATH`, as a shell would.
//!
//! Looks only where it is told to: never in the agent's own `PATH`, and never in the current folder.

use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

/// The executable file that `program` names: itself when it has a slash, else the first one in the
/// folders of `path` (separated by `:`; empty and relative entries are passed over).
pub fn which(program: &str, path: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|file| is_executable(file));
    }
    if program.is_empty() {
        return None;
    }
    path.split(':')
        .filter(|folder| folder.starts_with('/'))
        .map(|folder| Path::new(folder).join(program))
        .find(|file| is_executable(file))
}

/// Whether this is a file that the current user may execute.
pub(super) fn is_executable(file: &Path) -> bool {
    file.is_file() && access(file, AccessFlags::X_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    fn executable(path: &Path, mode: u32) {
        fs::write(path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_first_executable_file_along_the_path_wins() {
        let top = tempfile::tempdir().unwrap();
        for folder in ["a", "b", "c"] {
            fs::create_dir(top.path().join(folder)).unwrap();
        }
        executable(&top.path().join("a/tool"), 0o644);
        executable(&top.path().join("b/tool"), 0o755);
        executable(&top.path().join("c/tool"), 0o755);
        fs::create_dir(top.path().join("a/folder")).unwrap();
        let path = format!(":relative:{0}/none:{0}/a:{0}/b:{0}/c", top.path().display());
        assert_eq!(which("tool", &path), Some(top.path().join("b/tool")));
        assert_eq!(which("folder", &path), None);
        assert_eq!(which("", &path), None);
        assert_eq!(which("tool", ""), None);
    }

    #[test]
    fn a_name_with_a_slash_is_not_searched_for() {
        assert_eq!(which("/bin/sh", ""), Some(PathBuf::from("/bin/sh")));
        assert_eq!(which("/bin/no-such-program", "/bin"), None);
    }
}
