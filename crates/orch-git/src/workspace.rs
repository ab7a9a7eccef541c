//! A workspace: the files of one commit, with a repository of its own that borrows its objects.
//!
//! The borrowed objects are only read: whoever works in the workspace writes into its own
//! repository. Nothing that stands in the commit is obeyed while its files are laid out.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use orch_core::source::{Commit, RepositoryUrl};

use crate::error::io_error;
use crate::{Git, GitError, Mirror};

/// Lays the files of a commit out in an empty folder, which may hold `max_bytes` then.
///
/// # Errors
/// When the disk is full, or it is too large. What was laid out stays; remove the folder.
pub fn check_out(
    git: &Git,
    mirror: &Mirror,
    url: &RepositoryUrl,
    commit: &Commit,
    work: &Path,
    max_bytes: u64,
) -> Result<(), GitError> {
    let repository = work.join(".git");
    let form = if commit.as_str().len() == 64 {
        "sha256"
    } else {
        "sha1"
    };
    git.call("init")
        .arguments(["init", "--quiet", "--template=", "--initial-branch=main"])
        .arguments([format!("--object-format={form}")])
        .arguments([work])
        .run()?;
    let info = repository.join("objects/info");
    fs::create_dir_all(&info).map_err(io_error("create folder", &info))?;
    let mut borrowed = mirror.objects().as_os_str().as_bytes().to_vec();
    borrowed.push(b'\n');
    let alternates = info.join("alternates");
    fs::write(&alternates, borrowed).map_err(io_error("write", &alternates))?;
    git.call("remote")
        .on(&repository)
        .arguments(["remote", "add", "origin", url.as_str()])
        .run()?;
    git.call("checkout")
        .on(&repository)
        .files(work)
        .bounded(work, max_bytes)
        // What the files' own attributes name is not there to be run.
        .setting("core.autocrlf=false")
        .arguments(["checkout", "--quiet", "--force", "--no-recurse-submodules"])
        .arguments(["--detach", commit.as_str()])
        .run()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;
    use crate::Mirrors;
    use crate::testing::Origin;

    struct Laid {
        origin: Origin,
        top: tempfile::TempDir,
    }

    impl Laid {
        fn new() -> Self {
            let (origin, top) = (Origin::new(), tempfile::tempdir().unwrap());
            Self { origin, top }
        }

        fn out(&self, commit: &Commit, name: &str) -> (PathBuf, Mirror) {
            let git = self.origin.hardened();
            let mirrors = Mirrors::new(self.top.path().join("mirrors"), u64::MAX);
            let mirror = mirrors
                .with_commit(&git, &self.origin.url(), commit)
                .unwrap();
            let work = self.top.path().join(name);
            fs::create_dir(&work).unwrap();
            check_out(&git, &mirror, &self.origin.url(), commit, &work, u64::MAX).unwrap();
            (work, mirror)
        }
    }

    #[test]
    fn a_workspace_has_the_files_of_its_commit_and_a_history() {
        let laid = Laid::new();
        let first = laid.origin.commit("a/b", "1");
        laid.origin.commit("a/b", "2");
        let (work, _) = laid.out(&first, "work");
        assert_eq!(fs::read_to_string(work.join("a/b")).unwrap(), "1");
        let said = laid.origin.plain(&work, &["log", "--format=%H"]);
        assert_eq!(said.trim(), first.as_str());
        assert_eq!(laid.origin.plain(&work, &["status", "--porcelain"]), "");
    }

    #[test]
    fn what_is_written_in_a_workspace_never_reaches_the_mirror() {
        let laid = Laid::new();
        let commit = laid.origin.commit("a", "1");
        let (work, mirror) = laid.out(&commit, "work");
        let before = tree(mirror.path());
        fs::write(work.join("a"), "changed").unwrap();
        laid.origin.plain(&work, &["add", "-A"]);
        laid.origin
            .plain(&work, &["commit", "--quiet", "-m", "mine"]);
        laid.origin.plain(&work, &["gc", "--quiet", "--prune=now"]);
        fs::remove_dir_all(work.join(".git")).unwrap();
        assert_eq!(tree(mirror.path()), before);
        let (other, _) = laid.out(&commit, "other");
        assert_eq!(fs::read_to_string(other.join("a")).unwrap(), "1");
    }

    /// Every file with its bytes.
    fn tree(top: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = walkdir::WalkDir::new(top).sort_by_file_name().into_iter();
        let files = entries
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().is_file());
        files
            .map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap()))
            .collect()
    }

    #[test]
    fn nothing_in_a_repository_is_run_while_it_is_fetched_and_laid_out() {
        let laid = Laid::new();
        let marker = laid.top.path().join("ran");
        let touch = format!("touch {}", marker.display());
        laid.origin.commit(
            ".gitattributes",
            "* filter=evil diff=evil merge=evil\n*.l filter=lfs\n",
        );
        laid.origin
            .commit(".lfsconfig", "[lfs]\n\turl = http://127.0.0.1:1/\n");
        laid.origin.commit(
            ".gitmodules",
            "[submodule \"x\"]\n\tpath = x\n\turl = http://127.0.0.1:1/x\n",
        );
        let commit = laid.origin.commit("file.l", "content");
        // The other side's own repository says it, too: hooks, filters, monitors, helpers.
        for setting in [
            "core.fsmonitor",
            "core.sshCommand",
            "filter.evil.smudge",
            "filter.evil.process",
            "uploadpack.packObjectsHook",
            "core.alternateRefsCommand",
        ] {
            laid.origin.git(&["config", setting, &touch]);
        }
        let hooks = laid.origin.path().join(".git/hooks");
        fs::create_dir_all(&hooks).unwrap();
        for hook in [
            "post-checkout",
            "reference-transaction",
            "post-index-change",
            "pre-auto-gc",
        ] {
            let hook = hooks.join(hook);
            fs::write(&hook, format!("#!/bin/sh\n{touch}\n")).unwrap();
            fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let (work, _) = laid.out(&commit, "work");
        assert!(!marker.exists(), "something was run");
        assert_eq!(fs::read_to_string(work.join("file.l")).unwrap(), "content");
        assert!(!work.join(".git/hooks").exists());
        // It does run where nothing forbids it, so that this test can fail.
        let unhardened = std::process::Command::new("git")
            .current_dir(laid.origin.path())
            .arg("status")
            .output();
        assert!(unhardened.is_ok() && marker.exists());
    }

    #[test]
    fn a_submodule_that_names_a_command_is_refused_with_its_repository() {
        let laid = Laid::new();
        let modules =
            "[submodule \"x\"]\n\tpath = x\n\turl = http://127.0.0.1:1/x\n\tupdate = !id\n";
        let commit = laid.origin.commit(".gitmodules", modules);
        let mirrors = Mirrors::new(laid.top.path().join("mirrors"), u64::MAX);
        let fetched = mirrors.with_commit(&laid.origin.hardened(), &laid.origin.url(), &commit);
        let said = fetched.err().map(|error| error.to_string());
        assert!(said.is_some_and(|said| said.contains("submodule")));
    }

    #[test]
    fn a_commit_that_is_too_large_is_refused() {
        let laid = Laid::new();
        let commit = laid.origin.commit("a", "1");
        let git = laid.origin.hardened();
        let small = Mirrors::new(laid.top.path().join("mirrors"), u64::MAX);
        small
            .with_commit(&git, &laid.origin.url(), &commit)
            .unwrap();
        assert!(crate::size_bytes(small.root()) > 0);
    }
}
