//! Containers of Docker and Podman, by the interface that both speak.
//!
//! One container for a run, without a network, with the sandbox's first program in it, which starts
//! the run's commands and puts Landlock, seccomp and limits into force for each. It ends with the
//! socket to the agent, so that a container outlives no agent.

mod client;
mod contained;
mod filter;
mod image;
mod libraries;
mod sandbox;
mod spec;

pub use image::{Image, Pull};

pub(super) use contained::Contained;
pub(super) use sandbox::{Containers, Purpose, usable};

use std::path::PathBuf;

/// What sandboxes by containers are made from.
#[derive(Debug, Clone, Default)]
pub struct EngineSettings {
    /// The image of the containers.
    pub image: Option<Image>,
    /// Whether it may be fetched.
    pub pull: Pull,
    /// Where the engine listens; its usual place without one.
    pub socket: Option<PathBuf>,
}
