//! The agent's hold on one run, as its own tasks see it.
//!
//! A run is stopped (it ends, and the server is told) or lost (it ends, and nothing more is said
//! about it). Being lost is final, and the first reason stays.

use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::outbox::RunLink;

/// Why a run is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The server took it back, or refused to hear of it.
    TakenBack(String),
    /// There was no stream for longer than the hold lasts.
    Outage,
    /// The server handed it to this agent anew.
    Superseded,
}

impl Loss {
    /// Whether this agent may get the run again and go on in its folder.
    pub(crate) fn may_go_on(&self) -> bool {
        match self {
            Self::TakenBack(_) => false,
            Self::Outage | Self::Superseded => true,
        }
    }
}

/// One hold; clones are the same one.
#[derive(Clone)]
pub(crate) struct Hold {
    pub(crate) link: RunLink,
    stop: CancellationToken,
    loss: Arc<OnceLock<Loss>>,
    /// To whoever works on the run.
    voice: mpsc::Sender<String>,
}

/// Words of people that may wait for a run.
const WORDS: usize = 64;

impl Hold {
    /// A hold, and where to hear what people say to its run.
    pub(crate) fn new(link: RunLink) -> (Self, mpsc::Receiver<String>) {
        let (voice, said) = mpsc::channel(WORDS);
        let hold = Self {
            link,
            stop: CancellationToken::new(),
            loss: Arc::default(),
            voice,
        };
        (hold, said)
    }

    /// Passes on what a person says; whether it can be heard.
    pub(crate) fn say(&self, text: String) -> bool {
        self.voice.try_send(text).is_ok()
    }

    /// Ends the run's work.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Ends the run's work and all talk about it.
    pub(crate) fn lose(&self, loss: Loss) {
        // The first reason is the true one.
        let _ = self.loss.set(loss);
        self.link.close();
        self.stop.cancel();
    }

    pub(crate) fn stopped(&self) -> CancellationToken {
        self.stop.clone()
    }

    pub(crate) fn loss(&self) -> Option<&Loss> {
        self.loss.get()
    }
}
