//! What an operation's failure looks like over HTTP.

use http::header::RETRY_AFTER;
use orch_core::engine::Refusal;
use orch_store::{StoreError, Unreadable};

use super::unreadable;
use crate::app::AppError;
use crate::app::budget::OverBudget;
use crate::edge::{ApiError, FieldError, Problem};

impl From<AppError> for ApiError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Refused(refusal) => refused(refusal).into(),
            AppError::Invalid { detail, errors } => {
                let problem = Problem::unprocessable(detail);
                errors.into_iter().fold(problem, Problem::with_field).into()
            }
            AppError::NotFound(message) => Problem::not_found(message).into(),
            AppError::PreconditionFailed(message) => Problem::precondition_failed(message).into(),
            AppError::TooLarge(message) => Problem::too_large(message).into(),
            AppError::Store(StoreError::Closed) => {
                Problem::unavailable("the server is shutting down; try again").into()
            }
            AppError::Unavailable(message) => Problem::unavailable(message).into(),
            AppError::Busy {
                detail,
                after_seconds,
            } => {
                let problem = Problem::unavailable(detail).with("code", "busy");
                ApiError::from(problem).with_header(RETRY_AFTER, after_seconds.into())
            }
            AppError::OverBudget(over) => over_budget(&over).into(),
            AppError::NoSpace(shortage) => no_space(&shortage),
            AppError::Store(error) if error.is_no_space() => {
                tracing::warn!(error = &error as &dyn std::error::Error, "no space left");
                no_space("the disk of the server's data is full")
            }
            AppError::Store(error) if error.is_away() => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the database is away"
                );
                match error.is_of_unknown_outcome() {
                    true => ApiError::outcome_unknown(),
                    false => ApiError::database_away(),
                }
            }
            AppError::Store(StoreError::Unreadable(row)) => unreadable(&row),
            AppError::Store(error) => ApiError::internal(error),
        }
    }
}

/// With the numbers, so that a program can tell how much more is needed.
fn over_budget(over: &OverBudget) -> Problem {
    let OverBudget(cap) = over;
    Problem::payment_required(over.to_string())
        .with("code", "over_budget")
        .with("scope", cap.level.scope())
        .with("scope_id", cap.level.id())
        .with("hard_cap_microusd", cap.hard.micros())
        .with("spent_microusd", cap.spent.micros())
        .with("reserved_microusd", cap.reserved.micros())
        .with("wanted_microusd", cap.amount.micros())
}

/// Seconds after which a caller may try again; the server sees free space at once.
const ROOM_AGAIN_SECONDS: u64 = 5;

fn no_space(shortage: &str) -> ApiError {
    let detail = format!(
        "{shortage}; nothing was changed. Free some space or enlarge the disk, then try again: the server goes on by itself"
    );
    let problem = Problem::insufficient_storage(detail).with("code", "no_space");
    ApiError::from(problem).with_header(RETRY_AFTER, ROOM_AGAIN_SECONDS.into())
}

fn unreadable(row: &Unreadable) -> ApiError {
    tracing::error!(
        row.table,
        row.id = %row.key,
        row.column = row.column,
        problem = row.what,
        "request failed: a row cannot be read"
    );
    unreadable::problem(row).into()
}

fn refused(refusal: Refusal) -> Problem {
    let detail = refusal.to_string();
    match refusal {
        Refusal::NotFound { noun, id } => {
            Problem::not_found(detail).with("noun", noun).with("id", id)
        }
        Refusal::Invalid { field, message } => {
            Problem::unprocessable(detail).with_field(FieldError::new(field, message))
        }
        Refusal::Conflict { code, .. } => Problem::conflict(detail).with("code", code),
        Refusal::Forbidden { code, .. } => Problem::forbidden(detail).with("code", code),
    }
}
