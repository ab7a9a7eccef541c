//! No sandbox: plain processes with the agent's rights. Only where the operator says so.

use std::path::Path;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Backend, Cell, Clock, Confinement, Sandbox, SandboxError, backend::Running};
use crate::exec::{self, Command, Line};

/// No sandbox.
#[derive(Debug)]
pub(super) struct Process;

impl Sandbox for Process {
    fn backend(&self) -> Backend {
        Backend::Process
    }

    fn open(&self, _confinement: Confinement) -> Result<Box<dyn Cell>, SandboxError> {
        Ok(Box::new(Self))
    }
}

impl Cell for Process {
    fn run<'a>(
        &'a self,
        command: Command,
        now: Clock,
        sink: mpsc::Sender<Line>,
        cancel: CancellationToken,
    ) -> Running<'a> {
        let running = exec::run(command, move || now(), sink, cancel);
        Box::pin(async { Ok(running.await?) })
    }

    fn give(&self, _: &Path) -> Result<(), SandboxError> {
        Ok(())
    }
}
