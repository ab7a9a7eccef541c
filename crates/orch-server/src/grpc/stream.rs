//! An agent's stream, from its first message to its loss: who came, what it still holds, and what
//! becomes of that when it is gone.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use orch_api::proto::{
    AgentMessage, Hello, Revoked, ServerMessage, Welcome, agent_message, server_message,
};
use orch_core::ids::{AgentName, RunId};
use orch_store::{Command, Database, StoreError, agent, run as runs};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status, Streaming};

use super::outgoing::{Form, outgoing};
use super::peer::{Peer, message};
use super::talk::Talk;
use crate::app::agents::{Answers, Arrival, Outbox, STREAM_GRACE, STREAM_TTL, Steering};
use crate::app::seen::Seen;
use crate::app::{App, AppError, run};

/// Messages to an agent that may wait for it.
const OUTBOX: usize = 1024;
/// The first message must come within this.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

type Out = Pin<Box<dyn Stream<Item = Result<ServerMessage, Status>> + Send>>;

pub async fn connect(
    app: App,
    streams: CancellationToken,
    mut incoming: Streaming<AgentMessage>,
) -> Result<Response<Out>, Status> {
    let hello = match tokio::time::timeout(HELLO_WITHIN, incoming.message()).await {
        Ok(Ok(Some(AgentMessage {
            kind: Some(agent_message::Kind::Hello(hello)),
            ..
        }))) => hello,
        Ok(Ok(_)) => return Err(Status::invalid_argument("the first message must be Hello")),
        Ok(Err(status)) => return Err(status),
        Err(_) => return Err(Status::deadline_exceeded("no Hello came")),
    };
    let name = AgentName::parse(&hello.agent_id).ok_or_else(|| {
        Status::invalid_argument("agent_id must be 1 to 128 characters without controls")
    })?;
    let (outbox, out) = mpsc::channel(OUTBOX);
    let form = if hello.batches {
        Form::Batches
    } else {
        Form::Single
    };
    let (session, grace, seen) = arrive(&app, &name, &hello, outbox.clone()).await?;
    tokio::spawn(async move {
        let peer = Peer {
            app: app.clone(),
            name: name.clone(),
        };
        let mut talk = Talk::new(peer, outbox, seen);
        talk.run(incoming, streams).await;
        tokio::join!(talk.settle(), leave(app, name, session, grace));
    });
    Ok(Response::new(Box::pin(outgoing(out, form))))
}

async fn arrive(
    app: &App,
    name: &AgentName,
    hello: &Hello,
    outbox: Outbox,
) -> Result<(Session, Duration, Arc<Seen>), Status> {
    let ttl = match hello.claim_ttl_ms {
        0 => STREAM_TTL,
        ms => Duration::from_millis(ms.clamp(1000, 86_400_000)),
    };
    let answers = if app.vault().admits(&hello.secret) {
        Answers::Readable
    } else {
        Answers::Sealed
    };
    let slots = hello.slots.clamp(1, 10_000) as usize;
    let labels = serde_json::to_string(&hello.labels).unwrap_or_else(|_| "[]".to_owned());
    let held = take_up(app, name, hello).await?;

    let mut tx = app
        .store()
        .begin(&format!("agent:{name}"))
        .await
        .map_err(AppError::from)?;
    let now = tx.now();
    let registered = agent::register(
        &mut tx.conn,
        name,
        &hello.version,
        slots as i64,
        &labels,
        app.store().server_number(),
        now,
    )
    .await
    .map_err(AppError::from)?;
    tx.record(
        "agent.connected",
        None,
        serde_json::json!({"agent": name, "slots": slots, "version": hello.version}),
    );
    tx.commit().await.map_err(AppError::from)?;

    let grace = if hello.claim_ttl_ms == 0 {
        STREAM_GRACE
    } else {
        ttl
    };
    let welcome = Welcome {
        stream_grace_ms: u64::try_from(grace.as_millis()).unwrap_or(u64::MAX),
        claim_ttl_ms: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
        batches: true,
        refusals: true,
        tools: true,
        artifacts: true,
        model_use: true,
    };
    let _ = outbox
        .send(message(server_message::Kind::Welcome(welcome)))
        .await;
    for claimed in &hello.held {
        if held.get(&RunId(claimed.run_id)) != Some(&claimed.epoch) {
            let revoked = Revoked {
                run_id: claimed.run_id,
                reason: "it is not this agent's any more".to_owned(),
            };
            let _ = outbox
                .send(message(server_message::Kind::Revoked(revoked)))
                .await;
        }
    }
    let arrival = Arrival {
        agent: name.clone(),
        slots,
        ttl,
        answers,
        steering: match hello.steers {
            true => Steering::Heard,
            false => Steering::NotOffered,
        },
        outbox,
        held,
    };
    let (generation, seen) = app.agents().arrive(arrival);
    tracing::info!(agent.name = %name, agent.slots = slots, "agent connected");
    app.store().signals().wake_scheduler();
    let session = Session {
        generation,
        registered: registered.session,
    };
    Ok((session, grace, seen))
}

