//! What answers cost: a table that people edit, and arithmetic in whole micro-dollars.

mod cost;
mod table;

pub use cost::Cost;
pub use table::{Price, PriceError, Prices};
