//! Runs: holding them, and their steps, artifacts and summaries.

use serde::Serialize;

use super::{Client, ClientError, Page, Paging};
use crate::types::run::{
    Artifact, Claim, ClaimGranted, Complete, Heartbeat, NewArtifact, NewStep, NewSummary, Run,
    Step, Summary, UpdateStep,
};
use crate::types::steer::Steer;

/// Artifacts hold at most 16 MiB.
const LARGEST_ARTIFACT_BYTES: usize = 17 * 1024 * 1024;

/// Which runs are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunFilter {
    /// Those in one status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Those of one project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<i64>,
    /// Those of one work item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_item_id: Option<i64>,
}

impl Client {
    /// A page of runs.
    pub async fn runs(
        &self,
        filter: &RunFilter,
        paging: &Paging,
    ) -> Result<Page<Run>, ClientError> {
        self.page("/work-items/runs", filter, paging).await
    }

    /// One run.
    pub async fn run(&self, id: i64) -> Result<Run, ClientError> {
        self.get(&run(id, "")).await
    }

    /// The run whose token this client has.
    pub async fn own_run(&self) -> Result<Run, ClientError> {
        self.get("/work-items/runs/self").await
    }

    /// Takes a run.
    pub async fn claim_run(&self, id: i64, claim: &Claim) -> Result<ClaimGranted, ClientError> {
        self.post(&run(id, "/claim"), claim).await
    }

    /// Keeps a run that is held.
    pub async fn heartbeat(
        &self,
        id: i64,
        heartbeat: &Heartbeat,
    ) -> Result<ClaimGranted, ClientError> {
        self.post(&run(id, "/heartbeat"), heartbeat).await
    }

    /// Ends a run.
    pub async fn complete_run(&self, id: i64, outcome: &Complete) -> Result<Run, ClientError> {
        self.post(&run(id, "/complete"), outcome).await
    }

    /// Cancels a run.
    pub async fn cancel_run(&self, id: i64) -> Result<Run, ClientError> {
        self.act(&run(id, "/cancel")).await
    }

    /// Says something to a run while it works.
    pub async fn steer_run(&self, id: i64, text: &str) -> Result<Run, ClientError> {
        let text = text.to_owned();
        self.post(&run(id, "/steer"), &Steer { text }).await
    }

    /// The steps of a run.
    pub async fn steps(&self, run_id: i64) -> Result<Vec<Step>, ClientError> {
        self.get(&run(run_id, "/steps")).await
    }

    /// Adds a step to a run.
    pub async fn add_step(&self, run_id: i64, step: &NewStep) -> Result<Step, ClientError> {
        self.post(&run(run_id, "/steps"), step).await
    }

    /// Changes a step; what is absent stays.
    pub async fn update_step(&self, id: i64, change: &UpdateStep) -> Result<Step, ClientError> {
        self.patch(&format!("/work-items/runs/steps/{id}"), change)
            .await
    }

    /// The artifacts of a run.
    pub async fn artifacts(&self, run_id: i64) -> Result<Vec<Artifact>, ClientError> {
        self.get(&run(run_id, "/artifacts")).await
    }

    /// Adds an artifact to a run.
    pub async fn add_artifact(
        &self,
        run_id: i64,
        artifact: &NewArtifact,
    ) -> Result<Artifact, ClientError> {
        self.post(&run(run_id, "/artifacts"), artifact).await
    }

    /// The bytes of an artifact.
    pub async fn artifact_content(&self, id: i64) -> Result<Vec<u8>, ClientError> {
        let request = self.request(
            reqwest::Method::GET,
            &format!("/work-items/runs/artifacts/{id}/raw"),
        );
        let response = self.send(request).await?;
        self.bytes(response, LARGEST_ARTIFACT_BYTES).await
    }

    /// The summaries of a run.
    pub async fn summaries(&self, run_id: i64) -> Result<Vec<Summary>, ClientError> {
        self.get(&run(run_id, "/summaries")).await
    }

    /// Adds a summary to a run.
    pub async fn add_summary(
        &self,
        run_id: i64,
        summary: &NewSummary,
    ) -> Result<Summary, ClientError> {
        self.post(&run(run_id, "/summaries"), summary).await
    }
}

fn run(id: i64, rest: &str) -> String {
    format!("/work-items/runs/{id}{rest}")
}
