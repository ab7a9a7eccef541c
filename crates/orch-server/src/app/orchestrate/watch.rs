//! Looking on while a request is worked on, and stopping it.

use orch_api::types::orchestrate::{AgentReport, Orchestration};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// Events that a slow reader may be behind; then it loses pieces of text, never an end.
const BEHIND: usize = 1024;

/// What happens with a request.
#[derive(Clone, Debug)]
pub enum Event {
    /// A role begins or ends.
    Agent(AgentReport),
    /// A piece of what a role writes. After a failed attempt its text begins anew.
    Delta { key: String, text: String },
    /// A role waits for so long until a usage limit lifts.
    Parked { key: String, seconds: u64 },
    /// It is over.
    End(Box<Orchestration>),
}

/// A request that is worked on here.
#[derive(Clone, Debug)]
pub struct Watch {
    events: broadcast::Sender<Event>,
    pub(super) stop: CancellationToken,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self {
            events: broadcast::Sender::new(BEHIND),
            stop: CancellationToken::new(),
        }
    }

    /// Everything from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Nobody may be there.
    pub(super) fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    pub(super) fn is_watched(&self) -> bool {
        self.events.receiver_count() > 0
    }
}
