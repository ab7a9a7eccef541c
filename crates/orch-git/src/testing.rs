//! A repository to fetch from, made with the plain git program.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use orch_core::source::{Commit, RepositoryUrl};

use crate::Git;

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

pub(crate) struct Origin {
    folder: tempfile::TempDir,
}

impl Origin {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let origin = Self { folder };
        origin.git(&["init", "--quiet", "--initial-branch=main"]);
        origin
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self) -> RepositoryUrl {
        RepositoryUrl::parse(&format!("file://{}", self.path().display())).unwrap()
    }

    /// Nobody can reach it any more.
    pub(crate) fn vanish(&self) {
        fs::remove_dir_all(self.path().join(".git")).unwrap();
    }

    pub(crate) fn hardened(&self) -> Git {
        Git::find(PATH, Duration::from_secs(60)).unwrap()
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.plain(self.path(), arguments)
    }

    /// Git as a person would call it.
    pub(crate) fn plain(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .current_dir(folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn commit(&self, file: &str, content: &str) -> Commit {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self.git(&["add", "-A"]);
        self.git(&["commit", "--quiet", "-m", file]);
        self.head()
    }

    pub(crate) fn head(&self) -> Commit {
        Commit::parse(&self.git(&["rev-parse", "HEAD"])).unwrap()
    }
}
