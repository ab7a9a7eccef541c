//! `/work-items`: items, policies, recipes, approvals.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::header::IF_MATCH;
use http::{HeaderMap, StatusCode};
use orch_api::problem::Problem;
use orch_api::types::approval::{Approval, ReasonBody};
use orch_api::types::run::Run;
use orch_api::types::work_item::{
    NewRecipe, NewWorkItem, NewWorkItems, Policy, Recipe, UpdateWorkItem, WorkItem,
};
use orch_core::approval::{Status, Verdict};
use orch_core::engine;
use orch_core::ids::{ApprovalId, ProjectId, WorkItemId};
use orch_core::work_item::{self as core, State as ItemState};
use orch_store::work_item::Filter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::paging::{Listing, PageQuery};
use super::version_tag::tagged;
use super::view;
use crate::app::{App, AppError, approval, charge, checks, run, work_item};
use crate::edge::{
    Access, ApiError, Area, Caller, JsonBody, OptionalJson, Path, Query, TraceContext,
};

type Answer<T> = Result<Json<T>, ApiError>;
type Created<T> = Result<(StatusCode, Json<T>), ApiError>;

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::User, routes!(create, list))
        .route(Access::User, routes!(create_batch))
        .route(Access::User.or_a_run_of_it(), routes!(show))
        .route(Access::User, routes!(update))
        .route(Access::User, routes!(start))
        .route(Access::User, routes!(cancel))
        .route(Access::User, routes!(set_policy, show_policy))
        .route(Access::User, routes!(set_recipe, show_recipe))
        .route(Access::User, routes!(request_approval, list_item_approvals))
        .route(Access::User, routes!(list_approvals))
        .route(Access::User, routes!(show_approval))
        .route(Access::User, routes!(approve))
        .route(Access::User, routes!(deny))
        .route(Access::User, routes!(list_runs))
}

fn new_item(new: NewWorkItem) -> Result<engine::NewWorkItem, AppError> {
    let retries = new.max_retries;
    if retries.is_some_and(|retries| retries > MOST_RETRIES) {
        return Err(AppError::invalid(
            "max_retries",
            format!("must be from 0 to {MOST_RETRIES}"),
        ));
    }
    Ok(engine::NewWorkItem {
        project_id: ProjectId(new.project_id),
        title: new.title,
        description: new.description.unwrap_or_default(),
        kind: new.kind.unwrap_or_default(),
        environment: checks::optional_text("environment", new.environment.as_deref(), 200)?,
        policy: core::Policy {
            max_retries: retries,
            backoff_base: new
                .backoff_base_seconds
                .map(|s| checks::seconds("backoff_base_seconds", s))
                .transpose()?,
            backoff_jitter: new
                .backoff_jitter_seconds
                .map(|s| checks::seconds("backoff_jitter_seconds", s))
                .transpose()?,
        },
        concurrency_key: new
            .concurrency_key
            .as_deref()
            .map(checks::concurrency_key)
            .transpose()?,
        reference: new
            .reference
            .as_deref()
            .map(checks::reference)
            .transpose()?,
    })
}

/// The most retries that can be asked for.
const MOST_RETRIES: u32 = 1000;

/// Create a work item
#[utoipa::path(post, path = "/work-items", tag = "work items", request_body = NewWorkItem, responses(
    (status = 201, body = WorkItem), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    JsonBody(new): JsonBody<NewWorkItem>,
) -> Created<WorkItem> {
    let created = work_item::create(&app, &caller.name, vec![new_item(new)?]).await?;
    let item = created
        .first()
        .ok_or_else(|| AppError::Store(orch_store::StoreError::Closed))?;
    Ok((StatusCode::CREATED, Json(view::work_item(item))))
}

