//! The engine's rules, over a working set that stands for the whole database.

use std::time::Duration;

use super::*;
use crate::approval::{Approval, Decision, Status as ApprovalStatus, Subject};
use crate::entropy::Entropy;
use crate::ids::{AgentName, ApprovalId, ProjectId, RunId, WorkItemId};
use crate::project::{Project, Quota, Share};
use crate::queue::Status;
use crate::rules::Rules;
use crate::time::Timestamp;
use crate::work_item::{ApprovalHistory, Kind, Policy, State};

struct World {
    w: Working,
    rules: Rules,
    entropy: Entropy,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        let mut w = Working::new(NextIds {
            work_item: 1,
            entry: 1,
            run: 1,
        });
        for id in [1, 2] {
            let project = Project {
                id: ProjectId(id),
                name: "p".into(),
                description: String::new(),
                quota: Quota::default(),
                share: Share::default(),
                max_concurrent_runs: None,
                repository: None,
                created_at: Timestamp::default(),
            };
            w.projects.insert(ProjectId(id), project);
        }
        let now = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
        Self {
            w,
            rules: Rules::default(),
            entropy: Entropy::seeded(1),
            now,
        }
    }

    fn run<T>(&mut self, f: impl FnOnce(&mut Working, &mut Ctx<'_>) -> T) -> T {
        let mut ctx = Ctx {
            now: self.now,
            actor: "user",
            rules: &self.rules,
            entropy: &mut self.entropy,
        };
        f(&mut self.w, &mut ctx)
    }

    fn item(&mut self, title: &str) -> WorkItemId {
        self.item_in(1, title)
    }

    fn item_in(&mut self, project: i64, title: &str) -> WorkItemId {
        let new = NewWorkItem {
            project_id: ProjectId(project),
            title: title.into(),
            description: String::new(),
            kind: Kind::Task,
            environment: None,
            policy: Policy::default(),
            concurrency_key: None,
            reference: None,
        };
        self.run(|w, ctx| create_item(w, ctx, new)).unwrap().id
    }

    fn enqueue(
        &mut self,
        item: WorkItemId,
        on: &[WorkItemId],
    ) -> Result<crate::queue::QueueEntry, Refusal> {
        let want = Enqueue {
            depends_on: on.to_vec(),
            ..Enqueue::default()
        };
        self.run(|w, ctx| enqueue(w, ctx, item, want))
    }

    fn tick(&mut self) -> Vec<WorkItemId> {
        self.run(tick).iter().map(|run| run.work_item_id).collect()
    }

    fn finish(&mut self, run: RunId, verdict: Verdict) -> Result<crate::run::Run, Refusal> {
        let done = Completion {
            epoch: None,
            verdict,
            exit_code: None,
            reason: None,
        };
        self.run(|w, ctx| complete(w, ctx, run, done))
    }

    fn approve(&mut self, item: WorkItemId, status: ApprovalStatus) -> ApprovalId {
        let known = self.w.approvals.entry(item).or_default();
        let id = ApprovalId(known.len() as i64 + 1);
        let digest = self.w.items[&item].digest;
        known.push(Approval {
            id,
            work_item_id: item,
            subject: Subject::WorkItem,
            status,
            reason: None,
            digest,
            planned_steps: None,
            used_by: None,
            created_at: self.now,
            decision: (status == ApprovalStatus::Denied).then(|| Decision {
                by: "user".into(),
                at: self.now,
                reason: Some("too early".into()),
            }),
        });
        self.w.items.get_mut(&item).unwrap().approval = ApprovalHistory::Requested;
        self.run(|w, ctx| regate(w, ctx, item)).unwrap();
        id
    }
}

#[test]
fn entries_of_one_item_merge_with_all_their_dependencies_and_it_runs_once() {
    let mut world = World::new();
    let (a, b, c) = (world.item("a"), world.item("b"), world.item("c"));
    world.enqueue(a, &[]).unwrap();
    world.enqueue(b, &[]).unwrap();
    let first = world.enqueue(c, &[a]).unwrap();
    let second = world.enqueue(c, &[b]).unwrap();
    assert_eq!(first.id, second.id);
    assert_eq!(world.tick(), [a, b]);
    world.finish(RunId(1), Verdict::Success).unwrap();
    assert_eq!(world.tick(), []);
    world.finish(RunId(2), Verdict::Success).unwrap();
    assert_eq!(world.tick(), [c]);
    assert_eq!(world.tick(), []);
}

