//! What may be spent: set aside before a request, settled after it, at each level that has a cap.

mod budgeted;
mod levels;

pub use budgeted::{Budgeted, Purse, Reservation, Reserving, Settling, Spent};
pub use levels::{Budget, OverCap, Settled, reserve, settle};
