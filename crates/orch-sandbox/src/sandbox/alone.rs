//! A command that begins by a first program of its own, which becomes it.

use std::os::fd::OwnedFd;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    SandboxError,
    cell::Held,
    handshake::{self, Begun},
    members,
};
use crate::exec::{Command, ExecError, Exit, Line, Wrapper, run_within};

/// Runs a command until nothing of it is left.
pub(super) async fn run(
    held: &Held,
    wrap: impl FnOnce(OwnedFd) -> Wrapper,
    command: Command,
    now: impl Fn() -> Timestamp + Clone + Send + Sync + 'static,
    sink: mpsc::Sender<Line>,
    cancel: CancellationToken,
) -> Result<Exit, SandboxError> {
    let (ours, theirs) = handshake::pair().map_err(ExecError::Wait)?;
    let mut wrapper = wrap(theirs);
    let cwd = command.cwd.to_string_lossy().into_owned();
    wrapper.arguments.push(cwd);
    let environment = handshake::encode(held.environment(&command));
    let over = CancellationToken::new();
    let (handed, listening) = oneshot::channel();
    let admit = |pid, listener| {
        // Whoever waits for it is below.
        let _ = handed.send(held.listener(listener)?);
        held.admit(pid)
    };
    let run = async {
        let exit = run_within(Some(wrapper), command, now, sink, cancel).await;
        members::end_all(held).await;
        over.cancel();
        exit
    };
    let serve = async {
        if let (Ok(Some(listener)), Some(proxy)) = (listening.await, &held.confinement.network) {
            proxy.serve(listener, over.clone()).await;
        }
    };
    let welcome = async {
        let mut begun = handshake::welcome(ours, environment, admit).await;
        if let Begun::Running { connections } = &mut begun
            && let Some(told) = connections.take()
            && let Some(connector) = held.connector(told)
        {
            // Without anybody to make them there are none.
            connector.start();
        }
        begun
    };
    let (exit, begun, ()) = tokio::join!(run, welcome, serve);
    match (exit?, begun) {
        (exit, Begun::Running { .. }) => Ok(exit),
        (exit @ (Exit::Cancelled | Exit::TimedOut { .. }), _) => Ok(exit),
        (_, Begun::Failed(reason)) => Err(held.not_begun(reason)),
        (_, Begun::Gone) => {
            let reason = "its last line of output says why; the command did not run";
            Err(held.not_begun(reason))
        }
    }
}
