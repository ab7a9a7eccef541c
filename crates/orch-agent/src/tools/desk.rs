//! Tools that a run's processes ask for while they run: the server decides or asks a
//! person, the agent installs.

use std::{
    fs, io,
    os::unix::fs::symlink,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
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
/// The server's word for a request that a person decides.
const PENDING: &str = "tool_pending";
/// How often the person's answer is asked for.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// How long a person's answer is waited for; most steps end before.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

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

    async fn ask(&self, name: &str, version: &str, signed_by: &str) -> Said {
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
            Ok(outbox::Answer::Accepted) => Said::Granted,
            Ok(outbox::Answer::Refused { code, message }) if code == PENDING => {
                Said::Pending(message)
            }
            Ok(outbox::Answer::Refused { message, .. }) => Said::Denied(message),
            Err(outbox::Lost) => Said::Denied("the run is over".to_owned()),
        }
    }
}

/// What the server says to a request.
enum Said {
    Granted,
    Denied(String),
    /// A person was asked: which question it is.
    Pending(String),
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
        // One that waits for a person holds up no other.
        let mut answering = FuturesUnordered::new();
        let mut full = false;
        loop {
            tokio::select! {
                Some((id, answer)) = answering.next() => {
                    deliver(&mailbox, id, &answer);
                    continue;
                }
                () = tokio::time::sleep(LOOK), if !full => {}
                else => return std::future::pending().await,
            }
            let looking = Arc::clone(&mailbox);
            let looked = tokio::task::spawn_blocking(move || {
                let mut mailbox = looking.lock().unwrap_or_else(PoisonError::into_inner);
                (mailbox.look(), mailbox.is_full())
            });
            let Ok((found, is_full)) = looked.await else {
                return;
            };
            for asked in found {
                answering.push(async move {
                    let id = asked.id.clone();
                    (id, self.answer(asked).await)
                });
            }
            full = is_full;
            if full {
                let most = mailbox::MOST;
                let line =
                    format!("the run asked for tools {most} times: no more requests are taken");
                self.job.log.event(&line).await;
            }
        }
    }

    /// Asks the server, and waits for a person where it leaves the decision to one.
    async fn decide(&self, name: &str, version: &str, signed_by: &str) -> Result<(), String> {
        let desk = &self.job.tool_desk;
        let mut told = false;
        let deciding = async {
            loop {
                match desk.ask(name, version, signed_by).await {
                    Said::Granted => return Ok(()),
                    Said::Denied(reason) => return Err(reason),
                    Said::Pending(_) if told => {}
                    Said::Pending(asked) => {
                        told = true;
                        let line = format!("the request for {name} {version} waits: {asked}");
                        self.job.log.event(&line).await;
                    }
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
        };
        let decided = tokio::time::timeout(PATIENCE, deciding).await;
        decided.unwrap_or_else(|_| {
            let hours = PATIENCE.as_secs() / 3600;
            Err(format!("nobody decided within {hours} hours"))
        })
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
        let resolved = self
            .toolbox
            .resolve(std::slice::from_ref(&want), platform)
            .await;
        let lock = match resolved {
            Ok(lock) => lock,
            // The server hears of it: it is what somebody would ask about later.
            Err(error @ ToolError::Resolve(ResolveError::Unsigned(_))) => {
                let range = want.range.as_deref().unwrap_or("*");
                self.decide(&want.name, range, "").await?;
                return Err(error.to_string());
            }
            Err(error) => return Err(chain(&error)),
        };
        let tool = lock.tools.first().ok_or("nothing was resolved")?;
        let key = tool.signed_by.as_deref().unwrap_or_default();
        self.decide(&tool.name, &tool.version, key).await?;
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

fn deliver(mailbox: &Mutex<Mailbox>, id: String, answer: &mailbox::Answer) {
    let mailbox = mailbox.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(error) = mailbox.answer(&id, answer) {
        tracing::warn!(%error, request.id = id, "an answer to a request for a tool was not written");
    }
}
