//! Plans stay true: work that is done for another text, fields that persons set, and cuts of replans.

use super::{Breakdown, Checks, Edit, Fault, Finished, Task, adapt, edit, impact, propose, replan};
use crate::requirements::visions::proposed;
use crate::requirements::{Document, Edit as RequirementsEdit};

const VISION: &str = "Users must export lists as XML. Users must search books. Written in Rust.";

fn planned(document: &Document, before: Option<&Breakdown>, done: &Finished) -> Breakdown {
    propose(document, &Checks::default(), before, done)
}

fn reworded(document: &Document, id: &str, text: &str) -> Document {
    let change = RequirementsEdit::Change {
        id: id.to_owned(),
        text: Some(text.to_owned()),
        kind: None,
        priority: None,
        mvp: None,
    };
    document
        .edited(&[change], "ada")
        .expect("an edit that holds")
}

fn about(document: &Document, word: &str) -> String {
    let found = document.items.iter().find(|item| item.text.contains(word));
    found.expect("the item").id.clone()
}

fn keyed<'p>(plan: &'p Breakdown, key: &str) -> &'p Task {
    let found = plan.tasks.iter().find(|task| task.key == key);
    found.unwrap_or_else(|| panic!("no {key}: {:#?}", plan.tasks))
}

fn changes(plan: &Breakdown) -> Vec<&Task> {
    let changes = plan.tasks.iter();
    changes
        .filter(|task| task.title.starts_with("Change: "))
        .collect()
}

#[test]
fn work_that_is_done_for_another_text_stands_and_a_change_builds_on_it() {
    let before = proposed(VISION);
    let export = about(&before, "XML");
    let plan = planned(&before, None, &Finished::default());
    let (build, test) = (format!("build/{export}"), format!("test/{export}"));
    let build = keyed(&plan, &build);
    let test = keyed(&plan, &test);
    let done: Finished = [&build.id, &test.id, &plan.tasks[0].id, &plan.tasks[1].id]
        .into_iter()
        .cloned()
        .collect();
    let after = reworded(&before, &export, "Users must export lists as XML and PDF.");
    assert!(
        impact(&before, &after, &plan, &done)
            .unserved
            .contains(&export)
    );
    let stale = Fault::Unserved {
        requirement: export.clone(),
        priority: crate::requirements::Priority::Must,
    };
    for next in [
        planned(&after, Some(&plan), &done),
        adapt(&after, &Checks::default(), &plan, &done),
    ] {
        assert_eq!(keyed(&next, &build.key), build, "what is done stands");
        let made = changes(&next);
        assert_eq!(made.len(), 2, "{made:#?}");
        assert_eq!(made[0].depends_on, std::slice::from_ref(&build.id));
        assert_eq!(made[1].depends_on, [test.id.clone(), made[0].id.clone()]);
        assert_eq!(made[0].requirements, std::slice::from_ref(&export));
        assert!(
            made[0].acceptance[0].text.contains("XML and PDF"),
            "{made:#?}"
        );
        let commands = |task: &Task| -> Vec<_> {
            let criteria = task.acceptance.iter();
            criteria.filter_map(|one| one.command.clone()).collect()
        };
        assert_eq!(commands(made[0]), commands(build));
        assert_eq!(next.check_with(&after.items, &done), []);
        let mut without = next.clone();
        without.tasks.retain(|task| done.contains(&task.id));
        assert!(without.check_with(&after.items, &done).contains(&stale));
        // What waited for the old test waits for the new one.
        let waits = next
            .tasks
            .iter()
            .any(|task| task.depends_on.contains(&made[1].id));
        assert!(waits);

        // The same again makes nothing new; once it is done nothing is asked for; another text asks again.
        assert_eq!(planned(&after, Some(&next), &done).tasks, next.tasks);
        let mut more = done.clone();
        more.tasks.extend(made.iter().map(|task| task.id.clone()));
        assert_eq!(changes(&planned(&after, Some(&next), &more)).len(), 2);
        let third = reworded(&after, &export, "Users must export lists as PDF.");
        assert_eq!(changes(&planned(&third, Some(&next), &done)).len(), 2);
        let again = planned(&third, Some(&next), &more);
        assert_eq!(changes(&again).len(), 4);
        assert_eq!(again.check_with(&third.items, &more), []);
        // The first text again asks for no change of what is done for it.
        assert_eq!(changes(&planned(&before, Some(&next), &done)).len(), 0);
    }
}

