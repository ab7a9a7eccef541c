//! Completions that must not overtake the logs and step reports before them.

use std::collections::BTreeSet;

use orch_core::ids::RunId;

use crate::writer::{Envelope, answer};
use crate::{Command, Follows, StoreError};

/// Runs that are remembered, each for its logs or its steps.
const RUNS: usize = 65_536;

/// Runs whose logs or step reports failed to be stored and have not come again. A completion that
/// was handed over behind them, without waiting, must not end the run without them.
#[derive(Default)]
pub(crate) struct Unlogged(BTreeSet<(RunId, Said)>);

/// What a run said before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Log,
    Step,
}

impl Unlogged {
    /// Answers completions whose logs were lost, and leaves the rest.
    pub(crate) fn turn_away(&self, group: Vec<Envelope>) -> Vec<Envelope> {
        if self.0.is_empty() {
            return group;
        }
        let mut said_again = BTreeSet::new();
        let mut rest = Vec::with_capacity(group.len());
        for envelope in group {
            match &envelope.command {
                Command::Complete {
                    run,
                    follows: Follows::QueuedLogs,
                    ..
                } if self.lacks(*run, &said_again) => {
                    answer(envelope.answer, Err(StoreError::LogNotStored));
                    continue;
                }
                command => said_again.extend(said(command)),
            }
            rest.push(envelope);
        }
        rest
    }

    fn lacks(&self, run: RunId, said_again: &BTreeSet<(RunId, Said)>) -> bool {
        let mut lost = [Said::Log, Said::Step].map(|said| (run, said)).into_iter();
        lost.any(|lost| self.0.contains(&lost) && !said_again.contains(&lost))
    }

    pub(crate) fn stored(&mut self, group: &[Envelope]) {
        if !self.0.is_empty() {
            for said in said_by(group) {
                self.0.remove(&said);
            }
        }
    }

    pub(crate) fn failed(&mut self, group: &[Envelope]) {
        self.0.extend(said_by(group));
        while self.0.len() > RUNS {
            // The oldest: its agent is gone, or it would have come again.
            self.0.pop_first();
        }
    }
}

fn said_by(group: &[Envelope]) -> impl Iterator<Item = (RunId, Said)> {
    group.iter().filter_map(|envelope| said(&envelope.command))
}

fn said(command: &Command) -> Option<(RunId, Said)> {
    match command {
        Command::Log { run, .. } => Some((*run, Said::Log)),
        Command::Step { run, .. } => Some((*run, Said::Step)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use orch_core::engine::{Completion, Verdict};
    use tokio::sync::oneshot;

    use super::*;

    type Answered = oneshot::Receiver<Result<crate::Reply, StoreError>>;

    fn envelope(command: Command) -> (Envelope, Answered) {
        let (answer, answered) = oneshot::channel();
        let actor = "agent:a".to_owned();
        let envelope = Envelope {
            actor,
            command,
            answer,
        };
        (envelope, answered)
    }

    fn log(run: i64) -> Envelope {
        envelope(Command::Log {
            run: RunId(run),
            epoch: Some(1),
            lines: Vec::new(),
        })
        .0
    }

    fn step(run: i64) -> Envelope {
        envelope(Command::Step {
            run: RunId(run),
            report: Box::default(),
        })
        .0
    }

    fn end(run: i64, follows: Follows) -> (Envelope, Answered) {
        envelope(Command::Complete {
            run: RunId(run),
            done: Completion {
                epoch: Some(1),
                verdict: Verdict::Success,
                exit_code: Some(0),
                reason: None,
            },
            follows,
        })
    }

    fn passes(unlogged: &Unlogged, group: Vec<Envelope>) -> usize {
        unlogged.turn_away(group).len()
    }

    #[test]
    fn a_run_does_not_end_behind_logs_that_were_lost() {
        let mut unlogged = Unlogged::default();
        unlogged.failed(&[log(1)]);
        let (completion, mut answered) = end(1, Follows::QueuedLogs);
        assert_eq!(passes(&unlogged, vec![completion]), 0);
        let refused = answered.try_recv().expect("it is answered");
        assert!(matches!(refused, Err(StoreError::LogNotStored)));
    }

    #[test]
    fn a_run_ends_once_its_logs_came_again() {
        let mut unlogged = Unlogged::default();
        unlogged.failed(&[log(1)]);
        let (together, _together) = end(1, Follows::QueuedLogs);
        assert_eq!(passes(&unlogged, vec![log(1), together]), 2);
        unlogged.stored(&[log(1)]);
        let (later, _later) = end(1, Follows::QueuedLogs);
        assert_eq!(passes(&unlogged, vec![later]), 1);
    }

    #[test]
    fn a_run_does_not_end_behind_a_step_report_that_was_lost_though_its_logs_came_again() {
        let mut unlogged = Unlogged::default();
        unlogged.failed(&[log(1), step(1)]);
        let (completion, mut answered) = end(1, Follows::QueuedLogs);
        assert_eq!(passes(&unlogged, vec![log(1), completion]), 1);
        let refused = answered.try_recv().expect("it is answered");
        assert!(matches!(refused, Err(StoreError::LogNotStored)));
        let (together, _together) = end(1, Follows::QueuedLogs);
        assert_eq!(passes(&unlogged, vec![log(1), step(1), together]), 3);
        unlogged.stored(&[step(1)]);
        let (behind_logs, _behind_logs) = end(1, Follows::QueuedLogs);
        assert_eq!(passes(&unlogged, vec![log(1), behind_logs]), 2);
    }

    #[test]
    fn other_runs_and_completions_that_waited_are_not_held_up() {
        let mut unlogged = Unlogged::default();
        unlogged.failed(&[log(1)]);
        let (other, _other) = end(2, Follows::QueuedLogs);
        let (waited, _waited) = end(1, Follows::Nothing);
        assert_eq!(passes(&unlogged, vec![other, waited]), 2);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut unlogged = Unlogged::default();
        let all: Vec<Envelope> = (0..RUNS as i64 + 9).map(log).collect();
        unlogged.failed(&all);
        assert_eq!(unlogged.0.len(), RUNS);
    }
}
