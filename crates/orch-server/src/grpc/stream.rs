//! An agent's stream: messages are taken in order, and acknowledged once they are on disk.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use futures::stream::FuturesOrdered;
use futures::{Stream, StreamExt as _};
use orch_api::proto::{
    Ack, AgentMessage, Completion, Hello, Ping, Revoked, ServerMessage, Welcome, agent_message,
    server_message,
};
use orch_core::engine::{self, Verdict};
use orch_core::ids::{AgentName, RunId};
use orch_core::info_request::Field;
use orch_store::{Command, Pending, agent, run as runs};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status, Streaming};

use super::service::refusal;
use super::unary::{artifact_of, lines_of, report_of};
use crate::app::agents::{Answers, Arrival, Outbox, STREAM_GRACE, STREAM_TTL};
use crate::app::info_request::Hold;
use crate::app::{App, AppError, artifact, info_request, plan, run, step, summary};

/// Messages to an agent that may wait for it.
const OUTBOX: usize = 1024;
/// Commands of one stream that may wait for the disk.
const UNDER_WAY: usize = 1024;
/// How often a stream is pinged; silent for [`STREAM_GRACE`], it is lost.
const PING: Duration = Duration::from_secs(2);
/// The first message must come within this.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

type Out = Pin<Box<dyn Stream<Item = Result<ServerMessage, Status>> + Send>>;

fn message(kind: server_message::Kind) -> Result<ServerMessage, Status> {
    Ok(ServerMessage { kind: Some(kind) })
}

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
    let (session, grace) = arrive(&app, &name, &hello, outbox.clone()).await?;
    tokio::spawn(async move {
        let peer = Peer {
            app: app.clone(),
            name: name.clone(),
            outbox,
        };
        Talk {
            peer,
            under_way: FuturesOrdered::new(),
        }
        .run(incoming, streams)
        .await;
        leave(app, name, session, grace).await;
    });
    Ok(Response::new(Box::pin(ReceiverStream::new(out))))
}

async fn arrive(
    app: &App,
    name: &AgentName,
    hello: &Hello,
    outbox: Outbox,
) -> Result<(Session, Duration), Status> {
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
        outbox,
        held,
    };
    let generation = app.agents().arrive(arrival);
    tracing::info!(agent.name = %name, agent.slots = slots, "agent connected");
    app.store().signals().wake_scheduler();
    let session = Session {
        generation,
        registered: registered.session,
    };
    Ok((session, grace))
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
        let mut conn = app.store().read().await.map_err(AppError::from)?;
        runs::held_by(&mut conn, name)
            .await
            .map_err(AppError::from)?
    };
    let mut held = BTreeMap::new();
    for id in stored {
        let run = run::show(app, id).await?;
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
        let mut conn = app.store().read().await?;
        agent::find(&mut conn, name).await
    };
    match newest.await {
        Ok(newest) => newest.is_some_and(|newest| newest.session != session.registered),
        // It may be; then its leases run out by themselves.
        Err(_) => true,
    }
}

/// The stream is lost: after the grace, so is the hold.
async fn leave(app: App, name: AgentName, session: Session, grace: Duration) {
    let generation = session.generation;
    if !app.agents().lose(&name, generation) {
        return;
    }
    tracing::info!(agent.name = %name, "agent disconnected");
    tokio::time::sleep(grace).await;
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

/// A command that waits for the disk, with the message that asked for it.
struct UnderWay {
    id: u64,
    run: RunId,
    pending: Pending,
    ends_hold: bool,
}

/// The agent at the other end.
struct Peer {
    app: App,
    name: AgentName,
    outbox: Outbox,
}

struct Talk {
    peer: Peer,
    under_way: FuturesOrdered<Pin<Box<dyn Future<Output = Done> + Send>>>,
}

struct Done {
    id: u64,
    run: RunId,
    ends_hold: bool,
    result: Result<(), AppError>,
}

impl Talk {
    async fn run(mut self, mut incoming: Streaming<AgentMessage>, streams: CancellationToken) {
        let mut ping = tokio::time::interval(PING);
        let mut heard = tokio::time::Instant::now();
        loop {
            let room = self.under_way.len() < UNDER_WAY;
            tokio::select! {
                biased;
                () = streams.cancelled() => return,
                () = self.peer.outbox.closed() => return,
                Some(done) = self.under_way.next() => self.peer.answer(done).await,
                next = incoming.next(), if room => {
                    let Some(Ok(next)) = next else { return };
                    heard = tokio::time::Instant::now();
                    if let Some(kind) = next.kind {
                        self.take(next.id, kind).await;
                    }
                }
                _ = ping.tick() => {
                    if heard.elapsed() > STREAM_GRACE {
                        tracing::warn!(agent.name = %self.peer.name, "agent is silent: its stream is given up");
                        return;
                    }
                    // A full outbox is as good as a ping.
                    let _ = self.peer.outbox.try_send(message(server_message::Kind::Ping(Ping {})));
                }
            }
        }
    }

    async fn take(&mut self, id: u64, kind: agent_message::Kind) {
        match kind {
            agent_message::Kind::Hello(_) | agent_message::Kind::Pong(_) => {}
            agent_message::Kind::Leaving(_) => {
                tracing::info!(agent.name = %self.peer.name, "agent is leaving");
                self.peer.app.agents().retire(&self.peer.name);
            }
            agent_message::Kind::Logs(logs) => {
                let run = RunId(logs.run_id);
                if !self.peer.app.agents().is_new(&self.peer.name, id) {
                    let again = Done {
                        id,
                        run,
                        ends_hold: false,
                        result: Ok(()),
                    };
                    return self.peer.answer(again).await;
                }
                let now = self.peer.app.store().now();
                let command = Command::Log {
                    run: RunId(logs.run_id),
                    epoch: Some(logs.epoch),
                    lines: lines_of(logs.lines, now),
                };
                self.queue(id, RunId(logs.run_id), command, false).await;
            }
            agent_message::Kind::Completion(done) => self.complete(id, done).await,
            other => {
                let (run, ends_hold, result) = self.peer.act(other).await;
                self.peer
                    .answer(Done {
                        id,
                        run,
                        ends_hold,
                        result,
                    })
                    .await;
            }
        }
    }

    async fn complete(&mut self, id: u64, done: Completion) {
        let run = RunId(done.run_id);
        if !done.summary.trim().is_empty() || !done.usage_json.is_empty() {
            let usage = serde_json::from_str(&done.usage_json).ok();
            let content = if done.summary.trim().is_empty() {
                "completed"
            } else {
                &done.summary
            };
            if let Err(error) = summary::add(
                &self.peer.app,
                &self.peer.actor(),
                run,
                Some(done.epoch),
                content,
                usage,
            )
            .await
            {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    run.id = run.get(),
                    "a summary was not kept"
                );
            }
        }
        let verdict = if done.success {
            Verdict::Success
        } else {
            Verdict::Failure
        };
        let reason = (!done.reason.is_empty()).then(|| done.reason.chars().take(2000).collect());
        let completion = engine::Completion {
            epoch: Some(done.epoch),
            verdict,
            exit_code: done.exit_code,
            reason,
        };
        self.queue(
            id,
            run,
            Command::Complete {
                run,
                done: completion,
            },
            true,
        )
        .await;
    }

    async fn queue(&mut self, id: u64, run: RunId, command: Command, ends_hold: bool) {
        match self
            .peer
            .app
            .store()
            .queue(&self.peer.actor(), command)
            .await
        {
            Ok(pending) => {
                let under_way = UnderWay {
                    id,
                    run,
                    pending,
                    ends_hold,
                };
                self.under_way.push_back(Box::pin(wait(under_way)));
            }
            Err(error) => {
                self.peer
                    .answer(Done {
                        id,
                        run,
                        ends_hold,
                        result: Err(error.into()),
                    })
                    .await
            }
        }
    }
}

