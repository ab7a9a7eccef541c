//! `/models`: which models are set, their prices, and whether they answer.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use orch_api::problem::Problem;
use orch_api::types::model::{Model, ModelPrice, ModelTrial, NewPrice, Price, SetPrices};
use utoipa_axum::routes;

use crate::app::pricing::{Entry, Wanted};
use crate::app::{App, model_trial, pricing};
use crate::edge::{Access, ApiError, Area, Caller, JsonBody, Path};

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::User, routes!(list))
        .route(Access::User, routes!(prices, set_prices))
        .route(Access::User, routes!(set_price, remove_price))
        .route(Access::User.untimed(), routes!(test))
}

/// List the models that are set
#[utoipa::path(get, path = "/models", tag = "models", responses(
    (status = 200, body = Vec<Model>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list(State(app): State<App>) -> Result<Json<Vec<Model>>, ApiError> {
    let team = app.team();
    let set = pricing::table(&app).await?;
    let set = set.into_iter().map(|entry| (entry.model, entry.price));
    let prices = team.models().prices(set);
    let asks = |name: &str| {
        let roles = team.roles.all().filter(|role| {
            team.models()
                .line(role)
                .is_some_and(|line| line.chain.iter().any(|model| model == name))
        });
        roles.map(|role| role.name.clone()).collect()
    };
    let shown = team.models().known().iter().map(|known| Model {
        name: known.name.clone(),
        model: known.model.clone(),
        protocol: known.protocol.to_owned(),
        place: known.place.clone(),
        source: known.origin.name().to_owned(),
        key_env: known.key_env.clone(),
        roles: asks(&known.name),
        price: prices.of(&known.name).ok().map(shown_price),
    });
    Ok(Json(shown.collect()))
}

/// Show the table of prices
///
/// Those of files, and over them those that people set. A price counts for a model and for all whose names begin so;
/// the longest beginning counts.
#[utoipa::path(get, path = "/models/prices", tag = "models", responses(
    (status = 200, body = Vec<ModelPrice>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn prices(State(app): State<App>) -> Result<Json<Vec<ModelPrice>>, ApiError> {
    let table = pricing::table(&app).await?;
    Ok(Json(table.into_iter().map(entry).collect()))
}

/// Put a table in place of all prices that were set
#[utoipa::path(put, path = "/models/prices", tag = "models", request_body = SetPrices, responses(
    (status = 200, body = Vec<ModelPrice>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn set_prices(
    State(app): State<App>,
    caller: Caller,
    JsonBody(new): JsonBody<SetPrices>,
) -> Result<Json<Vec<ModelPrice>>, ApiError> {
    let wanted = new.prices.into_iter();
    let wanted = wanted.map(|one| {
        let price = wanted_price(one.price());
        (one.model, price)
    });
    let table = pricing::replace(&app, &caller.name, wanted.collect()).await?;
    Ok(Json(table.into_iter().map(entry).collect()))
}

/// Set the price of a model
///
/// It counts for calls that begin from now on; what calls have cost never changes.
#[utoipa::path(put, path = "/models/prices/{model}", tag = "models", params(("model" = String, Path)), request_body = NewPrice, responses(
    (status = 200, body = ModelPrice), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn set_price(
    State(app): State<App>,
    caller: Caller,
    Path(model): Path<String>,
    JsonBody(new): JsonBody<NewPrice>,
) -> Result<Json<ModelPrice>, ApiError> {
    let set = pricing::set(&app, &caller.name, &model, wanted_price(new)).await?;
    Ok(Json(entry(set)))
}

/// Take back a price that was set
///
/// That of a file, where there is one, holds again.
#[utoipa::path(delete, path = "/models/prices/{model}", tag = "models", params(("model" = String, Path)), responses(
    (status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn remove_price(
    State(app): State<App>,
    caller: Caller,
    Path(model): Path<String>,
) -> Result<StatusCode, ApiError> {
    pricing::remove(&app, &caller.name, &model).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask a model for a word
///
/// To see that it answers; it is kept and costs what it costs. A model that gives no answer is 200 with
/// `"answered": false` and the reason.
#[utoipa::path(post, path = "/models/{model}/test", tag = "models", params(("model" = String, Path)), responses(
    (status = 200, body = ModelTrial), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn test(
    State(app): State<App>,
    caller: Caller,
    Path(model): Path<String>,
) -> Result<Json<ModelTrial>, ApiError> {
    Ok(Json(model_trial::run(&app, &caller.name, &model).await?))
}

const fn wanted_price(new: NewPrice) -> Wanted {
    Wanted {
        input: new.input,
        cached: new.cached,
        output: new.output,
    }
}

const fn shown_price(price: orch_model::Price) -> Price {
    Price {
        input: price.input,
        cached: price.cached,
        output: price.output,
    }
}

fn entry(entry: Entry) -> ModelPrice {
    let (source, set) = match entry.set {
        Some(row) => ("set", Some(row)),
        None => ("file", None),
    };
    ModelPrice {
        model: entry.model,
        price: shown_price(entry.price),
        source: source.to_owned(),
        updated_at: set.as_ref().map(|row| super::instant(row.updated_at)),
        updated_by: set.map(|row| row.updated_by),
    }
}
