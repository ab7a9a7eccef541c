//! The worker that runs a run's steps as processes.
//!
//! Steps run in order, the first failure ends the run, and a resumed run begins at the first step
//! that was not done. Nothing runs before everything needed for it is there.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use orch_api::proto::Assignment;
use orch_core::{
    plan::cloud_hints,
    recipe::{Recipe, Step, rights::Denied},
};
use orch_sandbox::{
    exec::RunFolder,
    sandbox::{Backend, Sandbox},
};

use super::{
    acceptance,
    ask::{Missing, executable},
    delegate,
    enter::enter,
    environment::Environment,
    folder::{self, Fill, PrepareError, Prepared},
    known::{self, Known, Origin},
    leave::{keep_failed, remove},
    once,
    plan::{self, Planned},
    process::Place,
    secrets::RunSecrets,
    source::{self, Files},
};
use crate::{
    artifacts::Collector,
    command,
    config::{AgentConfig, Executor, LlmPlanning},
    progress::RunLog,
    room::{Room, Working},
    text::chain,
    tools::Shelf,
    worker::{Ended, Finished, Job, Outcome, Question, Worker},
};

/// How long the last holder of a run's folder may take to leave it, and how often that is looked at.
const LEAVING: Duration = Duration::from_secs(20);
const LEAVING_LOOK: Duration = Duration::from_millis(50);

/// Runs steps in a sandbox.
pub struct Steps {
    config: Arc<AgentConfig>,
    room: Arc<Room>,
    sandbox: Arc<dyn Sandbox>,
    shelf: Arc<Shelf>,
}

impl Steps {
    /// A worker under these settings, whose steps run in this sandbox.
    #[must_use]
    pub fn new(config: AgentConfig, sandbox: Arc<dyn Sandbox>) -> Self {
        let setup = &config.workspaces;
        let (state_dir, cap) = (&config.state_dir, setup.disk_cap_bytes);
        let min_free = config.sandbox.limits.disk_free_bytes;
        let room = Room::new(state_dir, setup.mirrors(state_dir), cap, min_free);
        Self {
            room: Arc::new(room),
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
        let room = Arc::clone(&self.room);
        Box::pin(async move {
            let mut working = match enter(&room, &job).await {
                Ok(working) => working,
                Err(outcome) => {
                    return Ended {
                        outcome,
                        folder: None,
                    };
                }
            };
            match begin(&config, &sandbox, &shelf, &job, &mut working).await {
                Ok((run, folder)) => {
                    let outcome = run.carry_out(&folder).await;
                    let outcome = outcome.unwrap_or_else(failed);
                    let folder = match room.is_scarce() {
                        // Nothing could be told to a server on the same disk.
                        true => remove(folder).await,
                        false => {
                            keep_failed(&config, &job, &outcome, &folder).await;
                            Some(folder)
                        }
                    };
                    Ended { outcome, folder }
                }
                Err(reason) => Ended {
                    outcome: failed(reason),
                    folder: None,
                },
            }
        })
    }
}

/// Puts a question to a person, and says so in the log.
pub(super) async fn put(log: &RunLog, question: Question) -> Outcome {
    let event = format!("waiting for an answer: {}", question.prompt);
    log.event(&event).await;
    Outcome::Ask(question)
}

pub(super) fn failed(reason: String) -> Outcome {
    Outcome::Finished(Finished::failed(reason))
}

/// One run under way.
pub(super) struct Run<'j> {
    pub(super) config: &'j AgentConfig,
    pub(super) sandbox: &'j Arc<dyn Sandbox>,
    shelf: &'j Shelf,
    pub(super) job: &'j Job,
    pub(super) recipe: Recipe,
    pub(super) known: Option<Known>,
    /// The steps of the attempt that this one goes on with.
    kept: Option<Vec<Step>>,
    /// The commit that it works on.
    pub(super) files: Option<Files>,
}

