//! Secrets of projects: set, listed and removed by people, delivered to the agents that hold the runs
//! whose steps name them. A value leaves the server by delivery alone.

mod deliver;
mod hide;
mod list;
mod remove;
mod reseal;
mod set;

use orch_core::ids::ProjectId;
use orch_core::secret::{Scope, SecretName};
use orch_store::secret::Stored;

use super::{App, AppError, Result};
use crate::vault::{KeyOrigin, KvError, Place, ValueError};

pub use deliver::{Delivered, Wanted, deliver, missing};
pub use hide::{redactor_of, values_of};
pub use list::{list, show};
pub use remove::remove;
pub use reseal::{Resealed, reseal};
pub use set::{Set, set};

/// Which secret is meant.
#[derive(Clone, Debug)]
pub struct Named {
    pub project: ProjectId,
    pub name: SecretName,
    pub scope: Scope,
}

impl Named {
    /// Reads the name and the environment of a request.
    pub fn parse(project: ProjectId, name: &str, environment: Option<&str>) -> Result<Self> {
        Ok(Self {
            project,
            name: SecretName::parse_own(name).map_err(|why| AppError::invalid("name", why))?,
            scope: Scope::of(environment).map_err(|why| AppError::invalid("environment", why))?,
        })
    }

    fn in_words(&self) -> String {
        let Self {
            project,
            name,
            scope,
        } = self;
        match scope {
            Scope::Project => format!("project {project} has no secret {name}"),
            Scope::Environment(environment) => format!(
                "project {project} has no secret {name} for the environment `{environment}`"
            ),
        }
    }
}

/// Refuses to seal with a key that other servers on the same database do not have.
fn check_key(app: &App) -> Result<()> {
    let is_shared = matches!(
        app.store().database(),
        orch_store::Database::Postgres { .. }
    );
    match app.vault().origin() {
        KeyOrigin::Made(path) if is_shared => Err(AppError::conflict(
            "no_secret_key",
            format!(
                "there is no key to seal secrets with that all servers on this database share ({} is this server's alone): \
                 set ORCH_SECRET_KEY or ORCH_SECRET_KEY_FILE to the same key on each, or ORCH_VAULT_ADDR to keep values in a vault; \
                 nothing was stored",
                path.display()
            ),
        )),
        KeyOrigin::Made(_) | KeyOrigin::Setting | KeyOrigin::File(_) => Ok(()),
    }
}

impl From<KvError> for AppError {
    fn from(error: KvError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The value of a secret, wherever it is kept.
async fn value_of(app: &App, stored: &Stored) -> Result<Vec<u8>> {
    let place = Place::of(&stored.secret);
    let value = app.vault().read_value(&place, &stored.kept).await;
    value.map_err(|error| unreadable(&stored.secret.name, error))
}

/// A value that cannot be read, with the secret's name.
fn unreadable(name: &SecretName, error: ValueError) -> AppError {
    match error {
        ValueError::Kv(error) => AppError::Unavailable(format!("the secret {name}: {error}")),
        ValueError::Sealed(error) => AppError::conflict(
            "sealed_with_another_key",
            format!(
                "the secret {name} cannot be opened: {error}; add the key that sealed it to ORCH_SECRET_KEY, or set the secret anew"
            ),
        ),
        ValueError::NoVault => {
            AppError::conflict("no_vault", format!("the secret {name}: {error}"))
        }
    }
}
