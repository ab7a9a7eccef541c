//! The writer: takes what has gathered while it was busy, decides it over one working set and
//! commits it at once. There is no timer: an idle store commits a single command immediately.
//!
//! What a commit makes ready is handed to agents with free slots in the same commit. A command that
//! only schedules is decided in a group of its kind, so that it sees everything that came before it.

use std::collections::BTreeSet;

use orch_core::engine::{Refusal, Working};
use orch_core::ids::RunId;
use orch_core::run::Run;
use tokio::sync::{mpsc, oneshot};

use crate::schedule::{self, schedule};
use crate::unlogged::Unlogged;
use crate::{Command, Needs, Reply, Store, StoreError, Tx, queue, step_report};

/// The most commands in one commit.
const LARGEST_GROUP: usize = 1024;
/// A commit whose connection was lost, and which certainly did not take place, is tried so often.
pub(crate) const ATTEMPTS: u32 = 3;

pub(crate) type Answer = oneshot::Sender<Result<Reply, StoreError>>;

/// A command with who sent it and who waits for the answer.
pub(crate) struct Envelope {
    pub actor: String,
    pub command: Command,
    pub answer: Answer,
}

impl Envelope {
    /// Whether it asks for something new, and nobody waits for it any more: whoever asked was told
    /// that the database is away, and asks again. What agents say of their runs is taken all the same.
    fn is_abandoned(&self) -> bool {
        let is_new = matches!(
            self.command,
            Command::CreateItems(_) | Command::Enqueue(_) | Command::Claim { .. }
        );
        is_new && self.answer.is_closed()
    }
}

/// Runs until every sender is gone, or the sender of `stopped` is.
pub(crate) async fn run(
    store: Store,
    mut inbox: mpsc::Receiver<Envelope>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut held: Option<Envelope> = None;
    let mut unlogged = Unlogged::default();
    loop {
        let first = match held.take() {
            Some(envelope) => envelope,
            None => tokio::select! {
                biased;
                _ = &mut stopped => return,
                received = inbox.recv() => match received {
                    Some(envelope) => envelope,
                    None => return,
                },
            },
        };
        let schedules = first.command.schedules();
        let mut group = vec![first];
        while group.len() < LARGEST_GROUP {
            match inbox.try_recv() {
                Ok(next) if next.command.schedules() == schedules => group.push(next),
                Ok(next) => {
                    held = Some(next);
                    break;
                }
                Err(_) => break,
            }
        }
        if schedules {
            for envelope in group {
                let result = schedule(&store, &envelope).await;
                answer(envelope.answer, result);
            }
        } else {
            commit_group(&store, group, &mut unlogged).await;
        }
    }
}

/// Decides and commits a command at once, in the task of whoever asks, which has an idempotency key.
pub(crate) async fn alone(
    store: &Store,
    actor: &str,
    command: Command,
) -> Result<Reply, StoreError> {
    let (answer, receive) = oneshot::channel();
    let envelope = Envelope {
        actor: actor.to_owned(),
        command,
        answer,
    };
    if envelope.command.schedules() {
        return schedule(store, &envelope).await;
    }
    commit_group(store, vec![envelope], &mut Unlogged::default()).await;
    receive.await.map_err(|_| StoreError::Closed)?
}

pub(crate) fn answer(to: Answer, result: Result<Reply, StoreError>) {
    // Whoever asked may have gone; what was decided stands.
    let _ = to.send(result);
}

/// Commits a group; one that cannot be committed together is replayed one by one, so that only
/// the culprit fails.
async fn commit_group(store: &Store, group: Vec<Envelope>, unlogged: &mut Unlogged) {
    let mut group = unlogged.turn_away(group);
    let mut attempts = 1;
    loop {
        if group.is_empty() {
            return;
        }
        match try_group(store, &group).await {
            Ok(Outcome::Committed(replies)) => {
                unlogged.stored(&group);
                for (envelope, reply) in group.into_iter().zip(replies) {
                    answer(envelope.answer, reply.map_err(StoreError::from));
                }
                return;
            }
            Ok(Outcome::HalfDone { index, refusal }) => {
                let culprit = group.remove(index);
                answer(culprit.answer, Err(refusal.into()));
            }
            Err(error) if error.is_of_one_row() && group.len() > 1 => {
                for envelope in group {
                    Box::pin(commit_group(store, vec![envelope], unlogged)).await;
                }
                return;
            }
            Err(error) if error.is_lost_connection() && attempts < ATTEMPTS => {
                attempts += 1;
                tracing::debug!(%error, "a connection was lost before the commit: trying another one");
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a commit failed");
                unlogged.failed(&group);
                for envelope in group.drain(1..) {
                    answer(envelope.answer, Err(error.of_the_same_commit()));
                }
                if let Some(first) = group.pop() {
                    answer(first.answer, Err(error));
                }
                return;
            }
        }
    }
}

enum Outcome {
    Committed(Vec<Result<Reply, Refusal>>),
    /// A command with several parts was refused half-way: the group starts again without it.
    HalfDone {
        index: usize,
        refusal: Refusal,
    },
}

