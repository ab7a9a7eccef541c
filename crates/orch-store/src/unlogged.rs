//! Completions that must not overtake the logs before them.

use std::collections::BTreeSet;

use orch_core::ids::RunId;

use crate::writer::{Envelope, answer};
use crate::{Command, Follows, StoreError};

/// Runs that are remembered.
const RUNS: usize = 65_536;

/// Runs whose logs failed to be stored and have not come again. A completion that was handed over
/// behind them, without waiting, must not end the run without them.
#[derive(Default)]
pub(crate) struct Unlogged(BTreeSet<RunId>);

impl Unlogged {
    /// Answers completions whose logs were lost, and leaves the rest.
    pub(crate) fn turn_away(&self, group: Vec<Envelope>) -> Vec<Envelope> {
        if self.0.is_empty() {
            return group;
        }
        let mut logged_again = BTreeSet::new();
        let mut rest = Vec::with_capacity(group.len());
        for envelope in group {
            match &envelope.command {
                Command::Log { run, .. } => {
                    logged_again.insert(*run);
                }
                Command::Complete {
                    run,
                    follows: Follows::QueuedLogs,
                    ..
                } if self.0.contains(run) && !logged_again.contains(run) => {
                    answer(envelope.answer, Err(StoreError::LogNotStored));
                    continue;
                }
                _ => {}
            }
            rest.push(envelope);
        }
        rest
    }

    pub(crate) fn stored(&mut self, group: &[Envelope]) {
        if !self.0.is_empty() {
            for run in logged(group) {
                self.0.remove(&run);
            }
        }
    }

    pub(crate) fn failed(&mut self, group: &[Envelope]) {
        self.0.extend(logged(group));
        while self.0.len() > RUNS {
            // The oldest: its agent is gone, or it would have come again.
            self.0.pop_first();
        }
    }
}

fn logged(group: &[Envelope]) -> impl Iterator<Item = RunId> {
    group.iter().filter_map(|envelope| match envelope.command {
        Command::Log { run, .. } => Some(run),
        _ => None,
    })
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
