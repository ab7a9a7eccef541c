//! What a server that died had set aside.

use orch_core::ids::ProjectId;
use orch_core::time::Timestamp;
use orch_store::budget as store;
use serde_json::json;

use super::super::{App, Result};

/// Lets go of reservations whose time is up, and of those made before `begun`: whoever made them is gone.
/// What their calls did cost, nobody knows any more.
pub(crate) async fn let_go(app: &App, begun: Timestamp) -> Result<()> {
    let mut conn = app.store().read().await?;
    let count = store::count_expired(&mut conn, app.store().now(), begun).await?;
    drop(conn);
    if count == 0 {
        return Ok(());
    }
    let mut tx = app.store().begin("system").await?;
    let now = tx.now();
    for (project, model, amount) in store::remove_expired(&mut tx.conn, now, begun).await? {
        let data = json!({"model": model, "amount_microusd": amount});
        tx.record("budget.reservation_expired", Some(ProjectId(project)), data);
    }
    tx.commit().await?;
    Ok(())
}
