//! What keeps a run's commands where they belong: one trait, and a backend for each way there is.
//!
//! A cell is opened for a run and runs its commands one after another. Whatever policy asks for and
//! the machine lacks makes the opening fail; nothing is weakened in silence.

mod alone;
mod backend;
mod bubblewrap;
mod cell;
mod cgroup;
mod choice;
mod confinement;
mod connector;
mod disk;
mod engine;
mod error;
mod etc;
mod handshake;
mod identity;
pub mod kubernetes;
mod landlock;
mod layer;
mod links;
mod machine;
mod members;
mod probe;
mod process;
mod protect;
mod sockaddr;
mod standing;
mod view;

pub use backend::{Backend, Cell, Clock, Sandbox};
pub use choice::{Settings, Wanted, choose};
pub use confinement::Confinement;
pub use disk::free_bytes;
pub use engine::{EngineSettings, Image, Pull};
pub use error::{SandboxError, size};
pub use layer::{Layer, Without};
pub use probe::{Feature, Report, report};
pub use protect::NAMES as PROTECTED;
