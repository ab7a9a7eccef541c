//! Tools that a run's processes ask for while they run: the server decides, the agent installs.

use std::{
    fs, io,
    os::unix::fs::symlink,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use orch_api::proto::{RequestToolRequest, agent_message::Kind};
use orch_sandbox::{exec::RunFolder, sandbox::Sandbox};
use orch_tools::{Installed, Locked, Platform, ResolveError, ToolError, Toolbox, Want};
use tokio::sync::mpsc;

use super::{
    mailbox::{self, Asked, Mailbox},
    provide::Provided,
    workshop::SandboxWorkshop,
};
use crate::{config::AgentConfig, outbox, outbox::RunLink, text::chain, worker::Job};

/// How often it is looked for requests.
const LOOK: Duration = Duration::from_millis(200);

/// Asks the server whether a run may have a tool.
#[derive(Clone)]
pub(crate) struct ToolDesk(RunLink);

impl ToolDesk {
    pub(crate) fn new(link: RunLink) -> Self {
        Self(link)
    }

    /// Whether the server decides on tools at all.
    pub(super) fn is_open(&self) -> bool {
        self.0.reads_tools()
    }

    async fn ask(&self, name: &str, version: &str, signed_by: &str) -> Result<(), String> {
        let run = self.0.run();
        let asked = Kind::ToolRequest(RequestToolRequest {
            run_id: run.run_id,
            epoch: run.epoch,
            name: name.to_owned(),
            version: version.to_owned(),
            signed_by: signed_by.to_owned(),
            ..RequestToolRequest::default()
        });
        match self.0.ask(asked).await {
            Ok(outbox::Answer::Accepted) => Ok(()),
            Ok(outbox::Answer::Refused { message, .. }) => Err(message),
            Err(outbox::Lost) => Err("the run is over".to_owned()),
        }
    }
}

/// What answers a run's requests.
pub(crate) struct Counter<'c> {
    pub(super) toolbox: &'c Arc<Toolbox>,
    pub(super) config: &'c AgentConfig,
    pub(super) sandbox: &'c Arc<dyn Sandbox>,
    pub(super) job: &'c Job,
    pub(super) folder: &'c RunFolder,
    pub(super) provided: &'c Provided,
}

impl Counter<'_> {
    /// Answers requests until it is dropped.
    pub(crate) async fn serve(&self) {
        let mailbox = Arc::new(Mutex::new(Mailbox::of(self.folder)));
        loop {
            tokio::time::sleep(LOOK).await;
            let looking = Arc::clone(&mailbox);
            let looked = tokio::task::spawn_blocking(move || {
                let mut mailbox = looking.lock().unwrap_or_else(PoisonError::into_inner);
                (mailbox.look(), mailbox.is_full())
            });
            let Ok((found, full)) = looked.await else {
                return;
            };
            for asked in found {
                let id = asked.id.clone();
                let answer = self.answer(asked).await;
                let mailbox = mailbox.lock().unwrap_or_else(PoisonError::into_inner);
                if let Err(error) = mailbox.answer(&id, &answer) {
                    tracing::warn!(%error, "an answer to a request for a tool was not written");
                }
            }
            if full {
                let most = mailbox::MOST;
                let line =
                    format!("the run asked for tools {most} times: no more requests are taken");
                self.job.log.event(&line).await;
                return std::future::pending().await;
            }
        }
    }

    async fn answer(&self, asked: Asked) -> mailbox::Answer {
        let shown = match &asked.request {
            Ok(request) => request
                .tool
                .chars()
                .flat_map(char::escape_default)
                .take(200)
                .collect(),
            Err(_) => "a tool".to_owned(),
        };
        match self.give(asked).await {
            Ok((tool, programs)) => {
                let line = format!("given on request: tool {} {}", tool.name, tool.version);
                self.job.log.event(&line).await;
                mailbox::Answer {
                    status: "granted",
                    reason: String::new(),
                    version: tool.version,
                    programs,
                }
            }
            Err(reason) => {
                let line = format!("the request for {shown} was denied: {reason}");
                self.job.log.event(&line).await;
                mailbox::Answer {
                    status: "denied",
                    reason,
                    version: String::new(),
                    programs: Vec::new(),
                }
            }
        }
    }

    async fn give(&self, asked: Asked) -> Result<(Locked, Vec<String>), String> {
        let want = Want::parse(&asked.request?.tool)?;
        let platform = Platform::here().ok_or("the catalog has no tools for this platform")?;
        let desk = &self.job.tool_desk;
        let resolved = self
            .toolbox
            .resolve(std::slice::from_ref(&want), platform)
            .await;
        let lock = match resolved {
            Ok(lock) => lock,
            // The server hears of it: it is what somebody would ask about later.
            Err(error @ ToolError::Resolve(ResolveError::Unsigned(_))) => {
                let range = want.range.as_deref().unwrap_or("*");
                desk.ask(&want.name, range, "").await?;
                return Err(error.to_string());
            }
            Err(error) => return Err(chain(&error)),
        };
        let tool = lock.tools.first().ok_or("nothing was resolved")?;
        let key = tool.signed_by.as_deref().unwrap_or_default();
        desk.ask(&tool.name, &tool.version, key).await?;
        let (said, mut lines) = mpsc::unbounded_channel();
        let stop = self.job.stop.clone();
        let workshop = SandboxWorkshop::new(self.config, Arc::clone(self.sandbox), stop, said);
        let installing = async {
            let installed = self.toolbox.install(tool, platform, &workshop).await;
            // Ends the lines below.
            drop(workshop);
            installed
        };
        let telling = async {
            while let Some(line) = lines.recv().await {
                self.job.log.system(&line).await;
            }
        };
        let (installed, ()) = tokio::join!(installing, telling);
        let installed = installed.map_err(|error| chain(&error))?;
        let linked = self.link(&installed);
        let programs = linked.map_err(|error| format!("it could not be laid out: {error}"))?;
        self.provided.keep(installed);
        Ok((tool.clone(), programs))
    }

    /// Adds its programs to those of the run; one of the same name stays as it is.
    fn link(&self, installed: &Installed) -> io::Result<Vec<String>> {
        let bin = super::provide::bin(self.folder);
        let mut programs = Vec::new();
        for (name, path) in installed.programs() {
            let link = bin.join(&name);
            match symlink(&path, &link) {
                Ok(()) => programs.push(name),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if fs::read_link(&link)? == path {
                        programs.push(name);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(programs)
    }
}
