//! The control plane: HTTP and gRPC on one port, background reconcilers, the flow from a request
//! to a transaction.
//!
//! It never runs work itself; agents do.

pub mod app;
mod audit_file;
mod clock;
mod config;
pub mod edge;
mod grpc;
mod http;
mod listen;
mod models;
mod reconcile;
mod server;
mod vault;

pub use app::attachment::read_pdf_if_asked;
pub use app::orchestrate::TeamSettings;
pub use app::role::Memory as RoleMemory;
pub use audit_file::{AuditReport, verify_audit};
pub use config::{Exposure, SchedulingMode, ServerConfig};
pub use http::openapi;
pub use models::{ModelSettings, Survey, Surveyed, survey as survey_models};
pub use orch_store::blob::{Bucket, BucketAddress};
pub use orch_store::retention::Retention;
pub use orch_store::{Database, StoreError, carry, schema};
pub use server::{Server, ServerError};
pub use vault::{KeyOrigin, Kv, KvAddress, KvError};
