//! How long a refused caller is asked to wait.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Waits between attempts that the server did not ask for in seconds.
const UNTOLD: Duration = Duration::from_secs(1);

/// What `Retry-After` asks for; a second where it is absent or holds a date.
pub(super) fn read(headers: &HeaderMap) -> Duration {
    headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse().ok())
        .map_or(UNTOLD, Duration::from_secs)
}
