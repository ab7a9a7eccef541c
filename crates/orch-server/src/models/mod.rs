//! The models that roles ask: which there are, by settings and by the file of `ORCH_MODELS`, and how each call is
//! made. Knows nothing of projects and of what an answer is for.

mod all;
mod known;
mod program;
mod settings;
mod survey;
mod trail;
mod veil;

pub use all::{Dress, Means, Models};
pub use settings::{ModelSettings, ModelsError};
pub use survey::{Survey, Surveyed, survey};
pub(crate) use trail::Judged;
pub use trail::{Stop, Trail};
pub use veil::Veil;
