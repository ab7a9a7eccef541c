//! Where an entry's install steps run; whoever installs brings it.

use std::path::Path;

use futures::future::BoxFuture;
use orch_core::recipe::{Permissions, Step};

/// Install steps, and the folder that they work in.
pub struct Workshop<'w> {
    /// The tool, for messages.
    pub tool: &'w str,
    /// The tool's folder, where they start; the only one that they may write.
    pub folder: &'w Path,
    /// What runs, in this order.
    pub steps: &'w [Step],
    /// What they may reach.
    pub permissions: &'w Permissions,
}

/// Runs install steps.
pub trait Workshops: Send + Sync {
    /// Runs all of them.
    fn run<'w>(&'w self, work: Workshop<'w>) -> BoxFuture<'w, Result<(), String>>;
}

/// For tools without install steps.
#[derive(Clone, Copy, Debug)]
pub struct NoWorkshop;

impl Workshops for NoWorkshop {
    fn run<'w>(&'w self, work: Workshop<'w>) -> BoxFuture<'w, Result<(), String>> {
        let why = format!(
            "{} has install steps, and there is no sandbox here to run them in",
            work.tool
        );
        Box::pin(std::future::ready(Err(why)))
    }
}
