//! From a run to its steps: given ones, a model's, or those that the workspace tells.
//!
//! Makes nothing up: where nothing tells what to run, a person is asked. A model that fails or
//! answers nonsense is passed over, and the log says so.

use orch_core::{
    plan::{Plan, WorkspaceFacts, infer, prompt},
    recipe::Step,
};
use orch_sandbox::exec::RunFolder;

use super::{
    environment::run_variables,
    known::{Known, Origin},
};
use crate::{
    codex::{self, PlanRequest, PlannerSetup},
    worker::Job,
};

/// What planning came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Planned {
    /// These steps, which need these programs.
    Steps {
        steps: Vec<Step>,
        origin: Origin,
        tools: Vec<String>,
        /// What it rests on, for the log.
        because: String,
    },
    /// A person has to say; the question.
    Nothing { question: String },
    /// A model is asked once everything else is there.
    Later,
}

impl From<Known> for Planned {
    fn from((steps, origin): Known) -> Self {
        let because = match origin {
            Origin::Approved => "the approved steps",
            Origin::Operator => "the steps set in AGENT_STEPS",
            Origin::Recipe => "the steps of the recipe",
            Origin::Answer => "the steps answered by a person",
            Origin::Planned => "planned steps",
        };
        Self::Steps {
            steps,
            origin,
            tools: Vec::new(),
            because: because.to_owned(),
        }
    }
}

/// The steps that a model plans; none where it failed, and the log says why. Answers of people stay
/// with the steps: the model's command sees none.
pub(super) async fn by_model(
    setup: &PlannerSetup,
    job: &Job,
    folder: &RunFolder,
) -> Option<Planned> {
    let assignment = &job.assignment;
    let recipe = Some(assignment.recipe_yaml.as_str()).filter(|yaml| !yaml.trim().is_empty());
    if let Err(why) = job.log.may_ask_model().await {
        let event = format!("no model plans the steps: {why}");
        job.log.event(&event).await;
        return None;
    }
    let request = PlanRequest {
        prompt: prompt(&assignment.title, &assignment.description, recipe),
        work: folder.work(),
        env: run_variables(assignment),
        records: Some(folder.pids()),
    };
    match codex::plan(setup, request, job.stop.clone()).await {
        Ok(planned) => {
            tell_all(job, &planned.notes).await;
            Some(Planned::Steps {
                steps: planned.steps,
                origin: Origin::Planned,
                tools: Vec::new(),
                because: format!("the steps planned by {}", planned.by),
            })
        }
        Err(failure) => {
            tell_all(job, &failure.notes).await;
            let event =
                format!("planning by a model failed, using the deterministic plan: {failure}");
            job.log.event(&event).await;
            None
        }
    }
}

async fn tell_all(job: &Job, notes: &[String]) {
    for note in notes {
        job.log.event(note).await;
    }
}

/// The steps that title and workspace tell.
pub(super) fn from_workspace(title: &str, description: &str, facts: &WorkspaceFacts) -> Planned {
    match infer(title, description, facts) {
        Plan::Steps {
            steps,
            tools,
            because,
        } => Planned::Steps {
            steps,
            origin: Origin::Planned,
            tools,
            because: format!("inferred from {}", because.join("; ")),
        },
        Plan::NothingToInfer {
            question,
            expected: _,
        } => Planned::Nothing { question },
    }
}
