//! Runs' tokens at this moment: valid while the run is held under the epoch that the token names.
//!
//! Each is looked up when it is presented, so that it ends with its hold, at every server.

use std::fmt;

use futures::future::BoxFuture;
use orch_store::run;

use super::{App, AppError};
use crate::edge::{ApiError, RunBearer, RunTokens};
use crate::vault::is_run_token;

/// Judges tokens by the database.
pub struct Judge(App);

impl Judge {
    pub fn new(app: App) -> Self {
        Self(app)
    }

    async fn run_of(&self, bearer: &[u8]) -> Result<Option<RunBearer>, AppError> {
        let app = &self.0;
        let keys = app.vault().tokens();
        let Some((id, epoch)) = keys.and_then(|keys| keys.verify(bearer)) else {
            return Ok(None);
        };
        let mut conn = app.store().peek().await?;
        let run = run::find(&mut conn, id).await?;
        // Only an open run is held.
        let held =
            run.filter(|run| run.epoch == epoch && run.live_holder(app.store().now()).is_some());
        Ok(held.map(|run| RunBearer {
            run: run.id.get(),
            work_item: run.work_item_id.get(),
        }))
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Judge")
    }
}

impl RunTokens for Judge {
    fn claims(&self, bearer: &[u8]) -> bool {
        is_run_token(bearer)
    }

    fn judge<'a>(&'a self, bearer: &'a [u8]) -> BoxFuture<'a, Result<Option<RunBearer>, ApiError>> {
        Box::pin(async move { Ok(self.run_of(bearer).await?) })
    }
}
