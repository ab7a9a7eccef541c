//! `/work-items/runs`: runs and everything that hangs on them.

mod artifacts;
mod download;
mod flow;
mod hold;
mod info_requests;
mod live;
mod logs;
mod steer;
mod steps;
mod whole;

use crate::app::{App, AppError};
use crate::edge::Area;

pub(super) use whole::whole;

pub fn area() -> Area<App> {
    Area::new()
        .merge(hold::area())
        .merge(logs::area())
        .merge(live::area())
        .merge(steer::area())
        .merge(steps::area())
        .merge(artifacts::area())
        .merge(info_requests::area())
}

#[derive(Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct EpochQuery {
    /// The epoch of the caller's claim.
    pub epoch: Option<u64>,
}

/// A value that may come in the query or in the body.
pub(super) fn agreed<T: PartialEq>(
    name: &'static str,
    query: Option<T>,
    body: Option<T>,
) -> Result<Option<T>, AppError> {
    match (query, body) {
        (Some(query), Some(body)) if query != body => Err(AppError::invalid(
            name,
            "differs between the query and the body",
        )),
        (query, body) => Ok(query.or(body)),
    }
}
