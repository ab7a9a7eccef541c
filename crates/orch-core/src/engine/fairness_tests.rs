//! Fairness between projects and their limits, as properties over random queues.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::entropy::Entropy;
use crate::ids::{AgentName, ProjectId, RunId, WorkItemId};
use crate::project::{Project, Quota, Share, Weight};
use crate::queue::Status;
use crate::rules::Rules;
use crate::run::{Run, RunState};
use crate::time::Timestamp;
use crate::work_item::{ConcurrencyKey, Kind, Policy};

const TTL: Duration = Duration::from_secs(3600);

/// A queue over a working set that stands for the whole database.
struct Queue {
    w: Working,
    rules: Rules,
    entropy: Entropy,
}

impl Queue {
    fn new() -> Self {
        let next = NextIds {
            work_item: 1,
            entry: 1,
            run: 1,
        };
        Self {
            w: Working::new(next),
            rules: Rules::default(),
            entropy: Entropy::seeded(1),
        }
    }

    fn project(&mut self, weight: u32) -> ProjectId {
        let id = ProjectId(i64::try_from(self.w.projects.len()).unwrap() + 1);
        let share = Share {
            weight: Weight::new(weight).unwrap(),
            pass: None,
        };
        let project = Project {
            id,
            name: "p".into(),
            description: String::new(),
            quota: Quota::default(),
            share,
            max_concurrent_runs: None,
            repository: None,
            created_at: Timestamp::default(),
        };
        self.w.projects.insert(id, project);
        self.w.occupancy.insert(id, Occupancy::default());
        id
    }

    fn run<T>(&mut self, f: impl FnOnce(&mut Working, &mut Ctx<'_>) -> T) -> T {
        let mut ctx = Ctx {
            now: Timestamp::default(),
            actor: "user",
            rules: &self.rules,
            entropy: &mut self.entropy,
        };
        let answer = f(&mut self.w, &mut ctx);
        self.w.changes = Changes::default();
        answer
    }

    fn add(&mut self, project: ProjectId, priority: i32, key: Option<&str>) -> WorkItemId {
        let new = NewWorkItem {
            project_id: project,
            title: "x".into(),
            description: String::new(),
            kind: Kind::Task,
            environment: None,
            policy: Policy::default(),
            concurrency_key: key.map(|key| ConcurrencyKey::parse(key).unwrap()),
            reference: None,
        };
        let want = Enqueue {
            priority: Some(priority),
            ..Enqueue::default()
        };
        self.run(|w, ctx| {
            let item = create_item(w, ctx, new).unwrap().id;
            enqueue(w, ctx, item, want).unwrap();
            item
        })
    }

    fn add_many(&mut self, project: ProjectId, count: usize) {
        for _ in 0..count {
            self.add(project, 0, None);
        }
    }

    fn dispatch(&mut self, slots: usize) -> Vec<Run> {
        let agent = AgentName::parse("a").unwrap();
        self.run(|w, ctx| dispatch(w, ctx, &agent, slots, TTL, Reach::QueueToo))
    }

    /// Serves one slot and ends its run at once, so that the scan stays short.
    fn serve(&mut self) -> Option<ProjectId> {
        let run = self.dispatch(1).pop()?;
        self.end(run.id);
        self.w.runs.remove(&run.id);
        self.w.entries.remove(&run.entry_id);
        Some(run.project_id)
    }

    fn end(&mut self, run: RunId) {
        let done = Completion {
            epoch: Some(1),
            verdict: Verdict::Success,
            exit_code: None,
            reason: None,
        };
        self.run(|w, ctx| complete(w, ctx, run, done)).unwrap();
    }

    fn open_runs(&self, project: ProjectId) -> Vec<&Run> {
        self.w
            .runs
            .values()
            .filter(|run| run.project_id == project)
            .filter(|run| !matches!(run.state, RunState::Finished(_)))
            .collect()
    }

    fn stride(&self, project: ProjectId) -> u64 {
        self.w.projects[&project].share.weight.stride()
    }

    /// The most slots that others get while a project with work waits: from one turn of it to its
    /// next the virtual time moves by at most its stride, and another gets one turn for each of
    /// its own strides that begins in between.
    fn longest_wait(&self, of: ProjectId) -> u64 {
        let others = self.w.projects.keys().filter(|id| **id != of);
        others
            .map(|other| self.stride(of) / self.stride(*other) + 1)
            .sum()
    }
}

#[test]
fn a_project_that_was_served_last_goes_before_the_second_turn_of_one_that_comes() {
    let mut queue = Queue::new();
    let (loud, quiet) = (queue.project(1), queue.project(1));
    queue.add_many(quiet, 1);
    assert_eq!(queue.serve(), Some(quiet));
    queue.add_many(loud, 3);
    queue.add_many(quiet, 1);
    let order: Vec<_> = (0..4).filter_map(|_| queue.serve()).collect();
    assert_eq!(order, [loud, quiet, loud, loud]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, ..ProptestConfig::default() })]

    #[test]
    fn beside_ten_thousand_queued_a_single_item_takes_one_of_the_next_two_slots(
        weight in 1_u32..=1000,
        served_before in 0_usize..20,
        single_was_served in any::<bool>(),
    ) {
        let mut queue = Queue::new();
        let (loud, quiet) = (queue.project(weight), queue.project(weight));
        if single_was_served {
            queue.add_many(quiet, 1);
            prop_assert_eq!(queue.serve(), Some(quiet));
        }
        queue.add_many(loud, 10_000);
        for _ in 0..served_before {
            prop_assert_eq!(queue.serve(), Some(loud));
        }
        queue.add_many(quiet, 1);
        let next: HashSet<_> = (0..2).filter_map(|_| queue.serve()).collect();
        prop_assert!(next.contains(&quiet));
    }
}