async fn try_group(store: &Store, group: &[Envelope]) -> Result<Outcome, StoreError> {
    let mut needs = Needs::default();
    let mut closing = BTreeSet::new();
    for envelope in group {
        envelope.command.add_needs(&mut needs);
        closing.extend(envelope.command.gets_dependencies());
    }
    let first = closing.is_empty().then_some(&needs);
    let mut tx = store.begin_asking("system", first).await?;
    if !closing.is_empty() {
        let waited_for = queue::waited_for(&mut tx.conn, &closing).await?;
        needs.dependents_of.extend(&waited_for);
        if !waited_for.is_empty() {
            needs.graph_from.extend(dependencies_named(group));
        }
    }
    let mut w = tx.load(needs).await?;
    orch_failpoint::check("store.group.loaded").map_err(sqlx::Error::from)?;
    let mut replies = Vec::with_capacity(group.len());
    let mut ended = Vec::new();
    let mut logs: Vec<(usize, RunId, &[crate::segment::LogLine])> = Vec::new();
    let rules = store.rules_arc();
    for (index, envelope) in group.iter().enumerate() {
        if envelope.is_abandoned() {
            replies.push(Err(Refusal::conflict(
                "abandoned",
                "whoever asked has gone",
            )));
            continue;
        }
        let reply = tx.decide_as(&mut w, &envelope.actor, &rules, |w, ctx| {
            envelope.command.apply(w, ctx)
        });
        match reply {
            Err(refusal) if envelope.command.has_parts() => {
                return Ok(Outcome::HalfDone { index, refusal });
            }
            reply => {
                match (&envelope.command, &reply) {
                    (Command::Log { run, lines, .. }, Ok(_)) => logs.push((index, *run, lines)),
                    (Command::Complete { run, .. }, Ok(_)) => ended.push(*run),
                    _ => {}
                }
                replies.push(reply);
            }
        }
    }
    save_steps(&mut tx, &w, group, &mut replies).await?;
    if !logs.is_empty() {
        append_logs(&mut tx, logs, &mut replies).await?;
    }
    tx.save(w).await?;
    orch_failpoint::check("store.group.saved").map_err(sqlx::Error::from)?;
    if group.iter().any(|sent| sent.command.may_make_ready()) {
        schedule::fill_too(store, &mut tx, ended).await?;
    }
    tx.commit_here().await?;
    orch_failpoint::pass("store.group.committed");
    Ok(Outcome::Committed(replies))
}

/// Stores the reports that were let through.
async fn save_steps(
    tx: &mut Tx,
    w: &Working,
    group: &[Envelope],
    replies: &mut [Result<Reply, Refusal>],
) -> Result<(), StoreError> {
    let (mut places, mut reports) = (Vec::new(), Vec::new());
    for (index, envelope) in group.iter().enumerate() {
        if let (Command::Step { run, report }, Ok(_)) = (&envelope.command, &replies[index])
            && let Ok(Run { project_id, .. }) = w.run(*run)
        {
            places.push(index);
            reports.push(step_report::Let {
                actor: &envelope.actor,
                run: *run,
                project: *project_id,
                report,
            });
        }
    }
    if reports.is_empty() {
        return Ok(());
    }
    let stored = step_report::save(tx, &reports).await?;
    for (index, reply) in places.into_iter().zip(stored) {
        replies[index] = reply;
    }
    Ok(())
}

/// Lines of one run that came in several commands become one chunk.
async fn append_logs(
    tx: &mut Tx,
    logs: Vec<(usize, RunId, &[crate::segment::LogLine])>,
    replies: &mut [Result<Reply, Refusal>],
) -> Result<(), StoreError> {
    let mut by_run: std::collections::BTreeMap<orch_core::ids::RunId, Vec<_>> =
        std::collections::BTreeMap::new();
    for (index, run, lines) in logs {
        by_run.entry(run).or_default().push((index, lines));
    }
    let (runs, parts): (Vec<_>, Vec<_>) = by_run.into_iter().unzip();
    let logs: Vec<_> = runs
        .into_iter()
        .zip(&parts)
        .map(|(run, parts)| {
            (
                run,
                parts
                    .iter()
                    .flat_map(|(_, lines)| lines.iter().cloned())
                    .collect(),
            )
        })
        .collect();
    let firsts = tx.append_logs(&logs).await?;
    for (parts, mut first_seq) in parts.into_iter().zip(firsts) {
        for (index, lines) in parts {
            replies[index] = Ok(Reply::Logged { first_seq });
            first_seq += lines.len() as u64;
        }
    }
    Ok(())
}

fn dependencies_named(group: &[Envelope]) -> BTreeSet<orch_core::ids::WorkItemId> {
    let mut named = BTreeSet::new();
    for envelope in group {
        if let Command::Enqueue(wanted) = &envelope.command {
            for (item, want) in wanted {
                named.insert(*item);
                named.extend(&want.depends_on);
            }
        }
    }
    named
}
