//! Waiting for room on the agent's disk before a run begins.
//!
//! A run waits only while others may leave some, for a bounded time, and says so in its log.

use std::{sync::Arc, time::Duration};

use super::steps::failed;
use crate::{
    room::{Room, Working},
    worker::{Job, Outcome},
};

/// How often a run that waits for room looks again.
const LOOK: Duration = Duration::from_secs(2);
/// How long a run waits for room.
const PATIENCE: Duration = Duration::from_secs(300);

/// Waits for room on the disk, as long as other runs may leave some.
pub(super) async fn enter(room: &Arc<Room>, job: &Job) -> Result<Working, Outcome> {
    let until = tokio::time::Instant::now() + PATIENCE;
    let mut told = false;
    loop {
        let asked = Arc::clone(room);
        let run_id = job.assignment.run_id;
        let entered = tokio::task::spawn_blocking(move || asked.enter(run_id)).await;
        let full = match entered.map_err(|error| failed(error.to_string()))? {
            Ok(working) => return Ok(working),
            Err(full) => full,
        };
        if full.others == 0 || tokio::time::Instant::now() >= until {
            let reason = full.to_string();
            job.log.event(&reason).await;
            return Err(failed(reason));
        }
        if !told {
            let event = format!("waiting for room on the agent's disk: {full}");
            job.log.event(&event).await;
            told = true;
        }
        tokio::select! {
            biased;
            () = job.stop.cancelled() => return Err(Outcome::Stopped),
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}
