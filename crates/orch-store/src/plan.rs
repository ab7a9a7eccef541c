//! Versions of plans in the database, and which work item does which of their tasks.
//!
//! `content` is JSON that the server's application writes and reads.

use orch_core::breakdown::ACCEPTANCE;
use orch_core::ids::{PlanId, ProjectId, RequirementsId, WorkItemId};
use orch_core::time::Timestamp;

use crate::bulk::{bulk, cells};
use crate::conn::{all, execute, json_ids, listing, one, optional};
use crate::inline::row;
use crate::stored::{Lenient, noun, stored};
use crate::{Conn, Found, Page, StoreError};

row! {
    /// A version: `status` is proposed, approved or superseded.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Plan {
        pub id: i64,
        pub project_id: i64,
        /// The requirements that it serves.
        pub requirements_id: i64,
        pub parent_id: Option<i64>,
        pub status: String,
        pub author: String,
        pub reason: Option<String>,
        pub digest: String,
        /// How many.
        pub tasks: i64,
        pub content: String,
        pub created_at: i64,
        pub approved_at: Option<i64>,
        pub approved_by: Option<String>,
    }
}

stored!(Plan, "plan" by id => Plan, json: content);

row! {
    /// A version without its content.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Head {
        pub id: i64,
        pub project_id: i64,
        pub requirements_id: i64,
        pub parent_id: Option<i64>,
        pub status: String,
        pub author: String,
        pub reason: Option<String>,
        pub digest: String,
        pub tasks: i64,
        pub created_at: i64,
        pub approved_at: Option<i64>,
        pub approved_by: Option<String>,
    }
}

stored!(Head, "plan" by id => Head);

impl Plan {
    #[must_use]
    pub fn id(&self) -> PlanId {
        PlanId(self.id)
    }

    #[must_use]
    pub fn requirements(&self) -> RequirementsId {
        RequirementsId(self.requirements_id)
    }
}

/// A version that is to be stored.
#[derive(Clone, Debug)]
pub struct NewPlan<'a> {
    pub project: ProjectId,
    pub requirements: RequirementsId,
    /// The version that it was made from.
    pub parent: Option<PlanId>,
    pub author: &'a str,
    pub reason: Option<&'a str>,
    /// 64 hex digits.
    pub digest: &'a str,
    pub tasks: i64,
    /// A JSON object.
    pub content: &'a str,
}

/// Stores a version as proposed; older undecided ones are superseded by it.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    conn: &mut Conn,
    new: &NewPlan<'_>,
    now: Timestamp,
) -> Result<Plan, StoreError> {
    execute!(
        conn,
        "UPDATE plan SET status = 'superseded' WHERE project_id = $1 AND status = 'proposed'",
        new.project.get()
    )?;
    one!(
        conn,
        Plan,
        "INSERT INTO plan (project_id, requirements_id, parent_id, status, author, reason, digest, tasks, content, created_at)
         VALUES ($1, $2, $3, 'proposed', $4, $5, $6, $7, $8, $9) RETURNING *",
        new.project.get(),
        new.requirements.get(),
        new.parent.map(PlanId::get),
        new.author,
        new.reason,
        new.digest,
        new.tasks,
        new.content,
        now.as_micros()
    )
}

/// Approves a version; the one approved before is superseded by it.
///
/// # Errors
/// When the database fails.
pub async fn approve(
    conn: &mut Conn,
    project: ProjectId,
    id: PlanId,
    by: &str,
    now: Timestamp,
) -> Result<Plan, StoreError> {
    execute!(
        conn,
        "UPDATE plan SET status = 'superseded' WHERE project_id = $1 AND status = 'approved' AND id <> $2",
        project.get(),
        id.get()
    )?;
    one!(
        conn,
        Plan,
        "UPDATE plan SET status = 'approved', approved_at = $2, approved_by = $3 WHERE id = $1 RETURNING *",
        id.get(),
        now.as_micros(),
        by
    )
}

/// One version of a project.
///
/// # Errors
/// When the database fails.
pub async fn find(
    conn: &mut Conn,
    project: ProjectId,
    id: PlanId,
) -> Result<Option<Plan>, StoreError> {
    noun::<Plan>(optional!(
        conn,
        Lenient<Plan>,
        "SELECT * FROM plan WHERE id = $1 AND project_id = $2",
        id.get(),
        project.get()
    )?)
}

/// The newest version.
///
/// # Errors
/// When the database fails.
pub async fn current(conn: &mut Conn, project: ProjectId) -> Result<Option<Plan>, StoreError> {
    noun::<Plan>(optional!(
        conn,
        Lenient<Plan>,
        "SELECT * FROM plan WHERE project_id = $1 ORDER BY id DESC LIMIT 1",
        project.get()
    )?)
}

