//! Secrets in the database. A value arrives sealed, or as the version that a vault keeps it under.

use orch_core::ids::{ProjectId, SecretId};
use orch_core::secret::{Scope, Secret, SecretName};
use orch_core::time::Timestamp;

use crate::conn::{all, execute, listing, one, optional};
use crate::inline::row;
use crate::stored::{Lenient, noun, nouns, stored};
use crate::{Conn, Found, Page, StoreError};

/// Where a secret's value is.
#[derive(Clone, PartialEq, Eq)]
pub enum Kept {
    /// In the row, encrypted.
    Sealed(String),
    /// In a vault, under this version of its own.
    Vault(i64),
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sealed(_) => f.write_str("Sealed(…)"),
            Self::Vault(version) => write!(f, "Vault({version})"),
        }
    }
}

/// A secret and where its value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub secret: Secret,
    pub kept: Kept,
}

row! {
    pub(crate) struct Row {
        id: i64,
        project_id: i64,
        environment: String,
        name: String,
        version: i64,
        sealed: Option<String>,
        vault_version: Option<i64>,
        created_at: i64,
        updated_at: i64,
        set_by: String,
    }
}

stored!(Row, "secret" by id => Stored);

impl TryFrom<Row> for Stored {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let kept = match (row.sealed, row.vault_version) {
            (Some(sealed), _) => Kept::Sealed(sealed),
            (None, Some(version)) => Kept::Vault(version),
            (None, None) => {
                return Err(StoreError::corrupt(
                    "sealed",
                    "neither sealed nor in a vault",
                ));
            }
        };
        let scope = match row.environment.as_str() {
            "" => Scope::Project,
            name => Scope::Environment(name.to_owned()),
        };
        let secret = Secret {
            id: SecretId(row.id),
            project_id: ProjectId(row.project_id),
            name: SecretName::parse(&row.name)
                .map_err(|_| StoreError::corrupt("name", &row.name))?,
            scope,
            version: u32::try_from(row.version)
                .map_err(|_| StoreError::corrupt("version", row.version.to_string()))?,
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
            set_by: row.set_by,
        };
        Ok(Self { secret, kept })
    }
}

fn columns(kept: &Kept) -> (Option<&str>, Option<i64>) {
    match kept {
        Kept::Sealed(sealed) => (Some(sealed), None),
        Kept::Vault(version) => (None, Some(*version)),
    }
}

/// A secret by its name and its very scope.
///
/// # Errors
/// When the database fails.
pub async fn find(
    conn: &mut Conn,
    project: ProjectId,
    name: &SecretName,
    scope: &Scope,
) -> Result<Option<Stored>, StoreError> {
    noun::<Row>(optional!(
        conn,
        Lenient<Row>,
        "SELECT * FROM secret WHERE project_id = $1 AND name = $2 AND environment = $3",
        project.get(),
        name.as_str(),
        scope.environment().unwrap_or_default()
    )?)
}

/// The secret that runs of an environment get by a name: the environment's own, else the project's.
///
/// # Errors
/// When the database fails.
pub async fn resolve(
    conn: &mut Conn,
    project: ProjectId,
    name: &SecretName,
    environment: Option<&str>,
) -> Result<Option<Stored>, StoreError> {
    noun::<Row>(optional!(
        conn,
        Lenient<Row>,
        "SELECT * FROM secret WHERE project_id = $1 AND name = $2 AND environment IN ('', $3)
          ORDER BY CASE WHEN environment = '' THEN 1 ELSE 0 END LIMIT 1",
        project.get(),
        name.as_str(),
        environment.unwrap_or_default()
    )?)
}

/// Keeps the first value of a secret.
///
/// # Errors
/// When the database fails, or the secret exists.
pub async fn insert(
    conn: &mut Conn,
    (project, name, scope): (ProjectId, &SecretName, &Scope),
    kept: &Kept,
    set_by: &str,
    now: Timestamp,
) -> Result<Stored, StoreError> {
    let (sealed, vault) = columns(kept);
    one!(
        conn,
        Row,
        "INSERT INTO secret (project_id, environment, name, version, sealed, vault_version, created_at, updated_at, set_by)
         VALUES ($1, $2, $3, 1, $4, $5, $6, $6, $7) RETURNING *",
        project.get(),
        scope.environment().unwrap_or_default(),
        name.as_str(),
        sealed,
        vault,
        now.as_micros(),
        set_by
    )?
    .try_into()
}

/// Keeps another value under the version that `secret` has now.
///
/// # Errors
/// When the database fails.
pub async fn replace(conn: &mut Conn, secret: &Secret, kept: &Kept) -> Result<(), StoreError> {
    let (sealed, vault) = columns(kept);
    execute!(
        conn,
        "UPDATE secret SET version = $2, sealed = $3, vault_version = $4, updated_at = $5, set_by = $6
          WHERE id = $1",
        secret.id.get(),
        i64::from(secret.version),
        sealed,
        vault,
        secret.updated_at.as_micros(),
        secret.set_by.as_str()
    )?;
    Ok(())
}

/// Keeps the same value sealed anew, if its version is still the same; tells whether it was.
///
/// # Errors
/// When the database fails.
pub async fn reseal(
    conn: &mut Conn,
    id: SecretId,
    version: u32,
    sealed: &str,
) -> Result<bool, StoreError> {
    let touched = execute!(
        conn,
        "UPDATE secret SET sealed = $3, vault_version = NULL WHERE id = $1 AND version = $2",
        id.get(),
        i64::from(version),
        sealed
    )?;
    Ok(touched == 1)
}

/// Forgets a secret.
///
/// # Errors
/// When the database fails.
pub async fn delete(conn: &mut Conn, id: SecretId) -> Result<(), StoreError> {
    execute!(conn, "DELETE FROM secret WHERE id = $1", id.get())?;
    Ok(())
}

/// How many secrets a project has.
///
/// # Errors
/// When the database fails.
pub async fn count(conn: &mut Conn, project: ProjectId) -> Result<i64, StoreError> {
    let (count,) = one!(
        conn,
        (i64,),
        "SELECT count(*) FROM secret WHERE project_id = $1",
        project.get()
    )?;
    Ok(count)
}

/// The secrets of a project.
///
/// # Errors
/// When the database fails.
pub async fn list(
    conn: &mut Conn,
    project: ProjectId,
    page: Page,
) -> Result<Found<Stored>, StoreError> {
    let sql = listing!(
        page,
        "SELECT * FROM secret WHERE project_id = $1",
        "id",
        "$2",
        "$3"
    );
    let rows = all!(
        conn,
        Lenient<Row>,
        sql,
        project.get(),
        page.after,
        page.limit
    )?;
    Ok(Found::page::<Row>(rows, page))
}

/// Secrets of all projects after an id, oldest first.
///
/// # Errors
/// When the database fails, or one cannot be read.
pub async fn after(conn: &mut Conn, id: SecretId, limit: i64) -> Result<Vec<Stored>, StoreError> {
    nouns::<Row>(all!(
        conn,
        Lenient<Row>,
        "SELECT * FROM secret WHERE id > $1 ORDER BY id LIMIT $2",
        id.get(),
        limit
    )?)
}
