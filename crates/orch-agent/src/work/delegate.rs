//! A run carried out by the Codex command line in place of steps, in the sandbox that its steps would
//! have.
//!
//! How Codex ends decides the run. What Codex tells goes through the redactor into the log;
//! the keys of its provider never come near this module.

use std::{path::PathBuf, sync::Arc};

use orch_api::proto::ModelUse;
use orch_core::recipe::{Network, Recipe, Step, rights::Denied};
use orch_sandbox::{
    exec::{RunFolder, Stream},
    sandbox::Cell,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    ask::Missing,
    budget,
    environment::Environment,
    folder::{Earlier, keep_plan},
    hand_over::home_of,
    known::{Known, Origin},
    open::Opened,
    process,
    steps::{Run, put},
};
use orch_redact::Redactor;

use crate::{
    codex::{
        self, CodexSetup, Event, Gateway, Keeper, Launch, Loopback, Report, Route, Sum, Talk,
        execution_prompt, installed,
    },
    command,
    progress::{LineEnd, RunLog, Source, StepStatus},
    text::chain,
    worker::{Finished, Job, Outcome, Verdict},
};

/// Codex is a run's only step.
const NUMBER: u32 = 1;
const NAME: &str = "Codex carries out the work item";
const COMMAND: &str = "codex exec";

/// Events between Codex and the log.
const QUEUE: usize = 64;

/// Files of certificates that Codex reads, where these variables name them.
const CERTIFICATES: [&str; 3] = ["SSL_CERT_FILE", "SSL_CERT_DIR", "CODEX_CA_CERTIFICATE"];

/// What a person approves where Codex decides what runs.
pub(super) fn as_step() -> Step {
    Step {
        name: Some(NAME.to_owned()),
        ..Step::command(COMMAND)
    }
}

/// What the folder of an interrupted attempt is good for, where Codex carries the run out.
pub(super) fn goes_on(folder: &RunFolder, known: Option<&Known>, kept: &[Step]) -> Earlier {
    let step = as_step();
    let is_codex = kept == std::slice::from_ref(&step);
    let was_approved = match known {
        Some((steps, Origin::Approved)) => steps.first() == kept.first(),
        Some(_) | None => true,
    };
    match is_codex && was_approved && codex::has_conversation(folder.path()) {
        true => Earlier::Conversation,
        false => Earlier::Nothing,
    }
}

impl Run<'_> {
    pub(super) async fn delegate(
        &self,
        setup: &CodexSetup,
        folder: &RunFolder,
        environment: &Environment,
        missing: Missing,
    ) -> Outcome {
        if let Some(outcome) = self.before_the_executor(as_step(), missing).await {
            return outcome;
        }
        match self.in_its_place(setup, folder, environment).await {
            Ok(outcome) => outcome,
            Err(reason) => {
                self.job.log.event(&reason).await;
                Outcome::Finished(Finished::failed(reason))
            }
        }
    }

    /// Opens the run's sandbox, where there is one, and lets Codex work in it.
    async fn in_its_place(
        &self,
        setup: &CodexSetup,
        folder: &RunFolder,
        environment: &Environment,
    ) -> Result<Outcome, String> {
        let kept = keep_plan(folder, &[as_step()]);
        kept.map_err(|error| format!("failed to keep the run's steps: {error}"))?;
        let (log, over) = (&self.job.log, CancellationToken::new());
        if !self.is_sandboxed() {
            let (keeper, job) = (Keeper::Codex, self.job);
            return Ok(carry_out(setup, job, folder, environment, keeper, None).await);
        }
        let path = &self.config.path;
        let program = installed(&setup.bin, path).map_err(|error| chain(&error))?;
        let program = program.program.to_string_lossy().into_owned();
        let certificates = CERTIFICATES
            .iter()
            .filter_map(|name| setup.agent_env.get(*name).map(PathBuf::from));
        let readable = home_of(&program, path).into_iter().chain(certificates);
        let gateway = Gateway::open(setup, folder.path())
            .await
            .map_err(|error| chain(&error))?;
        // Whoever reaches it: what is not allowed is not asked.
        let mut needed = setup.hosts();
        needed.extend(gateway.iter().flat_map(|_| setup.provider_hosts()));
        let checked = self.check_rights(&command::with_hosts(&Recipe::default(), &needed));
        checked.map_err(|Denied { right, policy, .. }| {
            format!("Codex needs {right} for its model provider, which is denied by {policy}: have the operator allow it")
        })?;
        let (hosts, own) = match &gateway {
            // Its provider is reached by the agent, which has the keys.
            Some(gateway) => {
                let named = setup.app.hosts.clone().unwrap_or_default();
                (named, Network::Hosts(vec![gateway.host()]))
            }
            None => (setup.hosts(), Network::Denied),
        };
        let recipe = command::with_hosts(&self.recipe, &hosts);
        let loopback = Loopback::of(&recipe);
        let opened = self.open_cell_with(&recipe, &own, folder, readable.collect());
        let opened = opened.await?;
        let Opened { cell, refusals, .. } = opened;
        let cell: Arc<dyn Cell> = Arc::from(cell);
        let working = async {
            let keeper = Keeper::Run(cell);
            let route = gateway.as_ref().map(|gateway| gateway.route(loopback));
            let job = self.job;
            let outcome = carry_out(setup, job, folder, environment, keeper, route).await;
            over.cancel();
            outcome
        };
        let refused = process::log_refusals(log, &refusals, NUMBER, &over);
        let (outcome, ()) = tokio::join!(working, refused);
        Ok(outcome)
    }
}

