//! The way from approved requirements to a plan. A person approves it, by other means.

use orch_api::types::plan::ProposePlan as Wanted;
use orch_api::types::requirements::ProposedBy;
use serde_json::json;

use super::requirements::Of;
use super::tool::{Answer, Tool};
use super::{Effect, Reach, Work, show};

pub(crate) struct ProposePlan;

impl Tool for ProposePlan {
    const NAME: &'static str = "propose_plan";
    const TITLE: &'static str = "Propose a plan";
    const ABOUT: &'static str = "Makes a proposed version of the plan from the project's approved requirements: tasks with roles, dependencies and estimates. Nothing is queued: a person has to approve it; await_approval with `plan_of_project` waits for that.";
    const EFFECT: Effect = Effect::Adds;
    const REACH: Reach = Reach::Users;
    type Input = Of;

    async fn run(work: &Work, of: Of) -> Answer {
        let wanted = Wanted {
            by: of.by.map(ProposedBy::from),
        };
        let proposed = work.client.propose_plan(of.project_id, &wanted).await?;
        Ok(json!({"plan": show::plan(&proposed)}))
    }
}
