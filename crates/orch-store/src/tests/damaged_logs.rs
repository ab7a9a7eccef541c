//! Damaged logs keep no store from opening; they are named, and readers are told which lines lack.

use std::path::Path;

use orch_core::run::Run;

use super::TestClock;
use super::logs::{says, started};
use super::postgres::Postgres;
use crate::log::{self, Budget, Found, Wanted};
use crate::{Database, Store};

async fn open(database: &Database) -> Store {
    let clock = TestClock::default();
    clock.advance(1_700_000_000);
    let opened = Store::open(clock.options(database.clone(), 7)).await;
    opened.expect("the store opens")
}

async fn page(store: &Store, run: &Run) -> Found {
    let wanted = Wanted::first(None, 0, 100);
    let page = log::page(store, run, wanted, Budget::default()).await;
    page.expect("a page")
}

fn texts(found: &Found) -> Vec<&str> {
    let lines = found.lines.iter().skip(1);
    lines.map(|line| line.line.message.trim_end()).collect()
}

/// Too long to stand in their rows.
async fn three_chunks(store: &Store) -> Run {
    let run = started(store).await;
    for text in ["first", "second", "third"] {
        let too = format!("{text} too{}", " ".repeat(600));
        says(store, &run, [text.to_owned(), too]).await;
    }
    run
}

/// Harms the one segment of an installation; answers what its store says afterwards.
async fn after(harm: impl Fn(&Path)) -> (Store, Run, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::Sqlite {
        file: folder.path().join("orchestrator.db"),
        logs: folder.path().join("logs"),
    };
    let store = open(&database).await;
    let run = three_chunks(&store).await;
    assert_eq!(store.quarantined_logs(), []);
    store.close().await;
    drop(store);
    harm(&folder.path().join("logs/0000000001.seg"));
    (open(&database).await, run, folder)
}

#[tokio::test]
async fn a_flipped_byte_costs_its_chunk_alone_and_is_named_by_file_and_offset() {
    let (store, run, _folder) = after(|file| {
        let mut bytes = std::fs::read(file).expect("a file");
        let at = bytes
            .windows(6)
            .position(|text| text == b"second")
            .expect("the text");
        bytes[at] ^= 1;
        std::fs::write(file, bytes).expect("writing");
    })
    .await;
    let named = store.quarantined_logs();
    assert_eq!(named.len(), 1, "{named:?}");
    assert_eq!(named[0].file, "0000000001.seg");
    assert!(named[0].offset > 0);
    assert!(named[0].problem.contains("checksum"), "{named:?}");
    let found = page(&store, &run).await;
    let [first, first_too, lost, third, third_too] = texts(&found)[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        [first, first_too, third, third_too],
        ["first", "first too", "third", "third too"]
    );
    assert!(
        lost.starts_with("[log lines 3 to 4 cannot be read: log segment 1 is damaged at offset "),
        "{lost}"
    );
    says(&store, &run, ["after".to_owned()]).await;
    assert_eq!(texts(&page(&store, &run).await).last(), Some(&"after"));
}

#[tokio::test]
async fn a_lost_or_foreign_file_is_named_and_logging_goes_on() {
    type Harm = fn(&Path);
    let harms: [Harm; 4] = [
        |file| std::fs::write(file, "no segment at all\n").expect("writing"),
        |file| std::fs::write(file, vec![0; 4096]).expect("writing"),
        |file| {
            std::fs::remove_file(file).expect("removing");
            std::fs::create_dir(file).expect("a folder");
        },
        |file| {
            let bytes = std::fs::read(file).expect("a file");
            std::fs::write(file, &bytes[..20]).expect("writing");
        },
    ];
    for harm in harms {
        let (store, run, _folder) = after(harm).await;
        let found = page(&store, &run).await;
        assert_eq!(found.total, 7);
        let lines = texts(&found);
        assert_eq!(lines.len(), 3, "{lines:?}");
        for (line, lost) in lines.iter().zip(["1 to 2", "3 to 4", "5 to 6"]) {
            let begin = format!("[log lines {lost} cannot be read: ");
            assert!(line.starts_with(&begin), "{line}");
        }
        let named = store.quarantined_logs();
        assert!(!named.is_empty());
        assert!(
            named.iter().all(|entry| entry.file == "0000000001.seg"),
            "{named:?}"
        );
        says(&store, &run, ["after".to_owned()]).await;
        let found = page(&store, &run).await;
        assert_eq!(texts(&found).last(), Some(&"after"));
        assert_eq!(found.lines.last().map(|line| line.seq), Some(7));
    }
}

#[tokio::test]
async fn acknowledged_lines_that_a_repair_finds_missing_are_named_before_anybody_reads() {
    let (store, _, _folder) = after(|file| {
        let bytes = std::fs::read(file).expect("a file");
        std::fs::write(file, &bytes[..bytes.len() - 5]).expect("writing");
    })
    .await;
    let named = store.quarantined_logs();
    assert_eq!(named.len(), 1, "{named:?}");
    assert_eq!(named[0].file, "0000000001.seg");
    assert_eq!(named[0].problem, "the file ends before the record does");
    assert_eq!(named[0].places, 1);
}

#[tokio::test]
async fn a_segment_that_was_cut_off_is_named_once_with_the_number_of_its_records() {
    let (store, run, _folder) = after(|file| {
        let bytes = std::fs::read(file).expect("a file");
        std::fs::write(file, &bytes[..bytes.len() / 2]).expect("writing");
    })
    .await;
    let named = |store: &Store| -> Vec<u64> {
        let named = store.quarantined_logs();
        named.iter().map(|entry| entry.places).collect()
    };
    assert_eq!(named(&store), [2]);
    page(&store, &run).await;
    assert_eq!(named(&store), [2]);
}

#[tokio::test]
async fn a_last_record_that_is_damaged_is_kept_named_and_written_behind() {
    let (store, run, folder) = after(|file| {
        let mut bytes = std::fs::read(file).expect("a file");
        let at = bytes.len() - 5;
        bytes[at] ^= 1;
        std::fs::write(file, bytes).expect("writing");
    })
    .await;
    let named = store.quarantined_logs();
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(named[0].problem.contains("checksum"), "{named:?}");
    let file = folder.path().join("logs/0000000001.seg");
    let length = std::fs::metadata(&file).expect("a file").len();
    let long = format!("after{}", " ".repeat(600));
    says(&store, &run, [long.clone(), long]).await;
    let found = page(&store, &run).await;
    let [.., second, lost, after, _] = texts(&found)[..] else {
        panic!("{found:?}")
    };
    assert_eq!([second, after], ["second too", "after"]);
    assert!(
        lost.starts_with("[log lines 5 to 6 cannot be read: "),
        "{lost}"
    );
    assert!(std::fs::metadata(&file).expect("a file").len() > length);
}

#[tokio::test]
async fn a_damaged_row_is_named_on_postgresql() {
    let cluster = Postgres::start();
    let url = cluster.database("orch");
    let store = open(&Database::Postgres { url }).await;
    let run = three_chunks(&store).await;
    let harm = "UPDATE log_chunk SET body = set_byte(body, 60, 0) WHERE first_seq = 3";
    assert!(cluster.query("orch", harm));
    let found = page(&store, &run).await;
    let lines = texts(&found);
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert!(lines[2].starts_with("[log lines 3 to 4 cannot be read: "));
    let named = store.quarantined_logs();
    let row = format!("row of log_chunk: run {}, line 3", run.id);
    assert_eq!(named.len(), 1);
    assert_eq!(named[0].file, row);
    store.close().await;
}
