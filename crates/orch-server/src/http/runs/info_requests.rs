//! The questions of runs, and their answers.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use orch_api::problem::Problem;
use orch_api::types::info_request::{InfoRequest, NewInfoRequest, Respond};
use orch_core::ids::{InfoRequestId, ProjectId, RunId};
use orch_core::info_request::Status;
use orch_core::requirements::QuestionId;
use orch_store::{Listed, Order, Page};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::super::paging::{Listing, PageQuery};
use super::super::view;
use super::{EpochQuery, agreed};
use crate::app::info_request::{Hold, Show, admit, fields_of_keys};
use crate::app::{App, AppError, checks, info_request, project, requirements, secret};
use crate::edge::{
    Access, ApiError, Area, Caller, JsonBody, Path, Proof, Query, query_bool_option,
};

type Answer<T> = Result<Json<T>, ApiError>;

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::Agent.or_its_run(), routes!(ask, list))
        .route(Access::User, routes!(list_all))
        .route(Access::Agent, routes!(show))
        .route(Access::User, routes!(respond))
}

/// Whether answers are wanted in clear, and the secret that lets one have them.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PlainQuery {
    /// Answers in clear, for who presents the agents' secret.
    #[serde(default, deserialize_with = "query_bool_option")]
    plaintext: Option<bool>,
    /// The agents' secret; the header `X-Orch-Secret` is the better place.
    x_orch_secret: Option<String>,
}

impl PlainQuery {
    fn show(&self, app: &App, headers: &HeaderMap) -> Result<Show, AppError> {
        if self.plaintext != Some(true) {
            return Ok(Show::Redacted);
        }
        let header = headers
            .get("x-orch-secret")
            .and_then(|value| value.to_str().ok());
        admit(app, header.or(self.x_orch_secret.as_deref()))?;
        Ok(Show::Plain)
    }
}

/// Ask for inputs
///
/// The run waits until every question is answered.
#[utoipa::path(post, path = "/work-items/runs/{id}/info-requests", tag = "runs", params(("id" = i64, Path), EpochQuery), request_body = NewInfoRequest, responses(
    (status = 200, body = InfoRequest), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn ask(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<EpochQuery>,
    JsonBody(new): JsonBody<NewInfoRequest>,
) -> Answer<InfoRequest> {
    let mut fields = new.fields.unwrap_or_default();
    for field in fields_of_keys(&new.required_keys.unwrap_or_default()) {
        if !fields.iter().any(|known| known.key == field.key) {
            fields.push(field);
        }
    }
    let mut prompt = new.prompt;
    if caller.proof == Proof::RunToken {
        let hidden = secret::redactor_of(&app, RunId(id)).await?;
        let hiding = move || {
            let conceal = |text: &mut String| *text = hidden.redact(text).into_owned();
            conceal(&mut prompt);
            for field in &mut fields {
                field
                    .label
                    .iter_mut()
                    .chain(&mut field.options)
                    .for_each(conceal);
            }
            (prompt, fields)
        };
        (prompt, fields) = app.texts().run(hiding).await;
    }
    let epoch = agreed("epoch", query.epoch, new.epoch)?;
    let asked = info_request::ask(
        &app,
        &caller.name,
        RunId(id),
        epoch,
        &prompt,
        &fields,
        Hold::Kept,
    )
    .await?;
    Ok(Json(view::info_request(&app, &asked, Show::Redacted)?))
}

