//! The REST API: one folder per area, one file per group of operations on it.
//!
//! A handler parses, asks the application and shows the answer; it decides nothing.

mod budgets;
mod dry_run;
mod error;
mod exposition;
mod idempotency;
mod imports;
mod mcp;
mod mcp_places;
mod models;
mod observability;
mod orchestrate;
mod paging;
mod plan_edits;
mod plans;
mod plans_impact_view;
mod plans_view;
mod projects;
mod reference;
mod requirements;
mod requirements_view;
mod roles;
mod runs;
mod scheduler;
mod secrets;
mod short;
mod unreadable;
mod version_tag;
mod view;
mod work_items;

use orch_core::time::Timestamp;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use crate::app::App;
use crate::edge::{Access, Area};

pub(crate) use idempotency::{UnderWay, replay};
pub(crate) use mcp::area as mcp;
pub(crate) use reference::STYLE;
pub(crate) use unreadable::note as note_unreadable;

/// What every API document says.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Codex Orchestrator",
        description = "From a written vision to running software, with agents that people can trust. Every path also answers with a trailing slash. Errors are RFC 9457 problems.",
        license(name = "MIT", identifier = "MIT"),
    ),
    components(schemas(orch_api::problem::Problem)),
    security((), ("bearer" = [])),
    modifiers(&Bearer),
    tags(
        (name = "projects", description = "Projects, visions, requirements, quotas"),
        (name = "plans", description = "Plans: what the approved requirements are broken down into"),
        (name = "secrets", description = "Secrets of projects; values go in and never come out"),
        (name = "work items", description = "Work items, recipes, policies, approvals"),
        (name = "runs", description = "Runs, logs, steps, artifacts, info requests"),
        (name = "scheduler", description = "The queue"),
        (name = "orchestrate", description = "Requests to several roles in turn, sessions, history"),
        (name = "models", description = "Models that are set, their prices, what they have cost, budgets"),
        (name = "observability", description = "Health, counts, traces, usage, audit"),
    )
)]
struct Document;

/// `ORCH_API_TOKEN`, where the server asks for it.
struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", scheme);
    }
}

/// Every REST route, with who may call it.
pub(crate) fn area() -> Area<App> {
    Area::with_openapi(Document::openapi())
        .merge(projects::area())
        .merge(imports::area())
        .merge(requirements::area())
        .merge(roles::area())
        .merge(plans::area())
        .merge(secrets::area())
        .merge(work_items::area())
        .merge(dry_run::area())
        .merge(runs::area())
        .merge(scheduler::area())
        .merge(orchestrate::area())
        .merge(models::area())
        .merge(budgets::area())
        .merge(observability::area())
        .merge(short::area())
        .plain(
            Access::Public,
            http::Method::GET,
            "/openapi.json",
            observability::openapi_json,
        )
        .plain(
            Access::Public,
            http::Method::GET,
            "/docs",
            observability::docs,
        )
        .plain(Access::Public, http::Method::GET, "/", observability::home)
}

/// The OpenAPI 3.1 document of this program.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    area().openapi().clone()
}

/// The API reference as a page.
pub(crate) fn reference() -> String {
    reference::render(&serde_json::to_value(openapi()).unwrap_or_default())
}

/// An instant as the API writes it.
fn instant(us: i64) -> String {
    Timestamp::from_micros(us).to_string()
}
