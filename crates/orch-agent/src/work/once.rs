//! Steps that must not be repeated on nobody's word.
//!
//! Such a step is on record before it starts. Whoever finds it on record, in this run or in an
//! earlier attempt, asks a person before it goes on: it may have happened or not.

use std::collections::{BTreeMap, HashMap};

use orch_api::proto::StartedStep;
use orch_core::{
    info_request::{Field, FieldKind, Presence, Secrecy},
    recipe::Step,
    time::Timestamp,
};

use crate::worker::Question;

/// What the keys of these questions begin with.
pub(super) const KEY: &str = "step-";
const AGAIN: &str = "run it again";
const DONE: &str = "it was done, go on after it";
const FAIL: &str = "fail the run";

/// What a person said of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Again,
    Done,
    Fail,
}

/// What is to become of the steps that were started before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Go on, and treat these as they say.
    GoOn(BTreeMap<u32, Word>),
    /// A person has to say first.
    Ask(Question),
}

/// The key of the question about one start of a step: another start is another question.
fn key(started: &StartedStep) -> String {
    let StartedStep {
        run_id,
        number,
        epoch,
        ..
    } = started;
    format!("{KEY}{number}-of-run-{run_id}-epoch-{epoch}")
}

/// Looks through the steps that are to run (all but those `done`): which of them were started
/// before, and what was said of that.
pub(super) fn judge(
    steps: &[Step],
    done: &[u32],
    started: &[StartedStep],
    answers: &HashMap<String, String>,
) -> Verdict {
    let mut words = BTreeMap::new();
    let mut open = Vec::new();
    for (number, step) in (1..).zip(steps) {
        if step.is_idempotent() || done.contains(&number) {
            continue;
        }
        // The newest start counts: it came after what was said of those before.
        let Some(before) = newest(started, number) else {
            continue;
        };
        match answers.get(&key(before)).map(String::as_str) {
            Some(AGAIN) => words.insert(number, Word::Again),
            Some(DONE) => words.insert(number, Word::Done),
            Some(FAIL) => words.insert(number, Word::Fail),
            Some(_) | None => {
                open.push((number, step, before));
                None
            }
        };
    }
    match open.is_empty() {
        true => Verdict::GoOn(words),
        false => Verdict::Ask(question(&open)),
    }
}

fn newest(started: &[StartedStep], number: u32) -> Option<&StartedStep> {
    let of_it = started.iter().filter(|step| step.number == number);
    of_it.max_by_key(|step| (step.run_id, step.epoch))
}

fn question(open: &[(u32, &Step, &StartedStep)]) -> Question {
    let facts: Vec<String> = open
        .iter()
        .map(|(number, step, before)| fact(*number, step, before))
        .collect();
    let prompt = format!(
        "{}. It is marked as not repeatable (`idempotent: false`): look whether it took effect, then say what is to be done",
        facts.join(". ")
    );
    let fields = open.iter().map(|(number, step, before)| Field {
        key: key(before),
        label: Some(format!("Step {number} `{}`", step_name(step))),
        kind: FieldKind::Choice,
        secret: Secrecy::Open,
        required: Presence::Required,
        options: [AGAIN, DONE, FAIL].map(str::to_owned).to_vec(),
    });
    Question {
        prompt,
        fields: fields.collect(),
    }
}

fn fact(number: u32, step: &Step, before: &StartedStep) -> String {
    let how = match before.status.as_str() {
        "succeeded" => "and succeeded, but its work is not here any more",
        "failed" => "and failed",
        _ => "and was interrupted: it may have taken effect or not",
    };
    let when = Timestamp::from_micros(before.started_at_us);
    let changed = match before.command.is_empty() || before.command == step.run {
        true => String::new(),
        false => format!(" (as `{}`)", line(&before.command)),
    };
    let last = match before.last_lines.is_empty() {
        true => String::new(),
        false => format!("; its last lines: {}", before.last_lines.join(" / ")),
    };
    format!(
        "step {number} `{}`{changed} was started at {when} in run {}, attempt {}, {how}{last}",
        step_name(step),
        before.run_id,
        before.attempt,
    )
}

fn step_name(step: &Step) -> String {
    line(step.name.as_deref().unwrap_or(&step.run))
}

fn line(text: &str) -> String {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    first.unwrap_or_default().chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn once(run: &str) -> Step {
        Step {
            idempotent: Some(false),
            ..Step::command(run)
        }
    }

    fn started(run_id: i64, number: u32, epoch: u64) -> StartedStep {
        StartedStep {
            run_id,
            number,
            epoch,
            status: "running".to_owned(),
            attempt: 1,
            ..StartedStep::default()
        }
    }

    fn keys(verdict: Verdict) -> Vec<String> {
        match verdict {
            Verdict::Ask(question) => question.fields.into_iter().map(|field| field.key).collect(),
            Verdict::GoOn(words) => panic!("it goes on with {words:?}"),
        }
    }

    #[test]
    fn only_a_step_that_must_not_be_repeated_and_was_started_is_asked_about() {
        let steps = [Step::command("a"), once("b"), once("c")];
        let before = [started(7, 1, 1), started(7, 2, 1)];
        let none = HashMap::new();
        assert_eq!(
            keys(judge(&steps, &[1], &before, &none)),
            ["step-2-of-run-7-epoch-1"]
        );
        assert_eq!(
            judge(&steps, &[1, 2], &before, &none),
            Verdict::GoOn(BTreeMap::new())
        );
        assert_eq!(
            judge(&steps, &[], &[], &none),
            Verdict::GoOn(BTreeMap::new())
        );
    }

    #[test]
    fn a_word_holds_for_one_start_alone() {
        let steps = [once("b")];
        let answers = HashMap::from([("step-1-of-run-7-epoch-1".to_owned(), AGAIN.to_owned())]);
        let before = [started(7, 1, 1)];
        let words = BTreeMap::from([(1, Word::Again)]);
        assert_eq!(judge(&steps, &[], &before, &answers), Verdict::GoOn(words));
        let again = [started(7, 1, 3)];
        assert_eq!(
            keys(judge(&steps, &[], &again, &answers)),
            ["step-1-of-run-7-epoch-3"]
        );
        let in_the_next_attempt = [started(7, 1, 1), started(8, 1, 1)];
        assert_eq!(
            keys(judge(&steps, &[], &in_the_next_attempt, &answers)),
            ["step-1-of-run-8-epoch-1"]
        );
    }
}
