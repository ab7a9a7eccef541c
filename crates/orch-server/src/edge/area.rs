//! Registering routes: an area of the API, in which every route states who may call it.
//!
//! A route enters the server only through an [`Area`], and no method here takes a route without a
//! statement, so a route that says nothing does not compile.

use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, Route, on};
use http::Method;
use tower::{Layer, Service};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::database;
use super::run_token::RunReach;
use super::table::{RouteTable, Verb, operations_of};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    /// Anybody who reaches the port, without a token.
    Public,
    /// A person, or a program in a person's name.
    User,
    /// An agent at work, or a person doing its part by hand.
    Agent,
}

/// The largest body that a route reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLimit {
    /// As configured (1 MiB).
    Default,
    Bytes(u64),
    /// A stream of messages that has bounds of its own.
    Unlimited,
}

/// How long a route may take until its response begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeLimit {
    /// As configured (30 s).
    Default,
    Unlimited,
}

/// What is spoken on a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http,
    Grpc,
}

/// What a route states about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    pub access: Access,
    pub body: BodyLimit,
    pub time: TimeLimit,
    pub protocol: Protocol,
    pub run: RunReach,
}

impl Statement {
    /// What holds where nothing is stated, as for an unknown path: the strictest.
    pub(super) const STRICTEST: Self = Access::User.stated();

    /// Accepts bodies up to `bytes`.
    #[must_use]
    pub const fn body_up_to(mut self, bytes: u64) -> Self {
        self.body = BodyLimit::Bytes(bytes);
        self
    }

    /// Opens to a run's token where the path names that run.
    #[must_use]
    pub const fn or_its_run(mut self) -> Self {
        self.run = RunReach::OwnRun;
        self
    }

    /// Opens to a run's token where the path names that run's work item.
    #[must_use]
    pub const fn or_a_run_of_it(mut self) -> Self {
        self.run = RunReach::OwnItem;
        self
    }

    /// Opens to every run's token; what is behind must tell runs apart.
    #[must_use]
    pub const fn or_any_run(mut self) -> Self {
        self.run = RunReach::All;
        self
    }

    /// Lifts the time limit, for a response that waits on purpose.
    #[must_use]
    pub const fn untimed(mut self) -> Self {
        self.time = TimeLimit::Unlimited;
        self
    }
}

impl Access {
    const fn stated(self) -> Statement {
        Statement {
            access: self,
            body: BodyLimit::Default,
            time: TimeLimit::Default,
            protocol: Protocol::Http,
            run: RunReach::Nothing,
        }
    }

    /// This access, and that of the run that the path names.
    #[must_use]
    pub const fn or_its_run(self) -> Statement {
        self.stated().or_its_run()
    }

    /// This access, and that of runs of the work item that the path names.
    #[must_use]
    pub const fn or_a_run_of_it(self) -> Statement {
        self.stated().or_a_run_of_it()
    }

    /// This access, and that of every run.
    #[must_use]
    pub const fn or_any_run(self) -> Statement {
        self.stated().or_any_run()
    }

    /// This access, with bodies up to `bytes`.
    #[must_use]
    pub const fn body_up_to(self, bytes: u64) -> Statement {
        self.stated().body_up_to(bytes)
    }

    /// This access, without the time limit.
    #[must_use]
    pub const fn untimed(self) -> Statement {
        self.stated().untimed()
    }

    /// This access to a gRPC service: streams without limits on body and time, not counted by the
    /// rate limit.
    #[must_use]
    pub const fn grpc(self) -> Statement {
        Statement {
            access: self,
            body: BodyLimit::Unlimited,
            time: TimeLimit::Unlimited,
            protocol: Protocol::Grpc,
            run: RunReach::Nothing,
        }
    }
}

impl From<Access> for Statement {
    fn from(access: Access) -> Self {
        access.stated()
    }
}

/// Routes with their statements and their part of the OpenAPI document.
#[derive(Clone)]
pub struct Area<S = ()> {
    router: OpenApiRouter<S>,
    table: RouteTable,
}

impl<S: Clone + Send + Sync + 'static> Area<S> {
    /// An area without routes.
    #[must_use]
    pub fn new() -> Self {
        Self {
            router: OpenApiRouter::with_openapi(OpenApi::default()),
            table: RouteTable::default(),
        }
    }

    /// An area without routes whose OpenAPI document starts as `openapi`.
    #[must_use]
    pub fn with_openapi(openapi: OpenApi) -> Self {
        Self {
            router: OpenApiRouter::with_openapi(openapi),
            table: RouteTable::default(),
        }
    }

    /// Adds documented handlers: `area.route(Access::User, routes!(create, list))`. Query values that are
    /// not documented are refused.
    ///
    /// # Panics
    /// At start: when a path ends in a slash, or a route exists already.
    #[must_use]
    pub fn route(
        mut self,
        statement: impl Into<Statement>,
        mut routes: UtoipaMethodRouter<S>,
    ) -> Self {
        let statement = statement.into();
        for (path, item) in &mut routes.1.paths {
            if statement.access != Access::Public {
                database::document(item);
            }
            for (method, operation) in operations_of(item) {
                self.table
                    .add_documented(path, method, operation, statement);
            }
        }
        self.router = self.router.routes(routes);
        self
    }

    /// Adds a handler that the OpenAPI document leaves out, such as a page.
    ///
    /// # Panics
    /// At start: when the path ends in a slash, the route exists already, or the method is not one
    /// of HTTP's own.
    #[must_use]
    pub fn plain<H, T>(
        mut self,
        statement: impl Into<Statement>,
        method: Method,
        path: &str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone())
            .expect("invariant: routes are registered with methods of HTTP itself");
        self.table.add(path, Verb::Only(method), statement.into());
        self.router = self.router.route(path, on(filter, handler));
        self
    }

    /// Adds a service that answers every method of `path`, such as `/orch.v1.Agent/{*call}`.
    ///
    /// # Panics
    /// At start: when the path ends in a slash, or a route exists already.
    #[must_use]
    pub fn service<T>(mut self, statement: impl Into<Statement>, path: &str, service: T) -> Self
    where
        T: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        T::Response: IntoResponse,
        T::Future: Send + 'static,
    {
        self.table.add(path, Verb::Any, statement.into());
        self.router = self.router.route_service(path, service);
        self
    }

    /// Takes over the routes of another area.
    ///
    /// # Panics
    /// At start: when both have a route of the same path and method.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.table.merge(other.table);
        self.router = self.router.merge(other.router);
        self
    }

    /// Puts a layer around the handlers added so far, inside of the edge.
    #[must_use]
    pub fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        Area {
            router: self.router.layer(layer),
            table: self.table,
        }
    }

    /// Gives the handlers their state.
    #[must_use]
    pub fn with_state(self, state: S) -> Area<()> {
        Area {
            router: self.router.with_state(state),
            table: self.table,
        }
    }

    /// The OpenAPI document of the routes added so far.
    #[must_use]
    pub fn openapi(&self) -> &OpenApi {
        self.router.get_openapi()
    }

    /// Every route with what it states, for documentation and tests.
    #[must_use]
    pub fn table(&self) -> &RouteTable {
        &self.table
    }

    pub(super) fn into_parts(self) -> (Router<S>, RouteTable) {
        (self.router.into(), self.table)
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Area<S> {
    fn default() -> Self {
        Self::new()
    }
}
