//! Following a run to its end: its log as progress on standard error, and a word where it waits for
//! somebody.

use std::time::Duration;

use orch_api::client::{Client, ClientError, LogEvent};
use orch_api::types::run::Run;
use orch_core::approval;
use orch_core::info_request;
use tokio::sync::mpsc;

use super::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// The log does not say that a run waits; so often it is asked for.
const LOOK: Duration = Duration::from_secs(2);
/// Lines that were read and not shown yet.
const AHEAD: usize = 256;

/// The run at its end.
pub async fn watch(client: &Client, id: i64, context: &mut Context<'_>) -> Result<Run, Failure> {
    // Names the run where there is none.
    let mut status = client.run(id).await?.status;
    let mut events = follow(client, id);
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tell_what_it_waits_for(client, id, &status, context).await?;
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(Ok(LogEvent::Line(entry))) => context.output.note(&entry.message),
                Some(Ok(LogEvent::End(run))) => return Ok(*run),
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(client.run(id).await?),
            },
            _ = look.tick() => {
                // An outage shows in the log's stream, which also waits for its end.
                let Ok(now) = client.run(id).await else { continue };
                if now.status != status {
                    status = now.status;
                    tell_what_it_waits_for(client, id, &status, context).await?;
                }
            }
        }
    }
}

/// A task of its own: reading an event must not be given up half-way.
fn follow(client: &Client, id: i64) -> mpsc::Receiver<Result<LogEvent, ClientError>> {
    let mut log = client.follow_log(id, None);
    let (send, receive) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        while let Some(event) = log.next().await.transpose() {
            let last = event.is_err();
            if send.send(event).await.is_err() || last {
                return;
            }
        }
    });
    receive
}

async fn tell_what_it_waits_for(
    client: &Client,
    id: i64,
    status: &str,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    if status != "waiting" {
        context.output.note(&format!("run {id} is {status}"));
        return Ok(());
    }
    let questions = client.run_info_requests(id).await?;
    for question in questions
        .iter()
        .filter(|question| question.status == info_request::Status::Pending)
    {
        context.output.warn(&format!(
            "run {id} waits for an answer: {} (codex-orchestrator answer {})",
            question.prompt, question.id
        ));
    }
    let item = client.run(id).await?.work_item_id;
    let approvals = client.work_item_approvals(item).await?;
    for approval in approvals
        .iter()
        .filter(|approval| approval.status == approval::Status::Pending)
    {
        context.output.warn(&format!(
            "run {id} waits for approval {} (codex-orchestrator approve {})",
            approval.id, approval.id
        ));
    }
    Ok(())
}

/// The exit code that tells how a run ended.
pub fn exit_of(status: &str) -> Exit {
    match status {
        "succeeded" => Exit::Done,
        "cancelled" => Exit::RunCancelled,
        "lost" => Exit::RunLost,
        _ => Exit::RunFailed,
    }
}
