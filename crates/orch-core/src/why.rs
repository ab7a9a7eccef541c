//! Why a queued entry is not running, computed from facts.

use serde_json::{Map, Value, json};

use crate::gate::Closed;
use crate::ids::{ProjectId, RunId, WorkItemId};
use crate::project::Quota;
use crate::rules::Scheduling;
use crate::time::Timestamp;
use crate::work_item::ConcurrencyKey;

/// One reason: a stable code, a sentence, and the ids that it speaks of.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    pub code: &'static str,
    pub message: String,
    pub details: Map<String, Value>,
}

impl Reason {
    fn new(code: &'static str, message: String, details: Value) -> Self {
        let details = match details {
            Value::Object(map) => map,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Map::new(),
        };
        Self {
            code,
            message,
            details,
        }
    }
}

/// An unfinished item that an entry waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    pub work_item_id: WorkItemId,
    pub title: String,
    pub standing: Standing,
}

/// Where a dependency stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    NotQueued,
    Queued,
    Running,
    Failed,
    Cancelled,
    /// The item itself is cancelled: it will never be done.
    WorkItemCancelled,
}

/// The facts about one queued entry.
#[derive(Clone, Debug)]
pub struct Facts {
    pub work_item_id: WorkItemId,
    pub project_id: ProjectId,
    pub dependencies: Vec<Dependency>,
    pub gate: Option<Closed>,
    pub scheduled_for: Timestamp,
    pub attempts: u32,
    pub quota: Quota,
    /// The project's limit on open runs, when it has one.
    pub limit: Option<Limit>,
    /// The run that holds the item's concurrency key.
    pub key_held: Option<KeyHeld>,
    pub scheduling: Scheduling,
    pub connected_agents: usize,
}

/// A project's limit on open runs, and how far it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub max_concurrent_runs: u32,
    pub open_runs: u32,
}

/// A concurrency key that a run holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHeld {
    pub key: ConcurrencyKey,
    pub by: RunId,
}

/// The one reason of an entry for which a row has to be read that cannot: nothing is decided about it.
#[must_use]
pub fn set_aside(what: &str, table: &str, id: &str) -> Reason {
    let message = format!("{what}; it does not start before that row is mended");
    let details = json!({"table": table, "id": id});
    Reason::new("unreadable_row", message, details)
}

/// Every reason that keeps the entry, most telling first; never empty.
#[must_use]
pub fn explain(facts: &Facts, now: Timestamp) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = facts.dependencies.iter().map(dependency).collect();
    if let Some(closed) = &facts.gate {
        reasons.push(gate(facts.work_item_id, closed));
    }
    if facts.scheduled_for > now {
        let code = if facts.attempts > 0 {
            "backoff"
        } else {
            "delayed"
        };
        let message = if facts.attempts > 0 {
            format!(
                "attempt {} failed; the next one starts at {}",
                facts.attempts, facts.scheduled_for
            )
        } else {
            format!("it is scheduled for {}", facts.scheduled_for)
        };
        reasons.push(Reason::new(
            code,
            message,
            json!({"scheduled_for": facts.scheduled_for}),
        ));
    }
    if facts.quota.remaining(now) == Some(0) {
        let quota = facts.quota.at(now);
        let max = quota.max_runs_per_day.unwrap_or(0);
        let message = format!(
            "project {} has used {} of {max} runs today; the quota resets at {}",
            facts.project_id,
            quota.used,
            now.next_day()
        );
        let details = json!({"project_id": facts.project_id, "max_runs_per_day": max, "runs_today": quota.used, "resets_at": now.next_day()});
        reasons.push(Reason::new("quota_exceeded", message, details));
    }
    if let Some(limit) = facts.limit
        && limit.open_runs >= limit.max_concurrent_runs
    {
        reasons.push(concurrency_limit(facts.project_id, limit));
    }
    if let Some(held) = &facts.key_held {
        let message = format!("run {} holds the concurrency key `{}`", held.by, held.key);
        let details = json!({"concurrency_key": held.key, "run_id": held.by});
        reasons.push(Reason::new("concurrency_key", message, details));
    }
    if reasons.is_empty() {
        reasons.push(match (facts.scheduling, facts.connected_agents) {
            (Scheduling::OnTick, _) => Reason::new(
                "waiting_for_tick",
                "it is ready and starts at the next tick (POST /scheduler/tick)".to_owned(),
                json!({}),
            ),
            (Scheduling::Background, 0) => Reason::new(
                "no_agent",
                "it is ready, and no agent is connected to take it".to_owned(),
                json!({}),
            ),
            (Scheduling::Background, _) => Reason::new(
                "waiting_for_slot",
                "it is ready and starts as soon as an agent has a free slot".to_owned(),
                json!({}),
            ),
        });
    }
    reasons
}

