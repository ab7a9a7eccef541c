//! What the program writes: results on standard output, everything else on standard error.
//!
//! Texts that others wrote (titles, log lines, reasons) never reach a terminal with their control
//! characters, and with `--json` standard output holds JSON alone.

mod cell;
mod details;
mod paint;
mod printer;
mod progress;
mod safe;
mod table;

pub use cell::{Cell, Tone};
pub use details::Details;
pub use paint::Paint;
pub use printer::{Format, Output};
pub use progress::Progress;
pub use safe::{coloured_line, one_line, plain_line, plain_text};
pub use table::Row;
