//! What is found, and that nothing is waited for.

use super::*;
use crate::app::testing::{PATIENCE, World};

fn kinds(faults: &[Fault]) -> Vec<&'static str> {
    faults
        .iter()
        .map(|fault| fault.finding.kind.name())
        .collect()
}

#[test]
fn clocks_that_are_off_are_named() {
    let second = 1_000_000;
    assert_eq!(
        clock_findings(second, Some(-second), Some(-900 * second)),
        []
    );
    let found = clock_findings(-60 * second, Some(61 * second), Some(62 * second));
    let said: Vec<&str> = found.iter().map(|finding| finding.what.as_str()).collect();
    assert_eq!(
        said,
        [
            "this machine's clock was set back by 60 s while the server ran, which follows by 1 ms a second",
            "the database's clock is 61 s ahead of this machine's",
            "the newest audit entry is 62 s in the future: the clock stood later before",
        ]
    );
}

#[tokio::test]
async fn a_server_that_is_well_has_no_faults() {
    let world = World::open().await;
    let app = &world.app;
    assert_eq!(app.health().faults(app).await, []);
}

#[tokio::test]
async fn a_database_that_is_gone_is_named() {
    let world = World::open().await;
    let app = &world.app;
    app.store().close().await;
    let faults = app.health().faults(app).await;
    assert_eq!(kinds(&faults), ["database_unreachable"]);
}

#[tokio::test]
async fn whoever_asks_while_somebody_looks_is_not_kept_waiting() {
    let world = World::open().await;
    let app = &world.app;
    let _looking = app.health().looking.try_lock().expect("nobody looks");
    let faults = tokio::time::timeout(PATIENCE, app.health().faults(app)).await;
    assert_eq!(faults.expect("at once"), []);
}

#[tokio::test]
async fn an_agent_whose_messages_are_not_acknowledged_is_named() {
    let world = World::open().await;
    let app = &world.app;
    let name = orch_core::ids::AgentName::parse("a").expect("a name");
    world.arrive(&name);
    let unsent = crate::app::agents::Unsent {
        messages: 3,
        oldest: STUCK * 2,
    };
    app.agents().note_unsent(&name, unsent);
    let faults = app.health().faults(app).await;
    assert_eq!(kinds(&faults), ["stuck_outbox"]);
    assert_eq!(
        faults[0].finding.what,
        "agent a waits for the acknowledgement of 3 messages, the oldest for 20 s"
    );
}
