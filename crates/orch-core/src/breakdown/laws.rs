//! The laws of plans, tried on random graphs, edits and pairs of versions.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{
    Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use serde_json::Value;

use super::oracle::Small;
use super::{
    Bands, Breakdown, Criterion, Difference, Edit, Entries, Epic, Estimate, Fault, Finished,
    History, Measured, Story, Task, difference, edit, replan, schedule, schedule_for,
};
use crate::work_item::Kind;

/// A graph without cycles: each task waits for some of those before it, and then all are renamed.
fn acyclic() -> impl Strategy<Value = Small> {
    (1_usize..=10).prop_flat_map(|count| {
        let minutes = prop::collection::vec(1_u32..500, count);
        let arrows = prop::collection::vec(any::<bool>(), count * count);
        let names = Just((0..count).collect::<Vec<usize>>()).prop_shuffle();
        (minutes, arrows, names).prop_map(move |(minutes, arrows, names)| {
            let mut waits = vec![BTreeSet::new(); count];
            for later in 0..count {
                for earlier in 0..later {
                    if arrows[later * count + earlier] {
                        waits[names[later]].insert(names[earlier]);
                    }
                }
            }
            Small { minutes, waits }
        })
    })
}

/// Any graph.
fn any_graph() -> impl Strategy<Value = Small> {
    (1_usize..=10).prop_flat_map(|count| {
        let waits = prop::collection::vec(prop::collection::btree_set(0..count, 0..3), count);
        waits.prop_map(move |waits| Small {
            minutes: vec![1; count],
            waits,
        })
    })
}

fn id(at: usize) -> String {
    format!("T-{}", at + 1)
}

fn plan_of(graph: &Small) -> Breakdown {
    let tasks = graph
        .minutes
        .iter()
        .zip(&graph.waits)
        .enumerate()
        .map(|(at, (minutes, waits))| Task {
            id: id(at),
            story: "S-1".to_owned(),
            title: format!("Task {at}"),
            role: "developer".to_owned(),
            key: format!("k{at}"),
            depends_on: waits.iter().map(|on| id(*on)).collect(),
            estimate: Estimate {
                low_minutes: minutes.div_ceil(2),
                likely_minutes: *minutes,
                high_minutes: minutes * 3,
            },
            ..Task::default()
        })
        .collect();
    Breakdown {
        epics: vec![Epic {
            id: "E-1".to_owned(),
            title: "Epic".to_owned(),
            key: "person/E-1".to_owned(),
            ..Epic::default()
        }],
        stories: vec![Story {
            id: "S-1".to_owned(),
            epic: "E-1".to_owned(),
            title: "Story".to_owned(),
            key: "person/S-1".to_owned(),
            ..Story::default()
        }],
        next_epic: 2,
        next_story: 2,
        next_task: graph.minutes.len() as u64 + 1,
        tasks,
        removed: Vec::new(),
        ..Breakdown::default()
    }
}

fn place(id: &str) -> usize {
    let number: usize = id[2..].parse().expect("an id of a task");
    number - 1
}

fn is_ordered(bands: Bands) -> bool {
    bands.p50 <= bands.p80 && bands.p80 <= bands.p95
}

