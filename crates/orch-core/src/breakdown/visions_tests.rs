//! Ten visions of different kinds from their text to a plan: every demanded requirement is served, every
//! task serves one, nothing waits for itself, and a second proposal changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

use super::{
    Breakdown, Checks, Edit, Finished, History, MOST_TASKS, Origin, Standing, Task, difference,
    draw, edit, impact, later, propose, replan, schedule, standing,
};
use crate::requirements::visions::{proposed, visions};
use crate::requirements::{Document, Edit as RequirementsEdit, ItemKind, Priority, Requirement};

fn planned(document: &Document) -> Breakdown {
    propose(document, &Checks::default(), None, &Finished::default())
}

fn document(name: &str) -> Document {
    let (_, text) = visions()
        .into_iter()
        .find(|(known, _)| *known == name)
        .expect("a vision");
    proposed(&text)
}

/// What is done is kept, but for waiting for what is gone.
fn but_for_order(task: &Task) -> Task {
    Task {
        depends_on: Vec::new(),
        ..task.clone()
    }
}

fn ids(plan: &Breakdown) -> BTreeMap<String, String> {
    plan.tasks
        .iter()
        .map(|task| (task.key.clone(), task.id.clone()))
        .collect()
}

#[test]
fn every_demanded_requirement_is_served_and_every_task_serves_one() {
    for (name, text) in visions() {
        let document = proposed(&text);
        let plan = planned(&document);
        assert_eq!(plan.check(&document.items), [], "{name}");
        let served: HashSet<&String> = plan
            .tasks
            .iter()
            .flat_map(|task| &task.requirements)
            .collect();
        let listed: HashSet<&String> = later(&document.items)
            .into_iter()
            .map(|(item, _)| &item.id)
            .collect();
        for item in &document.items {
            let is_settled = served.contains(&item.id) || listed.contains(&item.id);
            assert!(
                is_settled || standing(item) == Standing::NoWork,
                "{name}: {item:?}"
            );
        }
        for task in &plan.tasks {
            assert!(!task.requirements.is_empty(), "{name}: {task:?}");
            assert!(!task.acceptance.is_empty(), "{name}: {task:?}");
            assert_eq!(task.origin, Origin::Rules);
        }
        let keys: HashSet<&String> = plan.tasks.iter().map(|task| &task.key).collect();
        assert_eq!(keys.len(), plan.tasks.len(), "{name}");
        assert!(plan.tasks.len() <= MOST_TASKS);
        let found = schedule(&plan, &History::default(), &Finished::default());
        let found = found.expect("no cycle");
        assert_eq!(found.waves.is_empty(), plan.tasks.is_empty(), "{name}");
    }
}

#[test]
fn a_second_proposal_of_the_same_requirements_is_the_same_plan() {
    for (name, text) in visions() {
        let document = proposed(&text);
        let plan = planned(&document);
        let again = propose(
            &document,
            &Checks::default(),
            Some(&plan),
            &Finished::default(),
        );
        assert!(difference(&plan, &again).is_empty(), "{name}");
        assert_eq!(again, plan, "{name}");
        assert_eq!(again.digest(), planned(&document).digest(), "{name}");
    }
}

#[test]
fn a_shop_is_planned_as_a_person_would_expect() {
    let plan = planned(&document("shop"));
    let roles: BTreeSet<&str> = plan.tasks.iter().map(|task| task.role.as_str()).collect();
    let expected = [
        "architect",
        "developer",
        "infra",
        "planner",
        "qa",
        "release_manager",
        "security",
        "tech_writer",
    ];
    assert_eq!(roles, BTreeSet::from(expected));
    let text = draw::text(&plan, None, &Finished::default());
    for wanted in [
        "Build: Customers must pay by card or invoice",
        "Check the security: It complies with GDPR",
        "Build: Customers can reserve a bike for 24 hours",
        "Measure: Pages must load within 2 seconds",
        "Plan for: Budget: $500 a month",
        "Make measurable: Success means 100 paying customers by June",
        "Release the first version",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
    }
    // Nobody chose an architecture, so that no command and no tool is known.
    assert!(plan.tasks.iter().all(|task| task.tools.is_empty()));
    let commands = plan.tasks.iter().flat_map(|task| &task.acceptance);
    assert!(commands.into_iter().all(|wanted| wanted.command.is_none()));
}

