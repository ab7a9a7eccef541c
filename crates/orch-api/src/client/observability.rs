//! Health, counts, traces and usage.

use reqwest::header::DATE;
use reqwest::{Method, StatusCode};

use super::{Client, ClientError};
use crate::types::observability::{Health, Metrics, Pong, Trace, Usage};

/// The server's health, and its clock.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerHealth {
    /// What it says of itself.
    pub health: Health,
    /// The `Date` header of the answer, as it was sent.
    pub date: Option<String>,
}

impl Client {
    /// How the server is.
    pub async fn health(&self) -> Result<ServerHealth, ClientError> {
        let response = self
            .send_once(self.request(Method::GET, "/observability/health"))
            .await?;
        let response = match response.status() {
            // It says what is wrong in the same shape.
            StatusCode::SERVICE_UNAVAILABLE => response,
            status if status.is_success() => response,
            _ => return Err(self.refusal(response).await),
        };
        let date = response
            .headers()
            .get(DATE)
            .and_then(|date| date.to_str().ok())
            .map(str::to_owned);
        let health = self.decode(response).await?;
        Ok(ServerHealth { health, date })
    }

    /// Whether the server answers.
    pub async fn ping(&self) -> Result<Pong, ClientError> {
        self.get("/observability/ping").await
    }

    /// Counts of everything.
    pub async fn metrics(&self) -> Result<Metrics, ClientError> {
        self.get("/observability/metrics").await
    }

    /// Recent runs and their traces.
    pub async fn traces(&self) -> Result<Vec<Trace>, ClientError> {
        self.get("/observability/traces").await
    }

    /// What each project has used.
    pub async fn usage(&self) -> Result<Vec<Usage>, ClientError> {
        self.get("/observability/usage").await
    }
}
