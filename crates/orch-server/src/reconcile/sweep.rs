//! Looks through all rows once after the start, for those that cannot be read: rows of finished work
//! are met by nobody else. So slowly that nobody notices.

use std::time::{Duration, Instant};

use orch_store::Sweep;
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// Rests so many times as long as it looked.
const RESTS: u32 = 50;
const SHORTEST_REST: Duration = Duration::from_millis(10);
const LONGEST_REST: Duration = Duration::from_secs(5);
/// After a failure of the database.
const AGAIN: Duration = Duration::from_secs(15);

pub async fn run(app: App, shutdown: CancellationToken) {
    let mut sweep = Sweep::default();
    loop {
        let began = Instant::now();
        let rest = match app.store().sweep(&mut sweep).await {
            Ok(true) => (began.elapsed() * RESTS).clamp(SHORTEST_REST, LONGEST_REST),
            Ok(false) => return,
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "rows were not looked through"
                );
                AGAIN
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(rest) => {}
        }
    }
}