/// Create many work items, all or none
#[utoipa::path(post, path = "/work-items/batch", tag = "work items", request_body = NewWorkItems, responses(
    (status = 201, body = Vec<WorkItem>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn create_batch(
    State(app): State<App>,
    caller: Caller,
    JsonBody(new): JsonBody<NewWorkItems>,
) -> Created<Vec<WorkItem>> {
    for (index, item) in new.items.iter().enumerate() {
        core::check_title(&item.title)
            .map_err(|message| AppError::invalid(format!("items[{index}].title"), message))?;
    }
    let items = new
        .items
        .into_iter()
        .map(new_item)
        .collect::<Result<_, _>>()?;
    let created = work_item::create(&app, &caller.name, items).await?;
    Ok((
        StatusCode::CREATED,
        Json(created.iter().map(view::work_item).collect()),
    ))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ItemQuery {
    project_id: Option<i64>,
    /// Proposed, Approved, In Progress, Review, Done or Cancelled.
    state: Option<String>,
}

/// List work items
#[utoipa::path(get, path = "/work-items", tag = "work items", params(ItemQuery, PageQuery), responses(
    (status = 200, body = Vec<WorkItem>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list(
    State(app): State<App>,
    Query(query): Query<ItemQuery>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let states = [
        ItemState::Proposed,
        ItemState::Approved,
        ItemState::InProgress,
        ItemState::Review,
        ItemState::Done,
        ItemState::Cancelled,
    ];
    let named = states.map(|state| (state.as_str(), state));
    let state = checks::choice("state", query.state.as_deref(), &named)?;
    let filter = Filter {
        project: query.project_id.map(ProjectId),
        state,
    };
    let items = work_item::list(&app, &filter, listing.page()).await?;
    Ok(listing.answer(items, |item| view::work_item(&item)))
}

/// Show a work item
#[utoipa::path(get, path = "/work-items/{id}", tag = "work items", params(("id" = i64, Path)), responses(
    (status = 200, body = WorkItem), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show(State(app): State<App>, Path(id): Path<i64>) -> Result<Response, ApiError> {
    let item = work_item::show(&app, WorkItemId(id)).await?;
    let costs = charge::of_item(&app, item.id).await?;
    let shown = WorkItem {
        costs: costs.into_iter().map(view::cost).collect(),
        ..view::work_item(&item)
    };
    Ok(tagged(StatusCode::OK, &item.version, Json(shown)))
}

/// Change a work item
///
/// A change of what would run voids approvals. `If-Match` with the version refuses a lost update.
#[utoipa::path(patch, path = "/work-items/{id}", tag = "work items", params(("id" = i64, Path)), request_body = UpdateWorkItem, responses(
    (status = 200, body = WorkItem), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    headers: HeaderMap,
    JsonBody(change): JsonBody<UpdateWorkItem>,
) -> Result<Response, ApiError> {
    let update = work_item::Update {
        title: change.title,
        description: change.description,
        kind: change.kind,
        environment: change.environment,
        concurrency_key: change.concurrency_key,
        reference: change.reference,
        if_version: if_match(&headers)?,
    };
    let item = work_item::update(&app, &caller.name, WorkItemId(id), update).await?;
    Ok(tagged(
        StatusCode::OK,
        &item.version,
        Json(view::work_item(&item)),
    ))
}

fn if_match(headers: &HeaderMap) -> Result<Option<i64>, AppError> {
    let Some(value) = headers.get(IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or("").trim();
    if text == "*" {
        return Ok(None);
    }
    text.trim_matches('"').parse().map(Some).map_err(|_| {
        AppError::PreconditionFailed("If-Match must be the ETag of the work item".to_owned())
    })
}

/// Start a work item now
#[utoipa::path(post, path = "/work-items/{id}/start", tag = "work items", params(("id" = i64, Path)), responses(
    (status = 200, body = Run), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn start(
    State(app): State<App>,
    caller: Caller,
    trace: TraceContext,
    Path(id): Path<i64>,
) -> Answer<Run> {
    let trace_id = trace.parent_id.is_some().then_some(trace.trace_id);
    Ok(Json(view::run(
        &work_item::start(&app, &caller.name, WorkItemId(id), trace_id).await?,
    )))
}

/// Cancel a work item, with its run or its place in the queue
#[utoipa::path(post, path = "/work-items/{id}/cancel", tag = "work items", params(("id" = i64, Path)), responses(
    (status = 200, body = WorkItem), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn cancel(State(app): State<App>, caller: Caller, Path(id): Path<i64>) -> Answer<WorkItem> {
    Ok(Json(view::work_item(
        &work_item::cancel(&app, &caller.name, WorkItemId(id)).await?,
    )))
}

/// Set the retry policy
#[utoipa::path(post, path = "/work-items/{id}/policy", tag = "work items", params(("id" = i64, Path)), request_body = Policy, responses(
    (status = 200, body = WorkItem), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn set_policy(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    JsonBody(policy): JsonBody<Policy>,
) -> Answer<WorkItem> {
    if policy
        .max_retries
        .flatten()
        .is_some_and(|retries| retries > MOST_RETRIES)
    {
        return Err(
            AppError::invalid("max_retries", format!("must be from 0 to {MOST_RETRIES}")).into(),
        );
    }
    let seconds = |field, given: Option<Option<f64>>| {
        given
            .map(|given| given.map(|s| checks::seconds(field, s)).transpose())
            .transpose()
    };
    let base = seconds("backoff_base_seconds", policy.backoff_base_seconds)?;
    let jitter = seconds("backoff_jitter_seconds", policy.backoff_jitter_seconds)?;
    let change = |before: core::Policy| core::Policy {
        max_retries: policy.max_retries.unwrap_or(before.max_retries),
        backoff_base: base.unwrap_or(before.backoff_base),
        backoff_jitter: jitter.unwrap_or(before.backoff_jitter),
    };
    Ok(Json(view::work_item(
        &work_item::set_policy(&app, &caller.name, WorkItemId(id), change).await?,
    )))
}

/// Show the retry policy
#[utoipa::path(get, path = "/work-items/{id}/policy", tag = "work items", params(("id" = i64, Path)), responses(
    (status = 200, body = Policy), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show_policy(State(app): State<App>, Path(id): Path<i64>) -> Answer<Policy> {
    let item = view::work_item(&work_item::show(&app, WorkItemId(id)).await?);
    Ok(Json(Policy {
        max_retries: Some(item.max_retries),
        backoff_base_seconds: Some(item.backoff_base_seconds),
        backoff_jitter_seconds: Some(item.backoff_jitter_seconds),
    }))
}

/// Attach a tool recipe
#[utoipa::path(post, path = "/work-items/{id}/tool-recipe", tag = "work items", params(("id" = i64, Path)), request_body = NewRecipe, responses(
    (status = 200, body = Recipe), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn set_recipe(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    JsonBody(new): JsonBody<NewRecipe>,
) -> Answer<Recipe> {
    Ok(Json(view::recipe(
        work_item::set_recipe(&app, &caller.name, WorkItemId(id), &new.yaml).await?,
    )))
}

/// Show the current tool recipe
#[utoipa::path(get, path = "/work-items/{id}/tool-recipe", tag = "work items", params(("id" = i64, Path)), responses(
    (status = 200, body = Recipe), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show_recipe(State(app): State<App>, Path(id): Path<i64>) -> Answer<Recipe> {
    Ok(Json(view::recipe(
        work_item::recipe(&app, WorkItemId(id)).await?,
    )))
}

/// Request an approval of what would run
#[utoipa::path(post, path = "/work-items/{id}/approvals", tag = "work items", params(("id" = i64, Path)), request_body = Option<ReasonBody>, responses(
    (status = 201, body = Approval), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn request_approval(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    OptionalJson(body): OptionalJson<ReasonBody>,
) -> Created<Approval> {
    let requested =
        approval::request(&app, &caller.name, WorkItemId(id), body.reason.as_deref()).await?;
    Ok((StatusCode::CREATED, Json(view::approval(&requested))))
}

/// List the approvals of a work item
#[utoipa::path(get, path = "/work-items/{id}/approvals", tag = "work items", params(("id" = i64, Path), PageQuery), responses(
    (status = 200, body = Vec<Approval>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list_item_approvals(
    State(app): State<App>,
    Path(id): Path<i64>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let approvals = approval::of_item(&app, WorkItemId(id)).await?;
    Ok(listing.answer_part(approvals.iter().map(view::approval), |row| row.id))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ApprovalQuery {
    /// pending, approved, denied or expired.
    status: Option<String>,
}

/// List approvals
#[utoipa::path(get, path = "/work-items/approvals", tag = "work items", params(ApprovalQuery, PageQuery), responses(
    (status = 200, body = Vec<Approval>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list_approvals(
    State(app): State<App>,
    Query(query): Query<ApprovalQuery>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let statuses = [
        Status::Pending,
        Status::Approved,
        Status::Denied,
        Status::Expired,
    ];
    let named = statuses.map(|status| (status.as_str(), status));
    let status = checks::choice("status", query.status.as_deref(), &named)?;
    let approvals = approval::list(&app, status, listing.page()).await?;
    Ok(listing.answer(approvals, |approval| view::approval(&approval)))
}

/// Show an approval
#[utoipa::path(get, path = "/work-items/approvals/{id}", tag = "work items", params(("id" = i64, Path)), responses(
    (status = 200, body = Approval), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show_approval(State(app): State<App>, Path(id): Path<i64>) -> Answer<Approval> {
    Ok(Json(view::approval(
        &approval::show(&app, ApprovalId(id)).await?,
    )))
}

/// Approve
#[utoipa::path(post, path = "/work-items/approvals/{id}/approve", tag = "work items", params(("id" = i64, Path)), request_body = Option<ReasonBody>, responses(
    (status = 200, body = Approval), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn approve(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    OptionalJson(body): OptionalJson<ReasonBody>,
) -> Answer<Approval> {
    let decided = approval::decide(
        &app,
        &caller.name,
        ApprovalId(id),
        Verdict::Approve,
        body.reason.as_deref(),
    )
    .await?;
    Ok(Json(view::approval(&decided)))
}

/// Deny
#[utoipa::path(post, path = "/work-items/approvals/{id}/deny", tag = "work items", params(("id" = i64, Path)), request_body = Option<ReasonBody>, responses(
    (status = 200, body = Approval), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn deny(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    OptionalJson(body): OptionalJson<ReasonBody>,
) -> Answer<Approval> {
    let decided = approval::decide(
        &app,
        &caller.name,
        ApprovalId(id),
        Verdict::Deny,
        body.reason.as_deref(),
    )
    .await?;
    Ok(Json(view::approval(&decided)))
}

/// List the runs of a work item
#[utoipa::path(get, path = "/work-items/{id}/runs", tag = "work items", params(("id" = i64, Path), PageQuery), responses(
    (status = 200, body = Vec<Run>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list_runs(
    State(app): State<App>,
    Path(id): Path<i64>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let runs = run::of_item(&app, WorkItemId(id), listing.page()).await?;
    Ok(listing.answer(runs, |run| view::run(&run)))
}