/// Reads what is given and prepares the folder.
async fn begin<'j>(
    config: &'j AgentConfig,
    sandbox: &'j Arc<dyn Sandbox>,
    shelf: &'j Shelf,
    job: &'j Job,
    working: &mut Working,
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
    let files = source::settle(config, job, working).await?;
    if let Some(files) = &files {
        working.borrow(files.mirror());
    }
    let prepared = prepare(
        config,
        assignment,
        known.clone(),
        files.clone(),
        working.room(),
    );
    let Prepared { folder, origin } = prepared.await?;
    let kept = match origin {
        folder::Origin::Fresh => None,
        folder::Origin::Over => {
            job.log
                .system("the work of the interrupted attempt is not here any more: starting over")
                .await;
            None
        }
        folder::Origin::Conversation => {
            job.log
                .system("going on with the conversation that there was")
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
        files,
    };
    Ok((run, folder))
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

/// Prepares the folder once its last holder has left it: a run comes back to an agent that is still
/// ending what it did under its last hold. Blocks.
fn prepare_once_free(
    prepare: impl Fn() -> Result<Prepared, PrepareError>,
) -> Result<Prepared, PrepareError> {
    let begun = std::time::Instant::now();
    loop {
        match prepare() {
            Err(error) if error.is_in_use() && begun.elapsed() < LEAVING => {
                std::thread::sleep(LEAVING_LOOK);
            }
            prepared => return prepared,
        }
    }
}

async fn prepare(
    config: &AgentConfig,
    assignment: &Assignment,
    known: Option<Known>,
    files: Option<Files>,
    room: Arc<Room>,
) -> Result<Prepared, String> {
    let root = config.state_dir.join("runs");
    let fill = match (files, &config.workspace) {
        (Some(files), _) => Fill::Commit(files),
        (None, Some(workspace)) => Fill::Copy(workspace.clone()),
        (None, None) => Fill::Nothing,
    };
    let assignment = assignment.clone();
    let executor = config.executor.clone();
    let prepared = tokio::task::spawn_blocking(move || {
        let fits = |kept: &[Step]| known::may_go_on(&assignment, known.as_ref(), kept);
        let fits = |folder: &RunFolder, kept: &[Step]| match executor {
            Executor::Codex(_) => delegate::goes_on(folder, known.as_ref(), kept),
            Executor::Shell | Executor::Command(_) => folder::Earlier::of(fits(kept)),
        };
        let prepare = || folder::prepare(&root, &assignment, &fill, fits);
        match prepare_once_free(prepare) {
            // A full disk: what nobody needs goes, and it is tried once more.
            Err(error) if error.is_no_space() && room.remove_all() => prepare(),
            prepared => prepared,
        }
    });
    let prepared = prepared.await.map_err(|error| error.to_string())?;
    prepared.map_err(|error| {
        let why = match error.is_no_space() {
            true => "no space is left on the agent's disk: ",
            false => "",
        };
        format!("the run's folder could not be made: {why}{}", chain(&error))
    })
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
        let mut environment = environment.map_err(|error| chain(&error))?;
        environment.add(self.files.iter().flat_map(Files::variables));
        environment.add(provided.variables());
        let mut missing = Missing::default();
        let clouds = cloud_hints(&assignment.title, &assignment.description);
        missing.look_for_clouds(&clouds, &assignment.answers, path);
        let others = tools.iter().filter(|tool| !provided.has(&tool.name));
        missing.look_for_tools(others.map(|tool| executable(&tool.name)), path);
        if let Executor::Codex(setup) = &self.config.executor
            && self.is_for(&delegate::as_step())
        {
            let carried = self.delegate(setup, folder, &environment, missing).await;
            return Ok(self
                .check_and_keep(carried, folder, &environment, provided.readable())
                .await);
        }
        if let Executor::Command(setup) = &self.config.executor
            && self.is_for(&command::as_step(setup))
        {
            let carried = self.hand_over(setup, folder, &environment, missing).await?;
            return Ok(self
                .check_and_keep(carried, folder, &environment, provided.readable())
                .await);
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
                if origin.is_approved() {
                    missing.secrets = RunSecrets::of(self.job).missing(&steps).await?;
                }
                plan = Some((self.with_acceptance(steps, origin), origin, because));
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
        let said = match self.once(&steps) {
            once::Verdict::GoOn(said) => said,
            once::Verdict::Ask(question) => return Ok(self.put(question).await),
        };
        self.tell_unjudged().await;
        let snapshots = self.snapshots(folder, &said).await?;
        let kept = folder::keep_plan(folder, &steps);
        kept.map_err(|error| format!("failed to keep the run's steps: {error}"))?;
        let opened = self
            .open_cell(&self.recipe, folder, provided.readable())
            .await?;
        let place = Place {
            snapshots,
            ..self.place(&opened, folder, &environment)
        };
        let mut collector = Collector::new(self.config.artifacts, &self.job.log);
        let serving = self
            .shelf
            .serve(self.config, self.sandbox, self.job, folder, &provided);
        let outcome = tokio::select! {
            outcome = self.run_steps(&place, &steps, &said, &mut collector) => outcome,
            () = serving => return Err("requests for tools ended before the steps".to_owned()),
        };
        self.collect(&outcome, folder, &mut collector).await;
        Ok(outcome)
    }

    /// What a person has said, or has to say, of steps that may run only once.
    fn once(&self, steps: &[Step]) -> once::Verdict {
        let assignment = &self.job.assignment;
        let started = &assignment.started_steps;
        once::judge(steps, self.done(), started, &assignment.answers)
    }

    /// Whether it goes on with the steps of an interrupted attempt.
    pub(super) fn goes_on(&self) -> bool {
        self.kept.is_some()
    }

    /// The steps that are done and whose work is here.
    pub(super) fn done(&self) -> &[u32] {
        match self.kept {
            Some(_) => &self.job.assignment.steps_done,
            None => &[],
        }
    }

    /// Keeps what the recipe declares, however the run ended.
    pub(super) async fn collect(
        &self,
        outcome: &Outcome,
        folder: &RunFolder,
        collector: &mut Collector<'_>,
    ) {
        if let Outcome::Finished(_) = outcome {
            let outputs = &self.recipe.artifacts;
            collector.collect(&folder.work(), outputs, 0).await;
        }
    }

    /// Whether policy gives what a recipe asks for.
    pub(super) fn check_rights(&self, recipe: &Recipe) -> Result<(), Denied> {
        let (setup, backend) = (&self.config.sandbox, self.sandbox.backend());
        setup.check_rights(backend, recipe)
    }

    /// Whether anything keeps what the run starts where it belongs.
    pub(super) fn is_sandboxed(&self) -> bool {
        self.sandbox.backend() != Backend::Process
    }

    /// Asks for everything that is missing, if anything is.
    pub(super) async fn ask(&self, missing: Missing) -> Option<Outcome> {
        let question = missing.question(self.job.assignment.work_item_id)?;
        if self.job.assignment.answers_withheld {
            // Asking again would go round in circles: the answers are there, and sealed.
            let reason = "a person has answered, but this agent may not read the answers: \
                          set AGENT_SECRET_KEY to the server's secret";
            self.job.log.event(reason).await;
            return Some(Outcome::Finished(Finished::failed(reason)));
        }
        Some(self.put(question).await)
    }

    pub(super) async fn put(&self, question: Question) -> Outcome {
        put(&self.job.log, question).await
    }

    pub(super) async fn propose(&self, steps: Vec<Step>) -> Outcome {
        let event = "waiting for approval of the planned steps";
        self.job.log.event(event).await;
        Outcome::Propose(steps)
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
        let planned = match self.job.assignment.planned {
            true => Planned::Nothing {
                question: acceptance::question(&self.job.assignment),
            },
            false => self.infer(folder).await?,
        };
        Ok(match (planned, &self.config.llm_planning) {
            // The model may know what the workspace does not tell.
            (Planned::Nothing { .. }, LlmPlanning::On(_)) if !missing.is_empty() => Planned::Later,
            (planned, LlmPlanning::On(_) | LlmPlanning::Off) => planned,
        })
    }

    async fn infer(&self, folder: &RunFolder) -> Result<Planned, String> {
        let work = folder.work();
        let facts = tokio::task::spawn_blocking(move || folder::facts(&work)).await;
        let facts = facts.map_err(|error| error.to_string())?;
        let facts = facts.map_err(|error| format!("failed to read the workspace: {error}"))?;
        let assignment = &self.job.assignment;
        let (title, description) = (&assignment.title, &assignment.description);
        Ok(plan::from_workspace(title, description, &facts))
    }
}
