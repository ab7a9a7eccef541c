//! The only way out of a sandbox: a proxy that lets a run reach what its recipe lists.
//!
//! Names are resolved here and never in the sandbox, the address that was judged is the one that is
//! connected to, and what is refused is told.

mod address;
mod allow;
mod guarded;
mod proxy;
mod request;

pub use allow::AllowList;
pub use guarded::{Admission, Guarded};
pub use proxy::{PROXY_PORT, Proxy, Refusal, environment};
