//! What edits, replans and drawings do, as people would expect it.

use super::{
    Breakdown, Criterion, Edit, Epic, Fault, Finished, History, MOST_DEPENDENCIES, MOST_TASKS,
    ReplanFault, Story, Task, draw, edit, replan, schedule,
};
use crate::work_item::Kind;

fn task(number: usize, waits: &[usize]) -> Task {
    Task {
        id: format!("T-{number}"),
        story: "S-1".to_owned(),
        title: format!("Task {number}"),
        role: "developer".to_owned(),
        requirements: vec!["R-1".to_owned()],
        acceptance: ["one", "two", "three"]
            .map(|text| Criterion {
                text: text.to_owned(),
                command: None,
            })
            .to_vec(),
        depends_on: waits.iter().map(|on| format!("T-{on}")).collect(),
        key: format!("k{number}"),
        ..Task::default()
    }
}

fn plan(tasks: Vec<Task>) -> Breakdown {
    Breakdown {
        epics: vec![Epic {
            id: "E-1".to_owned(),
            title: "Epic".to_owned(),
            ..Epic::default()
        }],
        stories: vec![Story {
            id: "S-1".to_owned(),
            epic: "E-1".to_owned(),
            title: "Story".to_owned(),
            ..Story::default()
        }],
        next_epic: 2,
        next_story: 2,
        next_task: tasks.len() as u64 + 1,
        tasks,
        removed: Vec::new(),
        ..Breakdown::default()
    }
}

fn chain() -> Breakdown {
    plan(vec![task(1, &[]), task(2, &[1]), task(3, &[2])])
}

fn kinds(plan: &Breakdown) -> Vec<&'static str> {
    plan.check(&[]).iter().map(Fault::kind).collect()
}

fn on(task: &str, on: &str) -> Edit {
    Edit::AddDependency {
        task: task.to_owned(),
        on: on.to_owned(),
    }
}

#[test]
fn every_fault_is_named_with_what_is_expected() {
    let mut bad = chain();
    bad.tasks[0].requirements.clear();
    bad.tasks[0].estimate.low_minutes = 0;
    bad.tasks[1].role = "wizard".to_owned();
    bad.tasks[1].depends_on = vec!["T-9".to_owned()];
    bad.tasks[1].story = "S-9".to_owned();
    bad.tasks[2].title = String::new();
    bad.tasks.push(task(3, &[3]));
    bad.tasks[3].depends_on = (0..=MOST_DEPENDENCIES)
        .map(|at| format!("T-{at}"))
        .collect();
    bad.tasks[2].depends_on.push("T-3".to_owned());
    let found = bad.check(&[]);
    for kind in [
        "serves_nothing",
        "estimate",
        "unknown_role",
        "unknown_task",
        "unknown_parent",
        "text",
        "duplicate",
        "too_many",
        "unknown_requirement",
        "cycle",
    ] {
        let fault = found.iter().find(|fault| fault.kind() == kind);
        let fault = fault.unwrap_or_else(|| panic!("{kind} is missing in {found:#?}"));
        assert!(!fault.message().is_empty());
        assert_eq!(fault.is_blocking(), kind != "serves_nothing", "{kind}");
        let json = serde_json::to_value(fault).expect("plain data");
        assert_eq!(json["fault"], kind);
    }
}

#[test]
fn an_edit_that_closes_a_cycle_is_named_with_its_path() {
    let faults = edit(&chain(), &[on("T-3", "T-1"), on("T-1", "T-3")]).expect_err("a cycle");
    assert_eq!((faults.len(), faults[0].at, faults[0].field), (1, 1, "on"));
    assert!(
        faults[0].message.contains("T-1 → T-3 → T-1"),
        "{}",
        faults[0].message
    );
}

#[test]
fn every_edit_that_cannot_be_done_is_named() {
    let edits = [
        on("T-2", "T-1"),
        on("T-9", "T-1"),
        on("T-1", "T-1"),
        Edit::SetEstimate {
            id: "T-1".to_owned(),
            low_minutes: 9,
            likely_minutes: 5,
            high_minutes: 10,
        },
        Edit::RenameEpic {
            id: "E-1".to_owned(),
            title: "a\nb".to_owned(),
        },
        Edit::RemoveDependency {
            task: "T-1".to_owned(),
            on: "T-3".to_owned(),
        },
    ];
    let faults = edit(&chain(), &edits).expect_err("none can be done");
    let at: Vec<(usize, &str)> = faults.iter().map(|fault| (fault.at, fault.field)).collect();
    assert_eq!(
        at,
        [
            (0, "on"),
            (1, "task"),
            (2, "on"),
            (3, "estimate"),
            (4, "title"),
            (5, "on")
        ]
    );
    assert_eq!(edit(&chain(), &[]).expect_err("none").len(), 1);
}

#[test]
fn edits_are_read_from_json_by_their_op() {
    let edits: Vec<Edit> = serde_json::from_str(
        r#"[{"op": "add_epic", "title": "Extras"},
            {"op": "add_story", "epic": "E-2", "title": "More"},
            {"op": "add_task", "story": "S-2", "title": "Gift wrap", "depends_on": ["T-3"],
             "requirements": ["R-1"], "acceptance": [{"text": "It is wrapped", "command": "make wrap"}]},
            {"op": "change_task", "id": "T-4", "kind": "spike"},
            {"op": "set_estimate", "id": "T-4", "low_minutes": 10, "likely_minutes": 20, "high_minutes": 40}]"#,
    )
    .expect("edits");
    let edited = edit(&chain(), &edits).expect("all can be done");
    let added = edited.tasks.last().expect("a task");
    assert_eq!((added.id.as_str(), added.story.as_str()), ("T-4", "S-2"));
    assert_eq!(added.kind, Kind::Spike);
    assert!(added.edited);
    assert_eq!(edited.next_task, 5);
}

