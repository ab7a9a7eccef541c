//! Bearers that are runs: what a run's token opens, which is the few routes that say so, for the
//! run's own part of them.
//!
//! Everything else is refused with 403, whatever else would admit the caller: a run is never a
//! person, and never an agent. Never logs a token.

use std::fmt;

use axum::extract::{MatchedPath, Request};
use futures::future::BoxFuture;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::area::{Access, Statement};
use super::auth::{bearer, challenge_with};
use super::{ApiError, Problem};

/// Which part of a route a run's token opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RunReach {
    #[default]
    Nothing,
    /// Where the first number of the path is the run's.
    OwnRun,
    /// Where it is the run's work item's.
    OwnItem,
    /// All of it: what is behind tells runs apart by their tokens.
    All,
}

/// A run that has proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunBearer {
    pub run: i64,
    pub work_item: i64,
}

/// Tells which run a token is of, at this moment.
pub trait RunTokens: fmt::Debug + Send + Sync {
    /// Whether a bearer claims to be a run; nothing is proved by it.
    fn claims(&self, bearer: &[u8]) -> bool;

    /// The run; none for a token that was not made here, or whose run or epoch has ended.
    ///
    /// # Errors
    /// When that cannot be found out.
    fn judge<'a>(&'a self, bearer: &'a [u8]) -> BoxFuture<'a, Result<Option<RunBearer>, ApiError>>;
}

/// What a request that claims to come from a run presents, and for what.
pub(super) struct Claim {
    token: Vec<u8>,
    reach: RunReach,
    /// The first number that the path names.
    named: Option<i64>,
}

/// The claim of a request to come from a run; none where it claims nothing, or asks for what is open
/// to everybody.
pub(super) fn claim(
    tokens: &dyn RunTokens,
    statement: Statement,
    request: &Request,
) -> Option<Claim> {
    if statement.access == Access::Public {
        return None;
    }
    Some(Claim {
        token: claimed(tokens, request.headers())?.to_vec(),
        reach: statement.run,
        named: named(request),
    })
}

impl Claim {
    /// The run, where the claim is true and the route is open to it.
    pub(super) async fn prove(self, tokens: &dyn RunTokens) -> Result<RunBearer, ApiError> {
        let Some(bearer) = tokens.judge(&self.token).await? else {
            let detail = "the run's token is not valid: its run or its hold has ended, or it was not made by this installation";
            return Err(challenge_with(detail));
        };
        let (noun, own) = match self.reach {
            RunReach::Nothing => {
                let detail = "a run's token does not open this route: it reads its run and work item, adds to its run's log, asks questions in it and stores its artifacts, and nothing else";
                return Err(refused(detail.to_owned()));
            }
            RunReach::All => return Ok(bearer),
            RunReach::OwnRun => ("run", bearer.run),
            RunReach::OwnItem => ("work item", bearer.work_item),
        };
        match self.named {
            Some(named) if named == own => Ok(bearer),
            Some(_) | None => Err(refused(format!(
                "the token is of run {} and opens {noun} {own} alone",
                bearer.run
            ))),
        }
    }
}

fn refused(detail: String) -> ApiError {
    Problem::forbidden(detail).with("code", "run_token").into()
}

fn claimed<'h>(tokens: &dyn RunTokens, headers: &'h HeaderMap) -> Option<&'h [u8]> {
    // Given twice it is refused elsewhere, and among them a run's is a run's.
    let given = headers.get_all(AUTHORIZATION).iter();
    let mut bearers = given.filter_map(|value| bearer(value.as_bytes()));
    bearers.find(|bearer| tokens.claims(bearer))
}

/// The first number that the path names.
fn named(request: &Request) -> Option<i64> {
    let route = request.extensions().get::<MatchedPath>()?.as_str();
    let index = route.split('/').position(|part| part.starts_with('{'))?;
    request.uri().path().split('/').nth(index)?.parse().ok()
}
