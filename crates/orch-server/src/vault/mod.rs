//! What seals answers and secrets, where secrets' values are kept, and what runs' tokens are signed
//! with. Nothing here logs a key, a token or a value.

mod envelope;
mod keys;
mod kv;
mod run_token;
mod sealing;

pub use keys::{KeyOrigin, VaultError};
pub use kv::{Kv, KvAddress, KvError};
pub use sealing::{Keys, ValueError, Vault};

pub(crate) use envelope::Place;
pub(crate) use run_token::is_run_token;
