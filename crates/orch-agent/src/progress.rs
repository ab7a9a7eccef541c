//! What a run tells while it is worked: log lines and steps, in order, in batches.
//!
//! Everything that a run says passes the redactor here. A line goes out at once while nothing is
//! under way; otherwise lines gather, so that a loud run costs few messages.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use orch_api::proto::{LogLine, Logs, StepReport, agent_message::Kind};
use tokio::{
    sync::mpsc::{self, error::TryRecvError},
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use crate::{
    clock::Now,
    outbox::RunLink,
    redact::{Hidden, Redactor},
};

/// A batch is sent when its texts have so many bytes.
const BATCH_BYTES: usize = 256 * 1024;
/// A batch is sent when it has so many lines.
const BATCH_LINES: usize = 4096;
/// The longest time that a line waits for more, while earlier ones are under way.
const LINGER: Duration = Duration::from_millis(10);
/// Lines between the source and the batch.
const QUEUE: usize = 64;

/// Where a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The agent.
    System,
    /// A command's standard output.
    Stdout,
    /// A command's standard error output.
    Stderr,
    /// Something that happened in the run.
    Event,
}

impl Source {
    const fn number(self) -> u32 {
        match self {
            Self::System => 0,
            Self::Stdout => 1,
            Self::Stderr => 2,
            Self::Event => 3,
        }
    }
}

/// Whether a line goes on in the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// It is whole, or the last piece.
    Here,
    /// It goes on.
    Later,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepStatus {
    /// It was started.
    Running,
    /// It exited with 0.
    Succeeded,
    /// It did not.
    Failed {
        /// Its exit code, where it exited.
        exit_code: Option<i32>,
    },
}

enum Item {
    Line(LogLine),
    Step(StepReport),
}

/// A run's log; clones write to the same one.
#[derive(Clone)]
pub struct RunLog {
    items: mpsc::Sender<Item>,
    hidden: Arc<Hidden>,
    now: Now,
}

impl RunLog {
    /// A log and the task that carries it; the task ends when all clones are gone, or when the run
    /// is lost.
    pub(crate) fn start(link: RunLink, hidden: Hidden, now: Now) -> (Self, JoinHandle<()>) {
        let (items, gathered) = mpsc::channel(QUEUE);
        let log = Self {
            items,
            hidden: Arc::new(hidden),
            now,
        };
        (log, tokio::spawn(carry(link, gathered)))
    }

    /// What the run must not tell; more may be added.
    #[must_use]
    pub fn hidden(&self) -> &Arc<Hidden> {
        &self.hidden
    }

    /// What the run must not tell as of now.
    #[must_use]
    pub fn redactor(&self) -> Arc<Redactor> {
        self.hidden.redactor()
    }

    /// The clock that lines are stamped with.
    #[must_use]
    pub fn now(&self) -> Now {
        self.now
    }

    /// A line of the agent's own.
    pub async fn system(&self, message: &str) {
        self.own(Source::System, message).await;
    }

    /// A line about something that happened in the run.
    pub async fn event(&self, message: &str) {
        self.own(Source::Event, message).await;
    }

    async fn own(&self, source: Source, message: &str) {
        let redactor = self.redactor();
        for line in redactor.redact(message).lines() {
            let line = line.to_owned();
            self.line((self.now)(), source, 0, line, LineEnd::Here)
                .await;
        }
    }

    /// A line that has been redacted already; `step` is from 1, 0 is none.
    pub(crate) async fn line(
        &self,
        at: Timestamp,
        source: Source,
        step: u32,
        message: String,
        end: LineEnd,
    ) {
        let line = LogLine {
            at_us: at.as_microsecond(),
            stream: source.number(),
            step,
            partial: end == LineEnd::Later,
            message,
        };
        // Nobody listens once the run is lost, and nobody needs to.
        let _ = self.items.send(Item::Line(line)).await;
    }

    /// Reports how a step stands; `number` is from 1.
    pub async fn step(&self, number: u32, name: &str, command: &str, status: StepStatus) {
        let (status, exit_code) = match status {
            StepStatus::Running => ("running", None),
            StepStatus::Succeeded => ("succeeded", Some(0)),
            StepStatus::Failed { exit_code } => ("failed", exit_code),
        };
        let redactor = self.redactor();
        let report = StepReport {
            number,
            name: redactor.redact(name).into_owned(),
            command: redactor.redact(command).into_owned(),
            status: status.to_owned(),
            exit_code,
            ..StepReport::default()
        };
        let _ = self.items.send(Item::Step(report)).await;
    }
}

/// Lines that go out together.
struct Batch {
    lines: Vec<LogLine>,
    bytes: usize,
    until: Instant,
}

impl Batch {
    fn new() -> Self {
        Self {
            lines: Vec::new(),
            bytes: 0,
            until: Instant::now(),
        }
    }

    fn push(&mut self, line: LogLine) {
        if self.lines.is_empty() {
            self.until = Instant::now() + LINGER;
        }
        self.bytes += line.message.len();
        self.lines.push(line);
    }

    fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.lines.len() >= BATCH_LINES
    }

    fn take(&mut self, link: &RunLink) -> Kind {
        self.bytes = 0;
        let run = link.run();
        Kind::Logs(Logs {
            run_id: run.run_id,
            epoch: run.epoch,
            lines: std::mem::take(&mut self.lines),
        })
    }
}

/// What to do next with a batch.
enum Next {
    Add(Item),
    Send,
    End,
}

async fn carry(link: RunLink, mut items: mpsc::Receiver<Item>) {
    let mut batch = Batch::new();
    loop {
        let (kinds, over) = match next(&link, &mut items, &batch).await {
            Next::Add(Item::Line(line)) => {
                batch.push(line);
                continue;
            }
            Next::Add(Item::Step(mut step)) => {
                step.run_id = link.run().run_id;
                step.epoch = link.run().epoch;
                let lines = (!batch.lines.is_empty()).then(|| batch.take(&link));
                let kinds = lines.into_iter().chain([Kind::Step(step)]);
                (kinds.collect::<Vec<_>>(), Over::No)
            }
            Next::Send => (vec![batch.take(&link)], Over::No),
            Next::End if batch.lines.is_empty() => return,
            Next::End => (vec![batch.take(&link)], Over::Yes),
        };
        for kind in kinds {
            if link.post(kind).await.is_err() {
                return;
            }
        }
        if over == Over::Yes {
            return;
        }
    }
}

#[derive(PartialEq, Eq)]
enum Over {
    Yes,
    No,
}

async fn next(link: &RunLink, items: &mut mpsc::Receiver<Item>, batch: &Batch) -> Next {
    if batch.lines.is_empty() {
        return items.recv().await.map_or(Next::End, Next::Add);
    }
    if batch.is_full() {
        return Next::Send;
    }
    match items.try_recv() {
        Ok(item) => Next::Add(item),
        Err(TryRecvError::Disconnected) => Next::End,
        Err(TryRecvError::Empty) if link.is_idle() => Next::Send,
        Err(TryRecvError::Empty) => match timeout_at(batch.until, items.recv()).await {
            Ok(item) => item.map_or(Next::End, Next::Add),
            Err(_) => Next::Send,
        },
    }
}
