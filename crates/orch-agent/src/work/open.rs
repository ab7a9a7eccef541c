//! A run's cell, as its recipe asks for it and policy gives it.
//!
//! The server that the run works for is closed to it until a step may reach it.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use orch_core::recipe::{Network, Recipe};
use orch_sandbox::{egress::Proxy, exec::RunFolder, sandbox::Cell};
use tokio::sync::{Mutex, mpsc};

use super::{
    environment::{self, Environment},
    process::{Place, Refusals},
    secrets::RunSecrets,
    steps::Run,
};
use crate::{confine::Way, text::chain};

/// A run's sandbox, and what its way out refuses.
pub(super) struct Opened {
    pub(super) cell: Box<dyn Cell>,
    pub(super) refusals: Refusals,
    /// The way out of the cell, where it has one.
    pub(super) way_out: Option<Proxy>,
}

impl Run<'_> {
    /// Opens the sandbox with what the recipe asks for, if policy gives that.
    pub(super) async fn open_cell(
        &self,
        recipe: &Recipe,
        folder: &RunFolder,
        readable: Vec<PathBuf>,
    ) -> Result<Opened, String> {
        self.open_cell_with(recipe, &Network::Denied, folder, readable)
            .await
    }

    /// The same, with what of the agent itself is to be reached as well.
    pub(super) async fn open_cell_with(
        &self,
        recipe: &Recipe,
        own: &Network,
        folder: &RunFolder,
        readable: Vec<PathBuf>,
    ) -> Result<Opened, String> {
        let (told, refusals) = mpsc::unbounded_channel();
        let tell = move |refusal| {
            // Nobody listens once the run is over.
            let _ = told.send(refusal);
        };
        let (setup, path) = (&self.config.sandbox, &self.config.path);
        let server = self.config.server_kept_from_steps();
        let backend = self.sandbox.backend();
        let mut confinement = setup
            .confinement_with(backend, recipe, own, folder, path, Way { server, tell })
            .map_err(|denied| denied.to_string())?;
        let way_out = confinement.network.clone();
        confinement.readable.extend(environment::rustup_home());
        confinement.readable.extend(readable);
        let borrowed = self.files.iter().map(|files| files.mirror().objects());
        confinement.readable.extend(borrowed);
        let sandbox = Arc::clone(self.sandbox);
        let opened = tokio::task::spawn_blocking(move || sandbox.open(confinement)).await;
        let opened = opened.map_err(|error| error.to_string())?;
        Ok(Opened {
            cell: opened.map_err(|error| chain(&error))?,
            refusals: Mutex::new(refusals),
            way_out,
        })
    }

    /// Where the run's steps run, in what was opened.
    pub(super) fn place<'p>(
        &'p self,
        opened: &'p Opened,
        folder: &'p RunFolder,
        environment: &'p Environment,
    ) -> Place<'p> {
        Place {
            folder,
            cell: &*opened.cell,
            refusals: &opened.refusals,
            way_out: opened.way_out.as_ref(),
            wants_token: self.config.wants_token(),
            environment,
            secrets: RunSecrets::of(self.job),
            shell: &self.config.shell,
            log: &self.job.log,
            stop: &self.job.stop,
            told_skipped: AtomicBool::new(false),
            snapshots: None,
        }
    }
}