#[test]
fn an_edit_protects_the_fields_that_were_set_and_no_others() {
    let before = proposed(VISION);
    let export = about(&before, "XML");
    let plan = planned(&before, None, &Finished::default());
    let build = keyed(&plan, &format!("build/{export}")).clone();
    let last = plan
        .tasks
        .iter()
        .find(|task| task.key.starts_with("build/") && task.id != build.id);
    let on = last.expect("another").id.clone();
    let edited = edit(
        &plan,
        &[Edit::AddDependency {
            task: build.id.clone(),
            on: on.clone(),
        }],
    )
    .expect("it can be done");
    let after = reworded(&before, &export, "Users must export lists as PDF.");
    let next = planned(&after, Some(&edited), &Finished::default());
    let now = keyed(&next, &build.key);
    assert!(now.depends_on.contains(&on) && now.edited);
    assert!(now.title.contains("PDF"), "{now:#?}");
    assert!(now.acceptance[0].text.contains("PDF") && !now.description.contains("XML"));

    // What is stored without the fields protects all of them.
    let mut old = edited.clone();
    old.own.clear();
    let next = planned(&after, Some(&old), &Finished::default());
    assert!(keyed(&next, &build.key).title.contains("XML"));
}

#[test]
fn what_waits_for_a_task_that_was_cut_waits_for_its_last_part_in_later_proposals() {
    let document = proposed(VISION);
    let export = about(&document, "XML");
    let mut plan = planned(&document, None, &Finished::default());
    let mut build = keyed(&plan, &format!("build/{export}")).clone();
    build.acceptance.splice(
        0..1,
        ["It is exported", "It can be read again", "It is small"].map(|text| super::Criterion {
            text: text.to_owned(),
            command: None,
        }),
    );
    let change = Edit::ChangeTask {
        id: build.id.clone(),
        story: None,
        title: None,
        description: None,
        kind: None,
        role: None,
        capabilities: None,
        tools: None,
        requirements: None,
        acceptance: Some(build.acceptance.clone()),
    };
    plan = edit(&plan, &[change]).expect("it can be done");
    for _ in 0..3 {
        let failed = [build.id.clone()];
        plan = replan(&plan, "it failed", &failed, &Finished::default())
            .expect("it can be done")
            .plan;
    }
    let parts = plan
        .tasks
        .iter()
        .filter(|task| task.title.starts_with("Second part"));
    assert_eq!(parts.clone().count(), 2);
    for part in parts {
        let mut runs = part.acceptance.iter();
        assert!(runs.any(|one| one.command.is_some()), "{part:#?}");
    }
    let again = planned(&document, Some(&plan), &Finished::default());
    let test = format!("test/{export}");
    assert_eq!(
        keyed(&again, &test).depends_on,
        keyed(&plan, &test).depends_on
    );
    assert_eq!(again.tasks, plan.tasks);
}

#[test]
fn a_version_without_what_it_remembers_keeps_its_digest() {
    let document = proposed(VISION);
    let mut plan = planned(&document, None, &Finished::default());
    let with = plan.digest();
    plan.served.clear();
    let stored = serde_json::to_string(&plan).expect("it serialises");
    assert!(!stored.contains("served") && !stored.contains("\"own\""));
    let read: Breakdown = serde_json::from_str(&stored).expect("it parses");
    assert_eq!(read.digest(), plan.digest());
    assert_ne!(with, plan.digest());
    plan.remember(&document.items);
    assert_eq!(plan.digest(), with);
}

fn added(story: &str, title: &str, command: &str) -> Edit {
    Edit::AddTask {
        story: story.to_owned(),
        title: title.to_owned(),
        role: "developer".to_owned(),
        description: String::new(),
        kind: crate::work_item::Kind::Task,
        capabilities: Vec::new(),
        tools: Vec::new(),
        requirements: Vec::new(),
        acceptance: vec![super::Criterion {
            text: "It runs".to_owned(),
            command: Some(command.to_owned()),
        }],
        depends_on: Vec::new(),
        estimate: None,
    }
}

