//! Fields of changes: absent stays, `null` takes away.

use serde::{Deserialize, Deserializer};

/// Tells an absent field from one that is `null`.
pub(super) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}
