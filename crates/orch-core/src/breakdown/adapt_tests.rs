//! Plans beside what is there already: other requirements, and code that has commands of its own.

use super::{Breakdown, Checks, Finished, Origin, adapt, propose};
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
