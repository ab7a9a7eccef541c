//! The token, and who is calling.
//!
//! A route's [`Access`] decides whether a caller must prove itself; without a configured token the
//! server is in single-user mode and everybody who reaches it is the user. Never logs a token.

use std::fmt;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use subtle::ConstantTimeEq;

use super::area::{Access, Statement};
use super::run_token::{self, RunBearer};
use super::stack::Edge;
use super::{ApiError, ConfigError, Problem};

/// The secret that opens every route but the public ones.
#[derive(Clone)]
pub struct ApiToken(String);

impl ApiToken {
    /// Takes 1 to 1024 visible ASCII characters.
    ///
    /// # Errors
    /// When the text could never arrive in an `Authorization` header.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let fits = (1..=1024).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ConfigError::Token(text.len()))
        }
    }

    /// Compares in a time that depends on the lengths alone.
    #[must_use]
    pub fn matches(&self, presented: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(presented).into()
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(…)")
    }
}

/// What a caller acts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Anonymous,
    User,
    Agent,
    /// A run, for its own part of a few routes.
    Run,
}

/// How a caller proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Not at all; it reaches public routes alone.
    None,
    /// No token is configured: whoever reaches the server is its one user.
    SingleUser,
    Token,
    /// The token of one run.
    RunToken,
}

/// Who is calling; an extractor of handlers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `anonymous`, `user`, `run:<id>`, or `agent:<name>`; what the audit chain records.
    pub name: String,
    pub role: Role,
    pub proof: Proof,
}

impl Caller {
    fn proven(proof: Proof) -> Self {
        let (name, role) = match proof {
            Proof::None => ("anonymous", Role::Anonymous),
            Proof::SingleUser | Proof::Token | Proof::RunToken => ("user", Role::User),
        };
        Self {
            name: name.to_owned(),
            role,
            proof,
        }
    }

    fn run(bearer: RunBearer) -> Self {
        Self {
            name: format!("run:{}", bearer.run),
            role: Role::Run,
            proof: Proof::RunToken,
        }
    }

    /// This caller acting as the agent it names in its request.
    #[must_use]
    pub fn as_agent(self, agent: &str) -> Self {
        Self {
            name: format!("agent:{agent}"),
            role: Role::Agent,
            proof: self.proof,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match parts.extensions.get::<Self>() {
            Some(caller) => Ok(caller.clone()),
            None => {
                tracing::error!("a handler asks for its caller outside of the edge");
                Err(ApiError::unexplained())
            }
        }
    }
}

/// Refuses a caller whom the route does not admit, and names the others to the handler.
pub(super) async fn check(
    State(edge): State<Arc<Edge>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let statement = request.extensions().get::<Statement>().copied();
    let statement = statement.unwrap_or(Statement::STRICTEST);
    let access = statement.access;
    // First of all: where everybody is the user, a run is still a run.
    if let Some(tokens) = &edge.config.runs
        && let Some(claim) = run_token::claim(&**tokens, statement, &request)
    {
        let bearer = claim.prove(&**tokens).await?;
        request.extensions_mut().insert(bearer);
        request.extensions_mut().insert(Caller::run(bearer));
        return Ok(next.run(request).await);
    }
    let proof = match &edge.config.token {
        None => Proof::SingleUser,
        Some(token) => match (proof(token, request.headers()), access) {
            (Ok(proof), _) => proof,
            (Err(_), Access::Public) => Proof::None,
            (Err(reason), Access::User | Access::Agent) => return Err(challenge(reason)),
        },
    };
    request.extensions_mut().insert(Caller::proven(proof));
    Ok(next.run(request).await)
}

fn proof(token: &ApiToken, headers: &HeaderMap) -> Result<Proof, &'static str> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let value = match (given.next(), given.next()) {
        (None, _) => return Err("this server asks for a token"),
        (Some(_), Some(_)) => return Err("the Authorization header is given twice"),
        (Some(value), None) => value.as_bytes(),
    };
    let presented = bearer(value).ok_or("the Authorization header is not of the scheme Bearer")?;
    if token.matches(presented) {
        Ok(Proof::Token)
    } else {
        Err("the token is not the one this server was started with")
    }
}

/// What follows the scheme of an `Authorization` header.
#[must_use]
pub fn bearer(value: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    value
        .split_at_checked(SCHEME.len())
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
        .map(|(_, rest)| rest.trim_ascii())
}

fn challenge(reason: &str) -> ApiError {
    challenge_with(format!(
        "{reason}: send `Authorization: Bearer <token>` with the value of ORCH_API_TOKEN"
    ))
}

pub(super) fn challenge_with(detail: impl Into<String>) -> ApiError {
    let problem = Problem::unauthorized(detail);
    let scheme = HeaderValue::from_static("Bearer realm=\"codex-orchestrator\"");
    ApiError::from(problem).with_header(WWW_AUTHENTICATE, scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proven(authorization: &[&'static str]) -> Result<Proof, &'static str> {
        let token = ApiToken::parse("s3cret").unwrap();
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        proof(&token, &headers)
    }

    #[test]
    fn the_whole_token_under_the_bearer_scheme_is_the_only_proof() {
        assert_eq!(proven(&["Bearer s3cret"]), Ok(Proof::Token));
        assert_eq!(proven(&["bearer  s3cret "]), Ok(Proof::Token));
        for wrong in [
            "Bearer",
            "Bearer ",
            "Bearer s3cre",
            "Bearer s3cret2",
            "Bearer S3CRET",
            "s3cret",
            "Basic s3cret",
            "Bearers3cret",
        ] {
            assert!(proven(&[wrong]).is_err(), "{wrong}");
        }
        assert!(proven(&[]).is_err());
        assert!(proven(&["Bearer s3cret", "Bearer s3cret"]).is_err());
    }

    #[test]
    fn a_token_that_no_header_carries_is_refused_at_start_and_none_is_printed() {
        for wrong in ["", "two words", "naïve", "line\n"] {
            assert!(ApiToken::parse(wrong).is_err(), "{wrong:?}");
        }
        let shown = format!("{:?}", ApiToken::parse("s3cret").unwrap());
        assert_eq!(shown, "ApiToken(…)");
    }
}
