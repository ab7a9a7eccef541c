//! What is asked for after the whole was tried, written down and released: it is released as well. And what is
//! to be built is served by what builds and tests it, not by the whole.

use super::{Breakdown, Checks, Edit, Fault, Finished, Origin, Task, adapt, edit, propose};
use crate::requirements::visions::{proposed, visions};
use crate::requirements::{Document, Edit as RequirementsEdit, ItemKind, Priority};

const VISION: &str = "Users must export lists as XML. Users must search books. Customers must pay by card. \
     Written in Rust.";

fn planned(document: &Document, before: Option<&Breakdown>, done: &Finished) -> Breakdown {
    propose(document, &Checks::default(), before, done)
}

fn adapted(document: &Document, before: Option<&Breakdown>, done: &Finished) -> Breakdown {
    adapt(document, &Checks::default(), before.expect("a plan"), done)
}

type Maker = fn(&Document, Option<&Breakdown>, &Finished) -> Breakdown;
const MAKERS: [Maker; 2] = [planned, adapted];

fn with(document: &Document, text: &str) -> (Document, String) {
    let more = document
        .edited(
            &[RequirementsEdit::Add {
                kind: ItemKind::Functional,
                text: text.to_owned(),
                priority: Some(Priority::Must),
                mvp: Some(true),
            }],
            "ada",
        )
        .expect("an edit that holds");
    let added = more.items.iter().find(|item| item.text.contains(text));
    let added = added.expect("the item").id.clone();
    (more, added)
}

fn all(plan: &Breakdown) -> Finished {
    plan.tasks.iter().map(|task| task.id.clone()).collect()
}

fn new<'p>(plan: &'p Breakdown, done: &Finished) -> Vec<&'p Task> {
    let tasks = plan.tasks.iter();
    tasks.filter(|task| !done.contains(&task.id)).collect()
}

fn called<'p>(tasks: &[&'p Task], title: &str) -> &'p Task {
    let mut found = tasks.iter().filter(|task| task.title.contains(title));
    let first = found.next();
    let first = first.unwrap_or_else(|| panic!("no {title:?} in {tasks:#?}"));
    assert!(
        found.next().is_none(),
        "{title:?} is there twice: {tasks:#?}"
    );
    first
}

/// Whether `task` comes after `on`, over any number of others.
fn comes_after(plan: &Breakdown, task: &Task, on: &str) -> bool {
    task.depends_on.iter().any(|id| id == on)
        || task.depends_on.iter().any(|id| {
            let mut tasks = plan.tasks.iter();
            let next = tasks.find(|task| task.id == *id);
            next.is_some_and(|next| comes_after(plan, next, on))
        })
}

#[test]
fn what_is_asked_for_after_the_release_is_tried_written_and_released_once() {
    let before = proposed(VISION);
    let plan = planned(&before, None, &Finished::default());
    let done = all(&plan);
    let (after, added) = with(&before, "Users must print lists of books");
    for make in MAKERS {
        let next = make(&after, Some(&plan), &done);
        assert_eq!(next.check_with(&after.items, &done), []);
        let tasks = new(&next, &done);
        let test = called(&tasks, "Test: ");
        for whole in ["Try", "Write for its users", "Release the first version"] {
            let mut found = tasks.iter().filter(|task| task.title.contains(whole));
            assert!(
                found.clone().all(|task| task.requirements.contains(&added)),
                "{tasks:#?}"
            );
            let task = found.next().expect("it is done anew");
            assert!(comes_after(&next, task, &test.id), "{task:#?} {tasks:#?}");
        }
        let release = called(&tasks, "Change: Release the first version");
        assert_eq!(release.requirements, std::slice::from_ref(&added));
        for other in tasks.iter().filter(|task| task.id != release.id) {
            assert!(
                comes_after(&next, release, &other.id),
                "{other:#?} {tasks:#?}"
            );
        }
        // Once: the same again is the same plan, and nothing is left when it is done.
        assert_eq!(make(&after, Some(&next), &done).tasks, next.tasks);
        let done = all(&next);
        assert_eq!(
            new(&make(&after, Some(&next), &done), &done),
            Vec::<&Task>::new()
        );
        // What comes after that is released by another change.
        let (later, third) = with(&after, "Users must lend books");
        let last = make(&later, Some(&next), &done);
        let release = new(&last, &done);
        let release = called(&release, "Change: Release the first version");
        assert_eq!(release.requirements, [third]);
        assert_eq!(last.check_with(&later.items, &done), []);
    }
}

#[test]
fn what_is_new_and_no_longer_asked_for_is_not_released() {
    let before = proposed(VISION);
    let plan = planned(&before, None, &Finished::default());
    let done = all(&plan);
    let (after, _) = with(&before, "Users must print lists of books");
    for make in MAKERS {
        let next = make(&after, Some(&plan), &done);
        let back = make(&before, Some(&next), &done);
        assert_eq!(new(&back, &done), Vec::<&Task>::new());
    }
}

