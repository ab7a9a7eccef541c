//! Connections to the shared database over which statements are sent without awaiting each.
//!
//! The one that writes, and reads of a few rows by their keys, go this way: what bounds them is the
//! number of round trips. Whoever asks drives the connection; there is no task behind it.

mod error;
mod home;
mod options;
mod transaction;
mod value;
mod wire;

pub use error::PipedError;
pub(crate) use error::says_away;
pub(crate) use home::{Home, Patience};
pub(crate) use options::{BY_KEYS, config};
pub use transaction::Piped;
pub(crate) use value::{Columns, Value};
pub(crate) use wire::Ticket;
