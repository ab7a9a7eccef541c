//! Planning by a model: the configured command, and an OpenAI-compatible server after it.
//!
//! Only asks and reads answers: whether the plan is used, approved or replaced by the deterministic
//! one is decided by the caller, who is told why there is none.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use orch_core::{
    plan::{LlmPlanError, parse_llm_plan},
    recipe::Step,
};
use orch_sandbox::exec::{Command, Exit, Program};
use tokio_util::sync::CancellationToken;

use super::{
    CodexError, CommandFailure, PlanError, PlanFailure, PlannerSetup,
    capture::{Size, capture},
    command_line::find_call,
    error::ended,
    openai,
    probe::forms,
};

/// What is planned with when nothing else is configured.
const DEFAULT_COMMAND: &str = "codex exec --sandbox read-only";

/// One more than is read as a plan, so that a longer answer is seen as such.
const MAX_ANSWER_BYTES: usize = 1024 * 1024 + 1;

const KILL_GRACE: Duration = Duration::from_secs(2);

/// What is to be planned, and where the planner may look around.
#[derive(Clone)]
pub struct PlanRequest {
    /// [`orch_core::plan::prompt`].
    pub prompt: String,
    /// The workspace.
    pub work: PathBuf,
    /// Variables for the command beside the agent's environment, which goes first.
    pub env: BTreeMap<String, String>,
    /// The folder for the record by which leftovers are found after a crash of the agent.
    pub records: Option<PathBuf>,
}

/// A plan by a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// At least one step, each within the rules of a recipe.
    pub steps: Vec<Step>,
    /// Who made it, such as the command.
    pub by: String,
    /// What was done differently from what was asked for.
    pub notes: Vec<String>,
}

/// Asks for a plan.
///
/// # Errors
/// [`PlanFailure`] says why there is none; the deterministic plan takes its place.
pub async fn plan(
    setup: &PlannerSetup,
    request: PlanRequest,
    cancel: CancellationToken,
) -> Result<Planned, PlanFailure> {
    let mut notes = Vec::new();
    let by_command = by_command(setup, &request, &mut notes, &cancel).await;
    if cancel.is_cancelled() {
        let error = PlanError::Cancelled;
        return Err(PlanFailure { error, notes });
    }
    let command = match by_command {
        Ok((steps, by)) => return Ok(Planned { steps, by, notes }),
        Err(failure) => failure,
    };
    let Some(server) = &setup.fallback else {
        let error = PlanError::Command(command);
        return Err(PlanFailure { error, notes });
    };
    let asked = tokio::select! {
        biased;
        () = cancel.cancelled() => {
            let error = PlanError::Cancelled;
            return Err(PlanFailure { error, notes });
        }
        asked = openai::ask(server, setup, &request.prompt) => asked,
    };
    match asked {
        Ok(steps) => {
            notes.push(format!("the planning command gave no plan: {command}"));
            let by = format!("{} at {}", server.model, server.base_url);
            Ok(Planned { steps, by, notes })
        }
        Err(fallback) => {
            let error = PlanError::CommandAndFallback { command, fallback };
            Err(PlanFailure { error, notes })
        }
    }
}

async fn by_command(
    setup: &PlannerSetup,
    request: &PlanRequest,
    notes: &mut Vec<String>,
    cancel: &CancellationToken,
) -> Result<(Vec<Step>, String), CommandFailure> {
    let mut env = request.env.clone();
    env.extend(setup.command_env());
    let command = accepted_form(setup, request, &env, notes, cancel).await;
    let process = Command {
        program: Program::Shell {
            shell: "/bin/sh".into(),
            script: command.clone(),
        },
        stdin: Some(request.prompt.clone().into_bytes().into()),
        env,
        cwd: request.work.clone(),
        timeout: Some(setup.timeout),
        kill_grace: KILL_GRACE,
        records: request.records.clone(),
    };
    let captured = capture(process, MAX_ANSWER_BYTES, cancel).await;
    let captured = captured.map_err(CommandFailure::Run)?;
    if captured.size == Size::TooLarge {
        let size_bytes = MAX_ANSWER_BYTES;
        return Err(CommandFailure::Answer(LlmPlanError::TooLong { size_bytes }));
    }
    match captured.exit {
        Exit::Code(0) => {
            let steps = parse_llm_plan(&captured.stdout).map_err(CommandFailure::Answer)?;
            Ok((steps, format!("`{command}`")))
        }
        Exit::TimedOut { after } => Err(CommandFailure::TimedOut { after }),
        exit @ (Exit::Code(_) | Exit::Signal(_) | Exit::Cancelled) => Err(CommandFailure::Failed {
            command,
            exit: ended(exit),
            stderr: captured.stderr.text(),
        }),
    }
}

/// The command as it is to be run: a call of Codex in the form that the installed version accepts.
async fn accepted_form(
    setup: &PlannerSetup,
    request: &PlanRequest,
    env: &BTreeMap<String, String>,
    notes: &mut Vec<String>,
    cancel: &CancellationToken,
) -> String {
    let command = setup.command.as_deref().unwrap_or(DEFAULT_COMMAND);
    let Some(call) = find_call(command) else {
        return command.to_owned();
    };
    let program = match call.program() {
        "codex" => setup.bin.as_path(),
        program => Path::new(program),
    };
    let forms = match forms(program, &request.work, env, cancel).await {
        Ok(forms) => forms,
        Err(error @ (CodexError::Missing { .. } | CodexError::Probe { .. })) => {
            notes.push(error.to_string());
            return command.to_owned();
        }
        Err(error) => {
            notes.push(super::error::chain(&error));
            return command.to_owned();
        }
    };
    let corrected = call.correct(command, &forms, &setup.bin);
    if !corrected.refused.is_empty() {
        notes.push(format!(
            "CODEX_PLAN_CMD: the installed Codex does not accept `{}`; ran `{}` instead",
            corrected.refused.join("`, `"),
            corrected.command
        ));
    }
    corrected.command
}