#[test]
fn a_cycle_is_refused_when_it_is_enqueued_and_named() {
    let mut world = World::new();
    let (a, b, c) = (world.item("a"), world.item("b"), world.item("c"));
    world.enqueue(a, &[b]).unwrap();
    world.enqueue(b, &[c]).unwrap();
    let refusal = world.enqueue(c, &[a]).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::conflict(
            "dependency_cycle",
            "work item 3 would wait for itself: 3 → 1 → 2 → 3"
        )
    );
    assert!(matches!(
        world.enqueue(a, &[a]),
        Err(Refusal::Invalid {
            field: "depends_on",
            ..
        })
    ));
}

#[test]
fn a_failed_dependency_blocks_and_a_requeue_that_succeeds_frees() {
    let mut world = World::new();
    let (a, b) = (world.item("a"), world.item("b"));
    world.enqueue(a, &[]).unwrap();
    world.enqueue(b, &[a]).unwrap();
    world.tick();
    world.finish(RunId(1), Verdict::Failure).unwrap();
    assert_eq!(world.tick(), []);
    let how = Requeue {
        waiting: Waiting::For(Duration::ZERO),
        priority: None,
        trace_id: None,
    };
    world
        .run(|w, ctx| requeue_run(w, ctx, RunId(1), how))
        .unwrap();
    assert_eq!(world.tick(), [a]);
    world.finish(RunId(2), Verdict::Success).unwrap();
    assert_eq!(world.tick(), [b]);
}

#[test]
fn retries_wait_for_their_backoff_and_end_in_failure() {
    let mut world = World::new();
    world.rules.max_retries = 1;
    let a = world.item("a");
    world.enqueue(a, &[]).unwrap();
    world.tick();
    world.finish(RunId(1), Verdict::Failure).unwrap();
    assert_eq!(world.tick(), []);
    world.now = world.now.plus(Duration::from_secs(5));
    assert_eq!(world.tick(), [a]);
    assert_eq!(world.w.runs[&RunId(2)].attempt, 2);
    world.finish(RunId(2), Verdict::Failure).unwrap();
    assert_eq!(world.w.open_entry(a), None);
    assert!(matches!(
        world.finish(RunId(2), Verdict::Success),
        Err(Refusal::Conflict { .. })
    ));
}

#[test]
fn a_risky_item_waits_for_approval_of_exactly_what_would_run() {
    let mut world = World::new();
    let item = world.item("deploy:prod");
    world.enqueue(item, &[]).unwrap();
    assert_eq!(world.tick(), []);
    assert!(matches!(
        world.run(|w, ctx| start_item(w, ctx, item, None)),
        Err(Refusal::Forbidden {
            code: "approval_required",
            ..
        })
    ));
    world.approve(item, ApprovalStatus::Approved);
    let changed = crate::digest::Digest::of("other", &[]);
    world
        .run(|w, ctx| item_changed(w, ctx, item, changed))
        .unwrap();
    assert_eq!(world.tick(), []);
    assert_eq!(world.w.approvals[&item][0].status, ApprovalStatus::Expired);
    world.approve(item, ApprovalStatus::Approved);
    assert_eq!(world.tick(), [item]);
}

#[test]
fn an_approval_is_good_for_one_queue_entry_with_its_retries() {
    let mut world = World::new();
    world.rules.max_retries = 1;
    let item = world.item("tofu:apply");
    world.approve(item, ApprovalStatus::Approved);
    world.enqueue(item, &[]).unwrap();
    assert_eq!(world.tick(), [item]);
    world.finish(RunId(1), Verdict::Failure).unwrap();
    world.now = world.now.plus(Duration::from_secs(60));
    assert_eq!(world.tick(), [item]);
    world.finish(RunId(2), Verdict::Success).unwrap();
    world.enqueue(item, &[]).unwrap();
    assert_eq!(world.tick(), []);
    assert!(matches!(
        world.run(|w, ctx| start_item(w, ctx, item, None)),
        Err(Refusal::Forbidden {
            code: "approval_used",
            ..
        })
    ));
}

#[test]
fn a_denied_item_is_refused_with_its_reason() {
    let mut world = World::new();
    let item = world.item("docs");
    world.approve(item, ApprovalStatus::Denied);
    let refusal = world
        .run(|w, ctx| start_item(w, ctx, item, None))
        .unwrap_err();
    assert_eq!(refusal.to_string(), "approval 1 was denied: too early");
    assert!(world.w.changes.new_entries.is_empty());
}