/// Lets Codex carry the run out.
async fn carry_out(
    setup: &CodexSetup,
    job: &Job,
    folder: &RunFolder,
    environment: &Environment,
    keeper: Keeper,
    route: Option<Route>,
) -> Outcome {
    let assignment = &job.assignment;
    let recipe = Some(assignment.recipe_yaml.as_str()).filter(|yaml| !yaml.trim().is_empty());
    let launch = Launch {
        prompt: execution_prompt(&assignment.title, &assignment.description, recipe),
        epoch: assignment.epoch,
        work: folder.work(),
        run_folder: folder.path().to_owned(),
        home: folder.home(),
        keeper,
        route,
        env: environment.common().clone(),
        records: Some(folder.pids()),
        timeout: None,
    };
    let report = |status| job.log.step(NUMBER, NAME, COMMAND, status);
    report(StepStatus::Running).await;
    let (sink, events) = mpsc::channel(QUEUE);
    let mut said = job.said.lock().await;
    let spent = CancellationToken::new();
    let talk = Talk {
        answers: &assignment.answers,
        said: &mut said,
        spent: &spent,
    };
    let secrets = Redactor::new(setup.secret_values());
    let working = codex::execute(setup, launch, talk, sink, job.stop.clone());
    let (worked, over_budget) =
        tokio::join!(working, log_events(&job.log, &secrets, events, &spent));
    while let Ok(text) = said.try_recv() {
        let event = format!("what a person said did not reach Codex: {text}");
        job.log.event(&event).await;
    }
    let finished = match worked.map(finish) {
        Ok(Ended::Finished(finished)) => finished,
        // It begins anew, or is taken up again, when the run goes on.
        Ok(Ended::Stopped) => return Outcome::Stopped,
        Ok(Ended::Spent) => {
            let question = budget::question(&over_budget.unwrap_or_default());
            return put(&job.log, question).await;
        }
        Ok(Ended::Asks(mut question)) => {
            question.prompt = secrets.redact(&question.prompt).into_owned();
            return put(&job.log, question).await;
        }
        Err(error) => Finished::failed(chain(&error)),
    };
    let clean = |text: &str| secrets.redact(text).into_owned();
    let finished = Finished {
        reason: clean(&finished.reason),
        summary: clean(&finished.summary),
        ..finished
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

/// How it ended, for the run.
enum Ended {
    Finished(Finished),
    Asks(crate::worker::Question),
    /// Nothing is left of a budget.
    Spent,
    Stopped,
}

fn finish(report: Report) -> Ended {
    let (verdict, exit_code, reason) = match report.outcome {
        codex::Outcome::Succeeded => (Verdict::Succeeded, Some(0), "codex succeeded".to_owned()),
        codex::Outcome::Failed { exit_code, reason } => (Verdict::Failed, exit_code, reason),
        codex::Outcome::Signalled { signal } => {
            let reason = format!("codex ended by signal {signal}");
            (Verdict::Failed, Some(128 + signal), reason)
        }
        codex::Outcome::TimedOut { after } => {
            let reason = format!("codex timed out after {} s", after.as_secs_f64());
            (Verdict::Failed, None, reason)
        }
        codex::Outcome::Cancelled => return Ended::Stopped,
        codex::Outcome::Spent => return Ended::Spent,
        codex::Outcome::Asks(question) => return Ended::Asks(question),
    };
    Ended::Finished(Finished {
        verdict,
        exit_code,
        reason,
        summary: report.last_message.unwrap_or_default(),
        usage_json: serde_json::to_string(&report.usage).unwrap_or_default(),
    })
}

/// Writes events to the log and tells what was used; answers why no more may be, where that is so.
async fn log_events(
    log: &RunLog,
    secrets: &Redactor,
    mut events: mpsc::Receiver<Event>,
    spent: &CancellationToken,
) -> Option<String> {
    let mut over_budget = None;
    while let Some(event) = events.recv().await {
        if let Event::Used(sum) = &event {
            log.model_used(used(sum)).await;
            if over_budget.is_none()
                && let Err(why) = log.may_ask_model().await
            {
                over_budget = Some(why);
                spent.cancel();
            }
        }
        for (stream, text) in event.log_lines() {
            let source = match stream {
                Stream::Stdout => Source::Stdout,
                Stream::Stderr => Source::Stderr,
            };
            let text = log.redactor().redact(&secrets.redact(&text)).into_owned();
            log.line(log.now()(), source, NUMBER, text, LineEnd::Here)
                .await;
        }
    }
    over_budget
}

fn used(sum: &Sum) -> ModelUse {
    ModelUse {
        since_epoch: sum.since_epoch,
        source: "codex".to_owned(),
        model: sum.model.clone().unwrap_or_default(),
        input_tokens: sum.usage.input_tokens,
        cached_tokens: sum.usage.cached_input_tokens,
        output_tokens: sum.usage.output_tokens,
        ..ModelUse::default()
    }
}
