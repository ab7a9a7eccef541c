//! The roles that requests may name.

use axum::Json;
use axum::extract::State;
use orch_api::problem::Problem;
use orch_api::types::orchestrate::AgentRole;
use utoipa_axum::routes;

use crate::app::App;
use crate::edge::{Access, ApiError, Area};

pub fn area() -> Area<App> {
    Area::new().route(Access::User, routes!(list))
}

/// List the roles that can be asked
#[utoipa::path(get, path = "/api/agents", tag = "orchestrate", responses(
    (status = 200, body = Vec<AgentRole>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list(State(app): State<App>) -> Result<Json<Vec<AgentRole>>, ApiError> {
    let team = app.team();
    let shown = team.roles.all().map(|role| AgentRole {
        name: role.name.clone(),
        title: role.title.clone(),
        about: role.about.clone(),
        model: team.model_name(role),
    });
    Ok(Json(shown.collect()))
}
