//! Versions of requirements as they are stored, and read back.

use orch_core::ids::{ProjectId, RequirementsId, VisionId};
use orch_core::requirements::{Difference, Document, Requirement, difference as compare};
use orch_store::requirements::{self, NewVersion, Requirements};
use orch_store::{StoreError, Tx};
use serde::Deserialize;

use crate::app::{App, AppError, Result, project};

/// The most bytes that a version has as JSON; all of it is read and written at once.
const LARGEST_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// The document of a stored version. Versions of earlier programs have nothing but items.
///
/// # Errors
/// When the row holds what cannot be read.
pub fn document(stored: &Requirements) -> Result<Document> {
    let mut document: Document = match &stored.document {
        Some(text) => read(text, "document")?,
        None => Document::default(),
    };
    document.items = read::<Vec<Requirement>>(&stored.items, "items")?;
    Ok(document)
}

fn read<T: for<'de> Deserialize<'de>>(text: &str, column: &'static str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        AppError::Store(StoreError::Corrupt {
            column,
            what: error.to_string(),
        })
    })
}

/// Where a new version comes from.
pub(super) struct Origin<'a> {
    pub project: ProjectId,
    pub vision: VisionId,
    pub parent: Option<RequirementsId>,
    pub author: &'a str,
    pub reason: Option<&'a str>,
}

/// A document as it is stored.
pub(super) struct Written {
    markdown: String,
    items: String,
    beside: String,
    digest: String,
}

impl Written {
    /// Writes the document down; takes a while for a large one.
    ///
    /// # Errors
    /// When it is larger than one document may be.
    pub fn of(mut document: Document) -> Result<Self> {
        let (markdown, digest) = (document.markdown(), document.digest());
        let items = serde_json::to_string(&document.items).expect("invariant: items serialise");
        document.items = Vec::new();
        let beside = serde_json::to_string(&document).expect("invariant: a document serialises");
        let bytes = items.len() + beside.len();
        if bytes > LARGEST_DOCUMENT_BYTES {
            return Err(AppError::invalid(
                "requirements",
                format!(
                    "have {bytes} bytes as JSON; one document has at most {LARGEST_DOCUMENT_BYTES}: split the vision into several projects, or say less in it"
                ),
            ));
        }
        Ok(Self {
            markdown,
            items,
            beside,
            digest,
        })
    }

    pub async fn save(&self, tx: &mut Tx, origin: &Origin<'_>) -> Result<Requirements> {
        let now = tx.now();
        let new = NewVersion {
            project: origin.project,
            vision: origin.vision,
            parent: origin.parent,
            author: origin.author,
            reason: origin.reason,
            draft: &self.markdown,
            items: &self.items,
            document: &self.beside,
            digest: &self.digest,
        };
        Ok(requirements::insert(&mut tx.conn, &new, now).await?)
    }
}

/// The digest of a version: what is stored, worked out anew.
pub(super) fn digest(stored: &Requirements) -> Result<String> {
    Ok(document(stored)?.digest())
}

/// All versions, oldest first.
pub async fn list(app: &App, project_id: ProjectId) -> Result<Vec<Requirements>> {
    project::show(app, project_id).await?;
    let mut conn = app.store().read().await?;
    Ok(app
        .store()
        .named(requirements::list(&mut conn, project_id).await?)
        .rows)
}

/// One version.
pub async fn show(app: &App, project_id: ProjectId, id: RequirementsId) -> Result<Requirements> {
    project::show(app, project_id).await?;
    let mut conn = app.store().read().await?;
    requirements::find(&mut conn, project_id, id)
        .await?
        .ok_or_else(|| AppError::not_found("requirements", id.get()))
}

/// What changed from `from`, or else from the version that this one was made from.
pub async fn difference(
    app: &App,
    project_id: ProjectId,
    id: RequirementsId,
    from: Option<RequirementsId>,
) -> Result<(i64, Difference)> {
    let newer = show(app, project_id, id).await?;
    let from = from.or_else(|| newer.parent_id.map(RequirementsId));
    let older = match from {
        Some(from) => show(app, project_id, from).await?,
        None => {
            let message =
                format!("requirements {id} were made from no other version; name one with ?from=");
            return Err(AppError::conflict("no_parent", message));
        }
    };
    let compared = tokio::task::spawn_blocking(move || {
        let found = compare(&document(&older)?, &document(&newer)?);
        Ok((older.id, found))
    });
    compared.await.map_err(|_| StoreError::Closed)?
}
