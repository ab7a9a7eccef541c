//! The crash harness, small: it finds nothing wrong, and it finds what is made wrong for it.

use crash::{Database, Options, Report};

async fn rounds(rounds: u64, seed: u64, faults: &str) -> Report {
    let options = Options {
        binary: crate::support::binary().into(),
        seed,
        rounds,
        database: Database::Sqlite,
        faults: faults.to_owned(),
    };
    let report = crash::run(options).await.expect("the harness works");
    println!("{report}");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_in_rounds_of_crashes() {
    let report = rounds(16, 1, "small_segments").await;
    assert_eq!(report.violations, Vec::<String>::new(), "{report}");
    assert!(report.items > 0 && report.lines > 0, "{report}");
    assert!(report.refused_old > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_harness_notices_that_epochs_are_not_checked() {
    let report = rounds(2, 2, "no_epoch_check").await;
    let noticed = report
        .violations
        .iter()
        .any(|violation| violation.contains("of the old epoch"));
    assert!(noticed, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_harness_notices_an_acknowledgement_before_its_commit() {
    let report = rounds(8, 3, "ack_before_commit").await;
    let noticed = report
        .violations
        .iter()
        .any(|violation| violation.contains("was acknowledged"));
    assert!(noticed, "{report}");
}