#[test]
fn a_tick_of_ten_thousand_started_runs_does_not_hold_another_project_up() {
    let mut queue = Queue::new();
    let (loud, quiet) = (queue.project(1), queue.project(1));
    queue.add_many(loud, 10_000);
    assert_eq!(queue.run(tick).len(), 10_000);
    queue.dispatch(4);
    queue.add_many(quiet, 1);
    assert_eq!(queue.run(tick).len(), 1);
    let next = queue.dispatch(2);
    assert!(next.iter().any(|run| run.project_id == quiet), "{next:?}");
}

#[test]
fn a_tick_interleaves_by_weight() {
    let mut queue = Queue::new();
    let (three, one) = (queue.project(3), queue.project(1));
    queue.add_many(one, 20);
    queue.add_many(three, 60);
    let runs = queue.run(tick);
    for eight in runs.chunks(8) {
        let of_three = eight.iter().filter(|run| run.project_id == three).count();
        assert!((5..=7).contains(&of_three), "{of_three} of 8");
    }
}

#[test]
fn weights_three_to_one_share_three_to_one() {
    let mut queue = Queue::new();
    let (three, one) = (queue.project(3), queue.project(1));
    queue.add_many(three, 400);
    queue.add_many(one, 400);
    let mut got: HashMap<_, u32> = HashMap::new();
    for _ in 0..400 {
        *got.entry(queue.serve().unwrap()).or_default() += 1;
    }
    assert!((299..=301).contains(&got[&three]), "{got:?}");
    assert_eq!(got[&three] + got[&one], 400);
}

#[test]
fn an_idle_project_comes_back_without_credit() {
    let mut queue = Queue::new();
    let (busy, idle) = (queue.project(1), queue.project(1));
    queue.add_many(idle, 1);
    queue.add_many(busy, 300);
    for _ in 0..100 {
        queue.serve().unwrap();
    }
    queue.add_many(idle, 100);
    let got = (0..40).filter(|_| queue.serve() == Some(idle)).count();
    assert!((19..=21).contains(&got), "{got}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn shares_follow_weights_whatever_slots_free_at_once(
        weights in prop::collection::vec(1_u32..=20, 2..5),
        slots in prop::collection::vec(1_usize..7, 20..60),
    ) {
        let mut queue = Queue::new();
        let projects: Vec<_> = weights.iter().map(|weight| queue.project(*weight)).collect();
        let total: usize = slots.iter().sum();
        for &project in &projects {
            queue.add_many(project, total);
        }
        let mut got: HashMap<ProjectId, u32> = HashMap::new();
        for count in slots {
            for run in queue.dispatch(count) {
                *got.entry(run.project_id).or_default() += 1;
                queue.end(run.id);
            }
        }
        for (a, weight_a) in projects.iter().zip(&weights) {
            for (b, weight_b) in projects.iter().zip(&weights) {
                let turns = |id, weight| {
                    f64::from(got.get(id).copied().unwrap_or(0)) / f64::from(weight)
                };
                let apart = (turns(a, *weight_a) - turns(b, *weight_b)).abs();
                let bound = 1.0 / f64::from(*weight_a) + 1.0 / f64::from(*weight_b);
                prop_assert!(apart <= bound + 0.001, "{apart} > {bound}");
            }
        }
    }

    #[test]
    fn no_project_with_work_waits_beyond_its_bound(
        weights in prop::collection::vec(1_u32..=50, 2..6),
        arrivals in prop::collection::vec((0_usize..6, 0_usize..4), 100..300),
    ) {
        let mut queue = Queue::new();
        let projects: Vec<_> = weights.iter().map(|weight| queue.project(*weight)).collect();
        let mut queued: BTreeMap<ProjectId, u64> = BTreeMap::new();
        let mut waited: BTreeMap<ProjectId, u64> = BTreeMap::new();
        for (project, count) in arrivals {
            let project = projects[project % projects.len()];
            queue.add_many(project, count);
            *queued.entry(project).or_default() += count as u64;
            let Some(served) = queue.serve() else { continue };
            *queued.get_mut(&served).unwrap() -= 1;
            waited.insert(served, 0);
            for (&id, &left) in &queued {
                let count = waited.entry(id).or_default();
                if left == 0 {
                    *count = 0;
                } else if id != served {
                    *count += 1;
                    prop_assert!(*count <= queue.longest_wait(id), "project {id} waited {count}");
                }
            }
        }
    }

    #[test]
    fn within_a_project_higher_priorities_go_first(
        items in prop::collection::vec((0_usize..3, -3_i32..4), 1..60),
        slots in 1_usize..9,
    ) {
        let mut queue = Queue::new();
        let projects: Vec<_> = (1..=3).map(|weight| queue.project(weight)).collect();
        for (project, priority) in &items {
            queue.add(projects[*project], *priority, None);
        }
        let mut served: HashMap<ProjectId, Vec<(i64, i64)>> = HashMap::new();
        loop {
            let runs = queue.dispatch(slots);
            if runs.is_empty() {
                break;
            }
            for run in runs {
                let place = (-i64::from(run.priority), run.entry_id.get());
                served.entry(run.project_id).or_default().push(place);
            }
        }
        prop_assert_eq!(served.values().map(Vec::len).sum::<usize>(), items.len());
        for order in served.values() {
            prop_assert!(order.is_sorted(), "{order:?}");
        }
    }

    #[test]
    fn limits_and_keys_are_never_exceeded_and_all_work_is_done(
        limits in prop::collection::vec(prop::option::of(1_u32..4), 1..4),
        items in prop::collection::vec((0_usize..4, prop::option::of(0_u8..3)), 1..60),
        steps in prop::collection::vec((0_usize..5, any::<prop::sample::Index>()), 1..60),
    ) {
        let mut queue = Queue::new();
        let projects: Vec<_> = limits.iter().map(|limit| {
            let id = queue.project(1);
            queue.w.projects.get_mut(&id).unwrap().max_concurrent_runs = *limit;
            id
        }).collect();
        for (project, key) in &items {
            let key = key.map(|key| key.to_string());
            queue.add(projects[project % projects.len()], 0, key.as_deref());
        }
        let mut open: Vec<RunId> = Vec::new();
        let mut steps = steps.into_iter();
        let mut done = 0;
        loop {
            let step = steps.next();
            let slots = step.as_ref().map_or(4, |(slots, _)| *slots);
            open.extend(queue.dispatch(slots).iter().map(|run| run.id));
            for (project, limit) in projects.iter().zip(&limits) {
                let runs = queue.open_runs(*project);
                prop_assert!(limit.is_none_or(|max| runs.len() <= max as usize));
                let keys: Vec<_> = runs.iter().filter_map(|run| run.concurrency_key.as_ref()).collect();
                prop_assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
                let there = &queue.w.occupancy[project];
                prop_assert_eq!((there.open_runs as usize, there.keys.len()), (runs.len(), keys.len()));
            }
            if open.is_empty() {
                if step.is_none() { break; }
                continue;
            }
            let at = step.map_or(0, |(_, index)| index.index(open.len()));
            queue.end(open.swap_remove(at));
            done += 1;
        }
        prop_assert_eq!(done, items.len());
        prop_assert!(queue.w.entries.values().all(|entry| entry.status == Status::Done));
    }
}

