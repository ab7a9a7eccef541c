//! `artifact`: list what runs produced, fetch it, check it.

use std::fs::{self, File, OpenOptions};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Subcommand;
use orch_api::client::Client;
use orch_api::types::run::Artifact;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Connect, Context, ids};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Cell, Row};

/// Between two words on how far a download is.
const TOLD_EVERY: Duration = Duration::from_millis(500);

/// Arguments of `artifact`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the artifacts of a run
    List {
        /// The run's id
        #[arg(value_parser = ids::id())]
        run: i64,
    },
    /// Download an artifact; its SHA-256 is checked
    Get {
        /// The artifact's id
        #[arg(value_parser = ids::id())]
        id: i64,
        /// File to write; one that exists is not replaced [default: the last part of its name]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Read an artifact, or all of a run, and check the SHA-256; ends with 1 where one differs
    Verify {
        /// The artifact's id
        #[arg(value_parser = ids::id(), required_unless_present = "run")]
        id: Option<i64>,
        /// All artifacts of this run
        #[arg(long, value_name = "ID", value_parser = ids::id(), conflicts_with = "id")]
        run: Option<i64>,
    },
}

#[derive(Serialize)]
struct Verified {
    id: i64,
    name: String,
    sha256: String,
    is_whole: bool,
    why: Option<String>,
}

impl Row for Verified {
    const HEAD: &'static [&'static str] = &["id", "whole", "name", "why"];
    const NAME: &'static str = "artifacts";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.id),
            Cell::new(if self.is_whole { "yes" } else { "no" }),
            Cell::new(&self.name),
            Cell::new(self.why.as_deref().unwrap_or_default()),
        ]
    }
}

/// Runs `artifact`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    match args.action {
        Action::List { run } => context.output.list(&client.artifacts(run).await?)?,
        Action::Get { id, output } => {
            let artifact = client.artifact(id).await?;
            let path = output.unwrap_or_else(|| PathBuf::from(file_name(&artifact.name)));
            get(&client, &artifact, &path, context).await?;
            let size = artifact.size_bytes;
            let done = format!("wrote {} ({size} bytes, sha256 as listed)", path.display());
            context.output.done(&done);
        }
        Action::Verify { id, run } => {
            let artifacts = match (id, run) {
                (Some(id), _) => vec![client.artifact(id).await?],
                (None, Some(run)) => client.artifacts(run).await?,
                (None, None) => Vec::new(),
            };
            let mut verified = Vec::new();
            for artifact in artifacts {
                verified.push(verify(&client, artifact, context).await?);
            }
            context.output.list(&verified)?;
            if verified.iter().any(|one| !one.is_whole) {
                return Ok(Exit::Failed);
            }
        }
    }
    Ok(Exit::Done)
}

/// The last part of an artifact's name; it may have been chosen by a hostile step.
fn file_name(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !c.is_control()).collect();
    match plain.trim_start_matches('.') {
        "" => "artifact".to_owned(),
        plain => plain.to_owned(),
    }
}

async fn get(
    client: &Client,
    artifact: &Artifact,
    path: &Path,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let failed = |what: &str, error: &std::io::Error| {
        Failure::new(Exit::Failed, format!("failed to {what} {}", path.display())).caused_by(error)
    };
    if path.symlink_metadata().is_ok() {
        let message = format!("{} is there already", path.display());
        return Err(Failure::usage(message).next_step("name another file with --output"));
    }
    let part = path.with_extension("part");
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).open(&part);
    let mut file: File = file.map_err(|error| failed("write beside", &error))?;
    let fetched = fetch(client, artifact, context, |bytes| file.write_all(bytes)).await;
    let kept = fetched.and_then(|found| {
        if found != artifact.sha256 {
            let message = format!("what came hashes to {found}, not to {}", artifact.sha256);
            return Err(Failure::new(Exit::Failed, message));
        }
        let kept = file.sync_all().and_then(|()| fs::rename(&part, path));
        kept.map_err(|error| failed("keep", &error))
    });
    if kept.is_err() {
        let _ = fs::remove_file(&part);
    }
    kept
}

async fn verify(
    client: &Client,
    artifact: Artifact,
    context: &mut Context<'_>,
) -> Result<Verified, Failure> {
    let why = match fetch(client, &artifact, context, |_| Ok(())).await {
        Ok(found) if found == artifact.sha256 => None,
        Ok(found) => Some(format!("what came hashes to {found}")),
        Err(failure) if failure.exit == Exit::Conflict => Some(failure.message),
        Err(failure) => return Err(failure),
    };
    Ok(Verified {
        id: artifact.id,
        name: artifact.name,
        sha256: artifact.sha256,
        is_whole: why.is_none(),
        why,
    })
}

/// Downloads; answers the SHA-256 of what came.
async fn fetch(
    client: &Client,
    artifact: &Artifact,
    context: &mut Context<'_>,
    mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<String, Failure> {
    let mut hash = Sha256::new();
    let mut download = client.download(artifact.id).await?;
    let (mut read, mut told) = (0_u64, Instant::now());
    while let Some(bytes) = download.next().await? {
        hash.update(&bytes);
        read += bytes.len() as u64;
        take(&bytes).map_err(|error| {
            Failure::new(Exit::Failed, "failed to write the file").caused_by(&error)
        })?;
        if told.elapsed() > TOLD_EVERY && std::io::stderr().is_terminal() {
            told = Instant::now();
            let whole = u64::try_from(artifact.size_bytes).unwrap_or(1).max(1);
            let note = format!(
                "{}: {read} of {whole} bytes ({} %)",
                artifact.name,
                read * 100 / whole
            );
            context.output.note(&note);
        }
    }
    Ok(hex::encode(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_writes_nowhere_else() {
        for (name, expected) in [
            ("dist/app", "app"),
            ("../../etc/passwd", "passwd"),
            ("a/..", "artifact"),
            ("x/.bashrc", "bashrc"),
            ("", "artifact"),
            ("a\u{1b}[2J", "a[2J"),
        ] {
            assert_eq!(file_name(name), expected, "{name:?}");
        }
    }
}
