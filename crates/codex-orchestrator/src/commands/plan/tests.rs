//! What the command line says becomes the edits of the API.

use clap::Parser;
use orch_api::types::plan::{Plan, PlanEdit, PlanEditOp as Op, PlanProgress};

use super::accept;
use super::edit::{Args, wanted};
use super::origin::Origin;

#[derive(Parser)]
struct Given {
    #[command(flatten)]
    edit: Args,
}

fn edits(given: &[&str]) -> Result<Vec<PlanEdit>, String> {
    let given = Given::parse_from([&["plan-edit", "1"], given].concat());
    match wanted(&given.edit) {
        Ok((body, origins)) => {
            assert_eq!(body.edits.len(), origins.len());
            Ok(body.edits)
        }
        Err(failure) => Err(failure.message),
    }
}

fn of(op: Op, id: &str) -> PlanEdit {
    PlanEdit {
        id: Some(id.to_owned()),
        ..PlanEdit::new(op)
    }
}

#[test]
fn fields_dependencies_and_removals_become_edits() {
    let made = edits(&[
        "--set",
        "T-3.likely=120",
        "--set",
        "T-3.title=Pay",
        "--set",
        "T-3.high=200",
        "--set",
        "E-1.title=Paying = selling",
        "--depends",
        "T-4=T-2, T-1",
        "--no-depends",
        "T-5=T-1",
        "--remove",
        "T-9",
    ]);
    let on = |op, task: &str, on: &str| PlanEdit {
        task: Some(task.to_owned()),
        on: Some(on.to_owned()),
        ..PlanEdit::new(op)
    };
    assert_eq!(
        made.unwrap(),
        [
            PlanEdit {
                likely_minutes: Some(120),
                high_minutes: Some(200),
                ..of(Op::SetEstimate, "T-3")
            },
            PlanEdit {
                title: Some("Pay".to_owned()),
                ..of(Op::ChangeTask, "T-3")
            },
            PlanEdit {
                title: Some("Paying = selling".to_owned()),
                ..of(Op::RenameEpic, "E-1")
            },
            on(Op::AddDependency, "T-4", "T-2"),
            on(Op::AddDependency, "T-4", "T-1"),
            on(Op::RemoveDependency, "T-5", "T-1"),
            of(Op::RemoveTask, "T-9"),
        ]
    );
}

#[test]
fn what_is_not_understood_is_said_with_what_is_expected() {
    for (given, expected) in [
        (["--set", "T-3"], "expected NAME=VALUE"),
        (["--set", "T-3=5"], "expected T-N.FIELD=VALUE"),
        (["--set", "T-3.size=5"], "expected one of title"),
        (["--set", "T-3.low=soon"], "expected a number of minutes"),
        (["--set", "S-3.role=qa"], "it has a title alone"),
        (["--depends", "T-3"], "such as T-4=T-2"),
        (["--file", "/nowhere/edits.json"], "failed to read"),
    ] {
        let said = edits(&given).unwrap_err();
        assert!(said.contains(expected), "{given:?}: {said}");
    }
}

/// Two tasks with the same criterion, of which one is done, and one without.
fn plan() -> Plan {
    let task = |id: &str, state: &str, acceptance: serde_json::Value| {
        serde_json::json!({
            "id": id, "story": "S-1", "title": "x", "description": "", "kind": "task", "role": "developer",
            "capabilities": [], "tools": [], "requirements": [], "acceptance": acceptance, "depends_on": [],
            "estimate": {"low_minutes": 60, "likely_minutes": 120, "high_minutes": 240}, "origin": "rules",
            "edited": false, "work_item_id": null, "state": state, "run_id": null, "why": [],
            "needs_approval": false,
        })
    };
    let tests = serde_json::json!([
        {"text": "It holds", "command": null}, {"text": "All tests pass", "command": "make test"}
    ]);
    let plan = serde_json::json!({
        "id": 7, "project_id": 1, "requirements_id": 1, "parent_id": null, "status": "proposed",
        "author": "ada", "reason": null, "digest": "d", "task_count": 3, "created_at": "",
        "approved_at": null, "approved_by": null, "epics": [], "stories": [],
        "tasks": [task("T-1", "done", tests.clone()), task("T-2", "planned", tests),
            task("T-3", "planned", serde_json::json!([]))],
        "faults": [], "schedule": null, "progress": PlanProgress::default(), "needs_replan": false, "failed": [],
        "requirements_changed": false,
    });
    serde_json::from_value(plan).unwrap()
}

/// A task's id, and its criteria as words and command.
type Set = (String, Vec<(String, Option<String>)>);

fn accepted(given: &str) -> Result<Vec<Set>, String> {
    let read = accept::accepted(&[given.to_owned()]);
    let made = read.and_then(|read| accept::edits(&read, &plan()));
    let made = made.map_err(|failure| failure.message)?;
    let made = made.into_iter().map(|(edit, origin)| {
        assert_eq!(origin, Origin::flag("--accept", given));
        let criteria = edit.acceptance.unwrap().into_iter();
        let criteria = criteria.map(|one| (one.text, one.command)).collect();
        (edit.id.unwrap(), criteria)
    });
    Ok(made.collect())
}

#[test]
fn criteria_are_set_by_their_words_for_one_task_several_or_all_that_are_open() {
    let holds = || ("It holds".to_owned(), None);
    let tests = |command: &str| ("All tests pass".to_owned(), Some(command.to_owned()));
    let set = |id: &str, criteria| (id.to_owned(), criteria);
    let by = "python3 -m pytest a::b";
    assert_eq!(
        accepted(&format!("all=All tests pass :: {by}"))
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        accepted("all=All tests pass :: make check").unwrap(),
        [set("T-2", vec![holds(), tests("make check")])]
    );
    assert_eq!(
        accepted("T-2, T-3=All tests pass :: make check").unwrap(),
        [
            set("T-2", vec![holds(), tests("make check")]),
            set("T-3", vec![tests("make check")])
        ]
    );
    let words = accepted("T-3=It is small").unwrap();
    assert_eq!(words, [set("T-3", vec![("It is small".to_owned(), None)])]);
    for (given, expected) in [
        ("T-9=It holds :: make", "plan 7 has no task T-9"),
        (
            "all=It flies :: make",
            "no open task has a criterion with the words `It flies`",
        ),
        (
            "T-2= :: make",
            "expected tasks, or all, and WORDS :: COMMAND",
        ),
        ("T-2", "expected NAME=VALUE"),
    ] {
        let said = accepted(given).unwrap_err();
        assert!(said.contains(expected), "{given:?}: {said}");
    }
}
