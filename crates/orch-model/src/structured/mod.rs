//! Answers that are held to a JSON Schema, whatever the provider promises.
//!
//! The schema stands in the prompt, and the answer is checked here. A model that misses it is told why and
//! asked once more; then it has failed.

mod answer;
mod find;
mod schema;
mod useful;

pub(crate) use find::values;

pub use answer::{Structured, ask_structured};
pub use schema::{Schema, SchemaError};
pub use useful::Useful;
