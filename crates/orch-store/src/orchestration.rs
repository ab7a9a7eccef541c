//! Requests to the team of roles in the database, and the sessions that they belong to.
//!
//! `request`, `agents` and `error` are JSON that the server's application writes and reads.

use orch_core::time::Timestamp;

use crate::conn::{all, execute, listing, one, optional};
use crate::inline::row;
use crate::stored::{Lenient, noun, nouns, stored};
use crate::{Conn, Found, Key, Page, StoreError};

row! {
    /// A request: `status` is running, completed, failed or cancelled.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Orchestration {
        pub id: i64,
        pub uuid: String,
        pub session_id: i64,
        pub session_uuid: String,
        pub status: String,
        pub request: String,
        pub agents: String,
        pub error: Option<String>,
        pub created_by: String,
        pub started_at: i64,
        pub deadline: i64,
        pub ended_at: Option<i64>,
    }
}

stored!(Orchestration, "orchestration" by id => Orchestration, json: request agents error);

row! {
    /// A session, with how many requests it has.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Session {
        pub id: i64,
        pub uuid: String,
        pub created_at: i64,
        pub created_by: String,
        pub used_at: i64,
        pub requests: i64,
        pub running: i64,
    }
}

stored!(Session, "orchestration_session" by id => Session);

row! {
    /// How far a request is that nobody works on any more.
    struct Cut {
        id: i64,
        agents: String,
    }
}

stored!(Cut, "orchestration" by id => Cut);

/// A request as it begins.
#[derive(Clone, Debug)]
pub struct NewOrchestration<'a> {
    pub uuid: &'a str,
    pub session_id: i64,
    pub session_uuid: &'a str,
    pub request: &'a str,
    pub agents: &'a str,
    pub by: &'a str,
    pub now: Timestamp,
    /// Whoever works on it has given up by then.
    pub deadline: Timestamp,
}

/// Notes that a session is used; makes it where it is new. Tells its number.
///
/// # Errors
/// When the database fails.
pub async fn use_session(
    conn: &mut Conn,
    uuid: &str,
    by: &str,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let (id,) = one!(
        conn,
        (i64,),
        "INSERT INTO orchestration_session (uuid, created_at, created_by, used_at) VALUES ($1, $2, $3, $2)
         ON CONFLICT (uuid) DO UPDATE SET used_at = excluded.used_at RETURNING id",
        uuid,
        now.as_micros(),
        by
    )?;
    Ok(id)
}

/// Stores a request that begins; none where its name is taken.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    conn: &mut Conn,
    new: &NewOrchestration<'_>,
) -> Result<Option<i64>, StoreError> {
    let inserted = optional!(
        conn,
        (i64,),
        "INSERT INTO orchestration (uuid, session_id, session_uuid, status, request, agents, created_by, started_at, deadline)
         VALUES ($1, $2, $3, 'running', $4, $5, $6, $7, $8) ON CONFLICT (uuid) DO NOTHING RETURNING id",
        new.uuid,
        new.session_id,
        new.session_uuid,
        new.request,
        new.agents,
        new.by,
        new.now.as_micros(),
        new.deadline.as_micros()
    )?;
    Ok(inserted.map(|(id,)| id))
}

/// Notes how far a running request is.
///
/// # Errors
/// When the database fails.
pub async fn progress(conn: &mut Conn, id: i64, agents: &str) -> Result<(), StoreError> {
    execute!(
        conn,
        "UPDATE orchestration SET agents = $2 WHERE id = $1 AND status = 'running'",
        id,
        agents
    )?;
    Ok(())
}

/// Ends a running request; tells whether it was running. Without `agents` they stay as they are.
///
/// # Errors
/// When the database fails.
pub async fn end(
    conn: &mut Conn,
    id: i64,
    status: &str,
    agents: Option<&str>,
    error: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let touched = execute!(
        conn,
        "UPDATE orchestration SET status = $2, agents = COALESCE(CAST($3 AS TEXT), agents), error = $4, ended_at = $5
          WHERE id = $1 AND status = 'running'",
        id,
        status,
        agents,
        error,
        now.as_micros()
    )?;
    Ok(touched == 1)
}

/// What nobody works on any more.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    /// Whose deadline lies before.
    pub due: Timestamp,
    /// Which began before: the server that worked on them has ended since.
    pub begun: Timestamp,
}

/// The first `limit` running requests that are left, with their agents where these can be read. Nothing else of
/// them is read: one of which something cannot be read is to end as well.
///
/// # Errors
/// When the database fails.
pub async fn left(
    conn: &mut Conn,
    left: Left,
    limit: i64,
) -> Result<Vec<(i64, Option<String>)>, StoreError> {
    let rows = all!(
        conn,
        Lenient<Cut>,
        "SELECT id, agents FROM orchestration
          WHERE status = 'running' AND (deadline < $1 OR started_at < $2) ORDER BY id LIMIT $3",
        left.due.as_micros(),
        left.begun.as_micros(),
        limit
    )?;
    let cut = rows.into_iter().filter_map(|row| match row.noun() {
        Ok(Cut { id, agents }) => Some((id, Some(agents))),
        Err(unreadable) => match unreadable.key {
            Key::Number(id) => Some((id, None)),
            Key::Name(_) => None,
        },
    });
    Ok(cut.collect())
}

