//! Collecting a run's declared outputs, at a step's end or the run's.
//!
//! Never fails the run: what cannot be kept is told in the log and in the run, with its reason.

use std::{collections::BTreeSet, ops::ControlFlow, path::Path};

use orch_api::proto::{ArtifactOmitted, ArtifactUpload};
use orch_core::recipe::Output;
use tokio::sync::mpsc;

use super::{
    limits::ArtifactLimits,
    send::{self, Sending, Sent},
    walk::{self, Found},
};
use crate::progress::RunLog;

/// Files that are found ahead of those that are sent.
const AHEAD: usize = 4;
/// So many files that are not kept are named one by one.
const MOST_NAMED: usize = 200;
/// So many lines of the log are about files that are kept, and as many about those that are not.
const MOST_LINES: usize = 100;

/// Collects for one run.
pub(crate) struct Collector<'r> {
    limits: ArtifactLimits,
    log: &'r RunLog,
    uploads: u32,
    spent_bytes: u64,
    kept: usize,
    /// What was kept since the log named files one by one.
    unsaid: Unsaid,
    omitted: usize,
    /// What was named as not kept: a step and the run may declare the same file.
    told: BTreeSet<String>,
    /// The server that does not take artifacts was told of.
    said_old: bool,
}

/// Files that have no line of their own.
#[derive(Default)]
struct Unsaid {
    kept: usize,
    bytes: u64,
    omitted: usize,
}

impl<'r> Collector<'r> {
    pub(crate) fn new(limits: ArtifactLimits, log: &'r RunLog) -> Self {
        Self {
            limits,
            log,
            uploads: 0,
            spent_bytes: 0,
            kept: 0,
            unsaid: Unsaid::default(),
            omitted: 0,
            told: BTreeSet::new(),
            said_old: false,
        }
    }

    /// Keeps what matches; `step` is from 1, 0 is the run as a whole.
    pub(crate) async fn collect(&mut self, work: &Path, outputs: &[Output], step: u32) {
        if outputs.is_empty() {
            return;
        }
        if !self.log.takes_artifacts() {
            if !std::mem::replace(&mut self.said_old, true) {
                let line =
                    "artifacts are not kept: the server is of a version that does not take them";
                self.log.event(line).await;
            }
            return;
        }
        let (found, mut taken) = mpsc::channel(AHEAD);
        let walking = {
            let (work, outputs) = (work.to_owned(), outputs.to_vec());
            let most = self.limits.entries;
            tokio::task::spawn_blocking(move || {
                walk::walk(
                    &work,
                    &outputs,
                    most,
                    &mut |one| match found.blocking_send(one) {
                        Ok(()) => ControlFlow::Continue(()),
                        Err(_) => ControlFlow::Break(()),
                    },
                )
            })
        };
        let mut matched = vec![false; outputs.len()];
        let mut lost = false;
        while let Some(one) = taken.recv().await {
            for (matched, output) in matched.iter_mut().zip(outputs) {
                *matched |= output.pattern().matches(&one.path);
            }
            if self.take(one, outputs, step).await.is_break() {
                lost = true;
                break;
            }
        }
        drop(taken);
        let walked = walking.await;
        if lost {
            return;
        }
        let everything = match walked {
            Ok(Ok(cut)) => cut.map(str::to_owned),
            Ok(Err(error)) => Some(format!("the workspace cannot be read: {error}")),
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = everything {
            self.omit(".", &why, step).await;
        }
        for (output, _) in outputs.iter().zip(matched).filter(|(_, found)| !found) {
            self.omit(output.path(), "no file matches", step).await;
        }
        self.sum_up().await;
    }

    /// Says what the lines before did not.
    async fn sum_up(&mut self) {
        let unsaid = std::mem::take(&mut self.unsaid);
        if unsaid.kept > 0 {
            let (kept, bytes) = (unsaid.kept, unsaid.bytes);
            let line = format!("kept {kept} more artifacts ({bytes} bytes)");
            self.log.system(&line).await;
        }
        if unsaid.omitted > 0 {
            let line = format!("not kept: {} more files", unsaid.omitted);
            self.log.event(&line).await;
        }
    }

    async fn take(&mut self, found: Found, outputs: &[Output], step: u32) -> ControlFlow<()> {
        let output = &outputs[found.output];
        let name = output.name_of(&found.path);
        match self.keep(&found, &name, output, step).await {
            Ok(Sent::Kept { size_bytes }) => {
                self.kept += 1;
                self.spent_bytes += size_bytes;
                if self.kept > MOST_LINES {
                    self.unsaid.kept += 1;
                    self.unsaid.bytes += size_bytes;
                } else {
                    let line = format!("kept artifact {name} ({size_bytes} bytes)");
                    self.log.system(&line).await;
                }
            }
            Ok(Sent::Lost) => return ControlFlow::Break(()),
            Err(why) => self.omit(&found.path, &why, step).await,
        }
        ControlFlow::Continue(())
    }

    async fn keep(
        &mut self,
        found: &Found,
        name: &str,
        output: &Output,
        step: u32,
    ) -> Result<Sent, String> {
        let place = found.file.as_ref().map_err(|why| (*why).to_owned())?;
        if name.chars().count() > 255 {
            return Err("its name is longer than 255 characters".to_owned());
        }
        if self.kept >= self.limits.files {
            return Err(format!("the run has {} artifacts already", self.kept));
        }
        let left = self.limits.run_bytes.saturating_sub(self.spent_bytes);
        let most_bytes = left.min(self.limits.file_bytes);
        let (_, size_bytes) = place.open()?;
        let too_large = |size_bytes: u64| match size_bytes > self.limits.file_bytes {
            true => format!(
                "{size_bytes} bytes are more than AGENT_ARTIFACT_FILE_LIMIT ({})",
                self.limits.file_bytes
            ),
            false => format!(
                "with it the run's artifacts would be larger than AGENT_ARTIFACT_RUN_LIMIT ({})",
                self.limits.run_bytes
            ),
        };
        if size_bytes > most_bytes {
            return Err(too_large(size_bytes));
        }
        self.uploads += 1;
        let sending = Sending {
            log: self.log,
            upload: self.uploads,
            name,
            kind: output.kind.as_deref().unwrap_or("file"),
            step,
            most_bytes,
        };
        send::send(&sending, place).await
    }

    async fn omit(&mut self, path: &str, why: &str, step: u32) {
        // `.` stands for more than one file.
        if path != "." && self.told.contains(path) {
            return;
        }
        self.omitted += 1;
        if self.omitted > MOST_LINES {
            self.unsaid.omitted += 1;
        } else {
            self.log.event(&format!("not kept: {path}: {why}")).await;
        }
        let (path, why) = match self.omitted {
            MOST_NAMED => (".", "and others, which are not named"),
            more if more > MOST_NAMED => return,
            _ => (path, why),
        };
        self.told.insert(path.to_owned());
        let text = |text: &str, most: usize| {
            let clean = self.log.redactor().redact(text);
            clean.chars().take(most).collect::<String>()
        };
        let omitted = ArtifactOmitted {
            path: text(path, 1024),
            reason: text(why, 1000),
            step,
        };
        let piece = ArtifactUpload {
            omitted: Some(omitted),
            ..ArtifactUpload::default()
        };
        self.log.upload(piece).await;
    }
}
