//! Models behind a program: the request goes to its standard input, the answer comes from its output.

mod group;
mod model;
mod speech;
mod stray;

pub use group::Group;
pub use model::CommandModel;
pub use speech::Speech;
pub use stray::{MARK, Mark};
