//! What a run tells while it is worked: log lines and steps, in order, in batches.
//!
//! Everything that a run says passes the redactor here. A line goes out at once while nothing is
//! under way; otherwise lines gather, so that a loud run costs few messages.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use orch_api::proto::{
    Artifact, ArtifactUpload, EgressRefusal, LogLine, Logs, ModelUse, ModelWanted, StepReport,
    ToolsUsed, Workspace, agent_message::Kind,
};
use orch_sandbox::exec::Copied;
use tokio::{
    sync::{
        mpsc::{self, error::TryRecvError},
        oneshot,
    },
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use orch_sandbox::egress::Refusal;

use orch_redact::{Hidden, Redactor};

use crate::{
    clock::Now,
    outbox::{Answer, RunKey, RunLink},
    text::one_line,
};

/// A batch is sent when its texts have so many bytes.
const BATCH_BYTES: usize = 256 * 1024;
/// A batch is sent when it has so many lines.
const BATCH_LINES: usize = 4096;
/// The longest time that a line waits for more, while earlier ones are under way.
const LINGER: Duration = Duration::from_millis(10);
/// How much of a model's name is told, in characters.
const LONGEST_NAME: usize = 200;
/// The server's word where nothing is left of a budget.
const OVER_BUDGET: &str = "over_budget";
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
    /// A person said that it was done.
    Skipped,
}

/// Whether a step must not be repeated on nobody's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Once {
    Yes,
    No,
}

/// What is noted of a step beside how it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks {
    pub(crate) once: Once,
    /// The workspace as it is after the step was kept.
    pub(crate) snapshot: Option<Copied>,
}

enum Item {
    Line(LogLine),
    /// What is said behind all lines before it, and who hears the answer.
    Said(Box<Kind>, Option<oneshot::Sender<Answer>>),
}

/// A run's log; clones write to the same one.
#[derive(Clone)]
pub struct RunLog {
    items: mpsc::Sender<Item>,
    hidden: Arc<Hidden>,
    now: Now,
    link: RunLink,
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
            link: link.clone(),
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

    /// Says something in its place among the lines.
    async fn say(&self, kind: Kind) {
        // Nobody listens once the run is lost, and nobody needs to.
        let _ = self.items.send(Item::Said(Box::new(kind), None)).await;
    }

    /// The same, with the server's answer; none where the run is lost.
    async fn ask(&self, kind: Kind) -> Option<Answer> {
        let (answer, answered) = oneshot::channel();
        let item = Item::Said(Box::new(kind), Some(answer));
        self.items.send(item).await.ok()?;
        answered.await.ok()
    }

    /// What the way out refused to a step: a line, and a fact that is kept for good.
    pub(crate) async fn refused(&self, step: u32, refusal: &Refusal) {
        self.event(&refusal.to_string()).await;
        if !self.link.keeps_refusals() {
            return;
        }
        let redactor = self.redactor();
        let text = |text: &str| redactor.redact(text).into_owned();
        let RunKey { run_id, epoch } = self.link.run();
        let refusal = EgressRefusal {
            run_id,
            epoch,
            step,
            host: text(&refusal.host),
            port: u32::from(refusal.port),
            reason: text(&refusal.reason),
        };
        self.say(Kind::EgressRefusal(refusal)).await;
    }

    /// Whether the server would take a piece of an artifact.
    pub(crate) fn takes_artifacts(&self) -> bool {
        self.link.takes_artifacts()
    }

    /// Sends a piece of an artifact behind all that was said before.
    pub(crate) async fn upload(&self, piece: ArtifactUpload) {
        self.say(self.piece(piece)).await;
    }

    /// The same, with the server's answer; none where the run is lost.
    pub(crate) async fn ask_to_keep(&self, piece: ArtifactUpload) -> Option<Answer> {
        self.ask(self.piece(piece)).await
    }

    fn piece(&self, piece: ArtifactUpload) -> Kind {
        let RunKey { run_id, epoch } = self.link.run();
        Kind::ArtifactUpload(ArtifactUpload {
            run_id,
            epoch,
            ..piece
        })
    }

