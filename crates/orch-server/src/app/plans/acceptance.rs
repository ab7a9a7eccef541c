//! What shows that the work of planned items is done, as the version says that last set what they do.
//!
//! An item's description has the same criteria in words, so what binds the one binds the other.

use std::collections::BTreeMap;

use orch_api::proto;
use orch_core::breakdown::{Breakdown, Criterion};
use orch_core::ids::{PlanId, ProjectId, WorkItemId};
use orch_store::{Conn, StoreError, plan};

use super::version::breakdown;
use crate::app::{AppError, Result};

/// The criteria of those items that a plan made. `None` where the plan cannot be read: nobody can say
/// then when the work is done.
pub async fn acceptance(
    conn: &mut Conn,
    items: impl IntoIterator<Item = WorkItemId>,
) -> Result<BTreeMap<WorkItemId, Option<Vec<proto::Criterion>>>> {
    let mut plans: BTreeMap<i64, Option<Breakdown>> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for of in plan::tasks_of(conn, items).await? {
        let read = match plans.entry(of.plan_id) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                new.insert(read(conn, ProjectId(of.project_id), PlanId(of.plan_id)).await?)
            }
        };
        let tasks = read.iter().flat_map(|breakdown| &breakdown.tasks);
        let task = tasks.into_iter().find(|task| task.id == of.task);
        let criteria = task.map(|task| task.acceptance.iter().map(told).collect());
        found.insert(WorkItemId(of.work_item_id), criteria);
    }
    Ok(found)
}

async fn read(conn: &mut Conn, project: ProjectId, id: PlanId) -> Result<Option<Breakdown>> {
    let content = match plan::find(conn, project, id).await {
        Ok(Some(version)) => {
            let read = tokio::task::spawn_blocking(move || breakdown(&version));
            read.await.map_err(|_| StoreError::Closed)?.map(Some)
        }
        Ok(None) => Ok(None),
        Err(error) => Err(error.into()),
    };
    match content {
        Err(AppError::Store(error)) if error.is_unreadable() => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                plan.id = id.get(),
                "a plan cannot be read: the runs of its work are not handed out"
            );
            Ok(None)
        }
        read => read,
    }
}

fn told(criterion: &Criterion) -> proto::Criterion {
    proto::Criterion {
        text: criterion.text.clone(),
        command: criterion.command.clone().unwrap_or_default(),
    }
}
