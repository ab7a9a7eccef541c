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
mod disk;
mod error;
mod etc;
mod handshake;
mod identity;
mod landlock;
mod machine;
mod probe;
mod process;
mod protect;
mod standing;
mod view;

pub use backend::{Backend, Cell, Clock, Sandbox};
pub use choice::{Settings, Wanted, choose};
pub use confinement::Confinement;
pub use error::SandboxError;
pub use probe::{Feature, Report, report};
