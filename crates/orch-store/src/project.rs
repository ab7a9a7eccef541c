//! Projects in the database.

use std::collections::BTreeSet;

use orch_core::ids::ProjectId;
use orch_core::project::{Project, Quota, Share, Weight};
use orch_core::source::{Reference, Repository};
use orch_core::time::Timestamp;

use crate::conn::{all, execute, json_ids, listing, one, optional, send, sql};
use crate::inline::row;
use crate::source;
use crate::stored::{Lenient, noun, nouns, stored};
use crate::{Conn, Found, Page, StoreError};

row! {
    pub(crate) struct Row {
        id: i64,
        name: String,
        description: String,
        max_runs_per_day: Option<i64>,
        window_start: i64,
        runs_in_window: i64,
        created_at: i64,
        weight: i64,
        pass: Option<i64>,
        max_concurrent_runs: Option<i64>,
        repository_url: Option<String>,
        repository_ref: Option<String>,
    }
}

stored!(Row, "project" by id => Project);

impl TryFrom<Row> for Project {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let repository = row.repository_url.map(|url| {
            let reference = row.repository_ref.map(source::reference);
            Ok::<_, StoreError>(Repository {
                url: source::url(&url)?,
                reference: reference.transpose()?,
            })
        });
        Ok(Self {
            repository: repository.transpose()?,
            id: ProjectId(row.id),
            name: row.name,
            description: row.description,
            quota: Quota {
                max_runs_per_day: row.max_runs_per_day.and_then(|max| u32::try_from(max).ok()),
                window_start: Timestamp::from_micros(row.window_start),
                used: u32::try_from(row.runs_in_window).unwrap_or(0),
            },
            share: Share {
                weight: u32::try_from(row.weight)
                    .ok()
                    .and_then(Weight::new)
                    .unwrap_or_default(),
                pass: row.pass.and_then(|pass| u64::try_from(pass).ok()),
            },
            max_concurrent_runs: row
                .max_concurrent_runs
                .and_then(|max| u32::try_from(max).ok()),
            created_at: Timestamp::from_micros(row.created_at),
        })
    }
}

/// Creates a project.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    conn: &mut Conn,
    name: &str,
    description: &str,
    now: Timestamp,
) -> Result<Project, StoreError> {
    let row = one!(
        conn,
        Row,
        "INSERT INTO project (name, description, window_start, runs_in_window, created_at)
         VALUES ($1, $2, $3, 0, $4) RETURNING *",
        name,
        description,
        now.start_of_day().as_micros(),
        now.as_micros()
    )?;
    row.try_into()
}

/// Saves everything that can change.
///
/// # Errors
/// When the database fails.
pub async fn update(conn: &mut Conn, project: &Project) -> Result<(), StoreError> {
    send!(
        conn,
        "UPDATE project SET name = $2, description = $3, max_runs_per_day = $4, window_start = $5,
             runs_in_window = $6, weight = $7, pass = $8, max_concurrent_runs = $9 WHERE id = $1",
        project.id.get(),
        project.name.as_str(),
        project.description.as_str(),
        project.quota.max_runs_per_day.map(i64::from),
        project.quota.window_start.as_micros(),
        i64::from(project.quota.used),
        i64::from(project.share.weight.get()),
        project.share.pass.and_then(|pass| i64::try_from(pass).ok()),
        project.max_concurrent_runs.map(i64::from)
    )?;
    Ok(())
}

/// Sets where its runs get their files from.
///
/// # Errors
/// When the database fails.
pub async fn set_repository(conn: &mut Conn, project: &Project) -> Result<(), StoreError> {
    let repository = project.repository.as_ref();
    execute!(
        conn,
        "UPDATE project SET repository_url = $2, repository_ref = $3 WHERE id = $1",
        project.id.get(),
        repository.map(|repository| repository.url.as_str()),
        repository
            .and_then(|repository| repository.reference.as_ref())
            .map(Reference::as_str)
    )?;
    Ok(())
}

/// One project.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, id: ProjectId) -> Result<Option<Project>, StoreError> {
    noun::<Row>(optional!(
        conn,
        Lenient<Row>,
        "SELECT * FROM project WHERE id = $1",
        id.get()
    )?)
}

pub(crate) async fn by_ids(
    conn: &mut Conn,
    ids: &BTreeSet<ProjectId>,
) -> Result<Vec<Project>, StoreError> {
    nouns::<Row>(all!(
        conn,
        Lenient<Row>,
        "SELECT * FROM project WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))",
        json_ids(ids.iter().map(|id| id.get()))
    )?)
}

/// Several projects.
///
/// # Errors
/// When the database fails or holds something unreadable.
pub async fn find_all(
    conn: &mut Conn,
    ids: &BTreeSet<ProjectId>,
) -> Result<Vec<Project>, StoreError> {
    by_ids(conn, ids).await
}

/// Projects by id.
///
/// # Errors
/// When the database fails.
pub async fn list(conn: &mut Conn, page: Page) -> Result<Found<Project>, StoreError> {
    let sql = listing!(page, "SELECT * FROM project WHERE true", "id", "$1", "$2");
    let rows = all!(conn, Lenient<Row>, sql, page.after, page.limit)?;
    Ok(Found::page::<Row>(rows, page))
}

/// The highest virtual time at which any project was served.
pub(crate) async fn virtual_time(conn: &mut Conn) -> Result<u64, StoreError> {
    let (pass,) = one!(conn, (Option<i64>,), VIRTUAL_TIME)?;
    Ok(time_of(pass))
}

pub(crate) const VIRTUAL_TIME: &str = sql!("SELECT max(pass) FROM project");

pub(crate) fn time_of(pass: Option<i64>) -> u64 {
    pass.and_then(|pass| u64::try_from(pass).ok()).unwrap_or(0)
}
