//! What shows that planned work is done: its acceptance commands, as steps after the work's own.
//!
//! The plan's criteria decide, whoever did the work; one without a command is left to a person. Nothing
//! here decides what the work's own steps are.

use std::{path::PathBuf, time::Duration};

use orch_api::proto::Assignment;
use orch_core::{breakdown::ACCEPTANCE, recipe::Step};
use orch_sandbox::exec::RunFolder;

use super::{
    environment::Environment,
    known::Origin,
    open::Opened,
    process::{StepEnd, Then},
    steps::Run,
};
use crate::{
    artifacts::Collector,
    worker::{Finished, Outcome, Verdict},
};

/// How long one acceptance command may take.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// How much of a criterion stands in a step's name.
const NAME_CHARACTERS: usize = 120;
/// Who carries a run out is its first step.
const AFTER_THE_WORK: u32 = 2;

/// The acceptance commands of a run, in their order.
pub(super) fn steps(assignment: &Assignment) -> Vec<Step> {
    let criteria = assignment.acceptance.iter();
    let commands = criteria.filter(|criterion| !criterion.command.trim().is_empty());
    let step = |criterion: &orch_api::proto::Criterion| Step {
        name: Some(format!("{ACCEPTANCE}{}", short(&criterion.text))),
        timeout: Some(LONGEST),
        ..Step::command(&criterion.command)
    };
    commands.map(step).collect()
}

/// The work's own steps with the acceptance commands behind them.
pub(super) fn after(mut own: Vec<Step>, assignment: &Assignment) -> Vec<Step> {
    own.extend(steps(assignment));
    own
}

/// What failed where an acceptance command did: the criterion that is not met, and its command.
pub(super) fn title(step: &Step) -> Option<String> {
    let criterion = step.name.as_deref()?.strip_prefix(ACCEPTANCE)?;
    Some(format!(
        "the work is not done: \"{criterion}\" is not met: `{}`",
        short(&step.run)
    ))
}

/// What a person is asked where planned work has neither a recipe nor an executor.
pub(super) fn question(assignment: &Assignment) -> String {
    let commands = match steps(assignment).len() {
        0 => String::new(),
        1 => "; its acceptance command runs after them".to_owned(),
        count => format!("; its {count} acceptance commands run after them"),
    };
    format!(
        "this is work of an approved plan, has no recipe, and steps are not guessed from its title: answer with the \
         steps that do it{commands}; or attach a recipe with POST /work-items/{{id}}/tool-recipe, or start an agent \
         with AGENT_EXECUTOR=codex or command and cancel this run, or complete the run by hand once the work is done"
    )
}

