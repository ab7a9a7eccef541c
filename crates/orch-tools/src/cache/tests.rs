use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use super::{Cache, CacheError};
use crate::{Digest, Kind, Locked, Platform};

const NOW: Duration = Duration::from_secs(4_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn tool(name: &str) -> Locked {
    Locked {
        name: name.to_owned(),
        version: "1".to_owned(),
        entry: Digest::of(b"entry"),
        kind: Kind::Source,
        files: Vec::new(),
        bin: BTreeMap::new(),
        strip: None,
        signed_by: None,
    }
}

fn digest(name: &str) -> Digest {
    tool(name).digest(Platform::LinuxAmd64)
}

fn install(cache: &Cache, name: &str, content: &[u8]) {
    let mut building = cache.build(digest(name)).unwrap();
    let root = building.begin().unwrap();
    fs::create_dir(root.join("bin")).unwrap();
    fs::write(root.join("bin/run"), content).unwrap();
    building
        .seal(tool(name), Platform::LinuxAmd64, BTreeMap::new(), |_| {
            "{}".to_owned()
        })
        .unwrap();
}

fn open(top: &Path) -> Cache {
    Cache::open(&top.join("cache")).unwrap()
}

#[test]
fn a_sealed_tool_is_read_only_and_found_again() {
    let top = tempfile::tempdir().unwrap();
    let cache = open(top.path());
    assert!(cache.take(digest("a")).unwrap().is_none());
    install(&cache, "a", b"one");
    let stored = cache.take(digest("a")).unwrap().unwrap();
    assert_eq!((stored.manifest.files, stored.manifest.bytes), (1, 3));
    let path = stored.folder.join("root/bin/run");
    assert!(fs::metadata(&path).unwrap().permissions().readonly());
    assert!(cache.verify(digest("a")).unwrap().is_some());
}

#[test]
fn a_tool_that_was_changed_is_noticed_when_it_is_taken() {
    let top = tempfile::tempdir().unwrap();
    let cache = open(top.path());
    install(&cache, "a", b"one");
    let run = cache
        .take(digest("a"))
        .unwrap()
        .unwrap()
        .folder
        .join("root/bin/run");
    super::seal::open(run.parent().unwrap()).unwrap();
    fs::remove_file(&run).unwrap();
    fs::write(&run, b"two").unwrap();
    assert!(matches!(
        cache.take(digest("a")),
        Err(CacheError::Damaged { .. })
    ));
    // It can be made anew.
    install(&cache, "a", b"one");
    assert!(cache.take(digest("a")).unwrap().is_some());
}

#[test]
fn what_was_not_sealed_leaves_nothing() {
    let top = tempfile::tempdir().unwrap();
    let cache = open(top.path());
    let mut building = cache.build(digest("a")).unwrap();
    let root = building.begin().unwrap();
    fs::write(root.join("half"), b"x").unwrap();
    drop(building);
    assert!(!root.exists());
    assert!(cache.take(digest("a")).unwrap().is_none());
    // One that was killed leaves a folder, which the next collection clears away.
    fs::create_dir_all(cache.trees().join(digest("b").hex()).join("root")).unwrap();
    cache
        .collect(SystemTime::UNIX_EPOCH, DAY, u64::MAX)
        .unwrap();
    assert!(!cache.trees().join(digest("b").hex()).exists());
}

#[test]
fn a_link_that_leads_out_is_not_sealed() {
    let top = tempfile::tempdir().unwrap();
    let cache = open(top.path());
    let mut building = cache.build(digest("a")).unwrap();
    let root = building.begin().unwrap();
    std::os::unix::fs::symlink("/etc/passwd", root.join("out")).unwrap();
    let sealed = building.seal(tool("a"), Platform::LinuxAmd64, BTreeMap::new(), |_| {
        "{}".to_owned()
    });
    assert!(
        matches!(sealed, Err(CacheError::Refused { .. })),
        "{sealed:?}"
    );
    assert!(cache.take(digest("a")).unwrap().is_none());
}

#[test]
fn collecting_goes_by_age_and_size_and_spares_what_is_in_use() {
    let top = tempfile::tempdir().unwrap();
    let cache = open(top.path());
    for name in ["a", "b", "c"] {
        install(&cache, name, b"1234");
    }
    let held = cache.take(digest("a")).unwrap().unwrap();
    let kept = cache.collect(SystemTime::UNIX_EPOCH, DAY, 100).unwrap();
    assert_eq!(
        (kept.removed.len(), kept.left.tools, kept.left.bytes),
        (0, 3, 12)
    );
    // Far in the future all are old.
    let later = SystemTime::UNIX_EPOCH + NOW;
    let collected = cache.collect(later, DAY, 100).unwrap();
    assert_eq!(
        (collected.removed.len(), collected.in_use, collected.freed),
        (2, 1, 8)
    );
    assert!(held.folder.join("root/bin/run").exists());
    drop(held);
    let collected = cache.collect(SystemTime::UNIX_EPOCH, DAY, 3).unwrap();
    assert_eq!((collected.removed.len(), collected.left.tools), (1, 0));
    assert!(cache.take(digest("a")).unwrap().is_none());
}

#[test]
fn two_that_make_the_same_tool_at_once_make_it_once() {
    let top = tempfile::tempdir().unwrap();
    let cache = open(top.path());
    let made: usize = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut building = cache.build(digest("a")).unwrap();
                    if building.made().unwrap().is_some() {
                        return 0;
                    }
                    let root = building.begin().unwrap();
                    fs::write(root.join("x"), b"x").unwrap();
                    let sealed =
                        building.seal(tool("a"), Platform::LinuxAmd64, BTreeMap::new(), |_| {
                            "{}".to_owned()
                        });
                    sealed.unwrap();
                    1
                })
            })
            .collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).sum()
    });
    assert_eq!(made, 1);
    assert!(cache.take(digest("a")).unwrap().is_some());
}