proptest! {
    #[test]
    fn critical_path_waves_and_slack_are_those_of_brute_force(graph in acyclic()) {
        let plan = plan_of(&graph);
        let found = schedule(&plan, &History::default(), &Finished::default()).expect("no cycle");
        let longest = graph.longest();
        prop_assert_eq!(found.critical_minutes, longest);
        let path: Vec<usize> = found.critical_path.iter().map(|id| place(id)).collect();
        let length: u64 = path.iter().map(|at| u64::from(graph.minutes[*at])).sum();
        prop_assert_eq!(length, longest);
        for pair in path.windows(2) {
            prop_assert!(graph.waits[pair[1]].contains(&pair[0]), "{path:?}");
        }
        for (at, timed) in found.tasks.iter().enumerate() {
            prop_assert_eq!(timed.earliest_finish, graph.earliest_finish(at));
            prop_assert_eq!(timed.slack_minutes, longest - graph.longest_through(at));
            prop_assert_eq!(timed.critical, path.contains(&at));
            prop_assert!(found.waves[graph.wave(at)].contains(&timed.id));
        }
        let waved: usize = found.waves.iter().map(Vec::len).sum();
        prop_assert_eq!(waved, graph.minutes.len());
    }

    #[test]
    fn bands_are_in_order_and_lie_between_the_longest_path_and_all_work(graph in acyclic(), workers in 1_usize..5) {
        let plan = plan_of(&graph);
        let mean = |at: usize| {
            let minutes = graph.minutes[at];
            f64::from(minutes.div_ceil(2) + 4 * minutes + minutes * 3) / 6.0
        };
        let count = graph.minutes.len();
        let all: f64 = (0..count).map(mean).sum();
        let chains = (0..count).flat_map(|at| graph.chains_to(at));
        let longest = chains.map(|chain| chain.into_iter().map(mean).sum::<f64>()).fold(0.0, f64::max);
        let found = schedule_for(&plan, &History::default(), &Finished::default(), &[1, workers, count]).expect("no cycle");
        prop_assert!(is_ordered(found.eta));
        // What is tried is off by a part of its deviation.
        let deviation = |at: usize| f64::from(graph.minutes[at] * 3 - graph.minutes[at].div_ceil(2)) / 6.0;
        let spread = (0..count).map(|at| deviation(at).powi(2)).sum::<f64>().sqrt();
        let off = 1.001 + 0.15 * spread;
        prop_assert!(found.eta.p50 as f64 >= longest - off, "{found:?} {longest}");
        prop_assert!(found.eta.p95 as f64 <= all + 1.645 * spread + off, "{found:?} {all}");
        let [one, some, enough] = [0, 1, 2].map(|at| found.with_workers[at].eta);
        prop_assert!((one.p50 as f64 - all).abs() <= off, "{one:?} {all}");
        prop_assert!((enough.p50 as f64 - found.eta.p50 as f64).abs() <= off);
        prop_assert!(is_ordered(some) && some.p50 >= found.eta.p50 && some.p50 as f64 <= all + off);
    }

    #[test]
    fn a_cycle_is_found_exactly_where_there_is_one_and_its_path_is_real(graph in any_graph()) {
        let plan = plan_of(&graph);
        let found = plan.check(&[]).into_iter().find_map(|fault| match fault {
            Fault::Cycle { path } => Some(path),
            _ => None,
        });
        prop_assert_eq!(found.is_some(), graph.is_cyclic());
        let scheduled = schedule(&plan, &History::default(), &Finished::default());
        prop_assert_eq!(scheduled.is_err(), graph.is_cyclic());
        if let Some(path) = found {
            let each: BTreeSet<&String> = path.iter().collect();
            prop_assert_eq!(each.len(), path.len());
            for (at, task) in path.iter().enumerate() {
                let next = place(&path[(at + 1) % path.len()]);
                prop_assert!(graph.waits[place(task)].contains(&next), "{path:?}");
            }
        }
    }

    #[test]
    fn what_is_done_takes_no_time(graph in acyclic(), done in prop::collection::vec(any::<bool>(), 10)) {
        let plan = plan_of(&graph);
        let finished: Finished = (0..graph.minutes.len()).filter(|at| done[*at]).map(id).collect();
        let found = schedule(&plan, &History::default(), &finished).expect("no cycle");
        let rest = Small {
            minutes: graph.minutes.iter().enumerate().map(|(at, minutes)| if done[at] { 0 } else { *minutes }).collect(),
            waits: graph.waits.clone(),
        };
        prop_assert_eq!(found.eta == Bands::default(), rest.longest() == 0);
        let shown = found.waves.iter().flatten().chain(&found.critical_path);
        prop_assert!(shown.into_iter().all(|id| !finished.contains(id)));
        let work: u64 = rest.minutes.iter().map(|minutes| u64::from(*minutes)).sum();
        prop_assert_eq!(found.work_minutes, work);
        prop_assert_eq!(found.tasks.iter().map(|task| task.earliest_finish).max().unwrap_or(0), rest.longest());
    }

    #[test]
    fn the_older_version_and_the_difference_give_the_newer_one(older in versions(), newer in versions()) {
        let found = difference(&older, &newer);
        prop_assert_eq!(applied(&older, &found), by_id(&newer));
        prop_assert_eq!(found.is_empty(), by_id(&older) == by_id(&newer));
        prop_assert!(difference(&newer, &newer).is_empty());
    }

    #[test]
    fn edits_hold_all_or_none_and_leave_a_sound_plan(graph in acyclic(), edits in prop::collection::vec(any_edit(), 1..8)) {
        let plan = plan_of(&graph);
        match edit(&plan, &edits) {
            Ok(edited) => {
                let faults = edited.check(&[]);
                prop_assert!(faults.iter().all(|fault| !fault.is_blocking() || fault.kind() == "unknown_requirement"), "{faults:?}");
                prop_assert!(edited.next_task >= plan.next_task);
                for task in &edited.tasks {
                    prop_assert!(place(&task.id) + 1 < edited.next_task as usize);
                }
                // One more edit that cannot be done undoes all.
                let mut more = edits.clone();
                more.push(Edit::RemoveTask { id: "T-999".to_owned() });
                let faults = edit(&plan, &more).expect_err("there is no such task");
                prop_assert_eq!(faults.len(), 1);
                prop_assert_eq!(faults[0].at, edits.len());
            }
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                prop_assert!(faults.iter().all(|fault| fault.at < edits.len()));
            }
        }
    }

    #[test]
    fn removing_a_task_keeps_the_order_of_the_others(graph in acyclic(), gone in any::<prop::sample::Index>()) {
        let gone = gone.index(graph.minutes.len());
        let plan = plan_of(&graph);
        let edited = edit(&plan, &[Edit::RemoveTask { id: id(gone) }]).expect("it is there");
        let mut rest = graph.clone();
        for waits in &mut rest.waits {
            waits.clear();
        }
        for task in &edited.tasks {
            rest.waits[place(&task.id)] = task.depends_on.iter().map(|on| place(on)).collect();
        }
        for task in (0..graph.minutes.len()).filter(|task| *task != gone) {
            let before = |graph: &Small| -> BTreeSet<usize> {
                graph.chains_to(task).into_iter().flatten().filter(|other| *other != gone).collect()
            };
            prop_assert_eq!(before(&rest), before(&graph));
        }
        prop_assert_eq!(&edited.removed, &vec![format!("k{gone}")]);
    }

    #[test]
    fn replans_keep_what_is_done_and_the_order_of_the_rest(
        graph in acyclic(),
        done in prop::collection::vec(any::<bool>(), 10),
        failed in prop::collection::vec(0_usize..10, 1..6),
    ) {
        let mut plan = plan_of(&graph);
        for task in &mut plan.tasks {
            let criterion = Criterion { text: "holds".to_owned(), command: None };
            task.acceptance = vec![criterion; 3];
        }
        let first = plan.clone();
        let count = graph.minutes.len();
        let finished: Finished = (0..count).filter(|at| done[*at]).map(id).collect();
        let failed = failed.into_iter().filter(|at| *at < count && !done[*at]);
        for at in failed {
            let redone = replan(&plan, "it broke", &[id(at)], &finished).expect("it can be redone");
            prop_assert_eq!(redone.plan.tasks.len(), plan.tasks.len() + 1);
            prop_assert_eq!(&redone.difference, &difference(&plan, &redone.plan));
            plan = redone.plan;
        }
        prop_assert!(plan.check(&[]).iter().all(|fault| !fault.is_blocking()));
        for (old, new) in first.tasks.iter().zip(&plan.tasks) {
            prop_assert!(old == new || !finished.contains(&old.id));
        }
        let redone = Small {
            minutes: vec![1; plan.tasks.len()],
            waits: plan.tasks.iter().map(|task| task.depends_on.iter().map(|on| place(on)).collect()).collect(),
        };
        for at in 0..count {
            let before = |graph: &Small| -> BTreeSet<usize> {
                graph.chains_to(at).into_iter().flatten().filter(|other| *other < count).collect()
            };
            prop_assert_eq!(before(&redone), before(&graph));
        }
    }

    #[test]
    fn finished_work_moves_the_bands_the_way_it_went(graph in acyclic(), percent in 20_u32..400, count in 0_usize..12) {
        let plan = plan_of(&graph);
        let measured = Measured {
            role: "developer".to_owned(),
            kind: Kind::Task,
            likely_minutes: 100,
            actual_minutes: percent,
        };
        let history = History { measured: vec![measured; count] };
        let found = schedule(&plan, &history, &Finished::default()).expect("no cycle");
        let longest = graph.longest() as f64 * f64::from(percent) / 100.0;
        if count >= super::FEWEST_MEASURED {
            // What always took the same is certain.
            prop_assert_eq!(found.basis.from_estimates, 0);
            prop_assert!((found.eta.p50 as f64 - longest).abs() <= 1.001 && found.eta.p95 <= found.eta.p50 + 1);
        } else {
            prop_assert_eq!(found.basis.from_history, 0);
        }
    }
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let task = || (0_usize..12).prop_map(id);
    prop_oneof![
        (task(), task()).prop_map(|(task, on)| Edit::AddDependency { task, on }),
        (task(), task()).prop_map(|(task, on)| Edit::RemoveDependency { task, on }),
        task().prop_map(|id| Edit::RemoveTask { id }),
        (task(), 0_u32..5, 0_u32..5, 0_u32..9).prop_map(|(id, low, likely, high)| {
            Edit::SetEstimate {
                id,
                low_minutes: low,
                likely_minutes: likely,
                high_minutes: high,
            }
        }),
        ("[a-z]{0,3}", prop::collection::vec(task(), 0..3)).prop_map(|(title, depends_on)| {
            Edit::AddTask {
                story: "S-1".to_owned(),
                title,
                role: "qa".to_owned(),
                description: String::new(),
                kind: Kind::Test,
                capabilities: Vec::new(),
                tools: Vec::new(),
                requirements: Vec::new(),
                acceptance: Vec::new(),
                depends_on,
                estimate: None,
            }
        }),
        Just(Edit::RenameStory {
            id: "S-1".to_owned(),
            title: "Named".to_owned()
        }),
    ]
}

