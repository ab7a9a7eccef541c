//! Imports of existing code.

use super::{Client, ClientError, Order, Page, Paging, Watch};
use crate::types::import::{Import, NewImport};

impl Client {
    /// Imports a project's repository, another one that becomes it, or an archive.
    pub async fn import(&self, project_id: i64, new: &NewImport) -> Result<Import, ClientError> {
        self.post_long(&format!("/projects/{project_id}/import"), new)
            .await
    }

    /// The same, where it sends something large.
    pub async fn import_watched(
        &self,
        project_id: i64,
        new: &NewImport,
        watch: &Watch,
    ) -> Result<Import, ClientError> {
        self.post_watched(&format!("/projects/{project_id}/import"), new, watch)
            .await
    }

    /// The imports of a project, oldest first, without what was found.
    pub async fn imports(&self, project_id: i64) -> Result<Vec<Import>, ClientError> {
        self.get(&format!("/projects/{project_id}/imports")).await
    }

    /// One import, with what was found.
    pub async fn import_shown(&self, project_id: i64, id: i64) -> Result<Import, ClientError> {
        self.get(&format!("/projects/{project_id}/imports/{id}"))
            .await
    }

    /// The newest import, without what was found; none where nothing was imported.
    pub async fn newest_import(&self, project_id: i64) -> Result<Option<Import>, ClientError> {
        let newest = Paging {
            order: Order::NewestFirst,
            limit: Some(1),
            cursor: None,
        };
        let path = format!("/projects/{project_id}/imports");
        let page: Page<Import> = self.page(&path, &(), &newest).await?;
        Ok(page.items.into_iter().next())
    }
}
