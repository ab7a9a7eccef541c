//! Rows that cannot be read: each is named, and hides no other.
//!
//! Known to this process alone: whoever meets one leaves it out and names it, the servers that share
//! the database tell each other, and all rows are looked through once after the start. What can be
//! read again is no longer named, and its work is taken up again.

mod look;
mod row;
mod work;

pub use look::Sweep;
pub use row::{Key, Unreadable};
pub use work::Quarantine;
pub(crate) use work::load;