/// Versions over few ids, so that two of them have much in common.
fn versions() -> impl Strategy<Value = Breakdown> {
    let task = (
        0_usize..4,
        "[ab]",
        prop::collection::vec((0_usize..4).prop_map(id), 0..3),
        1_u32..3,
        any::<bool>(),
    );
    let task = task.prop_map(|(at, title, depends_on, minutes, edited)| Task {
        id: id(at),
        title,
        depends_on,
        acceptance: vec![Criterion {
            text: "t".to_owned(),
            command: edited.then(|| "true".to_owned()),
        }],
        estimate: Estimate {
            low_minutes: 1,
            likely_minutes: minutes,
            high_minutes: 9,
        },
        edited,
        ..Task::default()
    });
    let story = (0_usize..3, "[ab]").prop_map(|(at, title)| Story {
        id: format!("S-{at}"),
        title,
        ..Story::default()
    });
    let epic = (0_usize..3, "[ab]").prop_map(|(at, title)| Epic {
        id: format!("E-{at}"),
        title,
        ..Epic::default()
    });
    let each = |plan: Breakdown| {
        let mut seen = BTreeSet::new();
        Breakdown {
            tasks: plan
                .tasks
                .into_iter()
                .filter(|task| seen.insert(task.id.clone()))
                .collect(),
            stories: plan
                .stories
                .into_iter()
                .filter(|story| seen.insert(story.id.clone()))
                .collect(),
            epics: plan
                .epics
                .into_iter()
                .filter(|epic| seen.insert(epic.id.clone()))
                .collect(),
            ..Breakdown::default()
        }
    };
    (
        prop::collection::vec(task, 0..5),
        prop::collection::vec(story, 0..3),
        prop::collection::vec(epic, 0..3),
    )
        .prop_map(move |(tasks, stories, epics)| {
            each(Breakdown {
                epics,
                stories,
                tasks,
                ..Breakdown::default()
            })
        })
}