    /// One line, whatever is named in it: who reads the agent's own lines relies on them.
    async fn own(&self, source: Source, message: &str) {
        let line = one_line(&self.redactor().redact(message));
        self.line((self.now)(), source, 0, line, LineEnd::Here)
            .await;
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

    /// Tells which tools the run has, and keeps their lock with it.
    pub(crate) async fn tools_used(&self, hits: u64, misses: u64, lock: &orch_tools::Lock) {
        let RunKey { run_id, epoch } = self.link.run();
        let artifact = Artifact {
            run_id,
            epoch,
            name: "tools.lock.json".to_owned(),
            media_type: "application/json".to_owned(),
            artifact_kind: "tool-lock".to_owned(),
            content: lock.to_json().into_bytes(),
        };
        self.say(Kind::Artifact(artifact)).await;
        if !self.link.reads_tools() {
            return;
        }
        let used = ToolsUsed {
            run_id,
            epoch,
            hits,
            misses,
            lock_sha256: lock.digest().hex(),
        };
        self.say(Kind::ToolsUsed(used)).await;
    }

    /// Tells what the run has used of a model up to now.
    pub(crate) async fn model_used(&self, used: ModelUse) {
        if !self.link.charges_models() {
            return;
        }
        let RunKey { run_id, epoch } = self.link.run();
        let used = ModelUse {
            run_id,
            epoch,
            model: self.clean_name(&used.model),
            ..used
        };
        self.say(Kind::ModelUse(used)).await;
    }

    /// A model's name as it may leave the agent: programs and providers tell it.
    fn clean_name(&self, model: &str) -> String {
        let name = self.redactor().redact(model).into_owned();
        name.chars()
            .filter(|letter| !letter.is_control())
            .take(LONGEST_NAME)
            .collect()
    }

    /// Whether a model may be asked for the run now.
    ///
    /// # Errors
    /// Why not, for people.
    pub(crate) async fn may_ask_model(&self) -> Result<(), String> {
        if !self.link.charges_models() {
            return Ok(());
        }
        let RunKey { run_id, epoch } = self.link.run();
        match self
            .ask(Kind::ModelWanted(ModelWanted { run_id, epoch }))
            .await
        {
            Some(Answer::Refused { code, message }) if code == OVER_BUDGET => Err(message),
            // A run that is lost ends by itself.
            Some(Answer::Accepted | Answer::Refused { .. }) | None => Ok(()),
        }
    }

    /// Reports how a step stands, with what is to be noted of it. That one starts which must not be
    /// repeated on nobody's word is on the server's disk when this returns.
    ///
    /// # Errors
    /// Why the server did not take it, or that the run is lost: it must not start then.
    pub(crate) async fn step_marked(
        &self,
        number: u32,
        name: &str,
        command: &str,
        status: StepStatus,
        marks: Marks,
    ) -> Result<(), String> {
        let report = StepReport {
            once: marks.once == Once::Yes,
            snapshot_bytes: marks.snapshot.map(|copied| copied.bytes),
            snapshot_entries: marks.snapshot.map_or(0, |copied| copied.entries),
            ..self.report(number, name, command, status)
        };
        if status == StepStatus::Running && marks.once == Once::Yes {
            return self.told(Kind::Step(report)).await;
        }
        self.say(Kind::Step(report)).await;
        Ok(())
    }

    /// Tells on which commit the run works, and waits until that is on disk.
    ///
    /// # Errors
    /// Why the server did not take it, or that the run is lost.
    pub(crate) async fn works_on(&self, source: orch_api::proto::Source) -> Result<(), String> {
        let RunKey { run_id, epoch } = self.link.run();
        let workspace = Workspace {
            run_id,
            epoch,
            source: Some(source),
        };
        self.told(Kind::Workspace(workspace)).await
    }

    async fn told(&self, kind: Kind) -> Result<(), String> {
        match self.ask(kind).await {
            Some(Answer::Accepted) => Ok(()),
            Some(Answer::Refused { message, .. }) => Err(message),
            None => Err("the run is not this agent's any more".to_owned()),
        }
    }

    /// Reports how a step stands; `number` is from 1.
    pub async fn step(&self, number: u32, name: &str, command: &str, status: StepStatus) {
        let report = self.report(number, name, command, status);
        self.say(Kind::Step(report)).await;
    }

    fn report(&self, number: u32, name: &str, command: &str, status: StepStatus) -> StepReport {
        let (status, exit_code) = match status {
            StepStatus::Running => ("running", None),
            StepStatus::Succeeded => ("succeeded", Some(0)),
            StepStatus::Failed { exit_code } => ("failed", exit_code),
            StepStatus::Skipped => ("skipped", None),
        };
        let redactor = self.redactor();
        let RunKey { run_id, epoch } = self.link.run();
        StepReport {
            run_id,
            epoch,
            number,
            name: redactor.redact(name).into_owned(),
            command: redactor.redact(command).into_owned(),
            status: status.to_owned(),
            exit_code,
            ..StepReport::default()
        }
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
        let said = match next(&link, &mut items, &batch).await {
            Next::Add(Item::Line(line)) => {
                batch.push(line);
                continue;
            }
            Next::Add(Item::Said(kind, answer)) => Some((kind, answer)),
            Next::Send => None,
            Next::End => {
                if !batch.lines.is_empty() {
                    // Nobody is there to hear that the run is lost.
                    let _ = link.post(batch.take(&link)).await;
                }
                return;
            }
        };
        if !batch.lines.is_empty() && link.post(batch.take(&link)).await.is_err() {
            return;
        }
        if let Some((kind, answer)) = said
            && link.post_for(*kind, answer).await.is_err()
        {
            return;
        }
    }
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

#[cfg(test)]
mod tests {
    use orch_api::proto::Welcome;

    use super::*;
    use crate::outbox::Outbox;

    #[tokio::test]
    async fn a_models_name_leaves_the_agent_on_one_line_bounded_and_without_secrets() {
        let outbox = Arc::new(Outbox::default());
        outbox.speak(&Welcome {
            model_use: true,
            ..Welcome::default()
        });
        let run = RunKey {
            run_id: 1,
            epoch: 1,
        };
        let hidden = Hidden::default();
        hidden.add(["hush-hush-1"]);
        let link = RunLink::new(run, Arc::clone(&outbox));
        let (log, _carried) = RunLog::start(link, hidden, || Timestamp::UNIX_EPOCH);
        let used = ModelUse {
            model: format!("big\u{1b}\n-hush-hush-1{}", "x".repeat(300)),
            ..ModelUse::default()
        };
        log.model_used(used).await;
        match outbox.next().await.kind {
            Some(Kind::ModelUse(used)) => {
                assert_eq!(used.model, format!("big-***{}", "x".repeat(193)));
            }
            other => panic!("unexpected {other:?}"),
        }
    }
}
