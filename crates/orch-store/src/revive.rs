//! Leases that ran out while their holder was there: nothing could be written, so nobody renewed
//! them, and nobody took them away.

use orch_core::ids::{AgentName, RunId};
use orch_core::time::Timestamp;

use crate::conn::{execute, json_ids};
use crate::{Conn, StoreError};

/// Renews an agent's leases on some runs, whether or not they ran out.
///
/// # Errors
/// When the database fails.
pub async fn revive(
    conn: &mut Conn,
    agent: &AgentName,
    held: &[RunId],
    now: Timestamp,
) -> Result<u64, StoreError> {
    execute!(
        conn,
        "UPDATE run SET lease_until = $2 + lease_ttl_us
          WHERE lease_until IS NOT NULL AND status IN ('running', 'waiting') AND agent = $1 AND lease_until <= $2
            AND id IN (SELECT CAST(value AS BIGINT) FROM json_each($3))",
        agent.as_str(),
        now.as_micros(),
        json_ids(held.iter().map(|id| id.get()))
    )
}
