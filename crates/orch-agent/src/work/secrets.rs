//! The secrets of a run's steps: fetched right before the step that names them, known to the
//! redactor before the step begins, gone when it has ended.
//!
//! A value is never written anywhere but into the step's own environment or a private file, and is
//! not kept by this module.

use std::collections::{BTreeMap, BTreeSet};

use orch_core::{
    recipe::Step,
    secret::{Delivery, SecretUse},
};
use orch_sandbox::exec::{RunFolder, SecretFile};

use crate::{desk::Wish, outbox::RunKey, text::chain, worker::Job};

/// The secrets that the steps of one run may ask for.
#[derive(Clone, Copy)]
pub(super) struct RunSecrets<'j> {
    job: &'j Job,
}

/// Secrets that a step has while it runs.
#[derive(Default)]
pub(super) struct StepSecrets {
    variables: BTreeMap<String, String>,
    /// Removed when this is dropped.
    files: Vec<SecretFile>,
}

/// Why a step does not get its secrets.
#[derive(Debug)]
pub(super) enum SecretsError {
    Stopped,
    /// What is wrong, as the end of a sentence about the step.
    Failed(String),
}

/// Names without a value, in a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MissingSecrets {
    names: BTreeSet<String>,
    project_id: i64,
}

impl MissingSecrets {
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// What is missing, and how it is set.
    pub(super) fn in_words(&self) -> String {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let (noun, verb, them) = match names.len() {
            1 => ("secret", "has", "it"),
            _ => ("secrets", "have", "each"),
        };
        format!(
            "the {noun} {} {verb} no value: set {them} with {} and answer `retry`",
            names.join(", "),
            self.commands()
        )
    }

    fn commands(&self) -> String {
        let commands = self.names.iter().map(|name| {
            format!(
                "`codex-orchestrator secret set {name} --project {} --file PATH`",
                self.project_id
            )
        });
        commands.collect::<Vec<String>>().join(", ")
    }
}

impl StepSecrets {
    pub(super) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// What the step finds in its environment because of them.
    pub(super) fn variables(&self) -> BTreeMap<String, String> {
        self.variables.clone()
    }
}

impl<'j> RunSecrets<'j> {
    pub(super) fn of(job: &'j Job) -> Self {
        Self { job }
    }

    /// Names of these steps that have no value now.
    pub(super) async fn missing(&self, steps: &[Step]) -> Result<MissingSecrets, String> {
        let names = stored(steps.iter().flat_map(|step| &step.secrets));
        if names.is_empty() {
            return Ok(MissingSecrets::default());
        }
        let asked = self.job.desk.secrets(self.run(), names, Wish::Missing);
        let reply = tokio::select! {
            biased;
            // The run ends before anything is made of this.
            () = self.job.stop.cancelled() => return Ok(MissingSecrets::default()),
            reply = asked => reply,
        };
        let reply =
            reply.map_err(|why| format!("the run's secrets could not be looked for: {why}"))?;
        Ok(MissingSecrets {
            names: reply.missing.into_iter().collect(),
            project_id: self.job.assignment.project_id,
        })
    }

    /// Lets the redactor know what steps that an earlier attempt has done may have left behind.
    pub(super) async fn hide_those_of(&self, done: &[u32], steps: &[Step]) {
        let earlier = (1..).zip(steps).filter(|(number, _)| done.contains(number));
        let names = stored(earlier.flat_map(|(_, step)| &step.secrets));
        if names.is_empty() {
            return;
        }
        let fetched = tokio::select! {
            biased;
            () = self.job.stop.cancelled() => return,
            fetched = self.fetch(names) => fetched,
        };
        // One that is gone by now cannot be hidden; the steps to come do not have it.
        if let Err(why) = fetched {
            let event =
                format!("secrets of earlier steps are not known here, and not hidden: {why}");
            self.job.log.event(&event).await;
        }
    }

