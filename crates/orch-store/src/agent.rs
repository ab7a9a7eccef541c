//! Agents that have registered.

use orch_core::ids::AgentName;
use orch_core::time::Timestamp;

use crate::conn::{all, execute, one, optional};
use crate::inline::row;
use crate::stored::{Lenient, noun, stored};
use crate::{Conn, Found, ServerNumber, StoreError};

row! {
    /// An agent; `labels` is a JSON array of words.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Agent {
        pub name: String,
        pub version: String,
        pub slots: i64,
        pub labels: String,
        pub registered_at: i64,
        pub last_seen_at: i64,
        /// The newest stream, whatever server it is to.
        pub session: i64,
        /// Who has that stream, while it is open: the number of a server, which may have died since.
        pub server: Option<i64>,
    }
}

stored!(Agent, "agent" by name => Agent, json: labels);

/// Registers an agent, or notes that it is back.
///
/// # Errors
/// When the database fails.
pub async fn register(
    conn: &mut Conn,
    name: &AgentName,
    version: &str,
    slots: i64,
    labels: &str,
    server: ServerNumber,
    now: Timestamp,
) -> Result<Agent, StoreError> {
    one!(
        conn,
        Agent,
        "INSERT INTO agent (name, version, slots, labels, registered_at, last_seen_at, session, server)
         VALUES ($1, $2, $3, $4, $5, $5, 1, $6)
         ON CONFLICT (name) DO UPDATE SET version = $2, slots = $3, labels = $4, last_seen_at = $5,
             session = agent.session + 1, server = $6
         RETURNING *",
        name.as_str(),
        version,
        slots,
        labels,
        now.as_micros(),
        server.get()
    )
}

/// Notes that a stream is lost, unless a newer one took its place.
///
/// # Errors
/// When the database fails.
pub async fn depart(
    conn: &mut Conn,
    name: &AgentName,
    session: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    execute!(
        conn,
        "UPDATE agent SET server = NULL, last_seen_at = $3 WHERE name = $1 AND session = $2",
        name.as_str(),
        session,
        now.as_micros()
    )?;
    Ok(())
}

/// One agent.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, name: &AgentName) -> Result<Option<Agent>, StoreError> {
    noun::<Agent>(optional!(
        conn,
        Lenient<Agent>,
        "SELECT * FROM agent WHERE name = $1",
        name.as_str()
    )?)
}

/// All agents by name.
///
/// # Errors
/// When the database fails.
pub async fn list(conn: &mut Conn) -> Result<Found<Agent>, StoreError> {
    Ok(Found::of::<Agent>(all!(
        conn,
        Lenient<Agent>,
        "SELECT * FROM agent ORDER BY name"
    )?))
}
