//! Stacks the layers of the edge around the routes; the order is the design.
//!
//! Nothing here decides; each layer is in its own file.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower::{Layer as _, ServiceBuilder};
use tower_http::normalize_path::NormalizePathLayer;

use super::throttle::ClientKey;
use super::{
    Area, EdgeConfig, RateLimit, RouteTable, auth, body, database, fault, headers, host,
    known_query, origin, request_id, table, throttle,
};

/// What the layers share.
#[derive(Debug)]
pub(super) struct Edge {
    pub config: EdgeConfig,
    pub table: RouteTable,
    pub limiter: Option<RateLimit<ClientKey>>,
}

/// The whole server: the routes of `area` behind the edge. Serve it with
/// `into_make_service_with_connect_info::<SocketAddr>()`, which the rate limit needs to tell
/// clients apart.
///
/// From the outside in:
/// 1. the trailing slash goes, before routing, so that `/projects/` is `/projects` for every method;
/// 2. id, trace and log, so that every answer below, panics included, carries them;
/// 3. security headers, on every answer likewise;
/// 4. panics are caught above all that can panic;
/// 5. the route's statement is looked up; without one the strictest holds;
/// 6. the body is bounded, here, so that whoever refuses it below is still heard by its sender;
/// 7. Host, before anything trusts it;
/// 8. Origin and CORS: preflights carry no token, and a refusal below must be readable by the page;
/// 9. a database that is away, above all that asks it;
/// 10. the rate limit, before the token, so that guessing tokens is limited too;
/// 11. the token;
/// 12. a body announced as too large is refused, to callers who may be here only;
/// 13. a query value that the route does not know is refused, to the same;
/// 14. the time limit, closest to the handler: what is above takes no time.
pub fn apply(area: Area, config: &EdgeConfig) -> Router {
    let (routes, table) = area.into_parts();
    let edge = Arc::new(Edge {
        limiter: config.rate_per_minute.map(RateLimit::per_minute),
        config: config.clone(),
        table,
    });
    let layers = ServiceBuilder::new()
        .layer(from_fn(request_id::identify))
        .layer(from_fn(headers::secure))
        .layer(from_fn(fault::contain_panic))
        .layer(from_fn_with_state(edge.clone(), table::attach))
        .layer(from_fn_with_state(edge.clone(), body::bound))
        .layer(from_fn_with_state(edge.clone(), host::check))
        .layer(from_fn_with_state(edge.clone(), origin::check))
        .layer(from_fn_with_state(edge.clone(), database::answer_without))
        .layer(from_fn_with_state(edge.clone(), throttle::check))
        .layer(from_fn_with_state(edge.clone(), auth::check))
        .layer(from_fn_with_state(edge.clone(), body::refuse_announced))
        .layer(from_fn(known_query::check))
        .layer(from_fn_with_state(edge, fault::limit_time));
    let router = routes
        .fallback(fault::no_such_path)
        .method_not_allowed_fallback(fault::no_such_method)
        // A layer of the router runs after routing: the matched path is what statements hang on.
        .layer(layers);
    Router::new().fallback_service(NormalizePathLayer::trim_trailing_slash().layer(router))
}
