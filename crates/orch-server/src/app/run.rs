//! Runs: claims, heartbeats, completion, cancellation.

use std::time::Duration;

use orch_core::engine::{self, Completion};
use orch_core::ids::{AgentName, RunId, WorkItemId};
use orch_core::run::Run;
use orch_store::run::{self, Filter};
use orch_store::{Command, Follows, Listed, Needs, Page, Reply};

use super::work_item::unexpected;
use super::{App, AppError, Result, work_item};

/// How long a claim holds unless its agent says otherwise.
pub const DEFAULT_TTL: Duration = Duration::from_secs(300);

/// One run.
pub async fn show(app: &App, id: RunId) -> Result<Run> {
    let mut conn = app.store().peek().await?;
    run::find(&mut conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("run", id.get()))
}

/// Runs that match.
pub async fn list(app: &App, filter: &Filter, page: Page) -> Result<Listed<Run>> {
    let mut conn = app.store().read().await?;
    Ok(app.store().named(run::list(&mut conn, filter, page).await?))
}

/// The runs of an item.
pub async fn of_item(app: &App, item: WorkItemId, page: Page) -> Result<Listed<Run>> {
    work_item::show(app, item).await?;
    list(
        app,
        &Filter {
            work_item: Some(item),
            ..Filter::default()
        },
        page,
    )
    .await
}

/// Gives a run to an agent.
pub async fn claim(
    app: &App,
    actor: &str,
    id: RunId,
    agent: AgentName,
    ttl: Option<Duration>,
) -> Result<Run> {
    let command = Command::Claim {
        run: id,
        agent,
        ttl: ttl.unwrap_or(DEFAULT_TTL),
    };
    one(app.store().submit(actor, command).await?)
}

/// Renews a claim.
pub async fn heartbeat(
    app: &App,
    actor: &str,
    id: RunId,
    agent: AgentName,
    epoch: Option<u64>,
    ttl: Option<Duration>,
) -> Result<Run> {
    one(app
        .store()
        .submit(
            actor,
            Command::Heartbeat {
                run: id,
                agent,
                epoch,
                ttl,
            },
        )
        .await?)
}

/// Ends a run as its worker says.
pub async fn complete(app: &App, actor: &str, id: RunId, done: Completion) -> Result<Run> {
    let run = one(app
        .store()
        .submit(
            actor,
            Command::Complete {
                run: id,
                done,
                follows: Follows::Nothing,
            },
        )
        .await?)?;
    app.agents().revoke(id, "the run was completed by hand");
    Ok(run)
}

fn one(reply: Reply) -> Result<Run> {
    match reply {
        Reply::Run(run) => Ok(*run),
        other => Err(unexpected(&other)),
    }
}

/// Cancels a run, whoever holds it.
pub async fn cancel(app: &App, actor: &str, id: RunId, reason: Option<String>) -> Result<Run> {
    let mut tx = app.store().begin(actor).await?;
    let mut w = tx.load(Needs::finishing(id)).await?;
    let run = tx.decide(&mut w, |w, ctx| engine::cancel_run(w, ctx, id, reason))?;
    tx.save(w).await?;
    tx.commit().await?;
    app.agents().revoke(id, "the run was cancelled");
    Ok(run)
}

/// The holder gives a run back.
pub async fn release(app: &App, actor: &str, id: RunId, epoch: Option<u64>) -> Result<()> {
    let mut tx = app.store().begin(actor).await?;
    let mut w = tx.load(Needs::run(id)).await?;
    tx.decide(&mut w, |w, ctx| engine::release(w, ctx, id, epoch))?;
    tx.save(w).await?;
    tx.commit().await?;
    Ok(())
}
