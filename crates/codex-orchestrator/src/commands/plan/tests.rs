//! What the command line says becomes the edits of the API.

use clap::Parser;
use orch_api::types::plan::{PlanEdit, PlanEditOp as Op};

use super::edit::{Args, wanted};

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
