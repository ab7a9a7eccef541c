//! Agents that have registered.

use super::{Client, ClientError};
use crate::types::agent::Agent;

impl Client {
    /// All agents that have registered.
    pub async fn agents(&self) -> Result<Vec<Agent>, ClientError> {
        self.get("/agents").await
    }
}
