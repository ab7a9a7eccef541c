//! A run's steps, one after another: the first that fails ends the run.
//!
//! What is done is not done again, and each step's artifacts are collected when it has ended.

use std::collections::BTreeMap;

use orch_core::recipe::Step;

use super::{
    once::Word,
    process::{Place, StepEnd, Then},
    steps::Run,
};
use crate::{
    artifacts::Collector,
    worker::{Finished, Outcome, Verdict},
};

impl Run<'_> {
    pub(super) async fn run_steps(
        &self,
        place: &Place<'_>,
        steps: &[Step],
        said: &BTreeMap<u32, Word>,
        collector: &mut Collector<'_>,
    ) -> Outcome {
        let done = self.done();
        place.secrets.hide_those_of(done, steps).await;
        for (number, step) in (1..).zip(steps) {
            if done.contains(&number) {
                continue;
            }
            if self.job.stop.is_cancelled() {
                return Outcome::Stopped;
            }
            let then = match usize::try_from(number) == Ok(steps.len()) {
                true => Then::Nothing,
                false => Then::More,
            };
            match said.get(&number) {
                Some(Word::Again) | None => {}
                Some(Word::Done) => {
                    place.skip(number, step, then).await;
                    continue;
                }
                Some(Word::Fail) => {
                    let reason = format!(
                        "a person ended the run at step {number}, which may have been done before"
                    );
                    self.job.log.event(&reason).await;
                    return Outcome::Finished(Finished::failed(reason));
                }
            }
            orch_failpoint::pass("agent.step.before");
            let ended = place.run(number, step, then).await;
            orch_failpoint::pass("agent.step.after");
            if ended != StepEnd::Stopped {
                let work = place.folder.work();
                collector.collect(&work, &step.artifacts, number).await;
            }
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
