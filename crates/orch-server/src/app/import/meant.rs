//! What a request to import means, with what the project says already.

use orch_api::types::import::{NewImport, SourceArchive};
use orch_core::project::Project;
use orch_core::source::{Reference, Repository};

use crate::app::{AppError, Result, source};

/// What is looked through.
pub enum Meant {
    Archive(SourceArchive),
    /// A repository at what is named of it; `becomes` the project's with the import, where it is not.
    Repository {
        read: Repository,
        becomes: Option<Repository>,
    },
}

/// Which of them is meant.
///
/// # Errors
/// When two are named, something is none, or there is no repository.
pub fn meant(project: &Project, new: NewImport) -> Result<Meant> {
    let NewImport {
        reference,
        repository,
        archive,
    } = new;
    match (archive, repository, reference) {
        (Some(_), Some(_), _) => {
            let message = "is given with `archive`; one of them is imported";
            Err(AppError::invalid("repository", message))
        }
        (Some(_), None, Some(_)) => {
            let message = "is given with `archive`; a branch, tag or commit is one of a repository";
            Err(AppError::invalid("ref", message))
        }
        (None, Some(_), Some(_)) => {
            let message = "is given with `repository`; write it as `repository.ref`";
            Err(AppError::invalid("ref", message))
        }
        (Some(archive), None, None) => Ok(Meant::Archive(archive)),
        (None, Some(named), None) => {
            let mut named = source::repository(&named)?;
            let own = project.repository.as_ref();
            // The same repository again, which says nothing of what the project starts from.
            if let Some(own) = own.filter(|own| named.reference.is_none() && own.url == named.url) {
                named.reference.clone_from(&own.reference);
            }
            let becomes = (own != Some(&named)).then(|| named.clone());
            Ok(Meant::Repository {
                read: named,
                becomes,
            })
        }
        (None, None, reference) => {
            let named = reference.as_deref().map(|name| {
                Reference::parse(name).map_err(|problem| AppError::invalid("ref", problem))
            });
            let named = named.transpose()?;
            let mut read = project.repository.clone().ok_or_else(|| {
                let id = project.id;
                let message = format!(
                    "project {id} has no repository; name one as `repository`, or send an `archive`"
                );
                AppError::conflict("no_repository", message)
            })?;
            read.reference = named.or(read.reference);
            Ok(Meant::Repository {
                read,
                becomes: None,
            })
        }
    }
}
