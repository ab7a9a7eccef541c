//! Asking a role's model on behalf of some work, and keeping what came of it.
//!
//! The one place where the server asks models: parking at usage limits, the kept call with its audit entry, and
//! the redaction of both stand here. Knows nothing of what the answer is for.

mod ask;
mod call;
mod failure;
mod purpose;
mod shown;
mod veil;

pub use ask::{Asked, Terms, Waiting, ask_and_keep, ask_role};
pub(crate) use ask::{Asker, ask_line};
pub use call::Call;
pub use failure::NoAnswer;
pub use purpose::Purpose;
pub(crate) use veil::veil;
