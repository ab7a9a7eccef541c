//! Secrets of projects.

use super::{Client, ClientError, Page, Paging};
use crate::types::secret::{ResealedSecrets, Secret, SetSecret};

impl Client {
    /// Sets a secret, of the project or of one of its environments.
    pub async fn set_secret(
        &self,
        project_id: i64,
        name: &str,
        environment: Option<&str>,
        value: &SetSecret,
    ) -> Result<Secret, ClientError> {
        let path = path(project_id, name, environment);
        self.put(&path, value).await
    }

    /// A page of a project's secrets.
    pub async fn secrets(
        &self,
        project_id: i64,
        paging: &Paging,
    ) -> Result<Page<Secret>, ClientError> {
        self.page(&format!("/projects/{project_id}/secrets"), &(), paging)
            .await
    }

    /// Removes a secret.
    pub async fn remove_secret(
        &self,
        project_id: i64,
        name: &str,
        environment: Option<&str>,
    ) -> Result<(), ClientError> {
        self.delete(&path(project_id, name, environment)).await
    }

    /// Seals all secrets and answers anew with the first of the server's keys.
    pub async fn reseal_secrets(&self) -> Result<ResealedSecrets, ClientError> {
        self.act("/secrets/reseal").await
    }
}

fn path(project_id: i64, name: &str, environment: Option<&str>) -> String {
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let path = format!("/projects/{project_id}/secrets/{name}");
    match environment {
        Some(environment) => {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("environment", environment)
                .finish();
            format!("{path}?{query}")
        }
        None => path,
    }
}
