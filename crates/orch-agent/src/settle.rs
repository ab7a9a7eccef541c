//! Telling the server how a run ended, and learning that it knows.
//!
//! A completion is the last word of its run: whoever reads a finished run reads its whole log. It
//! waits for the acknowledgement of all others, unless the server keeps that order itself.

use orch_api::proto::{self, agent_message::Kind};

use orch_redact::Redactor;

use crate::{
    hold::Hold,
    outbox::{Answer, Lost},
    worker::{Finished, Outcome, Verdict},
};

/// What becomes of the run's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// The run does not need it any more.
    Over,
    /// A later hold of the run may go on in it.
    MayGoOn,
    /// It waits for a person, and goes on where it was.
    Waits,
}

/// Codes by which the server says that the run is not this agent's any more.
pub(crate) fn ends_hold(code: &str) -> bool {
    [
        "run_finished",
        "stale_epoch",
        "held_by_another",
        "not_held",
        "lease_lapsed",
        "taken_over",
        "unreadable_row",
        "not_found",
    ]
    .contains(&code)
}

pub(crate) async fn settle(hold: &Hold, outcome: Outcome, redactor: &Redactor) -> After {
    let asks = matches!(outcome, Outcome::Ask(_));
    let told = match outcome {
        Outcome::Finished(finished) => tell(hold, completion(hold, finished, redactor)).await,
        Outcome::Ask(question) => match serde_json::to_string(&question.fields) {
            Ok(fields_json) => {
                let prompt = redactor.redact(&question.prompt).into_owned();
                let run = hold.link.run();
                let question = proto::Question {
                    run_id: run.run_id,
                    epoch: run.epoch,
                    prompt,
                    fields_json,
                };
                tell_or_fail(hold, Kind::Question(question), "the question", redactor).await
            }
            Err(error) => {
                fail(
                    hold,
                    format!("failed to write the question: {error}"),
                    redactor,
                )
                .await
            }
        },
        Outcome::Propose(steps) => match serde_json::to_string(&steps) {
            Ok(steps_json) => {
                let run = hold.link.run();
                let planned = proto::PlannedSteps {
                    run_id: run.run_id,
                    epoch: run.epoch,
                    steps_json,
                };
                tell_or_fail(
                    hold,
                    Kind::PlannedSteps(planned),
                    "the planned steps",
                    redactor,
                )
                .await
            }
            Err(error) => {
                fail(
                    hold,
                    format!("failed to write the steps: {error}"),
                    redactor,
                )
                .await
            }
        },
        Outcome::Stopped => match give_back(hold).await {
            Ok(()) => return After::MayGoOn,
            Err(lost) => Err(lost),
        },
    };
    match (told, hold.loss()) {
        (Err(Lost), Some(loss)) if loss.may_go_on() => After::MayGoOn,
        (Ok(Answer::Accepted), _) if asks => After::Waits,
        (Ok(_) | Err(Lost), _) => After::Over,
    }
}

async fn tell(hold: &Hold, kind: Kind) -> Result<Answer, Lost> {
    hold.link.may_end().await?;
    orch_failpoint::pass("agent.outcome.before");
    let answer = hold.link.ask(kind).await?;
    orch_failpoint::pass("agent.outcome.after");
    if let Answer::Refused { code, message } = &answer
        && !ends_hold(code)
    {
        let run_id = hold.link.run().run_id;
        tracing::error!(run.id = run_id, %code, %message, "the server refused a run's outcome");
    }
    Ok(answer)
}

/// A run that can neither ask nor go on has failed; otherwise it would be held for ever.
async fn tell_or_fail(
    hold: &Hold,
    kind: Kind,
    what: &str,
    redactor: &Redactor,
) -> Result<Answer, Lost> {
    match tell(hold, kind).await? {
        Answer::Refused { code, message } if !ends_hold(&code) => {
            let reason = format!("the server refused {what} ({code}: {message})");
            fail(hold, reason, redactor).await
        }
        answer => Ok(answer),
    }
}

async fn fail(hold: &Hold, reason: String, redactor: &Redactor) -> Result<Answer, Lost> {
    tell(hold, completion(hold, Finished::failed(reason), redactor)).await
}

async fn give_back(hold: &Hold) -> Result<(), Lost> {
    hold.link.may_end().await?;
    let run = hold.link.run();
    let release = proto::Release {
        run_id: run.run_id,
        epoch: run.epoch,
    };
    hold.link.ask(Kind::Release(release)).await.map(drop)
}

fn completion(hold: &Hold, finished: Finished, redactor: &Redactor) -> Kind {
    let run = hold.link.run();
    let clean = |text: &str| redactor.redact(text).into_owned();
    Kind::Completion(proto::Completion {
        run_id: run.run_id,
        epoch: run.epoch,
        success: finished.verdict == Verdict::Succeeded,
        exit_code: finished.exit_code,
        reason: clean(&finished.reason),
        summary: clean(&finished.summary),
        usage_json: finished.usage_json,
    })
}
