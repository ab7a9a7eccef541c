//! Files that come with a vision: read once, within bounds, and kept as what was read in them.

mod pdf;
mod read;

pub(super) use read::check_name;
pub use read::{read_all, read_back};