impl Peer {
    fn actor(&self) -> String {
        format!("agent:{}", self.name)
    }

    /// The colder messages, one at a time. Answers the run, whether the hold ends, and how it went.
    async fn act(&self, kind: agent_message::Kind) -> (RunId, bool, Result<(), AppError>) {
        let (app, actor) = (&self.app, self.actor());
        match kind {
            agent_message::Kind::Step(report) => {
                let run = RunId(report.run_id);
                let result =
                    async { step::report(app, &actor, run, report_of(report)?).await }.await;
                (run, false, result.map(drop))
            }
            agent_message::Kind::Question(question) => {
                let run = RunId(question.run_id);
                let ask = async {
                    let fields: Vec<Field> = serde_json::from_str(&question.fields_json)
                        .map_err(|error| AppError::invalid("fields_json", error.to_string()))?;
                    let epoch = Some(question.epoch);
                    info_request::ask(
                        app,
                        &actor,
                        run,
                        epoch,
                        &question.prompt,
                        &fields,
                        Hold::GivenUp,
                    )
                    .await
                };
                (run, true, ask.await.map(drop))
            }
            agent_message::Kind::PlannedSteps(planned) => {
                let run = RunId(planned.run_id);
                let submit = async {
                    let steps: Vec<orch_core::recipe::Step> =
                        serde_json::from_str(&planned.steps_json)
                            .map_err(|error| AppError::invalid("steps_json", error.to_string()))?;
                    plan::submit(app, &actor, run, Some(planned.epoch), &steps).await?;
                    run::release(app, &actor, run, Some(planned.epoch)).await
                };
                (run, true, submit.await)
            }
            agent_message::Kind::Release(release) => {
                let run = RunId(release.run_id);
                (
                    run,
                    true,
                    run::release(app, &actor, run, Some(release.epoch)).await,
                )
            }
            agent_message::Kind::Artifact(new) => {
                let run = RunId(new.run_id);
                (
                    run,
                    false,
                    artifact::store(app, &actor, run, artifact_of(new))
                        .await
                        .map(drop),
                )
            }
            agent_message::Kind::Hello(_)
            | agent_message::Kind::Pong(_)
            | agent_message::Kind::Leaving(_)
            | agent_message::Kind::Logs(_)
            | agent_message::Kind::Completion(_) => (RunId(0), false, Ok(())),
        }
    }

    async fn answer(&self, done: Done) {
        let (refused, text) = done.result.as_ref().err().map(refusal).unwrap_or_default();
        let lost = matches!(
            refused.as_str(),
            "stale_epoch" | "run_finished" | "lease_lapsed" | "taken_over"
        );
        if (done.ends_hold && done.result.is_ok()) || lost {
            self.app.agents().drop_hold(&self.name, done.run);
            self.app.store().signals().wake_scheduler();
        }
        if let Err(error @ AppError::Store(_)) = &done.result {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "a message of an agent failed"
            );
        }
        if done.id != 0 {
            let ack = Ack {
                id: done.id,
                refused,
                message: text,
            };
            let _ = self
                .outbox
                .send(message(server_message::Kind::Ack(ack)))
                .await;
        }
    }
}

async fn wait(under_way: UnderWay) -> Done {
    let UnderWay {
        id,
        run,
        pending,
        ends_hold,
    } = under_way;
    let result = pending.answer().await.map(drop).map_err(AppError::from);
    Done {
        id,
        run,
        ends_hold,
        result,
    }
}
