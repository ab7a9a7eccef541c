//! Stopping requests: one that somebody cancels, and those that nobody works on any more.

use orch_api::types::orchestrate::{Orchestration, OrchestrationError};
use orch_core::time::Timestamp;
use orch_store::orchestration::{self as store, Left};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::super::{App, AppError, Result};
use super::history;
use super::watch::Event;
use super::work::Kept;

/// A request that is told to stop is over within this, unless the store hangs.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// The most that are ended in one commit; the rest follows with the next look.
const AT_ONCE: i64 = 100;

/// Cancels a request and tells how it stands then.
///
/// # Errors
/// When there is none, it is over, or another server works on it.
pub async fn cancel(app: &App, actor: &str, id: Uuid) -> Result<Orchestration> {
    let Some(watch) = app.team().watch(id) else {
        let found = history::show(app, id).await?;
        return Err(match found.status.as_str() {
            "running" => AppError::conflict(
                "worked_on_elsewhere",
                format!(
                    "another server works on request {id}; cancel it there, or wait for its deadline"
                ),
            ),
            status => {
                AppError::conflict("request_over", format!("request {id} is already {status}"))
            }
        });
    };
    let mut tx = app.store().begin(actor).await?;
    tx.record(
        "orchestration.cancelled",
        None,
        json!({"request_id": id.to_string()}),
    );
    tx.commit().await?;
    let mut events = watch.events();
    watch.stop.cancel();
    let ended = async {
        loop {
            match events.recv().await {
                Ok(Event::End(over)) => return Some(*over),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    };
    drop(watch);
    match tokio::time::timeout(PATIENCE, ended).await {
        Ok(Some(over)) => Ok(over),
        Ok(None) | Err(_) => history::show(app, id).await,
    }
}

/// Ends what was due by now and is not over, and what began before `begun`: its server died.
pub(crate) async fn end_left(app: &App, begun: Timestamp) -> Result<()> {
    let left = Left {
        due: app.store().now(),
        begun,
    };
    let mut conn = app.store().read().await?;
    let rows = store::left(&mut conn, left, AT_ONCE).await?;
    drop(conn);
    if rows.is_empty() {
        return Ok(());
    }
    let mut tx = app.store().begin("system").await?;
    let now = tx.now();
    let mut ended = 0;
    for (id, agents) in rows {
        let (agents, error) = cut_off(agents);
        let error = serde_json::to_string(&error).expect("invariant: errors serialise");
        let agents = agents.as_deref();
        let is_ended = store::end(&mut tx.conn, id, "failed", agents, Some(&error), now);
        ended += u64::from(is_ended.await?);
    }
    tx.record("orchestration.left", None, json!({"requests": ended}));
    tx.commit().await?;
    Ok(())
}

/// What is kept of the roles of a request whose server died: the one that was being asked has failed, and
/// those after it are skipped, as where a model fails.
fn cut_off(agents: Option<String>) -> (Option<String>, OrchestrationError) {
    let mut error = OrchestrationError {
        agent: None,
        reason: "the server that worked on it ended".to_owned(),
        retry_after_seconds: None,
    };
    let kept = agents.as_deref().map(serde_json::from_str::<Vec<Kept>>);
    // Damaged, or written by another version: only the request's own state is certain.
    let Some(Ok(mut kept)) = kept else {
        return (agents, error);
    };
    let open = kept
        .iter_mut()
        .map(|kept| &mut kept.report)
        .filter(|report| matches!(report.status.as_str(), "waiting" | "running"));
    for report in open {
        if error.agent.is_some() {
            report.status = "skipped".to_owned();
        } else {
            report.status = "failed".to_owned();
            report.error = Some(error.reason.clone());
            error.agent = Some(report.agent.clone());
        }
    }
    let agents = serde_json::to_string(&kept).expect("invariant: reports serialise");
    (Some(agents), error)
}

#[cfg(test)]
mod tests {
    use orch_api::types::orchestrate::AgentReport;
    use orch_store::orchestration::NewOrchestration;

    use super::super::super::testing::World;
    use super::*;

    #[tokio::test]
    async fn a_request_of_which_something_cannot_be_read_is_ended_too() {
        let world = World::open().await;
        let mut tx = world.app.store().begin("user").await.unwrap();
        let now = tx.now();
        let session = store::use_session(&mut tx.conn, "s", "user", now).await;
        let session_id = session.unwrap();
        for (uuid, request, agents) in [("whole", "{}", "[]"), ("a", "{", "[]"), ("b", "{}", "[")] {
            let new = NewOrchestration {
                uuid,
                session_id,
                session_uuid: "s",
                request,
                agents,
                by: "user",
                now,
                deadline: now.plus(std::time::Duration::from_secs(60)),
            };
            store::insert(&mut tx.conn, &new).await.unwrap().unwrap();
        }
        tx.commit().await.unwrap();
        let running = async || {
            let mut conn = world.app.store().read().await.unwrap();
            let session = store::find_session(&mut conn, "s").await.unwrap();
            session.unwrap().running
        };
        assert_eq!(running().await, 3);
        let begun = now.plus(std::time::Duration::from_secs(1));
        end_left(&world.app, begun).await.unwrap();
        assert_eq!(running().await, 0);
    }

    #[test]
    fn of_a_request_that_was_cut_off_one_role_failed_and_the_later_are_skipped() {
        let kept = ["completed", "waiting", "waiting"].map(|status| Kept {
            report: AgentReport {
                agent: format!("was {status}"),
                status: status.to_owned(),
                ..AgentReport::default()
            },
            text: (status == "completed").then(|| "a text".to_owned()),
        });
        let (agents, error) = cut_off(Some(serde_json::to_string(&kept).expect("JSON")));
        let after: Vec<Kept> = serde_json::from_str(&agents.expect("they stay")).expect("JSON");
        let statuses = after.iter().map(|kept| kept.report.status.as_str());
        assert_eq!(
            statuses.collect::<Vec<_>>(),
            ["completed", "failed", "skipped"]
        );
        assert_eq!(after[0].text.as_deref(), Some("a text"));
        assert_eq!(
            after[1].report.error.as_deref(),
            Some(error.reason.as_str())
        );
        assert_eq!(error.agent.as_deref(), Some("was waiting"));
    }

    #[test]
    fn roles_that_cannot_be_read_stay_as_they_are() {
        let (agents, error) = cut_off(Some("{}".to_owned()));
        assert_eq!((agents.as_deref(), error.agent), (Some("{}"), None));
        let (agents, error) = cut_off(None);
        assert_eq!((agents, error.agent), (None, None));
    }
}