#[test]
fn a_manual_start_is_refused_by_limit_and_key_and_leaves_nothing_behind() {
    let mut queue = Queue::new();
    let project = queue.project(1);
    let first = queue.add(project, 0, Some("deploy"));
    let second = queue.add(project, 0, Some("deploy"));
    let third = queue.add(project, 0, None);
    let start = |queue: &mut Queue, item| queue.run(|w, ctx| start_item(w, ctx, item, None));
    let run = start(&mut queue, first).unwrap().id;
    assert_eq!(
        start(&mut queue, second),
        Err(Refusal::conflict(
            "concurrency_key",
            "run 1 holds the concurrency key `deploy` of work item 2"
        ))
    );
    queue
        .w
        .projects
        .get_mut(&project)
        .unwrap()
        .max_concurrent_runs = Some(1);
    assert_eq!(
        start(&mut queue, third),
        Err(Refusal::conflict(
            "concurrency_limit",
            "project 1 may have 1 runs open at once, and 1/1 are"
        ))
    );
    queue.run(|w, ctx| cancel_run(w, ctx, run, None)).unwrap();
    assert!(start(&mut queue, second).is_ok());
}

#[test]
fn what_is_not_loaded_counts_as_full() {
    let mut queue = Queue::new();
    let project = queue.project(1);
    queue.w.occupancy.clear();
    queue.add(project, 0, Some("deploy"));
    assert_eq!(queue.dispatch(1), []);
    queue.add(project, 0, None);
    assert_eq!(queue.dispatch(1).len(), 1);
    queue.add(project, 0, None);
    queue
        .w
        .projects
        .get_mut(&project)
        .unwrap()
        .max_concurrent_runs = Some(9);
    assert_eq!(queue.dispatch(1), []);
}

#[test]
fn an_interrupted_run_goes_before_new_ones_of_its_project() {
    let mut queue = Queue::new();
    let project = queue.project(1);
    queue.add_many(project, 1);
    let run = queue.dispatch(1)[0].id;
    queue.add(project, 9, None);
    queue.run(|w, ctx| release(w, ctx, run, Some(1))).unwrap();
    let ids: Vec<_> = queue.dispatch(2).iter().map(|run| run.id).collect();
    assert_eq!(ids, [run, RunId(run.get() + 1)]);
}
