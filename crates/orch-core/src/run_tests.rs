//! Who may write to a run, and how it ends.

use super::*;

const TTL: Duration = Duration::from_secs(10);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn agent(name: &str) -> AgentName {
    AgentName::parse(name).unwrap()
}

fn run() -> Run {
    Run {
        id: RunId(1),
        work_item_id: WorkItemId(1),
        project_id: ProjectId(1),
        entry_id: QueueEntryId(1),
        attempt: 1,
        priority: 0,
        concurrency_key: None,
        state: RunState::Running { lease: None },
        epoch: 0,
        lapses: 0,
        trace_id: String::new(),
        digest: Digest::of("test", &[]),
        created_at: at(0),
        started_at: None,
        source: None,
    }
}

#[test]
fn a_live_lease_keeps_others_out_and_a_lapsed_one_is_taken_over_with_a_higher_epoch() {
    let mut run = run();
    assert_eq!(run.claim(&agent("a"), TTL, at(0)), Ok(Claim::Taken));
    assert!(matches!(
        run.claim(&agent("b"), TTL, at(5)),
        Err(Fenced::HeldByAnother { .. })
    ));
    assert_eq!(run.claim(&agent("a"), TTL, at(5)), Ok(Claim::Renewed));
    assert_eq!(run.epoch, 1);
    assert_eq!(run.claim(&agent("b"), TTL, at(15)), Ok(Claim::TakenOver));
    assert_eq!(run.epoch, 2);
    assert!(matches!(
        run.heartbeat(&agent("a"), None, None, at(16)),
        Err(Fenced::HeldByAnother { .. })
    ));
    assert!(matches!(
        run.check_writer(Some(1), at(16)),
        Err(Fenced::StaleEpoch {
            got: 1,
            current: 2,
            ..
        })
    ));
    assert!(matches!(
        run.check_writer(None, at(16)),
        Err(Fenced::TakenOver { .. })
    ));
    assert_eq!(run.check_writer(Some(2), at(16)), Ok(()));
}

#[test]
fn a_caller_without_an_epoch_may_write_until_the_lease_lapses() {
    let mut run = run();
    assert_eq!(run.check_writer(None, at(0)), Ok(()));
    run.claim(&agent("a"), TTL, at(0)).unwrap();
    assert_eq!(run.check_writer(None, at(9)), Ok(()));
    assert_eq!(run.check_writer(Some(1), at(10)), Ok(()));
    assert!(matches!(
        run.check_writer(None, at(10)),
        Err(Fenced::Lapsed { .. })
    ));
    assert!(matches!(
        run.heartbeat(&agent("a"), None, None, at(10)),
        Err(Fenced::Lapsed { .. })
    ));
}

#[test]
fn a_run_is_lost_only_after_three_takeovers() {
    let mut run = run();
    for takeover in 0..=MOST_TAKEOVERS {
        let now = at(i64::from(takeover) * 100);
        run.claim(&agent("a"), TTL, now).unwrap();
        let expected = if takeover == MOST_TAKEOVERS {
            Expiry::Lost
        } else {
            Expiry::Released
        };
        assert_eq!(run.expire(now.plus(TTL)), expected, "takeover {takeover}");
    }
}

#[test]
fn a_parked_run_keeps_its_holder_and_loses_it_without_counting() {
    let mut run = run();
    run.claim(&agent("a"), TTL, at(0)).unwrap();
    run.park();
    assert_eq!(run.status(), "waiting");
    assert_eq!(run.expire(at(20)), Expiry::Released);
    assert_eq!(run.lapses, 0);
    run.unpark();
    assert_eq!(run.claim(&agent("b"), TTL, at(30)), Ok(Claim::Taken));
    assert_eq!(run.check_writer(None, at(31)), Ok(()));
}

#[test]
fn a_file_for_a_finished_run_needs_the_epoch_of_whoever_held_it() {
    let mut run = run();
    run.claim(&agent("a"), TTL, at(0)).unwrap();
    assert_eq!(run.check_keeper(None, at(1)), Ok(()));
    run.finish(Outcome::Succeeded, Some(0), None, at(2));
    assert_eq!(run.check_keeper(Some(run.epoch), at(3)), Ok(()));
    assert!(matches!(
        run.check_keeper(None, at(3)),
        Err(Fenced::Finished { .. })
    ));
    assert!(matches!(
        run.check_keeper(Some(0), at(3)),
        Err(Fenced::StaleEpoch { .. })
    ));
}