#[test]
fn a_changed_text_and_a_new_feature_are_released_together() {
    let before = proposed(VISION);
    let plan = planned(&before, None, &Finished::default());
    let done = all(&plan);
    let export = before.items.iter().find(|item| item.text.contains("XML"));
    let change = RequirementsEdit::Change {
        id: export.expect("the item").id.clone(),
        text: Some("Users must export lists as XML and PDF.".to_owned()),
        kind: None,
        priority: None,
        mvp: None,
    };
    let changed = before.edited(&[change], "ada").expect("it holds");
    let (after, added) = with(&changed, "Users must print lists of books");
    for make in MAKERS {
        let next = make(&after, Some(&plan), &done);
        assert_eq!(next.check_with(&after.items, &done), []);
        let tasks = new(&next, &done);
        let release = tasks
            .iter()
            .filter(|task| task.title.contains("Release") && task.requirements.contains(&added));
        let release: Vec<_> = release.collect();
        assert_eq!(release.len(), 1, "{tasks:#?}");
        for other in tasks.iter().filter(|task| task.id != release[0].id) {
            assert!(
                comes_after(&next, release[0], &other.id),
                "{other:#?} {tasks:#?}"
            );
        }
        assert_eq!(make(&after, Some(&next), &done).tasks, next.tasks);
        let done = all(&next);
        assert_eq!(
            new(&make(&after, Some(&next), &done), &done),
            Vec::<&Task>::new()
        );
    }
}

#[test]
fn a_replan_before_the_release_takes_what_is_new_along() {
    let before = proposed(VISION);
    let plan = planned(&before, None, &Finished::default());
    let (after, added) = with(&before, "Users must print lists of books");
    let next = adapted(&after, Some(&plan), &Finished::default());
    assert_eq!(next.check(&after.items), []);
    let tasks: Vec<&Task> = next.tasks.iter().collect();
    for title in ["Write for its users", "Release the first version"] {
        let whole = called(&tasks, title);
        assert!(whole.requirements.contains(&added), "{whole:#?}");
        assert!(comes_after(&next, whole, &format!("T-{}", plan.next_task)));
    }
}

#[test]
fn the_release_of_a_model_is_done_anew_for_what_comes_after_it() {
    let before = proposed(VISION);
    let mut plan = planned(&before, None, &Finished::default());
    for task in &mut plan.tasks {
        task.origin = Origin::Model;
        task.key = format!("model/{}", task.id);
    }
    let done = all(&plan);
    let (after, added) = with(&before, "Users must print lists of books");
    let next = adapted(&after, Some(&plan), &done);
    let tasks = new(&next, &done);
    assert_eq!(tasks.len(), 3, "{tasks:#?}");
    let release = called(&tasks, "Change: Release the first version");
    assert_eq!(release.requirements, [added]);
    for other in &tasks[..2] {
        assert!(comes_after(&next, release, &other.id), "{tasks:#?}");
    }
    assert_eq!(adapted(&after, Some(&next), &done).tasks, next.tasks);
}

#[test]
fn a_feature_is_served_by_what_builds_or_tests_it_and_by_no_whole() {
    for (name, text) in visions() {
        let document = proposed(&text);
        let plan = planned(&document, None, &Finished::default());
        assert_eq!(plan.check(&document.items), [], "{name}");
        let built = plan
            .tasks
            .iter()
            .find(|task| task.key.starts_with("build/"));
        let Some(built) = built else { continue };
        let requirement = built.requirements[0].clone();
        let id = &built.key["build/".len()..];
        let remove = |key: String| Edit::RemoveTask {
            id: plan
                .tasks
                .iter()
                .find(|task| task.key == key)
                .expect("the task")
                .id
                .clone(),
        };
        let without = edit(&plan, &[remove(format!("build/{id}"))]).expect("it can be done");
        assert_eq!(
            without.check(&document.items),
            [],
            "{name}: its test is left"
        );
        let without = edit(&without, &[remove(format!("test/{id}"))]).expect("it can be done");
        let faults = without.check(&document.items);
        let unserved = |fault: &Fault| matches!(fault, Fault::Unserved { requirement: id, .. } if *id == requirement);
        assert!(faults.iter().any(unserved), "{name}: {faults:?}");
        // A person's task for it is taken at its word.
        let own = Edit::AddTask {
            story: without.stories[0].id.clone(),
            title: "Buy it".to_owned(),
            role: "planner".to_owned(),
            description: String::new(),
            kind: crate::work_item::Kind::Task,
            capabilities: Vec::new(),
            tools: Vec::new(),
            requirements: built.requirements.clone(),
            acceptance: Vec::new(),
            depends_on: Vec::new(),
            estimate: None,
        };
        let bought = edit(&without, &[own]).expect("it can be done");
        assert_eq!(bought.check(&document.items), [], "{name}");
    }
}

#[test]
fn a_text_that_changes_after_it_was_released_anew_is_released_once_more() {
    let before = proposed(VISION);
    let plan = planned(&before, None, &Finished::default());
    let (after, added) = with(&before, "Users must print lists of books");
    let change = RequirementsEdit::Change {
        id: added.clone(),
        text: Some("Users must print lists of books and of users.".to_owned()),
        kind: None,
        priority: None,
        mvp: None,
    };
    let changed = after.edited(&[change], "ada").expect("it holds");
    for make in MAKERS {
        let next = make(&after, Some(&plan), &all(&plan));
        let done = all(&next);
        let last = make(&changed, Some(&next), &done);
        assert_eq!(last.check_with(&changed.items, &done), []);
        assert!(!last.is_behind(&changed.items, &done));
        let tasks = new(&last, &done);
        let release = called(&tasks, "Release the first version");
        for other in tasks.iter().filter(|task| task.id != release.id) {
            assert!(
                comes_after(&last, release, &other.id),
                "{other:#?} {tasks:#?}"
            );
        }
        assert_eq!(make(&changed, Some(&last), &done).tasks, last.tasks);
        let done = all(&last);
        assert!(!last.is_behind(&changed.items, &done));
        assert_eq!(
            new(&make(&changed, Some(&last), &done), &done),
            Vec::<&Task>::new()
        );
    }
}
