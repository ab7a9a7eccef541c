//! The agent at the other end of a stream, and what is done for its messages about runs.

use std::time::Duration;

use orch_api::proto::{Completion, ModelUse, ServerMessage, agent_message, server_message};
use orch_core::engine::{self, Refusal, Verdict};
use orch_core::ids::{AgentName, RunId};
use orch_core::info_request::Field;
use orch_model::Usage;
use orch_store::segment::{self, LogLine};
use orch_store::{Command, Follows};

use tokio::sync::oneshot;

use super::unary::{artifact_of, tool_of};
use crate::app::agents::Unsent;
use crate::app::info_request::Hold;
use crate::app::seen::{Copy, Seen};
use crate::app::summary::{Counts, LastWords};
use crate::app::tool_request::Decision;
use crate::app::{
    App, AppError, artifact, charge, egress, info_request, plan, run, source, summary, tool_request,
};

pub fn message(kind: server_message::Kind) -> ServerMessage {
    ServerMessage { kind: Some(kind) }
}

/// An agent with a stream; work for its messages may outlast the stream.
pub struct Peer {
    pub app: App,
    pub name: AgentName,
}

/// The run that a message is about; none where it is about the agent.
pub fn run_of(kind: &agent_message::Kind) -> Option<RunId> {
    use agent_message::Kind;
    let id = match kind {
        Kind::Logs(logs) => logs.run_id,
        Kind::Step(step) => step.run_id,
        Kind::Completion(completion) => completion.run_id,
        Kind::Question(question) => question.run_id,
        Kind::PlannedSteps(planned) => planned.run_id,
        Kind::Release(release) => release.run_id,
        Kind::Artifact(artifact) => artifact.run_id,
        Kind::EgressRefusal(refusal) => refusal.run_id,
        Kind::ToolsUsed(used) => used.run_id,
        Kind::Workspace(workspace) => workspace.run_id,
        Kind::ArtifactUpload(upload) => upload.run_id,
        Kind::ToolRequest(asked) => asked.run_id,
        Kind::ModelUse(used) => used.run_id,
        Kind::ModelWanted(wanted) => wanted.run_id,
        Kind::Hello(_) | Kind::Pong(_) | Kind::Leaving(_) | Kind::Batch(_) => return None,
    };
    Some(RunId(id))
}

impl Peer {
    pub fn actor(&self) -> String {
        format!("agent:{}", self.name)
    }

    /// The colder messages. Answers whether the hold ends, and how it went.
    pub async fn act(&self, kind: agent_message::Kind) -> (bool, Result<(), AppError>) {
        let (app, actor) = (&self.app, self.actor());
        match kind {
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
                (true, ask.await.map(drop))
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
                (true, submit.await)
            }
            agent_message::Kind::Release(release) => {
                let run = RunId(release.run_id);
                (
                    true,
                    run::release(app, &actor, run, Some(release.epoch)).await,
                )
            }
            agent_message::Kind::Artifact(new) => {
                let run = RunId(new.run_id);
                (
                    false,
                    artifact::store(app, &actor, run, artifact_of(new))
                        .await
                        .map(drop),
                )
            }
            agent_message::Kind::EgressRefusal(refused) => {
                let run = RunId(refused.run_id);
                let refusal = egress::Refusal {
                    step: refused.step,
                    host: refused.host,
                    port: refused.port,
                    reason: refused.reason,
                };
                let epoch = Some(refused.epoch);
                (false, egress::keep(app, &actor, run, epoch, refusal).await)
            }
            agent_message::Kind::ToolRequest(asked) => {
                let run = RunId(asked.run_id);
                let decided = tool_request::decide(app, &actor, run, tool_of(asked)).await;
                let refused =
                    |code, message| Err(AppError::Refused(Refusal::Forbidden { code, message }));
                let granted = decided.and_then(|decision| match decision {
                    Decision::Granted => Ok(()),
                    Decision::Denied(reason) => refused("tool_denied", reason),
                    Decision::Pending(asked) => refused("tool_pending", asked),
                });
                (false, granted)
            }
            agent_message::Kind::ToolsUsed(used) => {
                app.tool_use().count(used.hits, used.misses);
                (false, Ok(()))
            }
            agent_message::Kind::Workspace(workspace) => {
                let run = RunId(workspace.run_id);
                let said = workspace.source.unwrap_or_default();
                let epoch = Some(workspace.epoch);
                (false, source::resolved(app, &actor, run, epoch, said).await)
            }
            agent_message::Kind::ArtifactUpload(piece) => {
                (false, super::upload::take(app, &actor, piece).await)
            }
            agent_message::Kind::ModelUse(used) => {
                (false, charge::take(app, &actor, used_of(used)).await)
            }
            agent_message::Kind::ModelWanted(wanted) => {
                let run = RunId(wanted.run_id);
                (false, charge::may_ask(app, run, wanted.epoch).await)
            }
            agent_message::Kind::Completion(done) => (true, self.complete(done).await),
            agent_message::Kind::Hello(_)
            | agent_message::Kind::Pong(_)
            | agent_message::Kind::Leaving(_)
            | agent_message::Kind::Batch(_)
            | agent_message::Kind::Logs(_)
            | agent_message::Kind::Step(_) => (false, Ok(())),
        }
    }

    async fn complete(&self, done: Completion) -> Result<(), AppError> {
        let run = RunId(done.run_id);
        if has_summary(&done) {
            self.keep_last_words(run, &done).await;
        }
        let command = Command::Complete {
            run,
            done: completion_of(done),
            follows: Follows::Nothing,
        };
        Ok(self
            .app
            .store()
            .submit(&self.actor(), command)
            .await
            .map(drop)?)
    }
}

