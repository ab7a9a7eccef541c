//! Plans beside what is there already: other requirements, and code that has commands of its own.

use super::{Breakdown, Checks, Edit, Finished, Origin, Task, adapt, edit, propose};
use crate::requirements::visions::proposed;
use crate::requirements::{Document, Edit as RequirementsEdit, ItemKind, Priority};

fn planned(document: &Document) -> Breakdown {
    propose(document, &Checks::default(), None, &Finished::default())
}

/// A model's tasks serve every requirement; one of these goes, and another comes.
#[test]
fn other_requirements_leave_the_tasks_of_a_model_that_still_serve_one() {
    let before = proposed("Customers must pay by card. Customers must reserve a bike.");
    let mut plan = planned(&before);
    for task in &mut plan.tasks {
        task.origin = Origin::Model;
        task.key = format!("model/{}", task.id);
    }
    let reserve = before
        .items
        .iter()
        .find(|item| item.text.contains("reserve"));
    let reserve = &reserve.expect("the item").id;
    let after = before
        .edited(
            &[
                RequirementsEdit::Remove {
                    id: reserve.clone(),
                },
                RequirementsEdit::Add {
                    kind: ItemKind::Functional,
                    text: "Customers must get a receipt".to_owned(),
                    priority: Some(Priority::Must),
                    mvp: Some(true),
                },
            ],
            "ada",
        )
        .expect("edits that hold");
    let only = |id: &str| -> Vec<String> {
        let tasks = plan.tasks.iter();
        let tasks = tasks.filter(|task| task.requirements == [id]);
        tasks.map(|task| task.id.clone()).collect()
    };
    let alone = only(reserve);
    assert!(alone.len() >= 2, "{plan:#?}");
    let done: Finished = alone[..1].iter().cloned().collect();
    let next = adapt(&after, &Checks::default(), &plan, &done);
    assert_eq!(next.check_with(&after.items, &done), []);
    for task in &plan.tasks {
        let goes = alone[1..].contains(&task.id);
        let kept = next.tasks.iter().any(|other| other.id == task.id);
        assert_eq!(kept, !goes, "{task:#?}");
    }
    let receipt = after
        .items
        .iter()
        .find(|item| item.text.contains("receipt"));
    let receipt = &receipt.expect("the item").id;
    let new = next
        .tasks
        .iter()
        .filter(|task| task.requirements.contains(receipt));
    assert!(new.clone().count() >= 1 && new.clone().all(|task| task.origin == Origin::Rules));
    assert!(
        next.notes.iter().any(|note| note.contains(&alone[1])),
        "{:?}",
        next.notes
    );
    assert_eq!(
        adapt(&after, &Checks::default(), &next, &done).tasks,
        next.tasks
    );
}

fn with_a_receipt(before: &Document) -> Document {
    let receipt = RequirementsEdit::Add {
        kind: ItemKind::Functional,
        text: "Customers must get a receipt".to_owned(),
        priority: Some(Priority::Must),
        mvp: Some(true),
    };
    before.edited(&[receipt], "ada").expect("edits that hold")
}

fn release(plan: &Breakdown) -> &Task {
    let mut tasks = plan.tasks.iter();
    let release = tasks.find(|task| task.role == "release_manager");
    release.expect("a release")
}

/// The ids of the tasks that `next` has and `plan` has not, and for which no other of these waits.
fn new_ends(plan: &Breakdown, next: &Breakdown) -> Vec<String> {
    let is_new = |task: &&Task| plan.tasks.iter().all(|old| old.id != task.id);
    let new: Vec<&Task> = next.tasks.iter().filter(is_new).collect();
    let is_end = |task: &&&Task| new.iter().all(|one| !one.depends_on.contains(&task.id));
    let ends = new.iter().filter(is_end);
    ends.map(|task| task.id.clone()).collect()
}

#[test]
fn the_release_waits_for_what_fills_a_gap() {
    let before = proposed("Customers must pay by card. Customers must reserve a bike.");
    let plan = planned(&before);
    let after = with_a_receipt(&before);
    let next = adapt(&after, &Checks::default(), &plan, &Finished::default());
    let ends = new_ends(&plan, &next);
    assert!(!ends.is_empty());
    let waits = &release(&next).depends_on;
    assert!(ends.iter().all(|end| waits.contains(end)), "{waits:?}");
    assert_eq!(next.check(&after.items), []);
}

