//! Forgets what is kept for a time only.

use std::time::Duration;

use orch_core::time::Timestamp;
use orch_store::{idempotency, model_call, orchestration, role_memory};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Result};

const PERIOD: Duration = Duration::from_secs(3600);
/// Answers are kept by idempotency key for a day.
const KEPT_US: i64 = DAY_US;
const DAY_US: i64 = 24 * 3600 * 1_000_000;

pub async fn run(app: App, shutdown: CancellationToken) {
    // What expired while no server ran goes at once.
    loop {
        if let Err(error) = forget(&app).await {
            tracing::error!(error = &error as &dyn std::error::Error, "upkeep failed");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

async fn forget(app: &App) -> Result<()> {
    let mut tx = app.store().begin("system").await?;
    let then = Timestamp::from_micros(tx.now().as_micros() - KEPT_US);
    idempotency::forget_before(&mut tx.conn, then).await?;
    let then = app.team().memory.since(tx.now());
    role_memory::forget_before(&mut tx.conn, then).await?;
    tx.commit().await?;
    if let Some(keep) = app.team().keep {
        forget_requests(app, keep).await?;
    }
    Ok(())
}

/// Requests that are over go, and the texts of calls; what calls cost stays.
async fn forget_requests(app: &App, keep: Duration) -> Result<()> {
    let mut tx = app.store().begin("system").await?;
    let keep_us = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
    let then = Timestamp::from_micros(tx.now().as_micros().saturating_sub(keep_us));
    let texts = model_call::forget_texts_before(&mut tx.conn, then).await?;
    let requests = orchestration::forget_before(&mut tx.conn, then).await?;
    if texts + requests > 0 {
        let data = json!({"requests": requests, "calls": texts, "before": then.to_string()});
        tx.record("orchestration.forgotten", None, data);
    }
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use orch_store::model_call::NewModelCall;
    use orch_store::orchestration::NewOrchestration;
    use orch_store::project;
    use orch_store::role_memory::NewNote;

    use super::*;
    use crate::app::testing::World;

    const DAY: Duration = Duration::from_secs(86_400);

    fn days_ago(now: Timestamp, days: i64) -> Timestamp {
        Timestamp::from_micros(now.as_micros() - days * DAY_US)
    }

    #[tokio::test]
    async fn notes_of_roles_go_when_they_are_old() {
        let world = World::open().await;
        let mut tx = world.app.store().begin("user").await.unwrap();
        let now = tx.now();
        let project = project::insert(&mut tx.conn, "p", "", now).await.unwrap();
        for days in [0, 179, 181] {
            let new = NewNote {
                project: project.id,
                role: "code",
                content: &days.to_string(),
                author: "user",
                origin: "person",
            };
            let then = days_ago(now, days);
            role_memory::insert(&mut tx.conn, &new, then).await.unwrap();
        }
        tx.commit().await.unwrap();
        forget(&world.app).await.unwrap();
        let mut conn = world.app.store().read().await.unwrap();
        let left =
            role_memory::of_role(&mut conn, project.id, "code", Timestamp::from_micros(0), 9).await;
        let left: Vec<String> = left.unwrap().into_iter().map(|note| note.content).collect();
        assert_eq!(left, ["0", "179"]);
    }

    #[tokio::test]
    async fn requests_that_are_over_and_texts_of_calls_go_and_costs_stay() {
        let world = World::open().await;
        let mut tx = world.app.store().begin("user").await.unwrap();
        let now = tx.now();
        for (uuid, days, is_over) in [("old", 40, true), ("new", 1, true), ("runs", 40, false)] {
            let then = days_ago(now, days);
            let conn = &mut tx.conn;
            let session = orchestration::use_session(conn, uuid, "user", then)
                .await
                .unwrap();
            let new = NewOrchestration {
                uuid,
                session_id: session,
                session_uuid: uuid,
                request: "{}",
                agents: "[]",
                by: "user",
                now: then,
                deadline: then,
            };
            let row = orchestration::insert(conn, &new).await.unwrap().unwrap();
            let call = NewModelCall {
                orchestration_id: Some(row),
                project_id: None,
                plan_id: None,
                work_item_id: None,
                run_id: None,
                role: "code",
                model: "m",
                ask: r#"{"system":"be brief and say nothing of it","messages":[]}"#,
                answer: Some(r#"{"text":"the plan"}"#),
                error: None,
                input_tokens: 3,
                cached_tokens: 2,
                output_tokens: 1,
                cost_microusd: Some(7),
                started_at: then,
                latency_us: 7,
            };
            model_call::insert(conn, &call).await.unwrap();
            if is_over {
                let over = orchestration::end(conn, row, "completed", Some("[]"), None, then);
                assert!(over.await.unwrap());
            }
        }
        tx.commit().await.unwrap();
        forget_requests(&world.app, DAY * 30).await.unwrap();
        let mut conn = world.app.store().read().await.unwrap();
        for (uuid, stays) in [("old", false), ("new", true), ("runs", true)] {
            let found = orchestration::find(&mut conn, uuid).await.unwrap();
            assert_eq!(found.is_some(), stays, "{uuid}");
        }
        let kept = orchestration::find(&mut conn, "new")
            .await
            .unwrap()
            .unwrap();
        let calls = model_call::of_orchestration(&mut conn, kept.id)
            .await
            .unwrap();
        assert!(calls[0].answer.is_some());
        let running = orchestration::find(&mut conn, "runs")
            .await
            .unwrap()
            .unwrap();
        let calls = model_call::of_orchestration(&mut conn, running.id)
            .await
            .unwrap();
        assert_eq!((&calls[0].answer, calls[0].cost_microusd), (&None, Some(7)));
    }
}