/// Every entry of a plan as JSON, by its id.
fn by_id(plan: &Breakdown) -> BTreeMap<String, Value> {
    let tasks = plan.tasks.iter().map(|task| (task.id.clone(), json(task)));
    let stories = plan
        .stories
        .iter()
        .map(|story| (story.id.clone(), json(story)));
    let epics = plan.epics.iter().map(|epic| (epic.id.clone(), json(epic)));
    tasks.chain(stories).chain(epics).collect()
}

fn json<T: serde::Serialize>(entry: &T) -> Value {
    serde_json::to_value(entry).expect("plain data")
}

fn applied(older: &Breakdown, difference: &Difference) -> BTreeMap<String, Value> {
    let mut found = by_id(older);
    apply(&mut found, &difference.epics);
    apply(&mut found, &difference.stories);
    apply(&mut found, &difference.tasks);
    found
}

fn apply<T: serde::Serialize>(found: &mut BTreeMap<String, Value>, entries: &Entries<T>) {
    let id = |entry: &Value| entry["id"].as_str().expect("an id").to_owned();
    for entry in &entries.removed {
        found.remove(&id(&json(entry)));
    }
    for entry in &entries.added {
        let entry = json(entry);
        found.insert(id(&entry), entry);
    }
    for changed in &entries.changed {
        let entry = found
            .get_mut(&changed.id)
            .expect("a changed entry was there");
        for field in &changed.fields {
            assert_eq!(entry[&field.field], field.before);
            entry[&field.field] = field.after.clone();
        }
    }
}

