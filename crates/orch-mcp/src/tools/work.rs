//! The surroundings of one call: who calls, the client that carries its token, and whether it is still wanted.

use orch_api::client::Client;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::{Peer, RoleServer};
use tokio_util::sync::CancellationToken;

use super::Fault;

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A person, or a program with a person's token.
    User,
    /// A run with its own token, as far as its numbers are known here. What it may do is the server's to
    /// decide by the token; the numbers only fill in what a call leaves out.
    Run {
        run: Option<i64>,
        work_item: Option<i64>,
    },
}

/// One call.
#[derive(Clone)]
pub(crate) struct Work {
    pub client: Client,
    pub who: Who,
    pub progress: Progress,
    /// Cancelled when the caller takes the call back or goes away.
    pub stop: CancellationToken,
}

impl Work {
    /// The same call over another client.
    pub(crate) fn with_client(&self, client: Client) -> Self {
        Self {
            client,
            ..self.clone()
        }
    }

    /// The run that is meant: the one named, else the caller's own.
    pub(crate) async fn run(&self, named: Option<i64>) -> Result<i64, Fault> {
        match (named, self.who) {
            (Some(named), _) => Ok(named),
            (None, Who::Run { run: Some(own), .. }) => Ok(own),
            // The token says of which run it is.
            (None, Who::Run { run: None, .. }) => Ok(self.client.own_run().await?.id),
            (None, Who::User) => Err(Fault::Input(
                "`run_id` is missing: the number of the run that is meant".to_owned(),
            )),
        }
    }

    /// The work item that is meant: the one named, else that of the caller's own run.
    pub(crate) async fn work_item(&self, named: Option<i64>) -> Result<i64, Fault> {
        match (named, self.who) {
            (Some(named), _) => Ok(named),
            (
                None,
                Who::Run {
                    work_item: Some(own),
                    ..
                },
            ) => Ok(own),
            (
                None,
                Who::Run {
                    work_item: None, ..
                },
            ) => Ok(self.client.own_run().await?.work_item_id),
            (None, Who::User) => Err(Fault::Input(
                "`work_item_id` is missing: the number of the work item that is meant".to_owned(),
            )),
        }
    }
}

/// Where the caller wants to hear how far a call is.
#[derive(Clone, Default)]
pub(crate) struct Progress(Option<(Peer<RoleServer>, ProgressToken)>);

impl Progress {
    pub(crate) fn to(peer: &Peer<RoleServer>, token: Option<ProgressToken>) -> Self {
        Self(token.map(|token| (peer.clone(), token)))
    }

    /// Tells it; whoever does not listen any more is found out elsewhere.
    pub(crate) async fn tell(&self, done: f64, of: f64, message: &str) {
        if let Some((peer, token)) = &self.0 {
            let told = ProgressNotificationParam::new(token.clone(), done)
                .with_total(of)
                .with_message(message);
            let _ = peer.notify_progress(told).await;
        }
    }
}