#[test]
fn the_release_waits_for_what_a_person_adds() {
    let document = proposed(VISION);
    let plan = planned(&document, None, &Finished::default());
    let story = &plan.stories[0].id;
    let edited = edit(&plan, &[added(story, "Sign it", "make sign")]).expect("it can be done");
    let id = &edited.tasks.last().expect("a task").id;
    assert!(keyed(&edited, "release").depends_on.contains(id));
    let again = planned(&document, Some(&edited), &Finished::default());
    assert!(keyed(&again, "release").depends_on.contains(id));
    let parted = Edit::RemoveDependency {
        task: keyed(&edited, "release").id.clone(),
        on: id.clone(),
    };
    let parted = edit(&edited, &[parted]).expect("it can be done");
    let again = planned(&document, Some(&parted), &Finished::default());
    assert!(!keyed(&again, "release").depends_on.contains(id));
}

#[test]
fn done_work_loses_its_wait_for_a_change_that_is_dropped() {
    let before = proposed(VISION);
    let export = about(&before, "XML");
    let plan = planned(&before, None, &Finished::default());
    let build = keyed(&plan, &format!("build/{export}"));
    let done: Finished = [build.id.clone()].into_iter().collect();
    let after = reworded(&before, &export, "Users must export lists as XML and PDF.");
    let next = planned(&after, Some(&plan), &done);
    let change = changes(&next)[0].id.clone();
    let waiting = format!("build/{}", about(&before, "search"));
    let wait = Edit::AddDependency {
        task: keyed(&next, &waiting).id.clone(),
        on: change.clone(),
    };
    let next = edit(&next, &[wait]).expect("it can be done");
    let waiting = keyed(&next, &waiting);
    let mut more = done.clone();
    more.tasks.insert(waiting.id.clone());
    // The first text again: nothing asks for the change any more.
    for back in [
        planned(&before, Some(&next), &more),
        adapt(&before, &Checks::default(), &next, &more),
    ] {
        assert_eq!(changes(&back).len(), 0);
        assert_eq!(back.check_with(&before.items, &more), []);
        let mut waits = waiting.depends_on.clone();
        waits.retain(|on| *on != change);
        assert_eq!(keyed(&back, &waiting.key).depends_on, waits);
    }
}

#[test]
fn commands_and_titles_that_hide_something_are_refused() {
    let plan = planned(&proposed(VISION), None, &Finished::default());
    let story = &plan.stories[0].id;
    for command in [
        "a\u{202e}b",
        "a\nb",
        "a\u{7}",
        "a\u{200b}b",
        "a\u{2028}b",
        "a\u{e0041}b",
        "a\u{a0}b",
        "a\u{3164}b",
        "a\u{206a}b",
    ] {
        let faults = edit(&plan, &[added(story, "Do it", command)]).expect_err(command);
        assert_eq!(faults[0].field, "acceptance");
    }
    for title in ["\u{202e}", "\u{200b} \u{2060}", ""] {
        let faults = edit(&plan, &[added(story, title, "make")]).expect_err("no title");
        assert_eq!(faults[0].field, "title");
    }
    let cleaned = edit(&plan, &[added(story, "Pay\u{202e} now", "make")]).expect("a title");
    assert_eq!(cleaned.tasks.last().expect("a task").title, "Pay now");
}

#[test]
fn each_spike_says_why_its_own_task_failed() {
    let document = proposed(VISION);
    let plan = planned(&document, None, &Finished::default());
    let failed = [plan.tasks[0].id.clone(), plan.tasks[1].id.clone()];
    let mut made = replan(&plan, "it failed", &failed, &Finished::default())
        .expect("it can be done")
        .plan;
    let told = failed.iter().map(|task| super::TaskFailure {
        task: task.clone(),
        why: format!("exit code 1 of {task}"),
        log: vec!["ignore all that\u{202e}".to_owned()],
    });
    super::tell(&mut made, &plan, &told.collect::<Vec<_>>());
    let spikes = &made.tasks[made.tasks.len() - 2..];
    for (spike, task) in spikes.iter().zip(&failed) {
        let said = format!("> ended: exit code 1 of {task}\n> ignore all that\n");
        assert!(spike.description.contains(&said), "{spike:#?}");
    }
    assert_eq!(made.check(&document.items), []);
}

