//! The worker that runs a run's steps as processes.
//!
//! Steps run in order, the first failure ends the run, and a resumed run begins at the first step
//! that was not done. Nothing runs before everything needed for it is there.

use std::sync::Arc;

use futures::future::BoxFuture;
use orch_api::proto::Assignment;
use orch_core::{
    plan::cloud_hints,
    recipe::{Recipe, Step},
};
use orch_sandbox::{
    exec::RunFolder,
    sandbox::{Backend, Cell, Sandbox},
};
use tokio::sync::{Mutex, mpsc};

use super::{
    ask::{Missing, executable},
    delegate,
    environment::{self, Environment},
    folder::{self, Prepared},
    known::{self, Known, Origin},
    plan::{self, Planned},
    process::{Place, Refusals, StepEnd},
};
use crate::{
    codex::CodexSetup,
    config::{AgentConfig, Executor, LlmPlanning},
    text::chain,
    tools::{Provided, Shelf},
    worker::{Ended, Finished, Job, Outcome, Verdict, Worker},
};

/// Runs steps in a sandbox.
pub struct Steps {
    config: Arc<AgentConfig>,
    sandbox: Arc<dyn Sandbox>,
    shelf: Arc<Shelf>,
}

impl Steps {
    /// A worker under these settings, whose steps run in this sandbox.
    #[must_use]
    pub fn new(config: AgentConfig, sandbox: Arc<dyn Sandbox>) -> Self {
        Self {
            config: Arc::new(config),
            sandbox,
            shelf: Arc::default(),
        }
    }
}

impl Worker for Steps {
    fn work(&self, job: Job) -> BoxFuture<'static, Ended> {
        let config = Arc::clone(&self.config);
        let sandbox = Arc::clone(&self.sandbox);
        let shelf = Arc::clone(&self.shelf);
        Box::pin(async move {
            match begin(&config, &sandbox, &shelf, &job).await {
                Ok((run, folder)) => {
                    let outcome = run.carry_out(&folder).await;
                    Ended {
                        outcome: outcome.unwrap_or_else(failed),
                        folder: Some(folder),
                    }
                }
                Err(reason) => Ended {
                    outcome: failed(reason),
                    folder: None,
                },
            }
        })
    }
}

fn failed(reason: String) -> Outcome {
    Outcome::Finished(Finished::failed(reason))
}

/// One run under way.
struct Run<'j> {
    config: &'j AgentConfig,
    sandbox: &'j Arc<dyn Sandbox>,
    shelf: &'j Shelf,
    job: &'j Job,
    recipe: Recipe,
    known: Option<Known>,
    /// The steps of the attempt that this one goes on with.
    kept: Option<Vec<Step>>,
}

/// Reads what is given and prepares the folder.
async fn begin<'j>(
    config: &'j AgentConfig,
    sandbox: &'j Arc<dyn Sandbox>,
    shelf: &'j Shelf,
    job: &'j Job,
) -> Result<(Run<'j>, RunFolder), String> {
    let assignment = &job.assignment;
    job.log
        .system(&format!(
            "agent works on run {} of work item {}, attempt {}: {}",
            assignment.run_id,
            assignment.work_item_id,
            assignment.attempt,
            place_in_words(sandbox.backend())
        ))
        .await;
    let recipe = known::read_recipe(assignment)?;
    let known = known::steps(assignment, config.steps.as_deref(), &recipe)?;
    let Prepared { folder, origin } = prepare(config, assignment, known.clone()).await?;
    let kept = match origin {
        folder::Origin::Fresh => None,
        folder::Origin::Over => {
            job.log
                .system("the work of the interrupted attempt is not here any more: starting over")
                .await;
            None
        }
        folder::Origin::GoesOn(steps) => {
            let done = &assignment.steps_done;
            let done: Vec<String> = done.iter().map(u32::to_string).collect();
            let done = done.join(", ");
            job.log
                .system(&format!("going on after the steps done: {done}"))
                .await;
            Some(steps)
        }
    };
    let run = Run {
        config,
        sandbox,
        shelf,
        job,
        recipe,
        known,
        kept,
    };
    Ok((run, folder))
}

/// A run's sandbox, and what its way out refuses.
struct Opened {
    cell: Box<dyn Cell>,
    refusals: Refusals,
}

