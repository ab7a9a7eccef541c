//! Approvals: asking a person for one and waiting for the decision. Nothing here decides.

use orch_api::client::{Order, Paging};
use orch_api::types::approval::{Approval, ReasonBody};
use orch_api::types::plan::PlanStatus;
use orch_api::types::requirements::RequirementsStatus;
use orch_core::approval::Status;
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::{Value, json};

use super::tool::{Answer, Pace, Tool};
use super::{Effect, Fault, Reach, Work, show, wait};

/// What is to be approved.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct For {
    work_item_id: i64,
    /// Why, for the person who decides.
    #[serde(default)]
    reason: Option<String>,
}

pub(crate) struct RequestApproval;

impl Tool for RequestApproval {
    const NAME: &'static str = "request_approval";
    const TITLE: &'static str = "Ask for an approval";
    const ABOUT: &'static str = "Asks that a person approve a work item before it runs. Only a person decides; await_approval waits for it.";
    const EFFECT: Effect = Effect::Adds;
    const REACH: Reach = Reach::Users;
    type Input = For;

    async fn run(work: &Work, wanted: For) -> Answer {
        let reason = ReasonBody {
            reason: wanted.reason,
        };
        let asked = work
            .client
            .request_approval(wanted.work_item_id, &reason)
            .await?;
        Ok(json!({"approval": show::whole(&asked)}))
    }
}

/// Which decision; exactly one of the four.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    #[serde(default)]
    approval_id: Option<i64>,
    /// The newest approval of this work item.
    #[serde(default)]
    work_item_id: Option<i64>,
    /// The newest version of this project's requirements.
    #[serde(default)]
    requirements_of_project: Option<i64>,
    /// The newest version of this project's plan.
    #[serde(default)]
    plan_of_project: Option<i64>,
    /// How long to wait, 0 to 55 seconds; 30 where it is left out.
    #[serde(default)]
    #[schemars(range(min = 0, max = 55))]
    wait_seconds: Option<u32>,
}

/// What is waited for.
#[derive(Clone, Copy)]
enum Awaited {
    Approval(i64),
    WorkItem(i64),
    Requirements(i64),
    Plan(i64),
}

impl Which {
    fn awaited(&self) -> Result<Awaited, Fault> {
        match (
            self.approval_id,
            self.work_item_id,
            self.requirements_of_project,
            self.plan_of_project,
        ) {
            (Some(id), None, None, None) => Ok(Awaited::Approval(id)),
            (None, Some(id), None, None) => Ok(Awaited::WorkItem(id)),
            (None, None, Some(id), None) => Ok(Awaited::Requirements(id)),
            (None, None, None, Some(id)) => Ok(Awaited::Plan(id)),
            _ => {
                let what = "give one of `approval_id`, `work_item_id`, `requirements_of_project` and `plan_of_project`";
                Err(Fault::Input(what.to_owned()))
            }
        }
    }
}

pub(crate) struct AwaitApproval;

impl Tool for AwaitApproval {
    const NAME: &'static str = "await_approval";
    const TITLE: &'static str = "Wait for an approval";
    const ABOUT: &'static str = "Waits until a person has decided, for a bounded time; call it again while `decided` is false. It never decides, and calling it more often changes nothing.";
    const EFFECT: Effect = Effect::Reads;
    const REACH: Reach = Reach::Users;
    const PACE: Pace = Pace::Waits;
    type Input = Which;

    async fn run(work: &Work, which: Which) -> Answer {
        let awaited = which.awaited()?;
        let look = || decided(work, awaited);
        let what = "waiting for a person's decision";
        let decision = wait::until(work, which.wait_seconds, what, look).await?;
        Ok(decision.unwrap_or_else(
            || json!({"decided": false, "approved": false, "next": "call await_approval again"}),
        ))
    }
}

/// The decision, where there is one.
async fn decided(work: &Work, awaited: Awaited) -> Result<Option<Value>, Fault> {
    let approval = match awaited {
        Awaited::Approval(id) => work.client.approval(id).await?,
        Awaited::WorkItem(id) => newest(work, id).await?,
        Awaited::Requirements(project) => return of_requirements(work, project).await,
        Awaited::Plan(project) => return of_plan(work, project).await,
    };
    let approved = match approval.status {
        Status::Pending => return Ok(None),
        Status::Approved => true,
        Status::Denied | Status::Expired => false,
    };
    Ok(Some(json!({
        "decided": true, "approved": approved, "approval": show::whole(&approval),
    })))
}

async fn newest(work: &Work, item: i64) -> Result<Approval, Fault> {
    let approvals = work.client.work_item_approvals(item).await?;
    let newest = approvals.into_iter().max_by_key(|approval| approval.id);
    newest.ok_or_else(|| {
        Fault::Input(format!(
            "work item {item} has no approval, and none was asked for; ask with request_approval"
        ))
    })
}

async fn of_requirements(work: &Work, project: i64) -> Result<Option<Value>, Fault> {
    let Some(version) = work.client.newest_requirements(project).await? else {
        let what =
            format!("project {project} has no requirements; make some with propose_requirements");
        return Err(Fault::Input(what));
    };
    Ok(match version.status {
        RequirementsStatus::Approved => Some(json!({
            "decided": true, "approved": true,
            "requirements": {"id": version.id, "approved_by": version.approved_by, "approved_at": version.approved_at},
        })),
        RequirementsStatus::Proposed | RequirementsStatus::Superseded => None,
    })
}

async fn of_plan(work: &Work, project: i64) -> Result<Option<Value>, Fault> {
    let Some(version) = work.client.newest_plan(project).await? else {
        let what = format!("project {project} has no plan; make one with propose_plan");
        return Err(Fault::Input(what));
    };
    Ok(match version.status {
        PlanStatus::Approved => Some(json!({
            "decided": true, "approved": true,
            "plan": {"id": version.id, "approved_by": version.approved_by, "approved_at": version.approved_at},
        })),
        PlanStatus::Proposed | PlanStatus::Superseded => None,
    })
}

/// Nothing to choose.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

pub(crate) struct ListPending;

impl Tool for ListPending {
    const NAME: &'static str = "list_pending";
    const TITLE: &'static str = "List what waits for people";
    const ABOUT: &'static str = "Lists approvals that are pending and questions that nobody has answered. Tell the person; no tool decides or answers.";
    const EFFECT: Effect = Effect::Reads;
    const REACH: Reach = Reach::Users;
    type Input = Nothing;

    async fn run(work: &Work, _: Nothing) -> Answer {
        let newest = Paging {
            order: Order::NewestFirst,
            limit: Some(50),
            cursor: None,
        };
        let approvals = work.client.approvals(Some("pending"), &newest).await?;
        let questions = work
            .client
            .info_requests(Some("pending"), None, &newest)
            .await?;
        Ok(json!({
            "approvals": show::list(&approvals.items), "questions": show::list(&questions.items),
            "more": approvals.next.is_some() || questions.next.is_some(),
        }))
    }
}