/// List the questions of a run
#[utoipa::path(get, path = "/work-items/runs/{id}/info-requests", tag = "runs", params(("id" = i64, Path), PlainQuery, PageQuery), responses(
    (status = 200, body = Vec<InfoRequest>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list(
    State(app): State<App>,
    Path(id): Path<i64>,
    Query(query): Query<PlainQuery>,
    headers: HeaderMap,
    listing: Listing,
) -> Result<Response, ApiError> {
    let show = query.show(&app, &headers)?;
    let requests = info_request::of_run(&app, RunId(id)).await?;
    let shown: Result<Vec<_>, _> = requests
        .iter()
        .map(|request| view::info_request(&app, request, show))
        .collect();
    Ok(listing.answer_part(shown?, |row| row.id))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct StatusQuery {
    /// pending, resolved or cancelled.
    status: Option<String>,
    /// Only those of this project.
    project_id: Option<i64>,
}

/// List questions of all runs, and those that proposed requirements leave open
///
/// A question of requirements has no `run_id`, but `project_id` and `item`; it is a view of the project's newest
/// version, and goes away with it.
#[utoipa::path(get, path = "/work-items/runs/info-requests", tag = "runs", params(StatusQuery, PageQuery), responses(
    (status = 200, body = Vec<InfoRequest>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list_all(
    State(app): State<App>,
    Query(query): Query<StatusQuery>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let statuses = [Status::Pending, Status::Resolved, Status::Cancelled];
    let named = statuses.map(|status| (status.as_str(), status));
    let status = checks::choice("status", query.status.as_deref(), &named)?;
    let project = query.project_id.map(ProjectId);
    if let Some(project) = project {
        project::show(&app, project).await?;
    }
    let listed = of_both(&app, status, project, listing.page()).await?;
    Ok(listing.answer(listed, |row| row))
}

/// Who asks. Questions of runs have the smaller numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asker {
    Run,
    Requirements,
}

/// A page over both kinds of questions.
async fn of_both(
    app: &App,
    status: Option<Status>,
    project: Option<ProjectId>,
    page: Page,
) -> Result<Listed<InfoRequest>, AppError> {
    let order = match page.order {
        Order::OldestFirst => [Asker::Run, Asker::Requirements],
        Order::NewestFirst => [Asker::Requirements, Asker::Run],
    };
    let cursor = page
        .after
        .map(|after| match QuestionId::read(InfoRequestId(after)) {
            Some(_) => Asker::Requirements,
            None => Asker::Run,
        });
    let is_past_first = cursor == Some(order[1]);
    let mut rows = Vec::new();
    let mut next = None;
    for asker in order.into_iter().skip(usize::from(is_past_first)) {
        let here = Page {
            order: page.order,
            after: page.after.filter(|_| cursor == Some(asker)),
            limit: page.limit - i64::try_from(rows.len()).unwrap_or(i64::MAX),
        };
        if here.limit < 1 {
            break;
        }
        next = match asker {
            Asker::Run => {
                let found = info_request::list(app, status, project, here).await?;
                for request in &found.rows {
                    rows.push(view::info_request(app, request, Show::Redacted)?);
                }
                found.next
            }
            Asker::Requirements => {
                let found = requirements::questions(app, status, project, here).await?;
                rows.extend(found.rows.into_iter().map(view::question));
                found.next
            }
        };
    }
    Ok(Listed { rows, next })
}

/// Show a question
#[utoipa::path(get, path = "/work-items/runs/info-requests/{id}", tag = "runs", params(("id" = i64, Path), PlainQuery), responses(
    (status = 200, body = InfoRequest), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show(
    State(app): State<App>,
    Path(id): Path<i64>,
    Query(query): Query<PlainQuery>,
    headers: HeaderMap,
) -> Answer<InfoRequest> {
    let show = query.show(&app, &headers)?;
    if let Some(asked) = QuestionId::read(InfoRequestId(id)) {
        return Ok(Json(view::question(
            requirements::question(&app, asked).await?,
        )));
    }
    let request = info_request::show(&app, InfoRequestId(id)).await?;
    Ok(Json(view::info_request(&app, &request, show)?))
}

/// Answer a question
///
/// A question of requirements is answered with `answer`, and skipped with no value: a new version is made.
#[utoipa::path(post, path = "/work-items/runs/info-requests/{id}/respond", tag = "runs", params(("id" = i64, Path)), request_body = Respond, responses(
    (status = 200, body = InfoRequest), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn respond(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    JsonBody(body): JsonBody<Respond>,
) -> Answer<InfoRequest> {
    let mut values = BTreeMap::new();
    for (key, value) in body.values {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Null => continue,
            Value::Array(_) | Value::Object(_) => {
                return Err(AppError::invalid(key, "must be a text, a number or a boolean").into());
            }
        };
        values.insert(key, text);
    }
    if let Some(asked) = QuestionId::read(InfoRequestId(id)) {
        let resolved = requirements::answer_question(&app, &caller.name, asked, &values).await?;
        return Ok(Json(view::question(resolved)));
    }
    let resolved = info_request::respond(&app, &caller.name, InfoRequestId(id), &values).await?;
    Ok(Json(view::info_request(&app, &resolved, Show::Redacted)?))
}
