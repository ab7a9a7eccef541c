//! The layers that a sandbox is made of, each of which tests can leave out.
//!
//! An attempt to get out proves something only where it would have succeeded without the layer that
//! stops it. Outside of tests nothing can be left out: no such value can be made.

use serde::{Deserialize, Serialize};

/// One layer. What each is made of differs between the backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Layer {
    /// A view of files of the run's own.
    View,
    /// Which files may be reached, by Landlock.
    Landlock,
    /// Which system calls may be made.
    Calls,
    /// A user of the run's own.
    User,
    /// No capabilities, and none to come.
    Privileges,
    /// A process namespace.
    Processes,
    /// A network namespace, or no sockets that reach anybody.
    Network,
    /// A namespace for shared memory and the like, and one for the machine's name.
    Names,
    /// Limits of single processes.
    Limits,
    /// A control group.
    Group,
    /// Looking at how much was written.
    Disk,
    /// Bounds of file systems in memory.
    Sizes,
    /// What must not be changed is read-only, or what was changed is found.
    Protection,
    /// The hosts that a recipe lists.
    Hosts,
    /// Connections are made by the agent, to nobody but the proxy.
    Connections,
    /// Inherited files are closed.
    Descriptors,
    /// What a command leaves running is ended.
    Orphans,
}

/// What is left out of a sandbox: nothing, but in tests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Without {
    #[cfg(feature = "testing")]
    layers: std::collections::BTreeSet<Layer>,
}

impl Without {
    /// Leaves these layers out.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn these(layers: &[Layer]) -> Self {
        Self {
            layers: layers.iter().copied().collect(),
        }
    }

    /// Whether a layer is there.
    #[cfg(feature = "testing")]
    pub(crate) fn has(&self, layer: Layer) -> bool {
        !self.layers.contains(&layer)
    }

    /// Whether a layer is there: all are.
    #[cfg(not(feature = "testing"))]
    #[expect(clippy::unused_self, reason = "in tests it depends on the value")]
    pub(crate) fn has(&self, _layer: Layer) -> bool {
        true
    }
}