/// Forgets requests that ended before, and sessions that were not used since. Tells how many requests.
///
/// # Errors
/// When the database fails.
pub async fn forget_before(conn: &mut Conn, then: Timestamp) -> Result<u64, StoreError> {
    execute!(
        conn,
        "UPDATE model_call SET orchestration_id = NULL WHERE orchestration_id IN
                (SELECT id FROM orchestration WHERE status <> 'running' AND ended_at < $1)",
        then.as_micros()
    )?;
    let gone = execute!(
        conn,
        "DELETE FROM orchestration WHERE status <> 'running' AND ended_at < $1",
        then.as_micros()
    )?;
    execute!(
        conn,
        "DELETE FROM orchestration_session WHERE used_at < $1
            AND NOT EXISTS (SELECT 1 FROM orchestration o WHERE o.session_id = orchestration_session.id)",
        then.as_micros()
    )?;
    Ok(gone)
}

/// A request by its name.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, uuid: &str) -> Result<Option<Orchestration>, StoreError> {
    noun::<Orchestration>(optional!(
        conn,
        Lenient<Orchestration>,
        "SELECT * FROM orchestration WHERE uuid = $1",
        uuid
    )?)
}

/// Requests, of one session or of all, in one state or in any.
///
/// # Errors
/// When the database fails.
pub async fn list(
    conn: &mut Conn,
    session: Option<i64>,
    status: Option<&str>,
    page: Page,
) -> Result<Found<Orchestration>, StoreError> {
    let sql = listing!(
        page,
        "SELECT * FROM orchestration
          WHERE (CAST($1 AS BIGINT) IS NULL OR session_id = $1) AND (CAST($2 AS TEXT) IS NULL OR status = $2)",
        "id",
        "$3",
        "$4"
    );
    let rows = all!(
        conn,
        Lenient<Orchestration>,
        sql,
        session,
        status,
        page.after,
        page.limit
    )?;
    Ok(Found::page::<Orchestration>(rows, page))
}

/// The last `limit` requests of a session that ended well, oldest first.
///
/// # Errors
/// When the database fails, or one cannot be read.
pub async fn latest_of(
    conn: &mut Conn,
    session: i64,
    limit: i64,
) -> Result<Vec<Orchestration>, StoreError> {
    let mut found = nouns::<Orchestration>(all!(
        conn,
        Lenient<Orchestration>,
        "SELECT * FROM orchestration
          WHERE session_id = $1 AND status = 'completed' ORDER BY id DESC LIMIT $2",
        session,
        limit
    )?)?;
    found.reverse();
    Ok(found)
}

/// The first request of a session that is kept.
///
/// # Errors
/// When the database fails, or it cannot be read.
pub async fn first_of(conn: &mut Conn, session: i64) -> Result<Option<Orchestration>, StoreError> {
    noun::<Orchestration>(optional!(
        conn,
        Lenient<Orchestration>,
        "SELECT * FROM orchestration WHERE session_id = $1 ORDER BY id LIMIT 1",
        session
    )?)
}

/// A session by its name.
///
/// # Errors
/// When the database fails.
pub async fn find_session(conn: &mut Conn, uuid: &str) -> Result<Option<Session>, StoreError> {
    noun::<Session>(optional!(
        conn,
        Lenient<Session>,
        "SELECT s.id, s.uuid, s.created_at, s.created_by, s.used_at,
                (SELECT count(*) FROM orchestration o WHERE o.session_id = s.id) AS requests,
                (SELECT count(*) FROM orchestration o WHERE o.session_id = s.id AND o.status = 'running') AS running
           FROM orchestration_session s WHERE s.uuid = $1",
        uuid
    )?)
}

/// Sessions.
///
/// # Errors
/// When the database fails.
pub async fn sessions(conn: &mut Conn, page: Page) -> Result<Found<Session>, StoreError> {
    let sql = listing!(
        page,
        "SELECT s.id, s.uuid, s.created_at, s.created_by, s.used_at,
                (SELECT count(*) FROM orchestration o WHERE o.session_id = s.id) AS requests,
                (SELECT count(*) FROM orchestration o WHERE o.session_id = s.id AND o.status = 'running') AS running
           FROM orchestration_session s WHERE 1 = 1",
        "s.id",
        "$1",
        "$2"
    );
    let rows = all!(conn, Lenient<Session>, sql, page.after, page.limit)?;
    Ok(Found::page::<Session>(rows, page))
}
