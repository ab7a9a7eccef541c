//! What follows from a document's items by rules: priorities, the cut of the first version, risks,
//! contradictions, and architectures matched from blueprints.
//!
//! **Invariant:** all advice names the words that it rests on. Where no word speaks for it, there is none.

mod blueprints;
mod contradictions;
mod left_behind;
mod means;
mod measured;
mod mvp;
mod opposites;
mod options;
mod pairs;
mod priority;
mod risks;
mod rule_item;
mod stems;
mod units;

pub use contradictions::{Contradiction, contradictions, is_negative};
pub use left_behind::{is_fact, left_behind};
pub use mvp::cut_mvp;
pub use options::{gaps, options};
pub use priority::priority;
pub use risks::risks;
pub use rule_item::RuleItem;
pub use stems::{is_generic, stem, stems};
