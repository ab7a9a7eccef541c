//! Taking runs back from agents that are gone.

use super::{Ctx, Refusal, Working, complete};
use crate::event::facts;
use crate::ids::{AgentName, RunId};
use crate::run::{Expiry, Lease, Outcome, RunState};

/// Takes a run's lapsed lease away; one that lapsed too often is lost.
///
/// # Errors
/// Unknown run.
pub fn expire_lease(w: &mut Working, ctx: &mut Ctx<'_>, run_id: RunId) -> Result<Expiry, Refusal> {
    let mut run = w.run(run_id)?.clone();
    let holder = run.lease().map(|lease| lease.agent.clone());
    let expiry = run.expire(ctx.now);
    let (project_id, lapses) = (run.project_id, run.lapses);
    match expiry {
        Expiry::StillHeld => {}
        Expiry::Released => {
            *w.run_mut(run_id)? = run;
            let data = facts!({"run_id": run_id, "agent": holder, "lapses": lapses});
            w.record(ctx, "run.lease_lapsed", project_id, data);
        }
        Expiry::Lost => {
            *w.run_mut(run_id)? = run;
            let reason = format!("its agents went away {lapses} times");
            complete::finish(w, ctx, run_id, Outcome::Lost, None, Some(reason))?;
        }
    }
    Ok(expiry)
}

/// The agent is known to be gone: its hold ends now, whatever its lease says.
///
/// # Errors
/// Unknown run.
pub fn end_agent_hold(
    w: &mut Working,
    ctx: &mut Ctx<'_>,
    run_id: RunId,
    agent: &AgentName,
) -> Result<Expiry, Refusal> {
    if w.run(run_id)?
        .lease()
        .is_none_or(|lease| lease.agent != *agent)
    {
        return Ok(Expiry::StillHeld);
    }
    let run = w.run_mut(run_id)?;
    if let RunState::Running { lease: Some(lease) } | RunState::Waiting { lease: Some(lease) } =
        &mut run.state
    {
        *lease = Lease {
            until: ctx.now,
            ..lease.clone()
        };
    }
    expire_lease(w, ctx, run_id)
}
