//! Following a run's log until the run is over, across connections that break.
//!
//! Goes on behind the last line that was handed out, so that none is missed and none comes twice.

use std::collections::VecDeque;
use std::time::Duration;

use orch_core::sse::{self, Event, Reader};
use reqwest::Response;

use super::{Client, ClientError};
use crate::types::log::LogEntry;
use crate::types::run::Run;

/// A stream that says nothing for so long, not even that it is alive, is opened anew.
const SILENCE: Duration = Duration::from_secs(45);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// So many attempts in a row without a line end the following: about half a minute.
const MOST_ATTEMPTS: u32 = 18;

/// What happens in a log that is followed.
#[derive(Clone, Debug, PartialEq)]
pub enum LogEvent {
    /// A line was written.
    Line(LogEntry),
    /// The run is over; nothing follows.
    End(Box<Run>),
}

/// A log that is being followed: [`Client::follow_log`].
#[derive(Debug)]
pub struct LogFollower {
    client: Client,
    run_id: i64,
    last_id: Option<String>,
    last_seq: Option<u64>,
    open: Option<(Response, Reader)>,
    ready: VecDeque<Event>,
    failures: u32,
    standing: Standing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Never connected: a server that is not there is an error at once.
    New,
    Connected,
    Over,
}

impl LogFollower {
    pub(super) fn new(client: Client, run_id: i64, after: Option<u64>) -> Self {
        Self {
            client,
            run_id,
            last_id: after.map(|seq| seq.to_string()),
            last_seq: after,
            open: None,
            ready: VecDeque::new(),
            failures: 0,
            standing: Standing::New,
        }
    }

    /// The next event; `None` after the end of the run. Must not be dropped half-way.
    ///
    /// # Errors
    /// When the server refuses, speaks another format, or stays away for half a minute.
    pub async fn next(&mut self) -> Result<Option<LogEvent>, ClientError> {
        loop {
            if self.standing == Standing::Over {
                return Ok(None);
            }
            while let Some(event) = self.ready.pop_front() {
                if let Some(event) = self.understand(event)? {
                    return Ok(Some(event));
                }
            }
            match self.read().await {
                Ok(()) => {}
                Err(error) => self.pause(error).await?,
            }
        }
    }

    /// Reads the next bytes of the stream; opens it first where it is not open.
    async fn read(&mut self) -> Result<(), ClientError> {
        if self.open.is_none() {
            let response = self
                .client
                .open_log_stream(self.run_id, self.last_id.as_deref())
                .await?;
            self.standing = Standing::Connected;
            self.open = Some((response, Reader::default()));
        }
        let (response, reader) = self.open.as_mut().expect("invariant: opened above");
        let chunk = match tokio::time::timeout(SILENCE, response.chunk()).await {
            Err(_) => {
                return Err(ClientError::TimedOut {
                    url: self.client.url().to_owned(),
                    after: SILENCE,
                });
            }
            Ok(Err(source)) => {
                let url = self.client.url().to_owned();
                return Err(ClientError::Interrupted {
                    url,
                    source: source.without_url(),
                });
            }
            Ok(Ok(chunk)) => chunk,
        };
        let Some(bytes) = chunk else {
            return Err(self.broken("the server ended the stream before the run was over"));
        };
        reader
            .feed(&bytes, &mut self.ready)
            .map_err(|sse::TooLarge { limit_bytes }| ClientError::TooLarge {
                request: format!("the log of run {}", self.run_id),
                limit_bytes,
            })
    }

    fn understand(&mut self, event: Event) -> Result<Option<LogEvent>, ClientError> {
        let unreadable = |source| ClientError::Unreadable {
            request: format!("the log of run {}", self.run_id),
            source,
        };
        match event.name.as_str() {
            "line" => {
                let entry: LogEntry = serde_json::from_str(&event.data).map_err(unreadable)?;
                self.failures = 0;
                self.last_id = event.id.or(self.last_id.take());
                if self.last_seq.is_some_and(|last| entry.seq <= last) {
                    return Ok(None);
                }
                self.last_seq = Some(entry.seq);
                Ok(Some(LogEvent::Line(entry)))
            }
            "end" => {
                let run = serde_json::from_str(&event.data).map_err(unreadable)?;
                self.standing = Standing::Over;
                self.open = None;
                Ok(Some(LogEvent::End(Box::new(run))))
            }
            // A later server may send more kinds.
            _ => Ok(None),
        }
    }

    /// Waits before the stream is opened anew, or gives `error` back where that would not help.
    async fn pause(&mut self, error: ClientError) -> Result<(), ClientError> {
        self.open = None;
        let passes = match &error {
            ClientError::Unreachable { .. } | ClientError::TimedOut { .. } => {
                self.standing == Standing::Connected
            }
            ClientError::Interrupted { .. } | ClientError::BrokenStream { .. } => true,
            ClientError::Refused(problem) => matches!(problem.status, 502..=504),
            ClientError::Address { .. }
            | ClientError::Token(_)
            | ClientError::Key(_)
            | ClientError::Setup(_)
            | ClientError::Redirected { .. }
            | ClientError::TooLarge { .. }
            | ClientError::Unreadable { .. }
            | ClientError::Ended { .. } => false,
        };
        self.failures += 1;
        if !passes || self.failures > MOST_ATTEMPTS {
            return Err(error);
        }
        let doubled = FIRST_PAUSE.saturating_mul(1 << (self.failures - 1).min(8));
        tokio::time::sleep(doubled.min(LONGEST_PAUSE)).await;
        Ok(())
    }

    fn broken(&self, reason: &str) -> ClientError {
        ClientError::BrokenStream {
            run_id: self.run_id,
            reason: reason.to_owned(),
        }
    }
}
