//! All that is ordered, prepared once and put into force for one process at a time.

use std::os::fd::OwnedFd;

use nix::sys::signal::{SigHandler, Signal, signal};

use crate::sandbox::Layer;

use super::{
    Orders, Sockets, connects, identity,
    kernel::Filters,
    limits,
    paths::Paths,
    start::{InitError, while_doing},
};

/// What is ordered, ready to be put into force.
pub(super) struct Force {
    orders: Orders,
    paths: Option<Paths>,
    filters: Filters,
}

impl Force {
    /// Looks up and puts together what takes time.
    pub(super) fn prepare(orders: Orders) -> Result<Self, InitError> {
        Ok(Self {
            paths: orders.landlock.as_ref().map(Paths::prepare).transpose()?,
            filters: Filters::prepare(orders.sockets)?,
            orders,
        })
    }

    pub(super) fn orders(&self) -> &Orders {
        &self.orders
    }

    /// Puts it into force for this process. What is left to it afterwards is what a command may do.
    /// What comes back, if anything, tells of connections and is for the agent.
    pub(super) fn put(&self) -> Result<Option<OwnedFd>, InitError> {
        // A Rust program ignores it, and so would the command.
        #[expect(unsafe_code, reason = "no safe library sets how a signal is taken")]
        // SAFETY: the default is no function of ours.
        let usual = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
        usual.map_err(while_doing("take signals as usual"))?;
        let without = &self.orders.without;
        if without.has(Layer::Limits) {
            limits::apply(&self.orders.limits)?;
        }
        if let Some(identity) = self.orders.identity {
            identity::become_(identity)?;
        }
        if without.has(Layer::Privileges) {
            identity::keep_nothing()?;
        }
        identity::end_with_parent()?;
        if let Some(paths) = &self.paths {
            paths.apply()?;
        }
        if without.has(Layer::Calls) {
            self.filters.apply()?;
        }
        let is_told = self.orders.sockets == Sockets::Tcp && without.has(Layer::Connections);
        is_told.then(connects::tell).transpose()
    }
}
