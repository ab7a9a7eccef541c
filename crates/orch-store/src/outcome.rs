//! What became of a commit whose answer was lost with the connection. Nothing is repeated before that
//! is known.

use orch_core::audit::Head;

use crate::conn::{one, sql};
use crate::postgres::Postgres;
use crate::writer::ATTEMPTS;
use crate::{Store, StoreError};

impl Store {
    /// Goes on where the commit took place after all, and fails otherwise. The caller still has the
    /// state locked, so that nobody here writes meanwhile.
    pub(crate) async fn settle_commit(
        &self,
        before: Head,
        after: Head,
        error: StoreError,
    ) -> Result<(), StoreError> {
        let shared = self.shared().filter(|_| error.is_lost_connection());
        let Some(postgres) = shared else {
            return Err(error);
        };
        let unknown = |error| StoreError::OutcomeUnknown(Box::new(error));
        if after == before {
            // It has left no entry by which it could be told.
            return Err(unknown(error));
        }
        for _ in 0..ATTEMPTS {
            match took_place(postgres, after).await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(error),
                // This connection was lost as well.
                Err(lost) if lost.is_lost_connection() => {}
                Err(_) => break,
            }
        }
        Err(unknown(error))
    }
}

/// Whether a commit led the audit chain to `head`. With the turn, its transaction is over, one way or
/// the other; an entry of the chain is there for good.
async fn took_place(postgres: &Postgres, head: Head) -> Result<bool, StoreError> {
    let mut conn = postgres.begin(None).await?.conn;
    let (found,) = one!(
        &mut conn,
        (i64,),
        sql!(postgres: "SELECT count(*) FROM audit WHERE seq = $1 AND hash = $2"),
        head.seq,
        head.hash.to_vec()
    )?;
    Ok(found > 0)
}
