//! `/projects/{id}/budget` and `/projects/{id}/costs`: what may be spent on models, and what was.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use orch_api::problem::Problem;
use orch_api::types::budget::{Budget, Budgets, SetBudget};
use orch_api::types::model::Costs;
use orch_core::ids::ProjectId;
use orch_core::time::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::view;
use crate::app::budget::{Change, Standing};
use crate::app::{App, budget, cost};
use crate::edge::{Access, ApiError, Area, Caller, JsonBody, Path, Query};

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::User, routes!(show, set, clear))
        .route(Access::User, routes!(costs))
}

/// Show the budgets of a project and of what is in it
#[utoipa::path(get, path = "/projects/{id}/budget", tag = "models", params(("id" = i64, Path)), responses(
    (status = 200, body = Budgets), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show(State(app): State<App>, Path(id): Path<i64>) -> Result<Json<Budgets>, ApiError> {
    let budgets = budget::of_project(&app, ProjectId(id)).await?;
    Ok(Json(Budgets {
        project_id: id,
        budgets: budgets.into_iter().map(shown).collect(),
    }))
}

/// Set a budget
///
/// Of the project, or of one plan, work item or run of it. What was spent before counts. A call must fit every
/// budget on its way; one that could exceed a hard cap is not made.
#[utoipa::path(put, path = "/projects/{id}/budget", tag = "models", params(("id" = i64, Path)), request_body = SetBudget, responses(
    (status = 200, body = Budget), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn set(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    JsonBody(new): JsonBody<SetBudget>,
) -> Result<Json<Budget>, ApiError> {
    let change = Change {
        scope: new.scope,
        scope_id: new.scope_id,
        hard_cap_microusd: new.hard_cap_microusd,
        soft_cap_microusd: new.soft_cap_microusd,
        period: new.period,
    };
    let set = budget::set(&app, &caller.name, ProjectId(id), change).await?;
    Ok(Json(shown(set)))
}

/// Which budget of a project.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// `project` (where it is left out), `plan`, `work_item` or `run`.
    scope: Option<String>,
    /// Which plan, work item or run.
    scope_id: Option<i64>,
}

/// Remove a budget
#[utoipa::path(delete, path = "/projects/{id}/budget", tag = "models", params(("id" = i64, Path), Which), responses(
    (status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn clear(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(which): Query<Which>,
) -> Result<StatusCode, ApiError> {
    let scope = which.scope.as_deref();
    budget::clear(&app, &caller.name, ProjectId(id), scope, which.scope_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which costs, and how they are added up.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CostsQuery {
    /// `model` (where it is left out), `role`, `plan`, `work_item`, `run` or `day`.
    by: Option<String>,
    /// Calls from then on: a date or an RFC 3339 time.
    since: Option<String>,
    /// Calls before then.
    until: Option<String>,
}

/// Show what a project's calls of models have cost
#[utoipa::path(get, path = "/projects/{id}/costs", tag = "models", params(("id" = i64, Path), CostsQuery), responses(
    (status = 200, body = Costs), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn costs(
    State(app): State<App>,
    Path(id): Path<i64>,
    Query(query): Query<CostsQuery>,
) -> Result<Json<Costs>, ApiError> {
    let wanted = cost::Wanted {
        by: query.by,
        since: query.since,
        until: query.until,
    };
    let costs = cost::of_project(&app, ProjectId(id), wanted).await?;
    Ok(Json(Costs {
        project_id: id,
        since: costs.since.map(|at| at.to_string()),
        until: costs.until.map(|at| at.to_string()),
        total: view::cost(costs.total),
        by: costs.by.to_owned(),
        lines: costs.lines.into_iter().map(view::cost).collect(),
    }))
}

fn shown(standing: Standing) -> Budget {
    let Standing { row, level, budget } = standing;
    Budget {
        project_id: row.project_id,
        scope: level.scope().to_owned(),
        scope_id: level.id(),
        hard_cap_microusd: budget.hard.map(|cap| cap.micros()),
        soft_cap_microusd: budget.soft.map(|cap| cap.micros()),
        period: row.period,
        spent_microusd: budget.spent.micros(),
        reserved_microusd: budget.reserved.micros(),
        remaining_microusd: budget.left().map(|left| left.micros()),
        soft_cap_reached: budget.is_over_soft(),
        version: row.version,
        updated_at: Timestamp::from_micros(row.updated_at).to_string(),
        updated_by: row.updated_by,
    }
}
