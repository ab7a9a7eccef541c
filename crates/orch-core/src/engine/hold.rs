//! Holding a run: claim, heartbeat, release, park.

use std::time::Duration;

use super::{Ctx, Refusal, Working, gating};
use crate::event::facts;
use crate::gate::Gate;
use crate::ids::{AgentName, RunId};
use crate::run::{Claim, Run, RunState};
use crate::time::Timestamp;

/// Gives a run to an agent. A run whose item was changed since it started is not handed out
/// until an approval covers the change; that approval is used up by the run's entry.
///
/// # Errors
/// Unknown run; held by another or finished (conflict); approval missing (forbidden).
pub fn claim(
    w: &mut Working,
    ctx: &Ctx<'_>,
    run_id: RunId,
    agent: &AgentName,
    ttl: Duration,
) -> Result<Run, Refusal> {
    let run = w.run(run_id)?;
    let (item_id, entry_id, project_id) = (run.work_item_id, run.entry_id, run.project_id);
    let digest = w.item(item_id)?.digest;
    let mut claimed = run.clone();
    let kind = match claimed.claim(agent, ttl, ctx.now)? {
        Claim::Renewed if run.digest != digest => Some("run.rebound"),
        Claim::Renewed => None,
        Claim::Taken => Some("run.claimed"),
        Claim::TakenOver => Some("run.taken_over"),
    };
    if claimed.digest != digest {
        match gating::ask(w, ctx, item_id, entry_id)? {
            Gate::Free => {}
            Gate::Approved(approval_id) => {
                gating::use_approval(w, item_id, entry_id, approval_id);
            }
            Gate::Closed(closed) => return Err(closed.into()),
        }
    }
    claimed.digest = digest;
    *w.run_mut(run_id)? = claimed.clone();
    if let Some(kind) = kind {
        let data =
            facts!({"run_id": run_id, "agent": agent, "epoch": claimed.epoch, "digest": digest});
        w.record(ctx, kind, project_id, data);
    }
    Ok(claimed)
}

/// Renews a lease; answers until when it holds.
///
/// # Errors
/// Unknown run, or one that the agent does not hold (conflict).
pub fn heartbeat(
    w: &mut Working,
    ctx: &Ctx<'_>,
    run_id: RunId,
    agent: &AgentName,
    epoch: Option<u64>,
    ttl: Option<Duration>,
) -> Result<Timestamp, Refusal> {
    let mut run = w.run(run_id)?.clone();
    let until = run.heartbeat(agent, epoch, ttl, ctx.now)?;
    *w.run_mut(run_id)? = run;
    Ok(until)
}

/// The holder gives the run back.
///
/// # Errors
/// Unknown run, or a caller that may not write to it.
pub fn release(
    w: &mut Working,
    ctx: &Ctx<'_>,
    run_id: RunId,
    epoch: Option<u64>,
) -> Result<(), Refusal> {
    let mut run = w.run(run_id)?.clone();
    run.release(epoch, ctx.now)?;
    let (project_id, epoch) = (run.project_id, run.epoch);
    *w.run_mut(run_id)? = run;
    w.record(
        ctx,
        "run.released",
        project_id,
        facts!({"run_id": run_id, "epoch": epoch}),
    );
    Ok(())
}

/// Parks a run: it waits for a person.
///
/// # Errors
/// Unknown run, or a caller that may not write to it.
pub fn park(
    w: &mut Working,
    ctx: &Ctx<'_>,
    run_id: RunId,
    epoch: Option<u64>,
) -> Result<(), Refusal> {
    w.run(run_id)?.check_writer(epoch, ctx.now)?;
    let run = w.run_mut(run_id)?;
    if matches!(run.state, RunState::Running { .. }) {
        run.park();
        let project_id = run.project_id;
        w.record(ctx, "run.waiting", project_id, facts!({"run_id": run_id}));
    }
    Ok(())
}

/// What a run waited for has come; a finished run stays as it is.
///
/// # Errors
/// Unknown run.
pub fn unpark(w: &mut Working, ctx: &Ctx<'_>, run_id: RunId) -> Result<(), Refusal> {
    let run = w.run_mut(run_id)?;
    if matches!(run.state, RunState::Waiting { .. }) {
        run.unpark();
        let project_id = run.project_id;
        w.record(ctx, "run.resumed", project_id, facts!({"run_id": run_id}));
    }
    Ok(())
}
