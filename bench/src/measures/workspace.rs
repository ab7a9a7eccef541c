//! Making a workspace from a repository: cold (nothing is there), warm (the mirror is), and what a
//! snapshot between two steps costs.
//!
//! The repository has 2,000 files of 8 KiB and 100 commits; it is fetched from a file, so that no
//! network is measured. A plain `git clone --shared` stands beside it. Nothing is removed before the
//! end: where ext4 has no journal, files made soon after others were removed cost several times more.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use orch_core::source::{Reference, RepositoryUrl};
use orch_git::{Git, Mirrors, check_out, resolve};
use orch_sandbox::exec::{CopyLimits, RunFolder, Snapshots};

use super::Measured;
use crate::figure::Figure;
use crate::setup::Setup;

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
const FILES: usize = 2_000;
const COMMITS: usize = 100;
const ROUNDS: usize = 20;

pub async fn measure(_: &Setup) -> Measured {
    tokio::task::spawn_blocking(figures).await?
}

fn figures() -> Measured {
    let top = tempfile::tempdir()?;
    let origin = top.path().join("origin");
    make(&origin)?;
    let git = Git::find(PATH, Duration::from_secs(120))?;
    let url = RepositoryUrl::parse(&format!("file://{}", origin.display()))
        .map_err(anyhow::Error::msg)?;
    let branch = Reference::parse("main").map_err(anyhow::Error::msg)?;
    let (mut cold, mut warm, mut first, mut next) = (vec![], vec![], vec![], vec![]);
    let mut plain = vec![];
    for round in 0..ROUNDS {
        let clone = top.path().join(format!("plain-{round}"));
        let begun = Instant::now();
        let (from, to) = (origin.to_string_lossy(), clone.to_string_lossy());
        run(top.path(), &["clone", "--quiet", "--shared", &from, &to])?;
        plain.push(begun.elapsed().as_secs_f64() * 1000.0);
        let mirrors = Mirrors::new(
            top.path().join(format!("mirrors-{}", round.min(4))),
            u64::MAX,
        );
        let number = i64::try_from(round)?;
        let folder = RunFolder::create(&top.path().join("runs"), number, 1)?;
        let begun = Instant::now();
        let commit = resolve(&git, &url, Some(&branch))?;
        let mirror = mirrors.with_commit(&git, &url, &commit)?;
        check_out(&git, &mirror, &url, &commit, &folder.work(), u64::MAX)?;
        let took = begun.elapsed().as_secs_f64();
        if round <= 4 {
            cold.push(took)
        } else {
            warm.push(took * 1000.0)
        }
        let limits = CopyLimits {
            max_bytes: 1 << 30,
            max_entries: 1_000_000,
        };
        let mut snapshots = Snapshots::of(&folder, limits);
        for (step, samples) in [(1, &mut first), (2, &mut next)] {
            let begun = Instant::now();
            snapshots.take(step)?;
            samples.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
    }
    Ok(vec![
        Figure::new("plain git clone --shared of 2,000 files", "ms", "", plain),
        Figure::new("workspace of 2,000 files, cold", "s", "<= 60", cold),
        Figure::new("workspace of 2,000 files, warm", "ms", "<= 1000", warm),
        Figure::new("first snapshot of 2,000 files", "ms", "", first),
        Figure::new("next snapshot, nothing changed", "ms", "", next),
    ])
}

fn make(origin: &Path) -> anyhow::Result<()> {
    std::fs::create_dir(origin)?;
    run(origin, &["init", "--quiet", "--initial-branch=main"])?;
    for file in 0..FILES {
        let folder = origin.join(format!("folder-{}", file % 50));
        std::fs::create_dir_all(&folder)?;
        let line = format!("file {file} of the repository that is measured\n");
        std::fs::write(
            folder.join(format!("file-{file}")),
            line.repeat(8192 / line.len()),
        )?;
    }
    for commit in 0..COMMITS {
        std::fs::write(origin.join("folder-0/file-0"), format!("commit {commit}\n"))?;
        run(origin, &["add", "-A"])?;
        run(origin, &["commit", "--quiet", "-m", "next"])?;
    }
    Ok(())
}

fn run(folder: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("git")
        .args(["-c", "user.name=b", "-c", "user.email=b@example"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .current_dir(folder)
        .status()
        .context("failed to run git")?;
    ensure!(status.success(), "git {arguments:?} failed");
    Ok(())
}
