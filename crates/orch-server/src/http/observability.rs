//! `/observability`, `/metrics`, `/audit`, `/agents`, the API's own description.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Json;
use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Response};
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use orch_api::problem::Problem;
use orch_api::types::agent::Agent;
use orch_api::types::audit::AuditEntry;
use orch_api::types::observability::{CostMetrics, Health, Metrics, Pong, Trace, Usage};
use orch_core::ids::ProjectId;
use orch_core::rules::Scheduling;
use orch_store::audit::Filter;
use orch_store::model_cost::Spent;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::exposition::exposition;
use super::paging::{Listing, PageQuery};
use super::view;
use crate::app::{App, AppError, agents, budget, checks, cost, observability, run};
use crate::edge::{Access, ApiError, Area, Query};

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::Public, routes!(health))
        .route(Access::Public, routes!(ping))
        .route(Access::User, routes!(metrics))
        .route(Access::User, routes!(prometheus))
        .route(Access::User, routes!(traces))
        .route(Access::User, routes!(usage))
        .route(Access::User, routes!(audit))
        .route(Access::User, routes!(list_agents))
}

/// How the server is
///
/// What is wrong is named, with the time at which it was first seen and what to do about it. 503
/// where the server can serve nothing; with other faults it goes on, and answers 200 and `degraded`.
#[utoipa::path(get, path = "/observability/health", tag = "observability", responses(
    (status = 200, body = Health), (status = 503, body = Health)))]
