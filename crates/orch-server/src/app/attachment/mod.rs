//! Files that come with a vision: read once, within bounds, and kept as what was read in them.

mod pdf;
mod read;

pub use pdf::begin_if_asked as read_pdf_if_asked;
pub(super) use read::check_name;
pub use read::{read_all, read_back};
