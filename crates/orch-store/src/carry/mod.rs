//! Carrying a whole installation from one database to the other kind: rows, log lines, artifact
//! bytes, sequences.
//!
//! Streams, in one transaction on the target: a failure leaves it empty. The source is only read,
//! and must not be in use. Columns come from the catalogues of the two databases, never from a
//! list here.

mod bytes;
mod catalogue;
mod counters;
mod error;
mod logs;
mod plan;
mod rows;
mod side;
mod whole;

pub use error::CarryError;
pub use side::Side;
pub use whole::{Carried, Counted, Progress, carry};
