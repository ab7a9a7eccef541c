//! What of the machine's own files every sandbox shows: programs and libraries, the settings that
//! they need, and nothing of anybody's data.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Programs and libraries; some are links into `/usr`.
pub(super) const SYSTEM: [&str; 7] = [
    "/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32",
];

/// What programs need of `/etc`: no passwords, keys, mounts or other machines' names.
pub(super) const ETC: [&str; 30] = [
    "alternatives",
    "bash.bashrc",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "fonts",
    "inputrc",
    "java-17-openjdk",
    "java-21-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "lsb-release",
    "magic",
    "mime.types",
    "os-release",
    "perl",
    "pki",
    "profile",
    "protocols",
    "python3",
    "python3.11",
    "rpc",
    "services",
    "shells",
    "ssl",
    "terminfo",
    "timezone",
];

/// Beside a folder of programs, what these need.
const BESIDE_BIN: [&str; 4] = ["lib", "lib64", "libexec", "include"];

/// The folders of a `PATH` that the system's own do not hold, and the libraries beside them. Of a
/// tool that lies in somebody's home only these are shown.
pub(super) fn tools(path: &str) -> Vec<PathBuf> {
    let mut shown = BTreeSet::new();
    for folder in path.split(':').map(Path::new) {
        let Ok(real) = fs::canonicalize(folder) else {
            continue;
        };
        if !folder.is_absolute() || is_of_the_system(&real) || real == Path::new("/") {
            continue;
        }
        shown.insert(folder.to_owned());
        shown.insert(real.clone());
        let named_bin = real.file_name().is_some_and(|name| name == "bin");
        if let (true, Some(above)) = (named_bin, real.parent()) {
            let beside = BESIDE_BIN.map(|name| above.join(name));
            shown.extend(beside.into_iter().filter(|folder| folder.is_dir()));
        }
    }
    shown.into_iter().collect()
}

pub(super) fn is_of_the_system(path: &Path) -> bool {
    SYSTEM.iter().any(|folder| path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_shown_with_their_libraries_and_without_their_neighbours() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path().canonicalize().unwrap();
        for folder in ["node/bin", "node/lib", "node/share", "plain"] {
            fs::create_dir_all(top.join(folder)).unwrap();
        }
        let path = format!(
            "/usr/bin:relative:/none:{0}/node/bin:{0}/plain:/",
            top.display()
        );
        let shown = ["node/bin", "node/lib", "plain"].map(|folder| top.join(folder));
        assert_eq!(tools(&path), shown);
    }
}
