//! The libraries that our own program runs with, so that it runs in an image of any kind.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Where the first program and what it needs lie in a container.
pub(super) const FOLDER: &str = "/run/orch-sandbox";

/// What the first program is started by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Libraries {
    /// The system's loader; none for a program that is linked statically.
    loader: Option<PathBuf>,
    /// By their names.
    all: BTreeMap<String, PathBuf>,
}

impl Libraries {
    /// Those that this process runs with, which are the first program's too.
    pub(super) fn of_this_process() -> Self {
        Self::of_maps(&fs::read_to_string("/proc/self/maps").unwrap_or_default())
    }

    fn of_maps(maps: &str) -> Self {
        let paths = maps
            .lines()
            .filter_map(|line| line.find('/').map(|at| &line[at..]));
        let mut all = BTreeMap::new();
        for path in paths.map(Path::new) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.ends_with(".so") || name.contains(".so.") {
                all.insert(name.into_owned(), path.to_owned());
            }
        }
        let loader = all.keys().find(|name| name.starts_with("ld-"));
        Self {
            loader: loader.map(|name| Path::new(FOLDER).join("lib").join(name)),
            all,
        }
    }

    /// What is shown in a container: from where, and as what.
    pub(super) fn shown(&self) -> impl Iterator<Item = (&Path, PathBuf)> {
        let folder = Path::new(FOLDER).join("lib");
        self.all
            .iter()
            .map(move |(name, path)| (path.as_path(), folder.join(name)))
    }

    /// The words before a program's own path.
    pub(super) fn before(&self) -> Vec<String> {
        let Some(loader) = &self.loader else {
            return Vec::new();
        };
        let folder = format!("{FOLDER}/lib");
        vec![
            loader.display().to_string(),
            "--library-path".to_owned(),
            folder,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mapped_is_shown_and_the_loader_begins() {
        let maps = "7f00-7f01 r-xp 0 fe:00 1 /usr/lib/x86_64-linux-gnu/libc.so.6\n\
                    7f01-7f02 r--p 0 fe:00 1 /usr/lib/x86_64-linux-gnu/libc.so.6\n\
                    7f02-7f03 r-xp 0 fe:00 2 /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2\n\
                    5500-5501 r-xp 0 fe:00 3 /usr/bin/agent\n7ffc-7ffd rw-p 0 0 0 [stack]\n";
        let found = Libraries::of_maps(maps);
        let shown: Vec<String> = found
            .shown()
            .map(|(_, at)| at.display().to_string())
            .collect();
        assert_eq!(
            shown,
            [
                "/run/orch-sandbox/lib/ld-linux-x86-64.so.2",
                "/run/orch-sandbox/lib/libc.so.6"
            ]
        );
        assert_eq!(found.before()[0], shown[0]);
        assert!(Libraries::of_maps("").before().is_empty());
    }
}