/// The number of the newest version.
///
/// # Errors
/// When the database fails.
pub async fn newest_id(conn: &mut Conn, project: ProjectId) -> Result<Option<PlanId>, StoreError> {
    let newest = optional!(
        conn,
        (i64,),
        "SELECT id FROM plan WHERE project_id = $1 ORDER BY id DESC LIMIT 1",
        project.get()
    )?;
    Ok(newest.map(|(id,)| PlanId(id)))
}

/// The version that is approved now: its tasks are the work items that are done.
///
/// # Errors
/// When the database fails.
pub async fn approved(conn: &mut Conn, project: ProjectId) -> Result<Option<Plan>, StoreError> {
    noun::<Plan>(optional!(
        conn,
        Lenient<Plan>,
        "SELECT * FROM plan WHERE project_id = $1 AND status = 'approved' ORDER BY id DESC LIMIT 1",
        project.get()
    )?)
}

/// Versions without their content.
///
/// # Errors
/// When the database fails.
pub async fn list(
    conn: &mut Conn,
    project: ProjectId,
    page: Page,
) -> Result<Found<Head>, StoreError> {
    let sql = listing!(
        page,
        "SELECT id, project_id, requirements_id, parent_id, status, author, reason, digest, tasks, created_at,
                approved_at, approved_by FROM plan WHERE project_id = $1",
        "id",
        "$2",
        "$3"
    );
    let rows = all!(
        conn,
        Lenient<Head>,
        sql,
        project.get(),
        page.after,
        page.limit
    )?;
    Ok(Found::page::<Head>(rows, page))
}

row! {
    /// A task's work item, and where it stands.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PlanItem {
        pub task: String,
        pub work_item_id: i64,
        /// The version that last set it.
        pub plan_id: i64,
        /// A hash of what the item was told then.
        pub wording: String,
        /// A hash of what of it is to be done.
        pub work: String,
        /// The item's column on the board.
        pub item_state: String,
        /// The newest queue entry's state: waiting, ready, running, done, failed or cancelled.
        pub standing: Option<String>,
        /// What the newest entry still waits for.
        pub unmet: Option<i64>,
        pub gate_closed: Option<i64>,
        /// The newest run.
        pub run_id: Option<i64>,
    }
}

/// The work items of a project's plans, by their numbers.
///
/// # Errors
/// When the database fails.
pub async fn items(conn: &mut Conn, project: ProjectId) -> Result<Vec<PlanItem>, StoreError> {
    all!(
        conn,
        PlanItem,
        "SELECT p.task, p.work_item_id, p.plan_id, p.wording, p.work, i.state AS item_state, e.state AS standing, e.unmet, e.gate_closed,
                (SELECT max(r.id) FROM run r WHERE r.work_item_id = p.work_item_id) AS run_id
           FROM plan_item p JOIN work_item i ON i.id = p.work_item_id
           LEFT JOIN queue_entry e ON e.id = (SELECT max(n.id) FROM queue_entry n WHERE n.work_item_id = p.work_item_id)
          WHERE p.project_id = $1 ORDER BY p.work_item_id",
        project.get()
    )
}

row! {
    /// The task that an item does, and the version that last set it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TaskOf {
        pub work_item_id: i64,
        pub project_id: i64,
        pub task: String,
        pub plan_id: i64,
    }
}

/// The tasks that some work items do; items of no plan are absent.
///
/// # Errors
/// When the database fails.
pub async fn tasks_of(
    conn: &mut Conn,
    items: impl IntoIterator<Item = WorkItemId>,
) -> Result<Vec<TaskOf>, StoreError> {
    all!(
        conn,
        TaskOf,
        "SELECT work_item_id, project_id, task, plan_id FROM plan_item
          WHERE work_item_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) ORDER BY work_item_id",
        json_ids(items.into_iter().map(|id| id.get()))
    )
}

/// Which item does a task, and hashes of what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPlanItem<'a> {
    pub task: &'a str,
    pub item: WorkItemId,
    pub wording: &'a str,
    pub work: &'a str,
}

bulk!(
    SET_ITEMS,
    "INSERT INTO plan_item (project_id, task, work_item_id, plan_id, wording, work) VALUES ",
    [Int, Text, Int, Int, Text, Text],
    " ON CONFLICT (project_id, task) DO UPDATE SET work_item_id = excluded.work_item_id, plan_id = excluded.plan_id,
         wording = excluded.wording, work = excluded.work"
);

