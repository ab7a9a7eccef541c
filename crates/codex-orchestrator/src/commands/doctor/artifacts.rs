//! Whether the bucket of artifacts can be used. Nothing is written there: it may not be this machine's to claim.

use orch_server::{Bucket, ServerConfig};

use super::checks::Check;

/// Asks the bucket, where there is one.
pub async fn checks(config: &ServerConfig) -> Vec<Check> {
    const NAME: &str = "artifacts";
    let Some(address) = config.bucket.clone() else {
        return Vec::new();
    };
    let place = address.to_string();
    let folder = config.data_dir.join("artifacts");
    let asked = match Bucket::new(address, "", folder) {
        Ok(bucket) => bucket.answers().await,
        Err(error) => Err(error),
    };
    vec![match asked {
        Ok(()) => Check::ok(NAME, format!("{place} answers")),
        Err(error) => Check::failed(NAME, error.to_string()),
    }]
}
