//! Models: asking them, whatever protocol they speak, and what an answer costs.
//!
//! Owns the wire formats, retries of what is transient, answers that are held to a JSON Schema, chains of
//! fallbacks, prices, and recordings from which a whole conversation is replayed without a network.
//! Knows nothing of projects, plans or the store; never logs a key or a prompt.

mod ask;
mod budget;
mod chain;
mod command;
mod digest;
mod endpoint;
mod error;
mod http;
mod named;
mod patience;
mod price;
mod provider;
mod record;
pub mod role;
mod roster;
mod said;
mod structured;
mod tooled;
mod veiled;
mod wire;

pub use ask::{Answer, Ask, Finish, Message, Sampling, ToolCall, ToolSpec, Usage};
pub use budget::{
    Budget, Budgeted, OverCap, Purse, Reservation, Reserving, Settled, Settling, Spent, reserve,
    settle,
};
pub use chain::{Asked, Chain, OnLimit};
pub use command::{CommandModel, Speech};
pub use endpoint::{Endpoint, EndpointError, LARGEST_ANSWER_BYTES, Protocol};
pub use error::{Class, ModelError};
pub use http::{HttpModel, HttpModels, Now};
pub use named::Named;
pub use patience::{Patience, Patient};
pub use price::{Cost, Price, PriceError, Prices};
pub use provider::{Asking, Deltas, Provider, silent};
pub use record::{
    Exchange, FileJournal, Journal, Keeping, Outcome, Recorder, Recording, RecordingError, Redact,
    Replay, redacted, unredacted,
};
pub use roster::{By, Line, Listed, Roster, RosterError};
pub use structured::{Schema, SchemaError, Structured, ask_structured};
pub use tooled::{Leash, Tooled, Tools, Working};
pub use veiled::{Veiled, VeiledTools, without as without_secrets};