#[test]
fn a_used_up_quota_keeps_the_rest_queued_until_tomorrow() {
    let mut world = World::new();
    world
        .w
        .projects
        .get_mut(&ProjectId(1))
        .unwrap()
        .quota
        .max_runs_per_day = Some(1);
    let (a, b, other) = (world.item("a"), world.item("b"), world.item_in(2, "c"));
    for item in [a, b, other] {
        world.enqueue(item, &[]).unwrap();
    }
    assert_eq!(world.tick(), [a, other]);
    assert!(world.w.open_entry(b).unwrap().status.is_ready());
    world.now = world.now.next_day();
    assert_eq!(world.tick(), [b]);
}

#[test]
fn a_running_item_is_not_queued_twice_and_a_done_one_gets_a_new_entry() {
    let mut world = World::new();
    let a = world.item("a");
    let first = world.enqueue(a, &[]).unwrap();
    world.tick();
    assert!(matches!(
        world.enqueue(a, &[]),
        Err(Refusal::Conflict {
            code: "work_item_running",
            ..
        })
    ));
    world.finish(RunId(1), Verdict::Success).unwrap();
    assert_eq!(world.w.items[&a].state, State::Done);
    assert_ne!(world.enqueue(a, &[]).unwrap().id, first.id);
}

#[test]
fn a_changed_item_is_not_resumed_without_a_new_approval_which_that_uses_up() {
    let mut world = World::new();
    let item = world.item("tofu:apply");
    world.approve(item, ApprovalStatus::Approved);
    world.enqueue(item, &[]).unwrap();
    world.tick();
    let (one, two) = (
        AgentName::parse("one").unwrap(),
        AgentName::parse("two").unwrap(),
    );
    let ttl = Duration::from_secs(10);
    world
        .run(|w, ctx| claim(w, ctx, RunId(1), &one, ttl))
        .unwrap();
    let changed = crate::digest::Digest::of("other", &[]);
    world
        .run(|w, ctx| item_changed(w, ctx, item, changed))
        .unwrap();
    world.now = world.now.plus(Duration::from_secs(11));
    let refusal = world
        .run(|w, ctx| claim(w, ctx, RunId(1), &two, ttl))
        .unwrap_err();
    assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
    world.approve(item, ApprovalStatus::Approved);
    let run = world
        .run(|w, ctx| claim(w, ctx, RunId(1), &two, ttl))
        .unwrap();
    assert_eq!((run.epoch, run.digest), (2, changed));

    // That approval was for this entry: it does not let the item run a second time.
    world
        .run(|w, ctx| cancel_run(w, ctx, run.id, None))
        .unwrap();
    world.enqueue(item, &[]).unwrap();
    assert_eq!(world.tick(), []);
}

#[test]
fn a_run_that_is_cancelled_without_a_reason_says_who_did_it() {
    let mut world = World::new();
    for (reason, said) in [
        (None, "cancelled by user"),
        (Some("not today".to_owned()), "not today"),
    ] {
        let item = world.item("x");
        world.enqueue(item, &[]).unwrap();
        world.tick();
        let id = *world.w.runs.keys().max().unwrap();
        let run = world.run(|w, ctx| cancel_run(w, ctx, id, reason)).unwrap();
        let crate::run::RunState::Finished(end) = &run.state else {
            panic!("{run:?}")
        };
        assert_eq!(end.reason.as_deref(), Some(said));
    }
}

#[test]
fn projects_take_turns_and_priority_orders_within_a_project() {
    let mut world = World::new();
    let many: Vec<_> = (0..3).map(|_| world.item_in(1, "many")).collect();
    let single = world.item_in(2, "single");
    let urgent = world.item_in(1, "urgent");
    for &item in many.iter().chain([&single]) {
        world.enqueue(item, &[]).unwrap();
    }
    let want = Enqueue {
        priority: Some(5),
        ..Enqueue::default()
    };
    world.run(|w, ctx| enqueue(w, ctx, urgent, want)).unwrap();
    assert_eq!(world.tick(), [single, urgent, many[0], many[1], many[2]]);
}

#[test]
fn dispatch_fills_the_slots_and_leaves_the_rest_queued() {
    let mut world = World::new();
    let items: Vec<_> = (0..3).map(|_| world.item("x")).collect();
    for &item in &items {
        world.enqueue(item, &[]).unwrap();
    }
    let agent = AgentName::parse("a").unwrap();
    let ttl = Duration::from_secs(15);
    let runs = world.run(|w, ctx| dispatch(w, ctx, &agent, 2, ttl, Reach::QueueToo));
    assert_eq!(
        runs.iter().map(|run| run.work_item_id).collect::<Vec<_>>(),
        items[..2]
    );
    assert!(
        runs.iter()
            .all(|run| run.live_holder(world.now) == Some(&agent) && run.epoch == 1)
    );
    assert!(matches!(
        world.w.open_entry(items[2]).unwrap().status,
        Status::Queued { .. }
    ));
}