async fn health(State(app): State<App>) -> Response {
    let faults = app.health().faults(&app).await;
    let serves = faults
        .iter()
        .all(|fault| !fault.finding.kind.stops_service());
    let status = if serves {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let health = Health {
        status: if faults.is_empty() { "ok" } else { "degraded" }.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        database: app.store().database().kind().to_owned(),
        scheduling: match app.scheduling() {
            Scheduling::OnTick => "on tick",
            Scheduling::Background => "background",
        }
        .to_owned(),
        connected_agents: app.connected_agents(),
        uptime_seconds: app.uptime().as_secs_f64(),
        problems: faults
            .iter()
            .map(|fault| fault.finding.what.clone())
            .collect(),
        faults: faults.into_iter().map(view::fault).collect(),
    };
    (status, Json(health)).into_response()
}

/// Ping
#[utoipa::path(get, path = "/observability/ping", tag = "observability", responses((status = 200, body = Pong)))]
async fn ping() -> Json<Pong> {
    Json(Pong { pong: true })
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MetricsQuery {
    /// `json` (the default), or `prometheus`, which `text` means too.
    format: Option<String>,
}

/// Counts of everything
///
/// JSON, unless `Accept` or `format` asks for text: then Prometheus.
#[utoipa::path(get, path = "/observability/metrics", tag = "observability", params(MetricsQuery), responses(
    (status = 200, content((Metrics = "application/json"), (String = "text/plain"))),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn metrics(
    State(app): State<App>,
    Query(query): Query<MetricsQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let accept = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let forms = [("json", false), ("prometheus", true), ("text", true)];
    let wants_text = checks::choice("format", query.format.as_deref(), &forms)?
        .unwrap_or_else(|| accept.starts_with("text/plain") || accept.contains("openmetrics"));
    let metrics = counted(&app).await?;
    Ok(if wants_text {
        exposition(&metrics)
    } else {
        Json(metrics).into_response()
    })
}

/// Counts of everything, for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "observability", responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn prometheus(State(app): State<App>) -> Result<Response, ApiError> {
    Ok(exposition(&counted(&app).await?))
}

async fn counted(app: &App) -> Result<Metrics, ApiError> {
    let counts = observability::counts(app).await?;
    let (tool_cache_hits, tool_cache_misses) = app.tool_use().read();
    Ok(Metrics {
        tool_cache_hits,
        tool_cache_misses,
        reports: app.report_counts().read(),
        models: app.model_counts().all(),
        budget_remaining_microusd: remaining(app).await?,
        project_costs: costs(cost::of_projects(app, MOST_PROJECTS).await?, |one| {
            one.project_id
        }),
        work_item_costs: costs(cost::of_work_items(app, MOST_WORK_ITEMS).await?, |one| {
            one.work_item_id
        }),
        projects: counts.projects,
        work_items: counts.work_items,
        runs: counts.runs,
        pending_approvals: counts.pending_approvals,
        pending_info_requests: counts.pending_info_requests,
        audit_entries: counts.audit_entries,
        connected_agents: app.connected_agents(),
        runs_by_status: counts.runs_by_status,
        queue_by_state: counts.queue_by_state,
    })
}

/// Projects and work items whose costs have series of their own: the newest.
const MOST_PROJECTS: i64 = 500;
const MOST_WORK_ITEMS: i64 = 200;

fn costs(spent: Vec<Spent>, id: impl Fn(&Spent) -> i64) -> BTreeMap<String, CostMetrics> {
    let shown = |one: Spent| {
        let costs = CostMetrics {
            project_id: one.project_id,
            calls: one.calls,
            unpriced: one.unpriced,
            cost_microusd: one.cost_microusd,
        };
        (id(&one).to_string(), costs)
    };
    spent.into_iter().map(shown).collect()
}

/// Projects whose budgets have series of their own.
const MOST_BUDGETS: i64 = 100;

async fn remaining(app: &App) -> Result<BTreeMap<String, i64>, ApiError> {
    let standing = budget::of_projects(app, MOST_BUDGETS).await?;
    let left = standing.into_iter().filter_map(|one| {
        let left = i64::try_from(one.budget.left()?.micros()).ok()?;
        Some((one.level.id().to_string(), left))
    });
    Ok(left.collect())
}

/// Recent runs with their traces, newest first
#[utoipa::path(get, path = "/observability/traces", tag = "observability", params(PageQuery), responses(
    (status = 200, body = Vec<Trace>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn traces(
    State(app): State<App>,
    uri: Uri,
    Query(mut query): Query<PageQuery>,
) -> Result<Response, ApiError> {
    query.order.get_or_insert_with(|| "desc".to_owned());
    query.limit.get_or_insert(100);
    let listing = Listing::new(query, uri)?;
    let runs = run::list(&app, &orch_store::run::Filter::default(), listing.page()).await?;
    Ok(listing.answer(runs, |run| view::trace(&run)))
}

/// What each project has used
#[utoipa::path(get, path = "/observability/usage", tag = "observability", responses(
    (status = 200, body = Vec<Usage>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn usage(State(app): State<App>) -> Result<Json<Vec<Usage>>, ApiError> {
    Ok(Json(
        observability::usage(&app)
            .await?
            .into_iter()
            .map(view::usage)
            .collect(),
    ))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    project: Option<i64>,
    project_id: Option<i64>,
    /// Such as `run.started`.
    kind: Option<String>,
    actor: Option<String>,
}

/// The audit chain
#[utoipa::path(get, path = "/audit", tag = "observability", params(AuditQuery, PageQuery), responses(
    (status = 200, body = Vec<AuditEntry>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn audit(
    State(app): State<App>,
    Query(query): Query<AuditQuery>,
    listing: Listing,
) -> Result<Response, ApiError> {
    if query.project.is_some() && query.project_id.is_some_and(|id| Some(id) != query.project) {
        return Err(AppError::invalid("project_id", "differs from `project`").into());
    }
    let filter = Filter {
        project: query.project.or(query.project_id).map(ProjectId),
        kind: query.kind,
        actor: query.actor,
    };
    let entries = observability::audit(&app, &filter, listing.page()).await?;
    Ok(listing.answer(entries, view::audit_entry))
}

/// List agents
#[utoipa::path(get, path = "/agents", tag = "observability", responses(
    (status = 200, body = Vec<Agent>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list_agents(State(app): State<App>) -> Result<Json<Vec<Agent>>, ApiError> {
    let listed = agents::list(&app).await?;
    let shown = listed
        .into_iter()
        .map(|listed| view::agent(listed.agent, listed.connected, listed.holding));
    Ok(Json(shown.collect()))
}

pub async fn openapi_json() -> Response {
    // The document never changes while the program runs: it is gathered from all routes once.
    static DOCUMENT: LazyLock<String> =
        LazyLock::new(|| super::openapi().to_json().unwrap_or_default());
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

/// A page that lists every operation, without a script from elsewhere.
pub async fn docs() -> Response {
    static REFERENCE: LazyLock<String> = LazyLock::new(crate::http::reference);
    page(REFERENCE.clone())
}

/// What this server is, for somebody who opens its address.
pub async fn home() -> Response {
    page(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>Codex Orchestrator</title><style>{}</style><main><h1>Codex Orchestrator</h1>\
         <p>The control plane is running (version {}).</p><ul>\
         <li><a href=/docs>API reference</a></li><li><a href=/openapi.json>OpenAPI document</a></li>\
         <li><a href=/observability/health>Health</a></li><li><a href=/scheduler/queue>Queue</a></li></ul></main></html>",
        crate::http::STYLE,
        env!("CARGO_PKG_VERSION"),
    ))
}

fn page(html: String) -> Response {
    let mut response = Html(html).into_response();
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}
