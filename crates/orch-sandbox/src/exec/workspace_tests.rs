//! A run's folder is private, holds a faithful copy, and lets nothing lead out of it.

use std::{
    collections::BTreeMap,
    fs::Permissions,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, symlink},
        net::UnixListener,
    },
    time::{Duration, SystemTime},
};

use super::*;

const NO_LIMITS: CopyLimits = CopyLimits {
    max_bytes: u64::MAX,
    max_entries: u64::MAX,
};

fn folder() -> (tempfile::TempDir, RunFolder) {
    let top = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(&top.path().join("runs"), 12, 3).unwrap();
    (top, folder)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_fresh_folder_is_for_its_user_alone() {
    let (top, folder) = folder();
    let path = top
        .path()
        .canonicalize()
        .unwrap()
        .join("runs/run-12/epoch-3");
    assert_eq!(folder.path(), path);
    for part in [
        path.clone(),
        folder.work(),
        folder.home(),
        folder.tmp(),
        folder.pids(),
    ] {
        assert_eq!(mode(&part), 0o700, "{}", part.display());
    }
    let again = RunFolder::create(&top.path().join("runs"), 12, 3).unwrap_err();
    assert_eq!(
        again.to_string(),
        format!(
            "the run's folder {} exists already: reopen it to go on with its contents, or remove it first",
            path.display()
        )
    );
    folder.remove().unwrap();
    assert!(!top.path().join("runs/run-12").exists());
}

#[test]
fn an_interrupted_run_finds_its_workspace_and_not_its_secrets() {
    let (top, folder) = folder();
    let root = top.path().join("runs");
    fs::write(folder.work().join("built"), "yes").unwrap();
    fs::write(folder.tmp().join("scratch"), "").unwrap();
    std::mem::forget(folder.secret_file("token", b"s").unwrap());
    let path = folder.path().to_owned();
    let in_use = RunFolder::reopen(&root, 12).unwrap_err().to_string();
    assert_eq!(
        in_use,
        format!(
            "the run's folder {} is in use by another agent or run",
            path.display()
        )
    );
    drop(folder);
    drop(RunFolder::create(&root, 12, 1).unwrap());
    let reopened = RunFolder::reopen(&root, 12).unwrap().unwrap();
    assert_eq!(reopened.path(), path);
    assert_eq!(
        fs::read_to_string(reopened.work().join("built")).unwrap(),
        "yes"
    );
    assert_eq!(fs::read_dir(reopened.tmp()).unwrap().count(), 0);
    assert!(!path.join(SECRETS).exists());
    assert!(RunFolder::reopen(&root, 13).unwrap().is_none());
}

#[test]
fn a_secret_file_is_private_outside_the_workspace_and_gone_after() {
    let (_top, folder) = folder();
    let secret = folder.secret_file("kubeconfig.yaml", b"token: 1").unwrap();
    let path = secret.path().to_owned();
    assert_eq!(fs::read(&path).unwrap(), b"token: 1");
    assert_eq!(mode(&path), 0o600);
    assert!(path.starts_with(folder.path()) && !path.starts_with(folder.work()));
    assert!(folder.secret_file("kubeconfig.yaml", b"").is_err());
    assert_eq!(fs::read(&path).unwrap(), b"token: 1");
    drop(secret);
    assert!(!path.exists());
    for name in ["", ".", "..", "../work/x", "a/b", "a\0", ".hidden"] {
        let error = folder.secret_file(name, b"").unwrap_err();
        assert!(
            matches!(error, WorkspaceError::SecretName { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_cwd_stays_in_the_workspace() {
    let (top, folder) = folder();
    let work = folder.work();
    fs::create_dir_all(work.join("a/b")).unwrap();
    fs::write(work.join("file"), "").unwrap();
    symlink("/", work.join("out")).unwrap();
    symlink("../../..", work.join("up")).unwrap();
    symlink("a/b", work.join("inside")).unwrap();
    symlink(top.path().join("none"), work.join("dangling")).unwrap();
    fs::create_dir(folder.path().join("work-2")).unwrap();
    symlink("../work-2", work.join("sibling")).unwrap();
    let resolved = |cwd: &str| folder.resolve_cwd(cwd);
    for (cwd, expected) in [
        ("", "."),
        (".", "."),
        ("./a", "a"),
        ("a/../a/b/", "a/b"),
        ("inside", "a/b"),
    ] {
        assert_eq!(
            resolved(cwd).unwrap(),
            work.join(expected).canonicalize().unwrap(),
            "{cwd}"
        );
    }
    for cwd in [
        "..",
        "a/../..",
        "../work",
        "/",
        "/etc",
        "out",
        "out/etc",
        "up",
        "sibling",
        "inside/../../..",
        "a\0",
    ] {
        assert!(
            matches!(resolved(cwd), Err(WorkspaceError::CwdOutside { .. })),
            "{cwd}"
        );
    }
    assert_eq!(
        resolved("../x").unwrap_err().to_string(),
        "cwd \"../x\" leaves the workspace: give a folder inside it, relative to its top (for example \"./deploy\")"
    );
    assert!(matches!(
        resolved("none"),
        Err(WorkspaceError::CwdMissing { .. })
    ));
    assert!(matches!(
        resolved("dangling"),
        Err(WorkspaceError::CwdMissing { .. })
    ));
    assert!(matches!(
        resolved("file"),
        Err(WorkspaceError::CwdNotAFolder { .. })
    ));
    assert!(matches!(
        resolved("file/x"),
        Err(WorkspaceError::CwdNotAFolder { .. })
    ));
}

#[test]
fn a_workspace_replaced_by_a_symlink_is_not_followed() {
    let (top, folder) = folder();
    fs::remove_dir(folder.work()).unwrap();
    symlink(top.path(), folder.work()).unwrap();
    assert!(matches!(
        folder.resolve_cwd("."),
        Err(WorkspaceError::CwdOutside { .. })
    ));
    folder.remove().unwrap();
    assert!(top.path().exists());
}

/// Every path under `root` with its kind, permissions and content.
fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut tree = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root).min_depth(1) {
        let entry = entry.unwrap();
        let path = entry.path();
        let kind = entry.file_type();
        let what = if kind.is_symlink() {
            format!("-> {}", fs::read_link(path).unwrap().display())
        } else if kind.is_dir() {
            format!("{:o} folder", mode(path))
        } else {
            format!("{:o} {}", mode(path), fs::read_to_string(path).unwrap())
        };
        tree.insert(path.strip_prefix(root).unwrap().display().to_string(), what);
    }
    tree
}

#[test]
fn a_source_is_copied_as_it_is() {
    let (top, folder) = folder();
    let source = top.path().join("source");
    fs::create_dir_all(source.join(".git/objects")).unwrap();
    fs::write(source.join(".git/HEAD"), "ref: refs/heads/main").unwrap();
    fs::write(source.join("run.sh"), "#!/bin/sh").unwrap();
    fs::write(top.path().join("outside"), "not to be copied").unwrap();
    symlink("../outside", source.join("link")).unwrap();
    symlink("/etc", source.join("etc")).unwrap();
    let _socket = UnixListener::bind(source.join("socket")).unwrap();
    nix::unistd::mkfifo(&source.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::create_dir(source.join("locked")).unwrap();
    fs::write(source.join("locked/data"), "x").unwrap();
    set_mode(&source.join("locked/data"), 0o440);
    set_mode(&source.join("locked"), 0o555);
    set_mode(&source.join(".git"), 0o755);
    set_mode(&source.join(".git/objects"), 0o700);
    set_mode(&source.join(".git/HEAD"), 0o644);
    set_mode(&source.join("run.sh"), 0o4755);
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    File::open(source.join(".git/HEAD"))
        .unwrap()
        .set_modified(old)
        .unwrap();

    let copied = folder.fill_from(&source, NO_LIMITS).unwrap();
    assert_eq!(
        copied,
        Copied {
            bytes: 30,
            entries: 8,
            skipped: 2
        }
    );
    let file = |text: &str| text.to_owned();
    let expected = BTreeMap::from(
        [
            (".git", "755 folder"),
            (".git/HEAD", "644 ref: refs/heads/main"),
            (".git/objects", "700 folder"),
            ("etc", "-> /etc"),
            ("link", "-> ../outside"),
            ("locked", "555 folder"),
            ("locked/data", "440 x"),
            ("run.sh", "755 #!/bin/sh"),
        ]
        .map(|(path, what)| (file(path), file(what))),
    );
    assert_eq!(tree(&folder.work()), expected);
    let modified = fs::metadata(folder.work().join(".git/HEAD"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(modified, old);
    folder.remove().unwrap();
    assert!(top.path().join("outside").exists());
}

#[test]
fn a_source_that_holds_the_runs_folder_is_copied_without_it() {
    let (top, folder) = folder();
    fs::write(top.path().join("file"), "abc").unwrap();
    let copied = folder.fill_from(top.path(), NO_LIMITS).unwrap();
    assert_eq!(
        copied,
        Copied {
            bytes: 3,
            entries: 1,
            skipped: 0
        }
    );
}

#[test]
fn a_source_over_the_limits_is_refused() {
    let (top, folder) = folder();
    let source = top.path().canonicalize().unwrap().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("a"), [b'x'; 10]).unwrap();
    let limits = |max_bytes, max_entries| CopyLimits {
        max_bytes,
        max_entries,
    };
    assert_eq!(
        folder
            .fill_from(&source, limits(9, 9))
            .unwrap_err()
            .to_string(),
        format!(
            "workspace {0} is larger than the limit of 9 bytes (at {0}/a): raise the limit, or point to a smaller folder",
            source.display()
        )
    );
    assert_eq!(
        folder
            .fill_from(&source, limits(10, 0))
            .unwrap_err()
            .to_string(),
        format!(
            "workspace {} has more than 0 files and folders: raise the limit, or point to a smaller folder",
            source.display()
        )
    );
    let copied = folder.fill_from(&source, limits(10, 1)).unwrap();
    assert_eq!(
        copied,
        Copied {
            bytes: 10,
            entries: 1,
            skipped: 0
        }
    );
    let missing = folder
        .fill_from(&source.join("none"), NO_LIMITS)
        .unwrap_err();
    assert_eq!(
        missing.to_string(),
        format!("failed to open workspace {}/none", source.display())
    );
    let file = folder.fill_from(&source.join("a"), NO_LIMITS).unwrap_err();
    assert!(matches!(file, WorkspaceError::SourceNotAFolder { .. }));
}

#[test]
fn read_only_folders_are_opened_for_removal() {
    let (_top, folder) = folder();
    let deep = folder.work().join("module/cache");
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("file"), "").unwrap();
    for path in [&deep, &folder.work().join("module")] {
        set_mode(path, 0o555);
    }
    let path = folder.path().to_owned();
    folder.remove().unwrap();
    assert!(!path.exists());
}

#[test]
fn a_folder_that_was_left_empty_becomes_the_next_runs_and_any_other_does_not() {
    let left_empty = |leave: fn(&RunFolder)| {
        let top = tempfile::tempdir().unwrap();
        let inode = |folder: &RunFolder| fs::metadata(folder.path()).unwrap().ino();
        let first = RunFolder::create(top.path(), 1, 1).unwrap();
        leave(&first);
        let before = inode(&first);
        first.remove().unwrap();
        assert!(!top.path().join("run-1").exists());
        let next = RunFolder::create(top.path(), 2, 3).unwrap();
        let parts = [next.work(), next.home(), next.tmp(), next.pids()];
        for part in parts {
            assert_eq!(
                fs::read_dir(&part).unwrap().count(),
                0,
                "{}",
                part.display()
            );
            assert_eq!(mode(&part), 0o700);
        }
        assert!(!next.plan().exists());
        assert!(RunFolder::reopen(top.path(), 2).is_err(), "it is held");
        inode(&next) == before
    };
    assert!(left_empty(|folder| fs::write(folder.plan(), "[]").unwrap()));
    let others: [fn(&RunFolder); 5] = [
        |folder| fs::write(folder.work().join("made"), "").unwrap(),
        |folder| fs::write(folder.path().join("more"), "").unwrap(),
        |folder| set_mode(&folder.home(), 0o755),
        |folder| {
            fs::remove_dir(folder.tmp()).unwrap();
            symlink("/tmp", folder.tmp()).unwrap();
        },
        |folder| std::mem::forget(folder.secret_file("token", b"s").unwrap()),
    ];
    for leave in others {
        // The number may come again, but not what was left.
        left_empty(leave);
    }
}
