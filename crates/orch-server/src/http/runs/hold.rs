//! Showing, claiming, renewing, completing and cancelling runs.

use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use orch_api::problem::Problem;
use orch_api::types::approval::ReasonBody;
use orch_api::types::run::{Claim, ClaimGranted, Complete, Heartbeat, Run};
use orch_core::engine::{Completion, Verdict};
use orch_core::ids::{ProjectId, RunId, WorkItemId};
use orch_store::run::Filter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::super::paging::{Listing, PageQuery};
use super::super::view;
use super::agreed;
use crate::app::{App, AppError, checks, run};
use crate::edge::{
    Access, ApiError, Area, Caller, JsonBody, OptionalJson, Path, Query, RunBearer,
    query_bool_option,
};

type Answer<T> = Result<Json<T>, ApiError>;

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::Agent, routes!(list))
        .route(Access::Agent.or_its_run(), routes!(show))
        .route(Access::Agent.or_any_run(), routes!(show_own))
        .route(Access::Agent, routes!(claim))
        .route(Access::Agent, routes!(heartbeat))
        .route(Access::Agent, routes!(complete))
        .route(Access::User, routes!(cancel))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RunQuery {
    /// running, waiting, succeeded, failed, cancelled or lost.
    pub status: Option<String>,
    pub project_id: Option<i64>,
    pub work_item_id: Option<i64>,
}

impl RunQuery {
    pub fn filter(self) -> Result<Filter, AppError> {
        let statuses = [
            "running",
            "waiting",
            "succeeded",
            "failed",
            "cancelled",
            "lost",
        ];
        let named = statuses.map(|status| (status, status));
        let status = checks::choice("status", self.status.as_deref(), &named)?;
        Ok(Filter {
            work_item: self.work_item_id.map(WorkItemId),
            project: self.project_id.map(ProjectId),
            status: status.map(str::to_owned),
        })
    }
}

/// List runs
#[utoipa::path(get, path = "/work-items/runs", tag = "runs", params(RunQuery, PageQuery), responses(
    (status = 200, body = Vec<Run>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list(
    State(app): State<App>,
    Query(query): Query<RunQuery>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let runs = run::list(&app, &query.filter()?, listing.page()).await?;
    Ok(listing.answer(runs, |run| view::run(&run)))
}

/// Show a run
#[utoipa::path(get, path = "/work-items/runs/{id}", tag = "runs", params(("id" = i64, Path)), responses(
    (status = 200, body = Run), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show(State(app): State<App>, Path(id): Path<i64>) -> Answer<Run> {
    Ok(Json(super::whole(&app, RunId(id)).await?))
}

/// Show the run of a run's token
///
/// For programs inside of a run that have its token and not its number.
#[utoipa::path(get, path = "/work-items/runs/self", tag = "runs", responses(
    (status = 200, body = Run), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show_own(State(app): State<App>, bearer: Option<Extension<RunBearer>>) -> Answer<Run> {
    let Some(Extension(bearer)) = bearer else {
        let detail =
            "there is no run of its own behind this request: it came without a run's token";
        return Err(Problem::not_found(detail).into());
    };
    Ok(Json(super::whole(&app, RunId(bearer.run)).await?))
}

fn granted(run: &orch_core::run::Run, app: &App) -> ClaimGranted {
    let now = app.store().now();
    let lease = run.lease();
    ClaimGranted {
        success: true,
        claimed_by: lease
            .map(|lease| lease.agent.to_string())
            .unwrap_or_default(),
        epoch: run.epoch,
        expires_in: lease
            .map(|lease| lease.until.since(now).as_secs_f64().ceil())
            .unwrap_or_default(),
    }
}

/// Claim a run
#[utoipa::path(post, path = "/work-items/runs/{id}/claim", tag = "runs", params(("id" = i64, Path)), request_body = Claim, responses(
    (status = 200, body = ClaimGranted), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn claim(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    JsonBody(body): JsonBody<Claim>,
) -> Answer<ClaimGranted> {
    let agent = checks::agent(&body.agent_id)?;
    let ttl = checks::lease_ttl(body.ttl_seconds)?;
    let actor = caller.as_agent(agent.as_str()).name;
    let run = run::claim(&app, &actor, RunId(id), agent, ttl).await?;
    Ok(Json(granted(&run, &app)))
}

/// Renew a claim
#[utoipa::path(post, path = "/work-items/runs/{id}/heartbeat", tag = "runs", params(("id" = i64, Path)), request_body = Heartbeat, responses(
    (status = 200, body = ClaimGranted), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn heartbeat(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    JsonBody(body): JsonBody<Heartbeat>,
) -> Answer<ClaimGranted> {
    let agent = checks::agent(&body.agent_id)?;
    let ttl = checks::lease_ttl(body.ttl_seconds)?;
    let actor = caller.as_agent(agent.as_str()).name;
    let run = run::heartbeat(&app, &actor, RunId(id), agent, body.epoch, ttl).await?;
    Ok(Json(granted(&run, &app)))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CompleteQuery {
    /// How it went: true, 1, yes, on, or their opposites.
    #[serde(default, deserialize_with = "query_bool_option")]
    success: Option<bool>,
    epoch: Option<u64>,
    exit_code: Option<i32>,
}

/// Complete a run
///
/// `success` comes as a query value or in the body. Without it the exit code decides, and without
/// either it counts as true.
#[utoipa::path(post, path = "/work-items/runs/{id}/complete", tag = "runs", params(("id" = i64, Path), CompleteQuery), request_body = Option<Complete>, responses(
    (status = 200, body = Run), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn complete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<CompleteQuery>,
    OptionalJson(body): OptionalJson<Complete>,
) -> Answer<Run> {
    let exit_code = agreed("exit_code", query.exit_code, body.exit_code)?;
    let told = agreed("success", query.success, body.success)?;
    let success = told.unwrap_or(exit_code.unwrap_or(0) == 0);
    if success && exit_code.is_some_and(|code| code != 0) {
        return Err(AppError::invalid("success", "is true, and `exit_code` is not 0").into());
    }
    let done = Completion {
        epoch: agreed("epoch", query.epoch, body.epoch)?,
        verdict: if success {
            Verdict::Success
        } else {
            Verdict::Failure
        },
        exit_code,
        reason: checks::optional_text("reason", body.reason.as_deref(), 2000)?,
    };
    Ok(Json(view::run(
        &run::complete(&app, &caller.name, RunId(id), done).await?,
    )))
}

/// Cancel a run
#[utoipa::path(post, path = "/work-items/runs/{id}/cancel", tag = "runs", params(("id" = i64, Path)), request_body = Option<ReasonBody>, responses(
    (status = 200, body = Run), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    OptionalJson(body): OptionalJson<ReasonBody>,
) -> Answer<Run> {
    let reason = checks::optional_text("reason", body.reason.as_deref(), 2000)?;
    Ok(Json(view::run(
        &run::cancel(&app, &caller.name, RunId(id), reason).await?,
    )))
}