/// Every place of a value that can be changed, changed once.
fn changes(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![Value::from("x")],
        Value::Bool(flag) => vec![Value::from(!flag)],
        Value::Number(number) => vec![Value::from(number.as_u64().unwrap_or(0) + 1)],
        Value::String(text) => vec![
            Value::from(format!("{text} ")),
            Value::from(format!("x{text}")),
        ],
        Value::Array(values) => {
            let mut found: Vec<Value> = Vec::new();
            for (at, inner) in values.iter().enumerate() {
                let mut fewer = values.clone();
                fewer.remove(at);
                found.push(Value::Array(fewer));
                for changed in changes(inner) {
                    let mut others = values.clone();
                    others[at] = changed;
                    found.push(Value::Array(others));
                }
            }
            if let [.., last] = values.as_slice() {
                found.push(Value::Array([values.clone(), vec![last.clone()]].concat()));
            }
            found
        }
        Value::Object(fields) => {
            let mut found = Vec::new();
            for (name, inner) in fields {
                for changed in changes(inner) {
                    let mut others = fields.clone();
                    others.insert(name.clone(), changed);
                    found.push(Value::Object(others));
                }
            }
            found
        }
    }
}

#[test]
fn any_change_of_a_plan_changes_its_digest() {
    let mut plan = plan_of(&Small {
        minutes: vec![10, 20],
        waits: vec![BTreeSet::new(), BTreeSet::from([0])],
    });
    let criterion = |command: Option<&str>| Criterion {
        text: "holds".to_owned(),
        command: command.map(str::to_owned),
    };
    plan.removed = vec!["gone".to_owned(), "too".to_owned()];
    plan.epics[0].requirements = vec!["R-1".to_owned()];
    plan.stories[0].requirements = vec!["R-1".to_owned()];
    plan.stories[0].acceptance = vec![criterion(None)];
    for task in &mut plan.tasks {
        task.capabilities = vec!["a".to_owned()];
        task.tools = vec!["b".to_owned()];
        task.requirements = vec!["R-1".to_owned(), "R-2".to_owned()];
        task.acceptance = vec![criterion(Some("true")), criterion(None)];
    }
    let mut seen = BTreeSet::from([plan.digest()]);
    let mut tried = 0;
    for changed in changes(&json(&plan)) {
        // Some changes give no plan, such as another name of a kind.
        // Who proposed it, and what was remarked then, is no part of what is approved.
        let changed = serde_json::from_value::<Breakdown>(changed).map(|changed| Breakdown {
            by_model: plan.by_model,
            notes: plan.notes.clone(),
            ..changed
        });
        if let Ok(changed) = changed
            && changed != plan
        {
            tried += 1;
            assert_ne!(changed.digest(), plan.digest(), "{changed:?}");
            seen.insert(changed.digest());
        }
    }
    assert!(tried > 100, "{tried}");
    for kind in [Kind::Story, Kind::Spike, Kind::Test, Kind::Infra] {
        plan.tasks[0].kind = kind;
        assert!(seen.insert(plan.digest()), "{kind:?}");
    }
    assert_eq!(plan.digest().len(), 64);
}
