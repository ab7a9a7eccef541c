//! `GetSecrets`: values for the agent that holds a run and presents the server's secret.

use std::collections::BTreeSet;

use orch_api::proto::{GetSecretsReply, GetSecretsRequest, SecretValue};
use orch_core::ids::RunId;
use orch_core::secret::{MAX_PER_STEP, SecretName};
use tonic::{Response, Status};

use crate::app::secret::{self, Delivered, Wanted};
use crate::app::{App, AppError, checks};

/// Names in one call: those of several steps are looked for at once.
const MOST_NAMES: usize = 10 * MAX_PER_STEP;

pub async fn get(
    app: &App,
    request: GetSecretsRequest,
) -> Result<Response<GetSecretsReply>, Status> {
    if !app.vault().admits(&request.secret) {
        return Err(AppError::forbidden(
            "secret_required",
            "secrets go only to agents that present the server's secret: set AGENT_SECRET_KEY of the agent to that of the server, else to its ORCH_SECRET_KEY",
        )
        .into());
    }
    if request.names.len() > MOST_NAMES {
        let message = format!(
            "names: {}, at most {MOST_NAMES} are allowed",
            request.names.len()
        );
        return Err(Status::invalid_argument(message));
    }
    let names: Result<BTreeSet<SecretName>, String> = request
        .names
        .iter()
        .map(|name| SecretName::parse(name))
        .collect();
    let wanted = Wanted {
        agent: checks::agent(&request.agent_id)?,
        run: RunId(request.run_id),
        epoch: request.epoch,
        names: names.map_err(|why| Status::invalid_argument(format!("names: {why}")))?,
    };
    let (values, missing) = match request.probe {
        true => (Vec::new(), secret::missing(app, &wanted).await?),
        false => secret::deliver(app, &wanted).await?,
    };
    let value = |Delivered {
                     name,
                     value,
                     version,
                 }| SecretValue {
        name: String::from(name),
        value,
        version,
    };
    Ok(Response::new(GetSecretsReply {
        values: values.into_iter().map(value).collect(),
        missing: missing.into_iter().map(String::from).collect(),
    }))
}
