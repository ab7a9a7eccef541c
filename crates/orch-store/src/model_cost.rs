//! What models have cost, added up over all projects and over work items, for whoever watches the installation.

use crate::conn::{all, sql};
use crate::inline::row;
use crate::sum::total;
use crate::{Conn, StoreError};

row! {
    /// The calls of one project, or of one work item of it.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Spent {
        pub project_id: i64,
        /// 0 for all of the project.
        pub work_item_id: i64,
        pub calls: i64,
        /// Calls whose model had no price.
        pub unpriced: i64,
        pub cost_microusd: i64,
    }
}

/// What each project's calls have cost: the newest `limit` projects that have calls.
///
/// # Errors
/// When the database fails.
pub async fn of_projects(conn: &mut Conn, limit: i64) -> Result<Vec<Spent>, StoreError> {
    all!(
        conn,
        Spent,
        sql!(concat!(
            "SELECT project_id, CAST(0 AS BIGINT) AS work_item_id, count(*) AS calls,
                    CAST(SUM(CASE WHEN cost_microusd IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS unpriced, ",
            total!("cost_microusd"),
            " AS cost_microusd
               FROM model_call WHERE project_id IS NOT NULL GROUP BY project_id ORDER BY project_id DESC LIMIT $1"
        )),
        limit
    )
}

/// The same of each work item: the newest `limit` items that have calls.
///
/// # Errors
/// When the database fails.
pub async fn of_work_items(conn: &mut Conn, limit: i64) -> Result<Vec<Spent>, StoreError> {
    all!(
        conn,
        Spent,
        sql!(concat!(
            "SELECT project_id, work_item_id, count(*) AS calls,
                    CAST(SUM(CASE WHEN cost_microusd IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS unpriced, ",
            total!("cost_microusd"),
            " AS cost_microusd
               FROM model_call WHERE work_item_id IN
                    (SELECT DISTINCT work_item_id FROM model_call WHERE work_item_id IS NOT NULL
                      ORDER BY work_item_id DESC LIMIT $1) AND project_id IS NOT NULL
              GROUP BY project_id, work_item_id ORDER BY work_item_id DESC"
        )),
        limit
    )
}