#[test]
fn commands_are_known_where_the_language_is_said_or_the_architecture_chosen() {
    let commands = |plan: &Breakdown| -> BTreeSet<String> {
        let criteria = plan.tasks.iter().flat_map(|task| &task.acceptance);
        criteria
            .filter_map(|wanted| wanted.command.clone())
            .collect()
    };
    let tool = planned(&document("tool"));
    assert_eq!(commands(&tool), BTreeSet::from(["cargo test".to_owned()]));
    let choice = RequirementsEdit::Choose {
        option: Some("saas-monolith".to_owned()),
    };
    let shop = document("shop")
        .edited(&[choice], "ann")
        .expect("it is offered");
    let shop = planned(&shop);
    assert_eq!(
        commands(&shop),
        BTreeSet::from(["python3 -m pytest".to_owned()])
    );
    let infra = shop.tasks.iter().find(|task| task.key == "infrastructure");
    assert_eq!(infra.expect("it is operated").tools, ["tofu", "docker"]);
}

#[test]
fn what_gives_orders_stays_a_text_in_the_plan() {
    let document = document("injection");
    let plan = planned(&document);
    let timed = schedule(&plan, &History::default(), &Finished::default()).expect("no cycle");
    for task in &plan.tasks {
        assert!(!task.edited && task.origin == Origin::Rules);
        assert!(
            task.acceptance
                .iter()
                .all(|wanted| wanted.command.is_none())
        );
        assert!(!task.title.contains(char::is_control), "{task:?}");
    }
    let done = Finished::default();
    for drawing in [
        draw::mermaid(&plan, Some(&timed), &done),
        draw::dot(&plan, Some(&timed), &done),
    ] {
        let nodes = drawing.lines().filter(|line| line.contains('[')).count();
        assert!(nodes >= plan.tasks.len(), "{drawing}");
    }
    assert!(!draw::mermaid(&plan, Some(&timed), &done).contains("<script"));
}

#[test]
fn what_persons_changed_is_kept_and_what_they_removed_does_not_come_back() {
    let document = proposed(
        "Customers must pay by card. Customers must reserve a bike. The shop must print invoices. Use Rust.",
    );
    let plan = planned(&document);
    let built: Vec<&Task> = plan
        .tasks
        .iter()
        .filter(|task| task.key.starts_with("build/"))
        .collect();
    let (changed, gone) = (built[0].clone(), built[1].clone());
    let edits = [
        Edit::ChangeTask {
            id: changed.id.clone(),
            story: None,
            title: Some("Pay by card first".to_owned()),
            description: None,
            kind: None,
            role: None,
            capabilities: None,
            tools: None,
            requirements: None,
            acceptance: None,
        },
        Edit::RemoveTask {
            id: gone.id.clone(),
        },
        Edit::RenameEpic {
            id: plan.epics[0].id.clone(),
            title: "Base".to_owned(),
        },
    ];
    let edited = edit(&plan, &edits).expect("all can be done");
    let again = propose(
        &document,
        &Checks::default(),
        Some(&edited),
        &Finished::default(),
    );
    assert_eq!(again, edited);
    assert_eq!(again.epics[0].title, "Base");
    assert!(!again.tasks.iter().any(|task| task.key == gone.key));
    // What waited for the removed task waits for what it waited for.
    let test = again
        .tasks
        .iter()
        .find(|task| task.key == gone.key.replace("build/", "test/"));
    assert_eq!(test.expect("it stays").depends_on, gone.depends_on);
}

#[test]
fn a_removed_requirement_takes_its_tasks_along_but_for_those_that_are_done() {
    let before = document("shop");
    let plan = planned(&before);
    let is_card = |item: &&Requirement| item.text.contains("card");
    let card = before
        .items
        .iter()
        .find(is_card)
        .expect("an item")
        .id
        .clone();
    let removal = RequirementsEdit::Remove { id: card.clone() };
    let after = before.edited(&[removal], "ann").expect("it is there");
    let build = format!("build/{card}");
    let done: Finished = plan
        .tasks
        .iter()
        .filter(|task| task.key == build)
        .map(|task| task.id.clone())
        .collect();
    let touched = impact(&before, &after, &plan, &Finished::default());
    assert!(touched.tasks.iter().any(|id| done.contains(id)));
    assert!(!touched.downstream.is_empty());
    let again = propose(&after, &Checks::default(), Some(&plan), &done);
    let kept = again.tasks.iter().find(|task| task.key == build);
    let was = plan.tasks.iter().find(|task| task.key == build);
    let (kept, was) = (kept.expect("it is done"), was.expect("it was planned"));
    // What looked for threats goes with the one item that asked for it.
    assert_eq!(kept.depends_on, was.depends_on[..1]);
    assert_eq!(but_for_order(kept), but_for_order(was));
    assert!(
        !again
            .tasks
            .iter()
            .any(|task| task.key == format!("test/{card}"))
    );
    assert_eq!(again.check_with(&after.items, &done), []);
    let without = propose(
        &after,
        &Checks::default(),
        Some(&plan),
        &Finished::default(),
    );
    assert!(!without.tasks.iter().any(|task| task.key == build));
    assert_eq!(without.check(&after.items), []);
}

