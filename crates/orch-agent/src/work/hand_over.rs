//! A run handed over to a coding agent's program, in the sandbox that its steps would have.

use std::path::{Path, PathBuf};

use orch_core::recipe::Step;
use orch_sandbox::exec::{RunFolder, which};

use super::{
    acceptance, ask::Missing, environment::Environment, known::Origin, open::Opened, process,
    steps::Run,
};
use crate::{
    command::{self, CommandSetup},
    worker::Outcome,
};

impl Run<'_> {
    pub(super) async fn hand_over(
        &self,
        setup: &CommandSetup,
        folder: &RunFolder,
        environment: &Environment,
        missing: Missing,
    ) -> Result<Outcome, String> {
        let step = command::as_step(setup);
        if let Some(outcome) = self.before_the_executor(step, missing).await {
            return Ok(outcome);
        }
        let recipe = command::with_hosts(&self.recipe, &setup.hosts);
        let readable = home_of(&setup.argv[0], &self.config.path);
        let Opened { cell, refusals, .. } = self
            .open_cell(&recipe, folder, readable.into_iter().collect())
            .await?;
        let log = &self.job.log;
        let beside = async |over| process::log_refusals(log, &refusals, 1, &over).await;
        let env = environment.common();
        let carried = command::carry_out(setup, self.job, folder, &*cell, env, beside).await;
        Ok(carried)
    }

    /// What becomes of a run before its executor, which is this step, may begin: a question, a proposal, or
    /// nothing that keeps it.
    pub(super) async fn before_the_executor(
        &self,
        step: Step,
        missing: Missing,
    ) -> Option<Outcome> {
        if let Some(outcome) = self.ask(missing).await {
            return Some(outcome);
        }
        let assignment = &self.job.assignment;
        if assignment.plan_needs_approval && assignment.approved_steps_json.is_empty() {
            let steps = acceptance::after(vec![step], assignment);
            return Some(self.propose(steps).await);
        }
        self.over_budget().await
    }

    /// What was approved as steps runs as these steps, whoever carries runs out otherwise. What comes
    /// behind who carries it out is its acceptance.
    pub(super) fn is_for(&self, step: &Step) -> bool {
        match &self.known {
            Some((steps, Origin::Approved)) => steps.first() == Some(step),
            Some(_) | None => true,
        }
    }
}

/// What of the disk a program needs to be seen: its packages, where they are outside of the system's
/// own folders.
pub(super) fn home_of(program: &str, path: &str) -> Option<PathBuf> {
    let found = match program.contains('/') {
        true => PathBuf::from(program),
        false => which(program, path)?,
    };
    let real = found.canonicalize().ok()?;
    let packages = real.ancestors().find(|folder| {
        folder
            .file_name()
            .is_some_and(|name| name == "node_modules")
    });
    let folder = packages.or_else(|| real.parent())?;
    (folder != Path::new("/") && !folder.starts_with("/usr")).then(|| folder.to_owned())
}
