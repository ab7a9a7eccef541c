//! What all servers on one database sign runs' tokens with: random bytes that are made once.

use crate::conn::{execute, optional};
use crate::{Store, StoreError};

/// The key's length.
pub const BYTES: usize = 32;

/// The installation's key; `fresh` becomes it where there is none.
///
/// # Errors
/// When the database fails, or holds something else in its place.
pub async fn load_or_make(store: &Store, fresh: [u8; BYTES]) -> Result<[u8; BYTES], StoreError> {
    if let Some(key) = load(&mut store.peek().await?).await? {
        return Ok(key);
    }
    let mut tx = store.begin("server").await?;
    let now = tx.now();
    // Another server may have been first: whatever stands there afterwards holds for all.
    execute!(
        tx.conn,
        "INSERT INTO token_key (id, key, created_at) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING",
        fresh.to_vec(),
        now.as_micros()
    )?;
    let key = load(&mut tx.conn).await?;
    tx.commit().await?;
    key.ok_or_else(|| StoreError::corrupt("key", "no key although one was made"))
}

async fn load(conn: &mut crate::Conn) -> Result<Option<[u8; BYTES]>, StoreError> {
    let found = optional!(conn, (Vec<u8>,), "SELECT key FROM token_key WHERE id = 1")?;
    found
        .map(|(key,)| {
            let length = key.len();
            <[u8; BYTES]>::try_from(key).map_err(|_| {
                StoreError::corrupt("key", format!("{length} bytes in place of {BYTES}"))
            })
        })
        .transpose()
}