    /// Fetches what a step names.
    pub(super) async fn of_step(
        &self,
        folder: &RunFolder,
        number: u32,
        step: &Step,
    ) -> Result<StepSecrets, SecretsError> {
        if step.secrets.is_empty() {
            return Ok(StepSecrets::default());
        }
        let names = stored(&step.secrets);
        let mut values = match names.is_empty() {
            true => BTreeMap::new(),
            false => tokio::select! {
                biased;
                () = self.job.stop.cancelled() => return Err(SecretsError::Stopped),
                fetched = self.fetch(names) => fetched
                    .map_err(|why| SecretsError::Failed(format!("could not get its secrets: {why}")))?,
            },
        };
        let token = &self.job.assignment.run_token;
        if step.secrets.iter().any(|secret| secret.name.is_run_token()) {
            if token.is_empty() {
                let why = "asks for the run's token, which this agent was not given: set AGENT_SECRET_KEY to the server's secret";
                return Err(SecretsError::Failed(why.to_owned()));
            }
            self.job.log.hidden().add([token]);
            values.insert(
                orch_core::secret::RUN_TOKEN.to_owned(),
                token.clone().into_bytes(),
            );
        }
        let missing: BTreeSet<String> = step
            .secrets
            .iter()
            .map(|secret| secret.name.to_string())
            .filter(|name| !values.contains_key(name))
            .collect();
        if !missing.is_empty() {
            let project_id = self.job.assignment.project_id;
            let missing = MissingSecrets {
                names: missing,
                project_id,
            };
            let names: Vec<&str> = missing.names.iter().map(String::as_str).collect();
            let why = format!(
                "needs {}, which has no value: set it with {} and start the work item again",
                names.join(", "),
                missing.commands()
            );
            return Err(SecretsError::Failed(why));
        }
        give(folder, number, &step.secrets, &values)
    }

    async fn fetch(&self, names: Vec<String>) -> Result<BTreeMap<String, Vec<u8>>, String> {
        let reply = self
            .job
            .desk
            .secrets(self.run(), names, Wish::Values)
            .await?;
        let values: BTreeMap<String, Vec<u8>> = reply
            .values
            .into_iter()
            .map(|secret| (secret.name, secret.value))
            .collect();
        // Before anybody has them.
        self.job.log.hidden().add(values.values());
        Ok(values)
    }

    fn run(&self) -> RunKey {
        RunKey {
            run_id: self.job.assignment.run_id,
            epoch: self.job.assignment.epoch,
        }
    }
}

/// Names that the server keeps values of, each once.
fn stored<'s>(uses: impl IntoIterator<Item = &'s SecretUse>) -> Vec<String> {
    let names = uses
        .into_iter()
        .filter(|secret| !secret.name.is_run_token());
    let names: BTreeSet<&str> = names.map(|secret| secret.name.as_str()).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// Puts values where the step looks for them.
fn give(
    folder: &RunFolder,
    number: u32,
    uses: &[SecretUse],
    values: &BTreeMap<String, Vec<u8>>,
) -> Result<StepSecrets, SecretsError> {
    let mut given = StepSecrets::default();
    for secret in uses {
        let name = secret.name.as_str();
        let value = values.get(name).map(Vec::as_slice).unwrap_or_default();
        let (variable, shown) = match &secret.delivery {
            Delivery::Variable(variable) => {
                let text = std::str::from_utf8(value)
                    .ok()
                    .filter(|text| !text.contains('\0'));
                let text = text.ok_or_else(|| {
                    SecretsError::Failed(format!(
                        "cannot have the secret {name} as a variable, because it is not text: write `{{name: {name}, file: {variable}}}` in the recipe"
                    ))
                })?;
                (variable, text.to_owned())
            }
            Delivery::File(variable) => {
                let file = folder
                    .secret_file(&format!("step-{number}-{variable}"), value)
                    .map_err(|error| {
                        SecretsError::Failed(format!(
                            "could not get the secret {name} as a file: {}",
                            chain(&error)
                        ))
                    })?;
                let path = file.path().to_string_lossy().into_owned();
                given.files.push(file);
                (variable, path)
            }
        };
        given.variables.insert(variable.clone(), shown);
    }
    Ok(given)
}