fn dependency(on: &Dependency) -> Reason {
    let (code, state) = match on.standing {
        Standing::NotQueued => ("dependency_not_queued", "is not queued"),
        Standing::Queued => ("dependency_unfinished", "is queued"),
        Standing::Running => ("dependency_unfinished", "is running"),
        Standing::Failed => ("dependency_failed", "failed; requeue it to go on"),
        Standing::WorkItemCancelled => (
            "dependency_cancelled",
            "is cancelled for good; take this entry out (DELETE /scheduler/queue/{id}) and enqueue without it",
        ),
        Standing::Cancelled => ("dependency_cancelled", "was cancelled; requeue it to go on"),
    };
    let message = format!("work item {} ({}) {state}", on.work_item_id, on.title);
    Reason::new(code, message, json!({"work_item_id": on.work_item_id}))
}

fn concurrency_limit(project: ProjectId, limit: Limit) -> Reason {
    let Limit {
        max_concurrent_runs: max,
        open_runs: open,
    } = limit;
    let message = format!(
        "project {project} may have {max} runs open at once, and {open}/{max} are (running, or waiting for a person)"
    );
    let details =
        json!({"project_id": project, "max_concurrent_runs": max, "concurrent_runs": open});
    Reason::new("concurrency_limit", message, details)
}

fn gate(item: WorkItemId, closed: &Closed) -> Reason {
    let details = json!({"work_item_id": item, "approval_id": closed.approval_id()});
    Reason::new(closed.code(), closed.to_string(), details)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> Facts {
        Facts {
            work_item_id: WorkItemId(1),
            project_id: ProjectId(7),
            dependencies: Vec::new(),
            gate: None,
            scheduled_for: Timestamp::default(),
            attempts: 0,
            quota: Quota::default(),
            limit: None,
            key_held: None,
            scheduling: Scheduling::Background,
            connected_agents: 1,
        }
    }

    fn check(facts: &Facts, expected: &[(&str, &str)]) {
        let reasons = explain(facts, Timestamp::default());
        let said: Vec<_> = reasons
            .iter()
            .map(|reason| (reason.code, reason.message.as_str()))
            .collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn a_full_project_and_a_held_key_are_named() {
        let mut facts = ready();
        facts.limit = Some(Limit {
            max_concurrent_runs: 2,
            open_runs: 2,
        });
        facts.key_held = Some(KeyHeld {
            key: ConcurrencyKey::parse("deploy").unwrap(),
            by: RunId(9),
        });
        check(
            &facts,
            &[
                (
                    "concurrency_limit",
                    "project 7 may have 2 runs open at once, and 2/2 are (running, or waiting for a person)",
                ),
                (
                    "concurrency_key",
                    "run 9 holds the concurrency key `deploy`",
                ),
            ],
        );
    }

    #[test]
    fn a_limit_with_room_is_no_reason() {
        let mut facts = ready();
        facts.limit = Some(Limit {
            max_concurrent_runs: 2,
            open_runs: 1,
        });
        check(
            &facts,
            &[(
                "waiting_for_slot",
                "it is ready and starts as soon as an agent has a free slot",
            )],
        );
    }
}
