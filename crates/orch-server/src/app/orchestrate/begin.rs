//! Taking a request: a place, its row, its session, and the task that works on it.

use orch_store::Conn;
use orch_store::orchestration::{self as store, NewOrchestration};
use serde_json::json;
use tokio::sync::{broadcast, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::super::model_call::veil;
use super::super::{App, AppError, Result, budget};
use super::history::{self, project_of};
use super::request::Request;
use super::watch::{Event, Watch};
use super::work::{self, Job};
use orch_api::types::orchestrate::Orchestration;

/// Requests of a session that are told to the next one.
const REMEMBERED: i64 = 5;

/// A request under way. It is cancelled when this is dropped before its end.
#[derive(Debug)]
pub struct Begun {
    pub first: Orchestration,
    pub events: broadcast::Receiver<Event>,
    ended: oneshot::Receiver<Result<Orchestration>>,
    guard: DropGuard,
}

impl Begun {
    /// How it ended.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn ended(self) -> Result<Orchestration> {
        let Self {
            ended,
            guard,
            events,
            first: _,
        } = self;
        // Pieces of the text are for those who look on.
        drop(events);
        let over = ended
            .await
            .unwrap_or(Err(AppError::Store(orch_store::StoreError::Closed)));
        guard.disarm();
        over
    }

    /// What happens, and what stops it when it is let go.
    #[must_use]
    pub fn watched(self) -> (Orchestration, broadcast::Receiver<Event>, DropGuard) {
        (self.first, self.events, self.guard)
    }
}

/// Begins to work on a request.
///
/// # Errors
/// When all places are taken, the request's name is, or the store fails.
pub async fn begin(app: &App, actor: &str, request: Request) -> Result<Begun> {
    app.check_room()?;
    if let Some(levels) = request.levels {
        budget::check(app, levels).await?;
    }
    let place = app.team().place()?;
    let veil = veil(app, request.levels.map(|levels| levels.project)).await?;
    let (id, session) = (request.id.to_string(), request.session.to_string());
    let reports = work::reports(&request);
    let agents =
        serde_json::to_string(&work::kept(&reports, &[])).expect("invariant: reports serialise");
    let kept = request.kept.clone();
    let hiding = move || veil.text(&kept);
    let kept = app.texts().text(request.kept.len(), hiding).await;
    let mut tx = app.store().begin(actor).await?;
    let now = tx.now();
    let session_id = store::use_session(&mut tx.conn, &session, actor, now).await?;
    let project = request.levels.map(|levels| levels.project.get());
    check_session(&mut tx.conn, session_id, &request, project).await?;
    let history = store::latest_of(&mut tx.conn, session_id, REMEMBERED).await?;
    let new = NewOrchestration {
        uuid: &id,
        session_id,
        session_uuid: &session,
        request: &kept,
        agents: &agents,
        by: actor,
        now,
        deadline: now.plus(app.team().timeout + work::GRACE),
    };
    let Some(row) = store::insert(&mut tx.conn, &new).await? else {
        let message = format!(
            "there is a request {id} already; leave `request_id` out, or choose another UUID"
        );
        return Err(AppError::conflict("request_exists", message));
    };
    let named: Vec<&str> = request
        .roles
        .iter()
        .map(|(role, _)| role.name.as_str())
        .collect();
    let data = json!({"request_id": id, "session_id": session, "agent_sequence": named});
    tx.record("orchestration.started", None, data);
    tx.commit().await?;

    let watch = Watch::new();
    let stop: CancellationToken = watch.stop.clone();
    let events = watch.events();
    app.team().note(request.id, watch.clone());
    let first = history::first(&id, &session, now, &reports);
    let (tell, ended) = oneshot::channel();
    let job = Job {
        row,
        request,
        turns: history::turns(history),
        reports,
        watch,
        actor: actor.to_owned(),
        started_at: now,
    };
    app.team().tasks.spawn({
        let app = app.clone();
        async move {
            let id = job.request.id;
            let watch = job.watch.clone();
            let over = work::run(&app, job).await;
            app.team().forget(id);
            drop(place);
            if let Ok(over) = &over {
                watch.tell(Event::End(Box::new(over.clone())));
            }
            // Whoever asked may be gone.
            let _ = tell.send(over);
        }
    });
    Ok(Begun {
        first,
        events,
        ended,
        guard: stop.drop_guard(),
    })
}

/// A session belongs to the project of its first request: what was asked for there is told to nobody else.
async fn check_session(
    conn: &mut Conn,
    session_id: i64,
    request: &Request,
    project: Option<i64>,
) -> Result<()> {
    let Some(first) = store::first_of(conn, session_id).await? else {
        return Ok(());
    };
    let belongs = project_of(&first);
    if belongs == project {
        return Ok(());
    }
    let named = |project: Option<i64>| {
        project.map_or("no project".to_owned(), |project| {
            format!("project {project}")
        })
    };
    let message = format!(
        "session {} belongs to {}, as its first request named it, and this request names {}: name the same, or leave `session_id` out",
        request.session,
        named(belongs),
        named(project)
    );
    Err(AppError::conflict("session_of_another_project", message))
}