#[test]
fn a_task_that_failed_is_looked_into_first_and_cut_in_two_when_it_fails_again() {
    let first = replan(
        &chain(),
        "the build broke",
        &["T-2".to_owned()],
        &Finished::default(),
    )
    .expect("it can be redone");
    assert_eq!(first.reason, "the build broke");
    let spike = &first.plan.tasks[3];
    assert_eq!(
        (spike.id.as_str(), spike.kind, spike.depends_on.as_slice()),
        ("T-4", Kind::Spike, &["T-1".to_owned()][..])
    );
    assert_eq!(first.plan.tasks[1].depends_on, ["T-4"]);
    assert_eq!(first.difference.tasks.added.len(), 1);
    assert_eq!(kinds(&first.plan), kinds_of(4));

    let done: Finished = ["T-1", "T-4"].into_iter().collect();
    let second =
        replan(&first.plan, "again", &["T-2".to_owned()], &done).expect("it can be redone");
    let (whole, half, next) = (
        &second.plan.tasks[1],
        &second.plan.tasks[4],
        &second.plan.tasks[2],
    );
    assert_eq!((whole.acceptance.len(), half.acceptance.len()), (2, 1));
    assert_eq!(half.depends_on, ["T-2"]);
    assert_eq!(next.depends_on, ["T-5"]);
    assert_eq!(second.plan.tasks[0], chain().tasks[0]);
    assert!(schedule(&second.plan, &History::default(), &done).is_ok());
}

/// Nothing but that the one requirement is not known.
fn kinds_of(tasks: usize) -> Vec<&'static str> {
    vec!["unknown_requirement"; tasks]
}

#[test]
fn what_cannot_be_redone_is_said() {
    let failed = |id: &str| [id.to_owned()];
    let done: Finished = ["T-1"].into_iter().collect();
    let try_it = |reason: &str, id: &str| replan(&chain(), reason, &failed(id), &done).map(|_| ());
    assert_eq!(
        try_it("broke", "T-9"),
        Err(ReplanFault::UnknownTask {
            task: "T-9".to_owned()
        })
    );
    assert_eq!(
        try_it("broke", "T-1"),
        Err(ReplanFault::Done {
            task: "T-1".to_owned()
        })
    );
    assert_eq!(
        try_it(" \n ", "T-2"),
        Err(ReplanFault::Reason { length: 0 })
    );
    assert!(try_it("broke", "T-2").is_ok());
}

#[test]
fn hostile_titles_are_drawn_as_text() {
    let mut hostile = chain();
    hostile.tasks[0].title =
        "x\"] --> y; </text>\n  t9[\"`<script>alert(1)</script>`\"] #quot; \\ %% \u{202e}"
            .to_owned();
    let timed = schedule(&hostile, &History::default(), &Finished::default()).expect("no cycle");
    let done: Finished = ["T-1"].into_iter().collect();
    let mermaid = draw::mermaid(&hostile, Some(&timed), &done);
    let first = mermaid.lines().nth(1).expect("a task");
    assert!(
        first.starts_with("  t0[\"T-1 x#34;#93; --#62; y#59;") && first.ends_with("\"]:::done"),
        "{first}"
    );
    assert_eq!(mermaid.lines().count(), 1 + 3 + 2 + 2, "{mermaid}");
    assert!(!mermaid.contains('<') && !mermaid.contains('\u{202e}'));
    let dot = draw::dot(&hostile, Some(&timed), &done);
    let first = dot.lines().nth(3).expect("a task");
    assert!(
        first.contains(r#"label="T-1 x\"] --> y;"#) && first.contains(r"\\ %%"),
        "{first}"
    );
    assert_eq!(dot.lines().count(), 3 + 3 + 2 + 1, "{dot}");
    let text = draw::text(&hostile, Some(&timed), &done);
    assert!(text.starts_with("E-1 Epic\n  S-1 Story\n    [x] T-1 x\"] --> y; </text> t9["));
    assert!(
        text.contains("\n    [!] T-2 Task 2 (developer, 4 h) after T-1\n"),
        "{text}"
    );
    assert!(
        text.contains("\nWaves\n  1. T-1\n  2. T-2\n  3. T-3\n"),
        "{text}"
    );
}

#[test]
fn a_plan_of_the_most_tasks_in_one_chain_is_walked_to_its_end() {
    let long = plan(
        (1..=MOST_TASKS)
            .map(|at| match at {
                1 => task(1, &[]),
                at => task(at, &[at - 1]),
            })
            .collect(),
    );
    let found = schedule(&long, &History::default(), &Finished::default()).expect("no cycle");
    assert_eq!(found.critical_path.len(), MOST_TASKS);
    assert_eq!(found.waves.len(), MOST_TASKS);
    let mut ring = long;
    ring.tasks[0].depends_on = vec![format!("T-{MOST_TASKS}")];
    match schedule(&ring, &History::default(), &Finished::default()) {
        Err(Fault::Cycle { path }) => assert_eq!(path.len(), MOST_TASKS),
        other => panic!("{other:?}"),
    }
}

#[test]
fn old_samples_are_still_read() {
    let sample = r#"{"tasks": [{"id": "T-1", "title": "x", "kind": "infra", "origin": "person",
        "estimate": {"low_minutes": 1, "likely_minutes": 2, "high_minutes": 3}}], "next_task": 2}"#;
    let read: Breakdown = serde_json::from_str(sample).expect("a plan");
    assert_eq!((read.tasks[0].kind, read.next_epic), (Kind::Infra, 1));
}