impl Peer {
    /// Keeps what an agent says at the end; what cannot be kept is told in the run's log and in ours.
    async fn keep_last_words(&self, run: RunId, done: &Completion) {
        let words = LastWords::of(&done.summary, &done.usage_json);
        let mut left_out = words.left_out;
        let (app, actor, epoch) = (&self.app, self.actor(), Some(done.epoch));
        let usage = words.usage.clone();
        let added = summary::add(
            app,
            &actor,
            (run, epoch),
            words.content,
            words.usage,
            Counts::Charged,
        )
        .await;
        if let Err(error) = added {
            let cause = &error as &dyn std::error::Error;
            tracing::warn!(error = cause, run.id = run.get(), "a summary was not kept");
            left_out.push(format!("the last message is not kept: {error}"));
        }
        // An agent of a version that tells what it used with its last words alone.
        if let Some(usage) = usage
            && let Err(error) = charge::take_last(app, &actor, (run, done.epoch), &usage).await
        {
            let cause = &error as &dyn std::error::Error;
            tracing::warn!(
                error = cause,
                run.id = run.get(),
                "what a run used was not charged"
            );
            left_out.push(format!("what the run used is not charged: {error}"));
        }
        if left_out.is_empty() {
            return;
        }
        let now = app.store().now();
        let lines = left_out.into_iter().map(|message| LogLine {
            at_us: now.as_micros(),
            stream: segment::Stream::System,
            step: None,
            partial: false,
            message,
        });
        let lines = lines.collect();
        let told = app
            .store()
            .submit(&actor, Command::Log { run, epoch, lines });
        if let Err(error) = told.await {
            // The completion behind it meets the same refusal, and its answer says so.
            tracing::debug!(%error, run.id = run.get(), "the run's log does not say what was left out");
        }
    }

    /// A message about the agent.
    pub fn hear(&self, kind: &agent_message::Kind) {
        match kind {
            agent_message::Kind::Leaving(_) => {
                tracing::info!(agent.name = %self.name, "agent is leaving");
                self.app.agents().retire(&self.name);
            }
            agent_message::Kind::Pong(pong) => {
                let unsent = Unsent {
                    messages: pong.unacknowledged,
                    oldest: Duration::from_millis(pong.oldest_ms),
                };
                self.app.agents().note_unsent(&self.name, unsent);
            }
            agent_message::Kind::Hello(_)
            | agent_message::Kind::Batch(_)
            | agent_message::Kind::Logs(_)
            | agent_message::Kind::Step(_)
            | agent_message::Kind::Completion(_)
            | agent_message::Kind::Question(_)
            | agent_message::Kind::PlannedSteps(_)
            | agent_message::Kind::Release(_)
            | agent_message::Kind::Artifact(_)
            | agent_message::Kind::EgressRefusal(_)
            | agent_message::Kind::ToolsUsed(_)
            | agent_message::Kind::ToolRequest(_)
            | agent_message::Kind::ModelUse(_)
            | agent_message::Kind::ModelWanted(_)
            | agent_message::Kind::Workspace(_)
            | agent_message::Kind::ArtifactUpload(_) => {}
        }
    }

    /// Stores a log message of which another copy is on its way to the disk, unless that gets there.
    pub async fn log_unless_stored(
        &self,
        seen: &Seen,
        id: u64,
        mut woken: oneshot::Receiver<()>,
        command: Command,
    ) -> Result<(), AppError> {
        loop {
            // It wakes by the sender's end, too.
            let _ = woken.await;
            match seen.take(id) {
                Copy::Stored => return Ok(()),
                Copy::UnderWay(again) => woken = again,
                Copy::New => {
                    let stored = self.app.store().submit(&self.actor(), command).await;
                    return stored.map(drop).map_err(AppError::from);
                }
            }
        }
    }
}

/// Whether something besides the verdict is to be kept.
pub fn has_summary(done: &Completion) -> bool {
    !done.summary.trim().is_empty() || !done.usage_json.is_empty()
}

/// The verdict.
pub fn completion_of(done: Completion) -> engine::Completion {
    let reason = (!done.reason.is_empty()).then(|| done.reason.chars().take(2000).collect());
    engine::Completion {
        epoch: Some(done.epoch),
        verdict: if done.success {
            Verdict::Success
        } else {
            Verdict::Failure
        },
        exit_code: done.exit_code,
        reason,
    }
}

fn used_of(used: ModelUse) -> charge::Use {
    charge::Use {
        run: RunId(used.run_id),
        epoch: used.epoch,
        since_epoch: used.since_epoch,
        source: used.source,
        model: used.model,
        usage: Usage {
            input_tokens: used.input_tokens,
            cached_tokens: used.cached_tokens,
            output_tokens: used.output_tokens,
        },
        own_microusd: used.own_microusd,
    }
}