/// One line of a text.
fn short(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(NAME_CHARACTERS) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

impl Run<'_> {
    /// Steps that were planned for this run, with what shows that they did it. Steps that a person
    /// approved, and those that it goes on with, have that already.
    pub(super) fn with_acceptance(&self, own: Vec<Step>, origin: Origin) -> Vec<Step> {
        match origin {
            Origin::Planned if !self.goes_on() => after(own, &self.job.assignment),
            Origin::Planned
            | Origin::Approved
            | Origin::Operator
            | Origin::Recipe
            | Origin::Answer => own,
        }
    }

    /// Says what no command shows.
    pub(super) async fn tell_unjudged(&self) {
        let criteria = self.job.assignment.acceptance.iter();
        for criterion in criteria.filter(|criterion| criterion.command.trim().is_empty()) {
            let line = format!("to be judged by a person: {}", short(&criterion.text));
            self.job.log.system(&line).await;
        }
    }

    /// What runs after an executor: what was approved, else what the plan says.
    fn behind_the_executor(&self) -> Vec<Step> {
        match &self.known {
            Some((steps, Origin::Approved)) => steps.iter().skip(1).cloned().collect(),
            Some(_) | None => steps(&self.job.assignment),
        }
    }

    /// Checks what an executor says it has done, and then keeps what the recipe declares: what the acceptance
    /// commands wrote as well, whether they passed or not.
    pub(super) async fn check_and_keep(
        &self,
        carried: Outcome,
        folder: &RunFolder,
        environment: &Environment,
        readable: Vec<PathBuf>,
    ) -> Outcome {
        let outcome = self.accept(carried, folder, environment, readable).await;
        let mut collector = Collector::new(self.config.artifacts, &self.job.log);
        self.collect(&outcome, folder, &mut collector).await;
        outcome
    }

    /// In the sandbox that the run's steps have.
    async fn accept(
        &self,
        carried: Outcome,
        folder: &RunFolder,
        environment: &Environment,
        readable: Vec<PathBuf>,
    ) -> Outcome {
        let Outcome::Finished(finished) = carried else {
            return carried;
        };
        if finished.verdict != Verdict::Succeeded {
            return Outcome::Finished(finished);
        }
        self.tell_unjudged().await;
        let steps = self.behind_the_executor();
        if steps.is_empty() {
            return Outcome::Finished(finished);
        }
        let ended = match self.check(&steps, folder, environment, readable).await {
            Ok(ended) => ended,
            Err(reason) => StepEnd::Failed {
                exit_code: None,
                reason: format!("the acceptance commands could not be run: {reason}"),
            },
        };
        match ended {
            StepEnd::Succeeded => Outcome::Finished(Finished {
                reason: format!(
                    "{}, and so did {} of acceptance",
                    finished.reason,
                    count(&steps)
                ),
                ..finished
            }),
            StepEnd::Failed { exit_code, reason } => {
                self.job.log.event(&reason).await;
                Outcome::Finished(Finished {
                    verdict: Verdict::Failed,
                    exit_code,
                    reason,
                    ..finished
                })
            }
            StepEnd::Stopped => Outcome::Stopped,
        }
    }

    async fn check(
        &self,
        steps: &[Step],
        folder: &RunFolder,
        environment: &Environment,
        readable: Vec<PathBuf>,
    ) -> Result<StepEnd, String> {
        let opened: Opened = self.open_cell(&self.recipe, folder, readable).await?;
        let place = self.place(&opened, folder, environment);
        for (number, step) in (AFTER_THE_WORK..).zip(steps) {
            let ended = place.run(number, step, Then::Nothing).await;
            if ended != StepEnd::Succeeded {
                return Ok(ended);
            }
        }
        Ok(StepEnd::Succeeded)
    }
}

fn count(steps: &[Step]) -> String {
    match steps.len() {
        1 => "its command".to_owned(),
        count => format!("its {count} commands"),
    }
}

#[cfg(test)]
mod tests {
    use orch_api::proto::Criterion;

    use super::*;

    fn criterion(text: &str, command: &str) -> Criterion {
        Criterion {
            text: text.to_owned(),
            command: command.to_owned(),
        }
    }

    #[test]
    fn criteria_with_a_command_are_steps_with_a_bound_and_the_others_are_not() {
        let assignment = Assignment {
            planned: true,
            acceptance: vec![
                criterion("All tests\npass", "make test"),
                criterion("It reads well", " "),
            ],
            ..Assignment::default()
        };
        let accepting = Step {
            name: Some("acceptance: All tests pass".to_owned()),
            timeout: Some(LONGEST),
            ..Step::command("make test")
        };
        let own = Step::command("make");
        assert_eq!(
            after(vec![own.clone()], &assignment),
            [own.clone(), accepting.clone()]
        );
        assert_eq!(after(vec![own.clone()], &Assignment::default()), [own]);
        let asked = question(&assignment);
        assert!(
            asked.contains("its acceptance command runs after"),
            "{asked}"
        );
    }

    #[test]
    fn a_criterion_that_is_not_met_is_named_with_its_command() {
        let step = Step {
            name: Some("acceptance: All tests pass".to_owned()),
            ..Step::command("make test")
        };
        assert_eq!(
            title(&step).as_deref(),
            Some("the work is not done: \"All tests pass\" is not met: `make test`")
        );
        assert_eq!(title(&Step::command("make")), None);
    }
}