#[test]
fn a_release_whose_waits_a_person_set_waits_for_nothing_more() {
    let before = proposed("Customers must pay by card. Customers must reserve a bike.");
    let plan = planned(&before);
    let waits = &release(&plan).depends_on;
    let parted = Edit::RemoveDependency {
        task: release(&plan).id.clone(),
        on: waits[0].clone(),
    };
    let plan = edit(&plan, &[parted]).expect("it can be done");
    let after = with_a_receipt(&before);
    let next = adapt(&after, &Checks::default(), &plan, &Finished::default());
    assert!(!new_ends(&plan, &next).is_empty());
    assert_eq!(release(&next).depends_on, release(&plan).depends_on);
}

#[test]
fn a_command_in_which_something_is_hidden_is_no_criterion() {
    use crate::survey::{Basis, Command, Place, Purpose, Survey};
    let checks = |run: &str| {
        Checks::of(&Survey {
            commands: vec![Command {
                purpose: Purpose::Test,
                run: run.to_owned(),
                folder: String::new(),
                basis: Basis::Declared,
                place: Place::default(),
            }],
            ..Survey::default()
        })
    };
    assert!(!checks("make test").is_empty());
    for hidden in ["make te\u{ad}st", "make te\u{200b}st", "make\u{2060} test"] {
        assert!(checks(hidden).is_empty(), "{hidden:?}");
    }
}

#[test]
fn commands_of_existing_code_show_that_tasks_are_done() {
    use crate::survey::{FileKind, Survey, Tree, TreeFile, survey};
    let makefile = "build:\n\tcc x.c\ntest:\n\t./run\n";
    let file = TreeFile::new(b"Makefile", makefile.len() as u64, FileKind::File);
    let content = ("Makefile".to_owned(), makefile.as_bytes().to_vec());
    let found: Survey = survey(&Tree::new(vec![file], [content]), "2026-01-01");
    let checks = Checks::of(&found);
    let document = proposed("Customers must pay by card.");
    let plan = propose(&document, &checks, None, &Finished::default());
    let commands = |key: &str| -> Vec<String> {
        let task = plan.tasks.iter().find(|task| task.key.starts_with(key));
        let criteria = task.expect("the task").acceptance.iter();
        criteria.filter_map(|one| one.command.clone()).collect()
    };
    assert_eq!(commands("build/"), ["make build", "make test"]);
    assert_eq!(commands("test/"), ["make test"]);
    assert_eq!(commands("scaffold"), ["make build", "make test"]);
    assert_eq!(plan.check(&document.items), []);
}

#[test]
fn a_plan_on_existing_code_begins_with_what_is_there() {
    let text = "Users must see their invoices in the web browser. Admins must manage users by role. Customers \
                must log in with their account and pay their subscription.";
    let document = proposed(text);
    assert!(!document.options.is_empty(), "{document:#?}");
    let found = crate::survey::samples::surveyed(&[
        ("Makefile", "test:\n\tpython3 -m pytest\n"),
        ("app.py", "import flask\n"),
        ("requirements.txt", "flask==3\npsycopg2==2.9\n"),
    ]);
    let plan = propose(&document, &Checks::of(&found), None, &Finished::default());
    let task = |key: &str| {
        let mut tasks = plan.tasks.iter();
        tasks.find(|task| task.key == key).expect("the task")
    };
    let architecture = task("architecture");
    let first = "Decide on an architecture: go on with what is there, or ";
    assert!(architecture.title.starts_with(first), "{architecture:#?}");
    let there = "- Go on with what is there: Python (1 file), with PostgreSQL.";
    assert!(
        architecture.description.contains(there),
        "{architecture:#?}"
    );
    let scaffold = task("scaffold");
    assert_eq!(
        scaffold.title,
        "Check that the existing project builds and its tests pass"
    );
    let commands = scaffold.acceptance.iter();
    let commands: Vec<_> = commands.filter_map(|one| one.command.as_deref()).collect();
    assert_eq!(commands, ["make test"]);
}

#[test]
fn the_architecture_is_decided_with_each_option_and_its_trade_offs_in_the_text() {
    let document = proposed(
        "Users must see their invoices in the web browser. Admins must manage users by role. Customers must log \
         in with their account and pay their subscription.",
    );
    let plan = planned(&document);
    let text = &plan.tasks[0].description;
    assert!(
        plan.tasks[0]
            .title
            .starts_with("Decide on an architecture: ")
    );
    for option in &document.options {
        assert!(text.contains(&format!("- {}: ", option.title)), "{text}");
        for said in option.strengths.iter().chain(&option.trade_offs) {
            assert!(text.contains(said.as_str()), "{said}: {text}");
        }
    }
}
