//! Extractors whose rejections are problems that name the field, what it held, and what belongs
//! there.
//!
//! Parsing happens here and nowhere else; what a handler receives is well formed, not yet allowed.

mod blame;
mod by_name;
mod json;
mod path;
mod query;
mod upgrade;

pub use json::{JsonBody, OptionalJson, RawBody};
pub use path::Path;
pub use query::{Query, query_bool, query_bool_option};
pub use upgrade::Upgrade;