/// Where steps run, for the log.
fn place_in_words(backend: Backend) -> String {
    match backend {
        Backend::Process => {
            "steps are plain processes with a cleared environment, without a sandbox".to_owned()
        }
        sandboxed => format!("steps run in the sandbox `{sandboxed}`"),
    }
}

async fn prepare(
    config: &AgentConfig,
    assignment: &Assignment,
    known: Option<Known>,
) -> Result<Prepared, String> {
    let root = config.state_dir.join("runs");
    let workspace = config.workspace.clone();
    let assignment = assignment.clone();
    let prepared = tokio::task::spawn_blocking(move || {
        let fits = |kept: &[Step]| known::may_go_on(&assignment, known.as_ref(), kept);
        folder::prepare(&root, &assignment, workspace.as_deref(), fits)
    });
    let prepared = prepared.await.map_err(|error| error.to_string())?;
    prepared.map_err(|error| format!("the run's folder could not be made: {}", chain(&error)))
}

impl Run<'_> {
    async fn carry_out(&self, folder: &RunFolder) -> Result<Outcome, String> {
        let assignment = &self.job.assignment;
        let (config, tools) = (self.config, &self.recipe.tools);
        let provided = self
            .shelf
            .provide(config, self.sandbox, self.job, tools, folder)
            .await?;
        let path = &provided.path(&config.path);
        let environment = Environment::make(folder, path, assignment, &self.recipe.tools);
        let environment = environment.map_err(|error| chain(&error))?;
        let environment = environment.with(provided.variables());
        let mut missing = Missing::default();
        let clouds = cloud_hints(&assignment.title, &assignment.description);
        missing.look_for_clouds(&clouds, &assignment.answers, path);
        let others = tools.iter().filter(|tool| !provided.has(&tool.name));
        missing.look_for_tools(others.map(|tool| executable(&tool.name)), path);
        if let Executor::Codex(setup) = &self.config.executor
            && self.is_for_codex()
        {
            return Ok(self.delegate(setup, folder, &environment, missing).await);
        }
        let mut plan = None;
        match self.plan(folder, &missing).await? {
            Planned::Steps {
                steps,
                origin,
                tools,
                because,
            } => {
                missing.look_for_tools(tools.iter().map(String::as_str), path);
                plan = Some((steps, origin, because));
            }
            Planned::Nothing { question } => missing.steps = Some(question),
            Planned::Later => {}
        }
        if let Some(outcome) = self.ask(missing).await {
            return Ok(outcome);
        }
        if self.job.stop.is_cancelled() {
            return Ok(Outcome::Stopped);
        }
        let Some((steps, origin, because)) = plan else {
            return Err("nothing tells what to run".to_owned());
        };
        self.job.log.system(&format!("running {because}")).await;
        if assignment.plan_needs_approval && !origin.is_approved() {
            return Ok(self.propose(steps).await);
        }
        let kept = folder::keep_plan(folder, &steps);
        kept.map_err(|error| format!("failed to keep the run's steps: {error}"))?;
        let Opened { cell, refusals } = self.open_cell(folder, &provided).await?;
        let place = Place {
            folder,
            cell: &*cell,
            refusals: &refusals,
            environment: &environment,
            shell: &self.config.shell,
            log: &self.job.log,
            stop: &self.job.stop,
        };
        let serving = self
            .shelf
            .serve(config, self.sandbox, self.job, folder, &provided);
        tokio::select! {
            outcome = self.run_steps(&place, &steps) => Ok(outcome),
            () = serving => Err("requests for tools ended before the steps".to_owned()),
        }
    }

    /// Opens the sandbox with what the recipe asks for, if policy gives that.
    async fn open_cell(&self, folder: &RunFolder, provided: &Provided) -> Result<Opened, String> {
        let (told, refusals) = mpsc::unbounded_channel();
        let tell = move |refusal| {
            // Nobody listens once the run is over.
            let _ = told.send(refusal);
        };
        let (setup, path) = (&self.config.sandbox, &self.config.path);
        let backend = self.sandbox.backend();
        let mut confinement = setup
            .confinement(backend, &self.recipe, folder, path, tell)
            .map_err(|denied| denied.to_string())?;
        confinement.readable.extend(environment::rustup_home());
        confinement.readable.extend(provided.readable());
        let sandbox = Arc::clone(self.sandbox);
        let opened = tokio::task::spawn_blocking(move || sandbox.open(confinement)).await;
        let opened = opened.map_err(|error| error.to_string())?;
        Ok(Opened {
            cell: opened.map_err(|error| chain(&error))?,
            refusals: Mutex::new(refusals),
        })
    }

    /// Asks for everything that is missing, if anything is.
    async fn ask(&self, missing: Missing) -> Option<Outcome> {
        let question = missing.question(self.job.assignment.work_item_id)?;
        if self.job.assignment.answers_withheld {
            // Asking again would go round in circles: the answers are there, and sealed.
            let reason = "a person has answered, but this agent may not read the answers: \
                          set AGENT_SECRET_KEY to the server's secret";
            self.job.log.event(reason).await;
            return Some(Outcome::Finished(Finished::failed(reason)));
        }
        let event = format!("waiting for an answer: {}", question.prompt);
        self.job.log.event(&event).await;
        Some(Outcome::Ask(question))
    }

    async fn propose(&self, steps: Vec<Step>) -> Outcome {
        let event = "waiting for approval of the planned steps";
        self.job.log.event(event).await;
        Outcome::Propose(steps)
    }

    /// What was approved as steps runs as these steps, whoever carries runs out otherwise.
    fn is_for_codex(&self) -> bool {
        match &self.known {
            Some((steps, Origin::Approved)) => *steps == [delegate::as_step()],
            Some(_) | None => true,
        }
    }

    async fn delegate(
        &self,
        setup: &CodexSetup,
        folder: &RunFolder,
        environment: &Environment,
        missing: Missing,
    ) -> Outcome {
        if let Some(outcome) = self.ask(missing).await {
            return outcome;
        }
        let assignment = &self.job.assignment;
        if assignment.plan_needs_approval && assignment.approved_steps_json.is_empty() {
            return self.propose(vec![delegate::as_step()]).await;
        }
        delegate::carry_out(setup, self.job, folder, environment).await
    }

    async fn plan(&self, folder: &RunFolder, missing: &Missing) -> Result<Planned, String> {
        if let Some(steps) = &self.kept {
            let origin = self.known.as_ref();
            let origin = origin.map_or(Origin::Planned, |(_, origin)| *origin);
            return Ok((steps.clone(), origin).into());
        }
        if let Some(known) = &self.known {
            return Ok(known.clone().into());
        }
        // A run that has to ask first would pay for a plan that is thrown away.
        if let LlmPlanning::On(setup) = &self.config.llm_planning
            && missing.is_empty()
            && let Some(planned) = plan::by_model(setup, self.job, folder).await
        {
            return Ok(planned);
        }
        let work = folder.work();
        let facts = tokio::task::spawn_blocking(move || folder::facts(&work)).await;
        let facts = facts.map_err(|error| error.to_string())?;
        let facts = facts.map_err(|error| format!("failed to read the workspace: {error}"))?;
        let assignment = &self.job.assignment;
        let (title, description) = (&assignment.title, &assignment.description);
        let planned = plan::from_workspace(title, description, &facts);
        Ok(match (planned, &self.config.llm_planning) {
            // The model may know what the workspace does not tell.
            (Planned::Nothing { .. }, LlmPlanning::On(_)) if !missing.is_empty() => Planned::Later,
            (planned, LlmPlanning::On(_) | LlmPlanning::Off) => planned,
        })
    }

    async fn run_steps(&self, place: &Place<'_>, steps: &[Step]) -> Outcome {
        let done: &[u32] = match self.kept {
            Some(_) => &self.job.assignment.steps_done,
            None => &[],
        };
        for (number, step) in (1..).zip(steps) {
            if done.contains(&number) {
                continue;
            }
            if self.job.stop.is_cancelled() {
                return Outcome::Stopped;
            }
            orch_failpoint::pass("agent.step.before");
            let ended = place.run(number, step).await;
            orch_failpoint::pass("agent.step.after");
            match ended {
                StepEnd::Succeeded => {}
                StepEnd::Failed { exit_code, reason } => {
                    self.job.log.event(&reason).await;
                    return Outcome::Finished(Finished {
                        verdict: Verdict::Failed,
                        exit_code,
                        ..Finished::failed(reason)
                    });
                }
                StepEnd::Stopped => return Outcome::Stopped,
            }
        }
        let reason = match steps.len() {
            1 => "its step succeeded".to_owned(),
            count => format!("all {count} steps succeeded"),
        };
        Outcome::Finished(Finished::succeeded(reason))
    }
}
