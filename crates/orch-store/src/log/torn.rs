//! Chunks of the index whose bytes a repair found missing at the end of the newest segment.

use super::line::{signed, unsigned};
use crate::conn::{NOT_HERE, one, sql};
use crate::segment::{Damage, Quarantine, Recovery, Region};
use crate::{Conn, StoreError};

/// Notes chunks that reach behind the end of the segment that was repaired: what was cut off there
/// was more than an unfinished write. Costs nothing where nothing was cut off.
pub(crate) async fn note_lost(
    conn: &mut Conn,
    recovery: &Recovery,
    quarantine: &Quarantine,
) -> Result<(), StoreError> {
    if recovery.truncated_bytes == 0 {
        return Ok(());
    }
    let (chunks, first, end) = one!(
        conn,
        (i64, Option<i64>, Option<i64>),
        sql!(
            sqlite: "SELECT count(*), min(offset), max(offset + length) FROM log_chunk
              WHERE segment = $1 AND offset + length > $2",
            postgres: NOT_HERE,
        ),
        signed(recovery.segment),
        signed(recovery.end)
    )?;
    if let (Some(first), Some(end)) = (first, end) {
        let region = Region {
            segment: recovery.segment,
            offset: unsigned(first),
            length: unsigned(end.saturating_sub(first)),
            damage: Damage::CutOff,
        };
        quarantine.note_places(&region, unsigned(chunks));
    }
    Ok(())
}
