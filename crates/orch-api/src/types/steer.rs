//! What people say to runs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that is said to a run while it works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Steer {
    #[schema(min_length = 1, max_length = 8000)]
    pub text: String,
}