/// What the agent still holds. What it held before it was restarted is handed out again at once.
async fn take_up(
    app: &App,
    name: &AgentName,
    hello: &Hello,
) -> Result<BTreeMap<RunId, u64>, Status> {
    let known: BTreeMap<i64, u64> = hello
        .held
        .iter()
        .map(|held| (held.run_id, held.epoch))
        .collect();
    let stored = {
        let mut conn = app.store().peek().await.map_err(AppError::from)?;
        runs::held_by(&mut conn, name)
            .await
            .map_err(AppError::from)?
    };
    let mut held = BTreeMap::new();
    for id in stored {
        let run = match run::show(app, id).await {
            // One that cannot be read must not keep the agent out.
            Err(AppError::Store(error)) if error.is_unreadable() => continue,
            run => run?,
        };
        if known.get(&id.get()) == Some(&run.epoch) {
            held.insert(id, run.epoch);
        } else {
            let command = Command::EndHold {
                run: id,
                agent: name.clone(),
            };
            app.store()
                .submit("scheduler", command)
                .await
                .map_err(AppError::from)?;
        }
    }
    Ok(held)
}

/// A stream among those of its agent.
#[derive(Clone, Copy)]
struct Session {
    /// At this server.
    generation: u64,
    /// At all servers.
    registered: i64,
}

/// Whether the agent has connected again since, to whichever server.
async fn is_elsewhere(app: &App, name: &AgentName, session: Session) -> bool {
    let newest = async {
        let mut conn = app.store().peek().await?;
        agent::find(&mut conn, name).await
    };
    match newest.await {
        Ok(newest) => newest.is_some_and(|newest| newest.session != session.registered),
        // It may be; then its leases run out by themselves.
        Err(_) => true,
    }
}

/// Tells the other servers, where there may be some, that the stream is lost.
async fn depart(app: &App, name: &AgentName, session: Session) -> Result<(), StoreError> {
    if let Database::Sqlite { .. } = app.store().database() {
        return Ok(());
    }
    let mut tx = app.store().begin(&format!("agent:{name}")).await?;
    let now = tx.now();
    agent::depart(&mut tx.conn, name, session.registered, now).await?;
    tx.commit().await
}

/// The stream is lost: after the grace, so is the hold.
async fn leave(app: App, name: AgentName, session: Session, grace: Duration) {
    let generation = session.generation;
    if !app.agents().lose(&name, generation) {
        return;
    }
    tracing::info!(agent.name = %name, "agent disconnected");
    let lost = Instant::now();
    if let Err(error) = depart(&app, &name, session).await {
        // The end of this server tells the same.
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            agent.name = %name,
            "the other servers take the agent for connected"
        );
    }
    tokio::time::sleep_until(lost + grace).await;
    let held = app.agents().forget(&name, generation);
    if !held.is_empty() && is_elsewhere(&app, &name, session).await {
        tracing::info!(agent.name = %name, "the agent went on at another server");
        return;
    }
    for id in held {
        let command = Command::EndHold {
            run: id,
            agent: name.clone(),
        };
        if let Err(error) = app.store().submit("scheduler", command).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                run.id = id.get(),
                "a hold did not end"
            );
        }
    }
}
