//! Waiting for a person, for a bounded time, with signs of life, and only as long as somebody waits.

use std::time::Duration;

use tokio::time::Instant;

use super::{Fault, Work};

/// Clients give a call a minute as a rule.
const MOST_SECONDS: u32 = 55;
const USUAL_SECONDS: u32 = 30;
const BETWEEN: Duration = Duration::from_secs(2);

/// Looks until there is something, or the time is up.
pub(super) async fn until<T, F>(
    work: &Work,
    seconds: Option<u32>,
    what: &str,
    look: impl Fn() -> F,
) -> Result<Option<T>, Fault>
where
    F: Future<Output = Result<Option<T>, Fault>>,
{
    let whole = seconds.unwrap_or(USUAL_SECONDS).min(MOST_SECONDS);
    let whole = Duration::from_secs(whole.into());
    let from = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(Some(found));
        }
        let waited = from.elapsed();
        if waited >= whole {
            return Ok(None);
        }
        work.progress
            .tell(waited.as_secs_f64(), whole.as_secs_f64(), what)
            .await;
        tokio::select! {
            () = work.stop.cancelled() => return Err(Fault::Cancelled),
            () = tokio::time::sleep(BETWEEN.min(whole - waited)) => {}
        }
    }
}