/// Notes which work item does which task; a task has one.
///
/// # Errors
/// When the database fails.
pub async fn set_items<'a>(
    conn: &mut Conn,
    project: ProjectId,
    plan: PlanId,
    items: impl IntoIterator<Item = NewPlanItem<'a>>,
) -> Result<(), StoreError> {
    let mut cells = Vec::new();
    for new in items {
        cells!(cells; project.get(), new.task, new.item.get(), plan.get(), new.wording, new.work);
    }
    SET_ITEMS.run(conn, cells).await
}

row! {
    /// How long the ended runs of a task whose work is done took in all.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Worked {
        pub task: String,
        pub worked_us: i64,
        /// Of these, runs that passed acceptance commands.
        pub accepted: i64,
        /// Of these, runs that succeeded without any step.
        pub by_hand: i64,
    }
}

/// How long the work that is done of a project's plans took, by task.
///
/// # Errors
/// When the database fails.
pub async fn worked(conn: &mut Conn, project: ProjectId) -> Result<Vec<Worked>, StoreError> {
    all!(
        conn,
        Worked,
        "SELECT p.task, CAST(sum(r.finished_at - r.started_at) AS BIGINT) AS worked_us,
                CAST(sum(CASE WHEN r.status = 'succeeded' AND EXISTS (SELECT 1 FROM step s WHERE s.run_id = r.id
                     AND s.status = 'succeeded' AND s.name LIKE CAST($2 AS TEXT)) THEN 1 ELSE 0 END) AS BIGINT) AS accepted,
                CAST(sum(CASE WHEN r.status = 'succeeded' AND NOT EXISTS (SELECT 1 FROM step s WHERE s.run_id = r.id)
                     THEN 1 ELSE 0 END) AS BIGINT) AS by_hand
           FROM plan_item p JOIN work_item i ON i.id = p.work_item_id
           JOIN run r ON r.work_item_id = p.work_item_id
          WHERE p.project_id = $1 AND i.state = 'Done' AND r.started_at IS NOT NULL AND r.finished_at IS NOT NULL
          GROUP BY p.task ORDER BY p.task",
        project.get(),
        format!("{ACCEPTANCE}%")
    )
}

row! {
    /// A run, in a few words.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RunOf {
        pub id: i64,
        pub work_item_id: i64,
        pub status: String,
        /// The commit that it works on, as JSON.
        pub source: Option<String>,
    }
}

/// The runs of some work items, the first 10,000.
///
/// # Errors
/// When the database fails.
pub async fn runs_of(
    conn: &mut Conn,
    items: impl IntoIterator<Item = WorkItemId>,
) -> Result<Vec<RunOf>, StoreError> {
    all!(
        conn,
        RunOf,
        "SELECT id, work_item_id, status, source FROM run
          WHERE work_item_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) ORDER BY id LIMIT 10000",
        json_ids(items.into_iter().map(|id| id.get()))
    )
}

row! {
    /// An artifact that says what a run changed, or how its tests went.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Told {
        pub id: i64,
        pub run_id: i64,
        pub name: String,
        /// What the platform read in it, as JSON.
        pub report: Option<String>,
    }
}

/// What the runs of some work items kept of their changes and of their tests, the first 10,000: patches by
/// their kind, name or media type, and reports of tests.
///
/// # Errors
/// When the database fails.
pub async fn told_of(
    conn: &mut Conn,
    items: impl IntoIterator<Item = WorkItemId>,
) -> Result<Vec<Told>, StoreError> {
    all!(
        conn,
        Told,
        "SELECT a.id, a.run_id, a.name, a.report FROM artifact a JOIN run r ON r.id = a.run_id
          WHERE r.work_item_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
            AND (a.kind IN ('patch', 'diff', 'change') OR a.media_type IN ('text/x-diff', 'text/x-patch')
                 OR lower(a.name) LIKE '%.patch' OR lower(a.name) LIKE '%.diff' OR a.report LIKE '{_format_:_junit_%')
          ORDER BY a.id LIMIT 10000",
        json_ids(items.into_iter().map(|id| id.get()))
    )
}

/// The recipes of some work items that have one, as they are now.
///
/// # Errors
/// When the database fails.
pub async fn recipes_of(
    conn: &mut Conn,
    items: impl IntoIterator<Item = WorkItemId>,
) -> Result<Vec<(WorkItemId, String)>, StoreError> {
    let rows = all!(
        conn,
        (i64, String),
        "SELECT i.id, c.yaml FROM work_item i JOIN recipe c ON c.id = i.recipe_id
          WHERE i.id IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) ORDER BY i.id",
        json_ids(items.into_iter().map(|id| id.get()))
    )?;
    Ok(rows
        .into_iter()
        .map(|(id, yaml)| (WorkItemId(id), yaml))
        .collect())
}
