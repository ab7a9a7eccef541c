//! A run carried out by a coding agent's program in place of steps, in the run's sandbox.
//!
//! The program's exit code decides, and its own word that it failed. What it tells goes through the
//! redactor into the log.

use std::sync::Arc;

use orch_api::proto::ModelUse;
use orch_core::recipe::{Network, Permissions, Recipe, Step};
use orch_sandbox::{
    exec::{Command, Exit, Line, Program, RunFolder, Stream},
    sandbox::Cell,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{reading::Reading, setup::CommandSetup};
use orch_redact::Redactor;

use crate::{
    codex::execution_prompt,
    progress::{LineEnd, RunLog, Source, StepStatus},
    text::chain,
    worker::{Finished, Job, Outcome, Verdict},
};

/// The program is a run's only step.
const NUMBER: u32 = 1;
/// Lines between the program and the log.
const QUEUE: usize = 64;
const KILL_GRACE: std::time::Duration = std::time::Duration::from_secs(3);

/// What a person approves where a program decides what runs.
pub(crate) fn as_step(setup: &CommandSetup) -> Step {
    Step {
        name: Some(format!("{} carries out the work item", setup.name)),
        ..Step::command(setup.argv.join(" "))
    }
}

/// The recipe, with the hosts that the program needs for itself.
pub(crate) fn with_hosts(recipe: &Recipe, needed: &[String]) -> Recipe {
    let mut recipe = recipe.clone();
    let permissions = recipe.permissions.get_or_insert_with(Permissions::default);
    permissions.network = match std::mem::take(&mut permissions.network) {
        Network::Open => Network::Open,
        Network::Denied if needed.is_empty() => Network::Denied,
        Network::Denied => Network::Hosts(needed.to_vec()),
        Network::Hosts(mut hosts) => {
            hosts.extend(needed.iter().cloned());
            Network::Hosts(hosts)
        }
    };
    recipe
}

/// Lets the program carry the run out.
pub(crate) async fn carry_out(
    setup: &CommandSetup,
    job: &Job,
    folder: &RunFolder,
    cell: &dyn Cell,
    env: &std::collections::BTreeMap<String, String>,
    beside: impl AsyncFnOnce(CancellationToken),
) -> Outcome {
    let Step { name, run, .. } = as_step(setup);
    let name = name.unwrap_or_default();
    let report = |status| job.log.step(NUMBER, &name, &run, status);
    report(StepStatus::Running).await;
    let finished = match work(setup, job, folder, cell, env, beside).await {
        Ok(Some(finished)) => finished,
        // It begins anew when the run goes on.
        Ok(None) => return Outcome::Stopped,
        Err(reason) => Finished::failed(reason),
    };
    match finished.verdict {
        Verdict::Succeeded => report(StepStatus::Succeeded).await,
        Verdict::Failed => {
            job.log.event(&finished.reason).await;
            let exit_code = finished.exit_code;
            report(StepStatus::Failed { exit_code }).await;
        }
    }
    Outcome::Finished(finished)
}

async fn work(
    setup: &CommandSetup,
    job: &Job,
    folder: &RunFolder,
    cell: &dyn Cell,
    env: &std::collections::BTreeMap<String, String>,
    beside: impl AsyncFnOnce(CancellationToken),
) -> Result<Option<Finished>, String> {
    let assignment = &job.assignment;
    let recipe = Some(assignment.recipe_yaml.as_str()).filter(|yaml| !yaml.trim().is_empty());
    let prompt = execution_prompt(&assignment.title, &assignment.description, recipe);
    let file = folder.tmp().join("prompt.md");
    let asks_for = |part: &str| setup.argv.iter().any(|word| word.contains(part));
    if asks_for("{prompt_file}") {
        let written = write_new(&file, &prompt);
        written.map_err(|error| format!("failed to write the prompt: {error}"))?;
    }
    let path = file.to_string_lossy();
    let argv = setup.argv.iter().map(|word| {
        let word = word.replace("{prompt_file}", &path);
        word.replace("{prompt}", &prompt)
    });
    let is_given = asks_for("{prompt}") || asks_for("{prompt_file}");
    let mut env = env.clone();
    env.extend(setup.env.clone());
    let command = Command {
        program: Program::Argv(argv.collect()),
        stdin: (!is_given).then(|| prompt.clone().into_bytes().into()),
        env,
        cwd: folder.work(),
        timeout: None,
        kill_grace: KILL_GRACE,
        records: Some(folder.pids()),
    };
    let (sink, lines) = mpsc::channel(QUEUE);
    let running = cell.run(command, Arc::new(job.log.now()), sink, job.stop.clone());
    let over = CancellationToken::new();
    let run = async {
        let exit = running.await;
        over.cancel();
        exit
    };
    let secrets = Redactor::new(setup.secrets());
    let mut reading = Reading::new(setup.format);
    let (exit, (), ()) = tokio::join!(
        run,
        log_lines(&job.log, &secrets, &mut reading, lines),
        beside(over.clone())
    );
    let name = &setup.name;
    for (model, spent) in reading.used(setup.model().as_deref()) {
        let used = ModelUse {
            since_epoch: assignment.epoch,
            source: name.clone(),
            model,
            input_tokens: spent.input_tokens,
            cached_tokens: spent.cached_input_tokens,
            output_tokens: spent.output_tokens,
            own_microusd: spent.own_microusd(),
            ..ModelUse::default()
        };
        job.log.model_used(used).await;
    }
    let (exit_code, reason) = match exit {
        Ok(Exit::Code(0)) => match reading.failure.take() {
            None => (Some(0), None),
            Some(why) => (Some(0), Some(format!("{name} failed: {why}"))),
        },
        Ok(Exit::Code(code)) => {
            let why = reading.failure.take().map(|why| format!(": {why}"));
            let why = why.unwrap_or_default();
            (Some(code), Some(format!("{name} exited with {code}{why}")))
        }
        Ok(Exit::Signal(signal)) => (
            Some(128 + signal),
            Some(format!("{name} ended by signal {signal}")),
        ),
        Ok(Exit::TimedOut { after }) => {
            let reason = format!("{name} timed out after {} s", after.as_secs_f64());
            (None, Some(reason))
        }
        Ok(Exit::Cancelled) => return Ok(None),
        Err(error) => return Err(format!("{name} could not be run: {}", chain(&error))),
    };
    let clean = |text: &str| secrets.redact(text).into_owned();
    Ok(Some(Finished {
        verdict: match reason {
            None => Verdict::Succeeded,
            Some(_) => Verdict::Failed,
        },
        exit_code,
        reason: clean(&reason.unwrap_or_else(|| format!("{name} succeeded"))),
        summary: clean(&reading.last_message),
        usage_json: serde_json::to_string(&reading.spent).unwrap_or_default(),
    }))
}

/// Writes a file that was not there; nothing that a run left in its place is followed.
fn write_new(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let _ = std::fs::remove_file(path);
    let mut options = std::fs::OpenOptions::new();
    // The program may run as another user.
    let file = options.write(true).create_new(true).mode(0o644).open(path);
    file?.write_all(text.as_bytes())
}

async fn log_lines(
    log: &RunLog,
    secrets: &Redactor,
    reading: &mut Reading,
    mut lines: mpsc::Receiver<Line>,
) {
    while let Some(line) = lines.recv().await {
        let at = line.at;
        for (stream, text) in reading.line(line) {
            let source = match stream {
                Stream::Stdout => Source::Stdout,
                Stream::Stderr => Source::Stderr,
            };
            let text = log.redactor().redact(&secrets.redact(&text)).into_owned();
            log.line(at, source, NUMBER, text, LineEnd::Here).await;
        }
    }
}