fn accepted(plan: &Breakdown, keys: &[&str], command: &str) -> Breakdown {
    let tasks = plan.tasks.iter();
    let tasks = tasks.filter(|task| keys.iter().any(|key| task.key.starts_with(key)));
    let edits = tasks.filter(|task| task.acceptance.iter().any(|one| one.command.is_some()));
    let edits: Vec<Edit> = edits
        .map(|task| {
            let mut acceptance = task.acceptance.clone();
            for one in acceptance.iter_mut().filter(|one| one.command.is_some()) {
                one.command = Some(command.to_owned());
            }
            Edit::ChangeTask {
                id: task.id.clone(),
                story: None,
                title: None,
                description: None,
                kind: None,
                role: None,
                capabilities: None,
                tools: None,
                requirements: None,
                acceptance: Some(acceptance),
            }
        })
        .collect();
    edit(plan, &edits).expect("it can be done")
}

#[test]
fn a_command_that_a_person_replaced_everywhere_is_replaced_in_new_tasks_and_else_it_is_said() {
    let document = proposed(VISION);
    let plan = planned(&document, None, &Finished::default());
    let more = RequirementsEdit::Add {
        kind: crate::requirements::ItemKind::Functional,
        text: "Users must print lists".to_owned(),
        priority: Some(crate::requirements::Priority::Must),
        mvp: Some(true),
    };
    let after = document.edited(&[more], "ada").expect("it holds");
    let print = about(&after, "print");
    let runs = |plan: &Breakdown, command: &str| {
        let built = keyed(plan, &format!("build/{print}"));
        let mut criteria = built.acceptance.iter();
        criteria.any(|one| one.command.as_deref() == Some(command))
    };
    for make in [
        |after: &Document, plan: &Breakdown| planned(after, Some(plan), &Finished::default()),
        |after: &Document, plan: &Breakdown| {
            adapt(after, &Checks::default(), plan, &Finished::default())
        },
    ] {
        let everywhere = accepted(&plan, &[""], "make check");
        let next = make(&after, &everywhere);
        assert!(runs(&next, "make check") && !runs(&next, "cargo test"));
        let said = "`make check` in place of `cargo test`";
        assert!(
            next.notes.iter().any(|note| note.contains(said)),
            "{:?}",
            next.notes
        );
        assert!(runs(&make(&after, &next), "make check"));

        let in_one = accepted(&plan, &["scaffold"], "make check");
        let next = make(&after, &in_one);
        assert!(runs(&next, "cargo test"));
        let said = "`cargo test`, which a person replaced by `make check`";
        assert!(
            next.notes.iter().any(|note| note.contains(said)),
            "{:?}",
            next.notes
        );
    }
}

#[test]
fn what_is_built_and_no_longer_asked_for_is_noted() {
    let before = proposed(VISION);
    let export = about(&before, "XML");
    let plan = planned(&before, None, &Finished::default());
    let build = keyed(&plan, &format!("build/{export}")).id.clone();
    let gone = RequirementsEdit::Remove { id: export.clone() };
    let after = before.edited(&[gone], "ada").expect("it holds");
    let done: Finished = [build.clone()].into_iter().collect();
    for (done, is_noted) in [(done, true), (Finished::default(), false)] {
        for next in [
            planned(&after, Some(&plan), &done),
            adapt(&after, &Checks::default(), &plan, &done),
        ] {
            let said = format!(
                "still built, though nobody asks for it any more: {export} ({build} “Build"
            );
            let found = next.notes.iter().any(|note| note.contains(&said));
            assert_eq!(found, is_noted, "{:?}", next.notes);
        }
    }
}

#[test]
fn what_looks_into_a_failure_and_fails_is_tried_again_and_looked_into_by_nothing() {
    let document = proposed(VISION);
    let plan = planned(&document, None, &Finished::default());
    let failed = [plan.tasks[0].id.clone()];
    let nothing = Finished::default();
    let first = replan(&plan, "it failed", &failed, &nothing).expect("it can be done");
    let spike = first.plan.tasks.last().expect("a spike").id.clone();
    let second = replan(
        &first.plan,
        "no network",
        std::slice::from_ref(&spike),
        &nothing,
    );
    let second = second.expect("it can be done");
    assert_eq!(second.plan.tasks.len(), first.plan.tasks.len());
    let again = second.plan.tasks.last().expect("a spike");
    assert!(
        again
            .description
            .ends_with("This failed as well. What was said: no network")
    );
    assert_eq!(second.difference.tasks.changed.len(), 1);
}
