//! What ends for one text while another is planned, and changes that several tasks share.

use super::{Breakdown, Checks, Finished, Task, adapt, propose};
use crate::requirements::visions::proposed;
use crate::requirements::{Document, Edit as RequirementsEdit};

const VISION: &str = "Users must export lists as XML. Users must search books. Written in Rust.";

fn planned(document: &Document, before: Option<&Breakdown>, done: &Finished) -> Breakdown {
    propose(document, &Checks::default(), before, done)
}

/// The vision's requirements before and after one of them is reworded, and which that is.
fn reworded() -> (Document, Document, String) {
    let before = proposed(VISION);
    let found = before.items.iter().find(|item| item.text.contains("XML"));
    let export = found.expect("the item").id.clone();
    let change = RequirementsEdit::Change {
        id: export.clone(),
        text: Some("Users must export lists as XML and PDF.".to_owned()),
        kind: None,
        priority: None,
        mvp: None,
    };
    let after = before.edited(&[change], "ada").expect("an edit that holds");
    (before, after, export)
}

fn keyed<'p>(plan: &'p Breakdown, key: &str) -> &'p Task {
    let found = plan.tasks.iter().find(|task| task.key == key);
    found.unwrap_or_else(|| panic!("no {key}: {:#?}", plan.tasks))
}

fn all(plan: &Breakdown, but: &str) -> Finished {
    let tasks = plan.tasks.iter().filter(|task| task.key != but);
    tasks.map(|task| task.id.clone()).collect()
}

fn changes(plan: &Breakdown) -> Vec<&Task> {
    let tasks = plan.tasks.iter();
    tasks
        .filter(|task| task.title.starts_with("Change: "))
        .collect()
}

fn shared(plan: &Breakdown) -> Vec<&Task> {
    let changes = changes(plan).into_iter();
    let shared = changes.filter(|task| task.key.ends_with("/shared"));
    shared.collect()
}

#[test]
fn what_ends_while_another_text_is_planned_is_known_and_gets_its_change_then() {
    let (before, after, export) = reworded();
    let working = planned(&before, None, &Finished::default());
    let build = keyed(&working, &format!("build/{export}")).id.clone();
    // Proposed while the work went on, for the text that it had begun with.
    let next = planned(&after, Some(&working), &Finished::default());
    let otherwise = next.told_otherwise(&working);
    assert_eq!(otherwise.get(&build), Some(&vec![export.clone()]));
    assert!(changes(&next).is_empty());

    let done: Finished = [build.clone()].into_iter().collect();
    let mut known = next.clone();
    known.remember_done(&working, &done);
    assert!(known.is_behind(&after.items, &done));
    let again = planned(&after, Some(&known), &done);
    assert_eq!(again.told_otherwise(&working).get(&build), None);
    assert!(!again.is_behind(&after.items, &done));
    let made = changes(&again);
    assert_eq!(made.len(), 1, "{made:#?}");
    assert!(made[0].depends_on.contains(&build));
    assert_eq!(again.check_with(&after.items, &done), []);
}

#[test]
fn tasks_on_the_whole_share_one_change_and_those_on_the_requirement_have_their_own() {
    let (before, after, export) = reworded();
    let plan = planned(&before, None, &Finished::default());
    let done = all(&plan, "");
    let of_it = |key: &str| keyed(&plan, &format!("{key}/{export}")).id.clone();
    let own = [of_it("build"), of_it("test")];
    let general = plan.tasks.iter().filter(|task| {
        task.requirements.len() > 1
            && task.requirements.contains(&export)
            && !own.contains(&task.id)
    });
    let general: Vec<&String> = general.map(|task| &task.id).collect();
    assert!(general.len() > 1, "{plan:#?}");
    for next in [
        planned(&after, Some(&plan), &done),
        adapt(&after, &Checks::default(), &plan, &done),
    ] {
        let all_shared = shared(&next);
        let [one] = all_shared.as_slice() else {
            panic!("{all_shared:#?}");
        };
        assert_eq!(one.requirements, std::slice::from_ref(&export));
        assert!(general.iter().all(|id| one.depends_on.contains(id)));
        for head in &own {
            let change = changes(&next)
                .into_iter()
                .find(|task| task.depends_on.contains(head) && task.id != one.id);
            assert!(change.is_some(), "{head}: {next:#?}");
        }
        assert_eq!(changes(&next).len(), 3, "{:#?}", changes(&next));
        assert_eq!(next.check_with(&after.items, &done), []);
        assert_eq!(planned(&after, Some(&next), &done).tasks, next.tasks);

        // Once it is done, it is done for all of them.
        let more = all(&next, "");
        assert_eq!(changes(&planned(&after, Some(&next), &more)).len(), 3);
        // The first text again asks for no change of what is done for it, and for all where the change is done.
        assert_eq!(changes(&planned(&before, Some(&next), &done)).len(), 0);
        let back = planned(&before, Some(&next), &more);
        assert_eq!(shared(&back).len(), 2);
        assert_eq!(back.check_with(&before.items, &more), []);
    }
}

#[test]
fn what_waited_for_one_of_them_waits_for_the_shared_change() {
    let (before, after, _) = reworded();
    let plan = planned(&before, None, &Finished::default());
    let release = keyed(&plan, "release").id.clone();
    let done = all(&plan, "release");
    let next = planned(&after, Some(&plan), &done);
    let change = shared(&next)[0].id.clone();
    let waits = &keyed(&next, "release").depends_on;
    assert!(waits.contains(&change), "{release}: {waits:?}");
    assert_eq!(next.check_with(&after.items, &done), []);
}
