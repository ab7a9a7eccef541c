//! The way from a vision to requirements. A person approves them, by other means.

use orch_api::types::requirements::{ProposeRequirements as Wanted, ProposedBy};
use orch_api::types::vision::NewVision;
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::json;

use super::tool::{Answer, Tool};
use super::{Effect, Reach, Work, show};

/// A vision.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    project_id: i64,
    /// What is wanted, in plain language: goals, users, what it must do, limits, what success is.
    content: String,
}

pub(crate) struct SubmitVision;

impl Tool for SubmitVision {
    const NAME: &'static str = "submit_vision";
    const TITLE: &'static str = "Submit a vision";
    const ABOUT: &'static str = "Stores a new version of a project's vision, word for word. Nothing is planned by it; propose_requirements goes on from there.";
    const EFFECT: Effect = Effect::Adds;
    const REACH: Reach = Reach::Users;
    type Input = New;

    async fn run(work: &Work, new: New) -> Answer {
        let vision = NewVision {
            content: new.content,
            attachments: Vec::new(),
        };
        let made = work.client.submit_vision(new.project_id, &vision).await?;
        Ok(json!({"vision": {
            "id": made.id, "project_id": made.project_id, "created_at": made.created_at, "bytes": made.content.len(),
        }}))
    }
}

/// A project, and who proposes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Of {
    pub(crate) project_id: i64,
    /// Left out: a model where one is set, else rules.
    #[serde(default)]
    pub(crate) by: Option<By>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    Rules,
    Model,
}

impl From<By> for ProposedBy {
    fn from(by: By) -> Self {
        match by {
            By::Rules => Self::Rules,
            By::Model => Self::Model,
        }
    }
}

pub(crate) struct ProposeRequirements;

impl Tool for ProposeRequirements {
    const NAME: &'static str = "propose_requirements";
    const TITLE: &'static str = "Propose requirements";
    const ABOUT: &'static str = "Makes a proposed version of the requirements from the project's current vision: items, options, what is vague or contradicts. A person has to approve it; await_approval with `requirements_of_project` waits for that.";
    const EFFECT: Effect = Effect::Adds;
    const REACH: Reach = Reach::Users;
    type Input = Of;

    async fn run(work: &Work, of: Of) -> Answer {
        let wanted = Wanted {
            by: of.by.map(ProposedBy::from),
        };
        let proposed = work
            .client
            .propose_requirements(of.project_id, &wanted)
            .await?;
        Ok(json!({"requirements": show::requirements(&proposed)}))
    }
}

/// A version.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    project_id: i64,
    /// The version; the newest where it is left out.
    #[serde(default)]
    version_id: Option<i64>,
}

pub(crate) struct ReadRequirements;

impl Tool for ReadRequirements {
    const NAME: &'static str = "read_requirements";
    const TITLE: &'static str = "Read requirements";
    const ABOUT: &'static str = "Shows a version of a project's requirements. Only one whose status is `approved` is agreed on.";
    const EFFECT: Effect = Effect::Reads;
    const REACH: Reach = Reach::Users;
    type Input = Which;

    async fn run(work: &Work, which: Which) -> Answer {
        let project = which.project_id;
        let version = match which.version_id {
            Some(id) => Some(work.client.requirements_version(project, id).await?),
            None => work.client.newest_requirements(project).await?,
        };
        Ok(json!({"requirements": version.as_ref().map(show::requirements)}))
    }
}
