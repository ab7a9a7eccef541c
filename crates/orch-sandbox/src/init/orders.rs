//! What the first program is ordered to do, as it is told on its command line.
//!
//! Holds no secret: every process in the sandbox may read it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Limits, sandbox::Without};

/// Everything that is to be in force before the command begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Orders {
    /// Whom to become; nobody else where we are unprivileged already.
    pub(crate) identity: Option<Identity>,
    /// Which files may be reached; missing where the kernel has no Landlock and policy allows that.
    pub(crate) landlock: Option<Landlock>,
    /// What may be used up.
    pub(crate) limits: Limits,
    /// Which sockets may be made.
    pub(crate) sockets: Sockets,
    /// The port on which the egress proxy is to be reached in a network namespace of our own: who
    /// gave the orders takes the listening socket.
    pub(crate) proxy_port: Option<u16>,
    /// What is left out in tests.
    #[serde(default)]
    pub(crate) without: Without,
}

impl Orders {
    /// As the first program is told them on its command line.
    pub(crate) fn to_argument(&self) -> String {
        serde_json::to_string(self).expect("invariant: orders are plain values")
    }
}

/// An unprivileged user and group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Which files may be reached, and which ports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Landlock {
    /// Read and executed, with all that is in them.
    pub(crate) read: Vec<PathBuf>,
    /// Written as well.
    pub(crate) write: Vec<PathBuf>,
    /// TCP ports that may be connected to; `None` where the network is bounded otherwise.
    pub(crate) ports: Option<Vec<u16>>,
}

/// Which sockets may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Sockets {
    /// Pairs of them, which reach nobody else.
    Pairs,
    /// TCP as well, where Landlock bounds the ports and connections are made by the agent.
    Tcp,
    /// Unix, TCP and UDP: there is a network namespace and a view of files of our own.
    Local,
}
