//! A run with what is only shown of a single one: reports, costs, and declared files that were not kept.

use orch_api::types::run::{OmittedArtifact, Report, Run};
use orch_core::ids::RunId;

use super::super::view;
use crate::app::{App, AppError, artifact, charge, run};

pub async fn whole(app: &App, id: RunId) -> Result<Run, AppError> {
    let mut shown = view::run(&run::show(app, id).await?);
    let artifacts = artifact::of_run(app, id).await?;
    shown.reports = artifacts
        .into_iter()
        .map(view::artifact)
        .filter_map(|artifact| {
            Some(Report {
                artifact_id: artifact.id,
                name: artifact.name,
                step: artifact.step,
                report: artifact.report?,
            })
        })
        .collect();
    let costs = charge::of_run(app, id).await?;
    shown.costs = costs.into_iter().map(view::cost).collect();
    let omitted = artifact::omitted_of_run(app, id).await?;
    shown.artifacts_omitted = omitted
        .into_iter()
        .map(|omitted| OmittedArtifact {
            path: omitted.path,
            reason: omitted.reason,
            step: omitted.step,
        })
        .collect();
    Ok(shown)
}
