//! The store: every row in a database, every log line in segment files.
//!
//! Hot operations are [`Command`]s that one writer commits in groups; all else is an ordinary
//! [`Tx`] through the same writer. What is acknowledged is on disk. Decisions are the core's.

#![cfg_attr(
    test,
    expect(
        unsafe_code,
        reason = "the list of all statements is put together by the linker"
    )
)]

mod ahead;
mod bulk;
mod command;
mod conn;
mod database;
mod error;
mod herald;
mod ids;
mod inline;
mod load;
mod lookout;
mod outcome;
mod page;
mod piped;
mod postgres;
mod quarantine;
mod reach;
mod reservation;
mod save;
mod schedule;
mod signals;
mod source;
mod sqlite;
mod step_report;
mod store;
mod stored;
mod sum;
mod tx;
mod unlogged;
mod vitals;
mod writer;

#[cfg(test)]
mod tests;

pub mod agent;
pub mod approval;
pub mod artifact;
pub mod attachment;
pub mod audit;
pub mod audit_check;
pub mod blob;
pub mod budget;
pub mod carry;
pub mod charge;
pub mod counts;
pub mod idempotency;
pub mod info_request;
pub mod log;
pub mod model_call;
pub mod model_cost;
pub mod model_price;
pub mod orchestration;
pub mod plan;
pub mod project;
pub mod project_role;
pub mod queue;
pub mod recipe;
pub mod requirement_comment;
pub mod requirements;
pub mod retention;
pub mod revive;
pub mod role_memory;
pub mod run;
pub mod schema;
pub mod secret;
pub mod segment;
pub mod shared;
pub mod step;
pub mod summary;
pub mod survey;
pub mod token_key;
pub mod vision;
pub mod work_item;

pub use command::{Command, Follows, Hindered, Queued, Reply};
pub use conn::Conn;
pub use database::Database;
pub use error::StoreError;
pub use load::Needs;
pub use lookout::Away;
pub use page::{Order, Page};
pub use piped::{Piped, PipedError};
pub use quarantine::{Key, Quarantine, Sweep, Unreadable};
pub use reach::ReachError;
pub use reservation::Reservation;
pub use schedule::{Assigned, Free, Left, Slots};
pub use shared::ServerNumber;
pub use signals::{Heard, RunWatch, Signals};
pub use step_report::{MOST_STEPS, StepReport};
pub use store::{Clock, Options, Pending, Store};
pub use stored::{Found, Listed};
pub use tx::Tx;
pub use vitals::{Pulse, Stuck};
