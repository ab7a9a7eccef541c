//! Artifacts one by one, their bytes piece by piece.

use std::time::Duration;

use reqwest::{Method, Response};

use super::{Client, ClientError};
use crate::types::run::Artifact;

/// The longest silence while bytes come.
const SILENCE: Duration = Duration::from_secs(60);

/// The bytes of an artifact, as they come.
pub struct Download {
    response: Response,
    url: String,
}

impl Client {
    /// One artifact.
    pub async fn artifact(&self, id: i64) -> Result<Artifact, ClientError> {
        self.get(&format!("/work-items/runs/artifacts/{id}")).await
    }

    /// Begins a download; the server has checked the bytes.
    pub async fn download(&self, id: i64) -> Result<Download, ClientError> {
        let path = format!("/work-items/runs/artifacts/{id}/raw");
        let response = self.send(self.request(Method::GET, &path)).await?;
        let url = self.url().to_owned();
        Ok(Download { response, url })
    }
}

impl Download {
    /// The next bytes; none at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ClientError> {
        let url = || self.url.clone();
        match tokio::time::timeout(SILENCE, self.response.chunk()).await {
            Ok(Ok(bytes)) => Ok(bytes.map(Vec::from)),
            Ok(Err(source)) => Err(ClientError::Interrupted { url: url(), source }),
            Err(_) => Err(ClientError::TimedOut {
                url: url(),
                after: SILENCE,
            }),
        }
    }
}
