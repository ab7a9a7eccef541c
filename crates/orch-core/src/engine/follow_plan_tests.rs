//! Plans that are approved one after another, over a working set that stands for the whole database.

use super::*;
use crate::entropy::Entropy;
use crate::ids::{ProjectId, RunId, WorkItemId};
use crate::project::{Project, Quota, Share};
use crate::queue::Status;
use crate::rules::Rules;
use crate::time::Timestamp;
use crate::work_item::{Kind, Policy, State};

struct World {
    w: Working,
    rules: Rules,
    entropy: Entropy,
}

impl World {
    fn new() -> Self {
        let mut w = Working::new(NextIds {
            work_item: 1,
            entry: 1,
            run: 1,
        });
        let project = Project {
            id: ProjectId(1),
            name: "p".into(),
            description: String::new(),
            quota: Quota::default(),
            share: Share::default(),
            max_concurrent_runs: None,
            repository: None,
            created_at: Timestamp::default(),
        };
        w.projects.insert(ProjectId(1), project);
        Self {
            w,
            rules: Rules {
                max_retries: 0,
                ..Rules::default()
            },
            entropy: Entropy::seeded(1),
        }
    }

    fn run<T>(&mut self, f: impl FnOnce(&mut Working, &mut Ctx<'_>) -> T) -> T {
        let mut ctx = Ctx {
            now: Timestamp::default(),
            actor: "user",
            rules: &self.rules,
            entropy: &mut self.entropy,
        };
        f(&mut self.w, &mut ctx)
    }

    fn follow(&mut self, planned: &[PlannedWork], removed: &[i64]) -> Result<Followed, Refusal> {
        let removed: Vec<WorkItemId> = removed.iter().copied().map(WorkItemId).collect();
        self.run(|w, ctx| follow_plan(w, ctx, planned, &removed))
    }

    fn tick(&mut self) -> Vec<i64> {
        let runs = self.run(tick);
        runs.iter().map(|run| run.work_item_id.get()).collect()
    }

    fn finish(&mut self, run: i64, verdict: Verdict) {
        let done = Completion {
            epoch: None,
            verdict,
            exit_code: None,
            reason: None,
        };
        self.run(|w, ctx| complete(w, ctx, RunId(run), done))
            .unwrap();
    }

    fn state(&self, item: i64) -> State {
        self.w.items[&WorkItemId(item)].state
    }

    /// How many unmet dependencies the open entry of an item counts.
    fn unmet(&self, item: i64) -> Option<u32> {
        match self.w.open_entry(WorkItemId(item))?.status {
            Status::Queued { unmet, .. } => Some(unmet),
            Status::Running { .. } | Status::Done | Status::Failed | Status::Cancelled => None,
        }
    }
}

fn task(place: usize, item: Option<i64>, depends_on: &[usize]) -> PlannedWork {
    PlannedWork {
        task: format!("T-{}", place + 1),
        item: item.map(WorkItemId),
        work: NewWorkItem {
            project_id: ProjectId(1),
            title: format!("task {place}"),
            description: String::new(),
            kind: Kind::Task,
            environment: None,
            policy: Policy::default(),
            concurrency_key: None,
            reference: None,
        },
        wording: Wording::Same,
        depends_on: depends_on.to_vec(),
        recipe: None,
    }
}

fn changed(task: PlannedWork) -> PlannedWork {
    let mut task = task;
    task.work.title.push_str(", otherwise");
    task.wording = Wording::Changed;
    task
}

#[test]
fn an_approved_plan_runs_in_the_order_of_its_dependencies() {
    let mut world = World::new();
    let plan = [
        task(0, None, &[]),
        task(1, None, &[0]),
        task(2, None, &[0, 1]),
    ];
    let followed = world.follow(&plan, &[]).unwrap();
    assert_eq!(followed.created, followed.items);
    assert_eq!(world.tick(), [1]);
    world.finish(1, Verdict::Success);
    assert_eq!(world.tick(), [2]);
    world.finish(2, Verdict::Success);
    assert_eq!(world.tick(), [3]);
}

#[test]
fn following_the_same_plan_twice_changes_nothing() {
    let mut world = World::new();
    world
        .follow(&[task(0, None, &[]), task(1, None, &[0])], &[])
        .unwrap();
    let entries = world.w.entries.clone();
    let followed = world
        .follow(&[task(0, Some(1), &[]), task(1, Some(2), &[0])], &[])
        .unwrap();
    assert_eq!(
        followed,
        Followed {
            items: vec![WorkItemId(1), WorkItemId(2)],
            ..Followed::default()
        }
    );
    assert_eq!(world.w.entries, entries);
}

#[test]
fn what_is_done_stays_what_changed_is_rewritten_and_what_is_gone_is_cancelled() {
    let mut world = World::new();
    let plan = [task(0, None, &[]), task(1, None, &[0]), task(2, None, &[0])];
    world.follow(&plan, &[]).unwrap();
    world.tick();
    world.finish(1, Verdict::Success);
    let before = world.w.items[&WorkItemId(2)].digest;
    let plan = [
        changed(task(0, Some(1), &[])),
        changed(task(1, Some(2), &[0])),
        task(3, None, &[1]),
    ];
    let followed = world.follow(&plan, &[3]).unwrap();
    assert_eq!(followed.rewritten, [WorkItemId(2)]);
    assert_eq!(followed.cancelled, [WorkItemId(3)]);
    assert_eq!(followed.created, [WorkItemId(4)]);
    assert_eq!(world.w.items[&WorkItemId(1)].title, "task 0");
    assert_eq!(world.w.items[&WorkItemId(2)].title, "task 1, otherwise");
    assert_ne!(world.w.items[&WorkItemId(2)].digest, before);
    assert_eq!(
        [1, 2, 3, 4].map(|item| world.state(item)),
        [
            State::Done,
            State::Approved,
            State::Cancelled,
            State::Approved
        ]
    );
    assert_eq!(world.tick(), [2]);
}

#[test]
fn dependencies_that_turn_round_are_turned_round_in_the_queue() {
    let mut world = World::new();
    world
        .follow(&[task(0, None, &[]), task(1, None, &[0])], &[])
        .unwrap();
    world
        .follow(&[task(1, Some(2), &[]), task(0, Some(1), &[0])], &[])
        .unwrap();
    assert_eq!((world.unmet(1), world.unmet(2)), (Some(1), Some(0)));
    assert_eq!(world.tick(), [2]);
}

#[test]
fn what_people_made_an_item_wait_for_besides_stays() {
    let mut world = World::new();
    world
        .follow(&[task(0, None, &[]), task(1, None, &[0])], &[])
        .unwrap();
    let by_hand = task(8, None, &[]).work;
    let by_hand = world.run(|w, ctx| create_item(w, ctx, by_hand)).unwrap().id;
    let want = Enqueue {
        depends_on: vec![by_hand],
        priority: Some(7),
        ..Enqueue::default()
    };
    world
        .run(|w, ctx| enqueue(w, ctx, WorkItemId(2), want))
        .unwrap();
    world
        .follow(&[task(0, Some(1), &[]), task(1, Some(2), &[])], &[])
        .unwrap();
    assert_eq!(world.unmet(2), Some(1));
    let entry = world.w.open_entry(WorkItemId(2)).unwrap();
    assert_eq!(entry.priority, 7);
}

#[test]
fn a_task_under_way_is_not_changed_under_a_runs_hands_but_may_be_taken_out() {
    let mut world = World::new();
    world.follow(&[task(0, None, &[])], &[]).unwrap();
    world.tick();
    let refusal = world
        .follow(&[changed(task(0, Some(1), &[]))], &[])
        .unwrap_err();
    assert!(
        matches!(&refusal, Refusal::Conflict { code: "plan_work_running", message } if message.contains("T-1 (work item 1, run 1)")),
        "{refusal:?}"
    );
    let followed = world.follow(&[], &[1]).unwrap();
    assert_eq!(followed.stopped, [RunId(1)]);
    assert_eq!(world.state(1), State::Cancelled);
}

#[test]
fn what_failed_or_was_cancelled_is_done_again_when_a_plan_still_has_it() {
    let mut world = World::new();
    world
        .follow(&[task(0, None, &[]), task(1, None, &[])], &[])
        .unwrap();
    world.tick();
    world.finish(1, Verdict::Failure);
    world
        .run(|w, ctx| cancel_item(w, ctx, WorkItemId(2)))
        .unwrap();
    let followed = world
        .follow(
            &[changed(task(0, Some(1), &[])), task(1, Some(2), &[])],
            &[],
        )
        .unwrap();
    assert_eq!(followed.items, [WorkItemId(1), WorkItemId(3)]);
    assert_eq!(world.tick(), [1, 3]);
}