#[test]
fn an_answer_is_worked_on_with_what_it_answers() {
    let before = document("german");
    let question = before
        .items
        .iter()
        .find(|item| item.vague_word.is_some())
        .expect("a vague word");
    let about = question.about.clone().expect("it is about an item");
    let answer = RequirementsEdit::Answer {
        id: question.id.clone(),
        answer: "unter 2 Sekunden".to_owned(),
    };
    let after = before.edited(&[answer], "ann").expect("it is open");
    let said = after.items.last().expect("items").id.clone();
    let said = after
        .items
        .iter()
        .find(|item| item.about.as_ref() == Some(&question.id))
        .map_or(said, |item| item.id.clone());
    let (plan, answered) = (planned(&before), planned(&after));
    let key = format!("build/{about}");
    let of = |plan: &Breakdown| {
        let task = plan.tasks.iter().find(|task| task.key == key);
        task.expect("a task for it").clone()
    };
    assert_eq!(of(&answered).requirements, [about, said]);
    // An open question makes the worst case worse.
    assert!(of(&plan).estimate.high_minutes > of(&answered).estimate.high_minutes);
    assert_eq!(answered.check(&after.items), []);
}

#[test]
fn rules_give_way_where_they_would_close_a_cycle_with_what_a_person_set() {
    let before = proposed("Customers must reserve a bike.");
    let plan = planned(&before);
    let id = |key: &str| ids(&plan)[key].clone();
    let build = format!("build/{}", before.items[0].id);
    let edited = edit(
        &plan,
        &[
            Edit::RemoveDependency {
                task: id("scaffold"),
                on: id("architecture"),
            },
            Edit::AddDependency {
                task: id("architecture"),
                on: id(&build),
            },
        ],
    )
    .expect("no cycle yet");
    // Payments bring a look at threats, for which each building would wait, and which waits for the architecture.
    let after = proposed("Customers must reserve a bike. Customers must pay by card.");
    let again = propose(
        &after,
        &Checks::default(),
        Some(&edited),
        &Finished::default(),
    );
    assert_eq!(again.check(&after.items), []);
    let architecture = again.tasks.iter().find(|task| task.key == "architecture");
    assert_eq!(architecture.expect("it stays").depends_on, [id(&build)]);
    assert!(again.tasks.iter().any(|task| task.key == "threats"));
}

#[test]
fn what_a_replan_added_stays_with_its_task() {
    let document = document("tool");
    let plan = planned(&document);
    let failed = ids(&plan)["scaffold"].clone();
    let redone = replan(&plan, "no network", &[failed], &Finished::default());
    let redone = redone.expect("it can be redone").plan;
    assert_eq!(
        propose(
            &document,
            &Checks::default(),
            Some(&redone),
            &Finished::default()
        ),
        redone
    );
}

#[test]
fn the_most_requirements_make_a_plan_within_its_bounds() {
    let mut document = document("shop");
    let item = document.items[0].clone();
    let kinds = [
        ItemKind::Functional,
        ItemKind::Constraint,
        ItemKind::SuccessCriterion,
    ];
    document.items = (0..20_000)
        .map(|number: usize| Requirement {
            id: format!("R-{number}"),
            kind: kinds[number % 5 % 3],
            text: format!("Use w{} for thing of customers {number}", number % 700),
            priority: Priority::Must,
            mvp: None,
            ..item.clone()
        })
        .collect();
    let plan = planned(&document);
    assert_eq!(plan.check(&document.items), []);
}

proptest! {
    #[test]
    fn tasks_of_requirements_that_stay_keep_their_ids(
        which in 0_usize..8,
        gone in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        done in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let (_, text) = &visions()[which];
        let before = proposed(text);
        let plan = planned(&before);
        let mut after = before.clone();
        for index in gone {
            if !after.items.is_empty() {
                let at = index.index(after.items.len());
                after.items.remove(at);
            }
        }
        let done: Finished = done
            .iter()
            .filter(|_| !plan.tasks.is_empty())
            .map(|index| plan.tasks[index.index(plan.tasks.len())].id.clone())
            .collect();
        let again = propose(&after, &Checks::default(), Some(&plan), &done);
        prop_assert!(again.check_with(&after.items, &done).is_empty(), "{:?}", again.check_with(&after.items, &done));
        let (old, new) = (ids(&plan), ids(&again));
        let mut given = BTreeSet::new();
        for (key, id) in &new {
            prop_assert!(given.insert(id), "{id} is given twice");
            if let Some(known) = old.get(key) {
                prop_assert!(id == known, "{key} was {known} and is {id}");
            } else {
                prop_assert!(!old.values().any(|known| known == id));
            }
        }
        for task in plan.tasks.iter().filter(|task| done.contains(&task.id)) {
            let kept = again.tasks.iter().find(|kept| kept.id == task.id);
            prop_assert_eq!(kept.map(but_for_order), Some(but_for_order(task)));
        }
    }
}
