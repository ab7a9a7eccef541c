//! Whether this machine is fit for server and agent: folder, disk, programs, clock.

use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};
use orch_core::time::Timestamp;

use super::checks::Check;
use crate::clock;

const MIB: u64 = 1024 * 1024;
/// Below this a log or two fills the disk.
const SCARCE_BYTES: u64 = 1024 * MIB;
/// What recipes and cloud hints often need; the agent asks when one that a run needs is missing.
const OFTEN_NEEDED: [&str; 9] = [
    "git", "docker", "aws", "gcloud", "az", "kubectl", "helm", "tofu", "codex",
];
/// This program is younger.
const NO_EARLIER: &str = "2025-01-01T00:00:00Z";

/// Looks at the machine.
pub fn checks(data_dir: &Path, min_free_bytes: u64, path: &str, shell: &Path) -> Vec<Check> {
    let mut checks = vec![folder(data_dir), disk(data_dir, min_free_bytes)];
    checks.push(program("shell", shell, path));
    checks.push(tools(path));
    checks.push(own_clock(clock::now()));
    checks
}

fn folder(data_dir: &Path) -> Check {
    let shown = data_dir.display();
    let Some(existing) = nearest(data_dir) else {
        return Check::failed(
            "data folder",
            format!("{shown}: none of its parents exists"),
        );
    };
    let writable =
        existing.is_dir() && access(existing, AccessFlags::W_OK | AccessFlags::X_OK).is_ok();
    if !writable {
        return Check::failed(
            "data folder",
            format!("{} cannot be written to", existing.display()),
        );
    }
    if existing == data_dir {
        Check::ok("data folder", format!("{shown} can be written to"))
    } else {
        Check::ok(
            "data folder",
            format!("{shown} does not exist yet and can be made"),
        )
    }
}

fn disk(data_dir: &Path, min_free_bytes: u64) -> Check {
    let free = nearest(data_dir)
        .and_then(|existing| nix::sys::statvfs::statvfs(existing).ok())
        .map(|disk| disk.blocks_available().saturating_mul(disk.fragment_size()));
    match free {
        None => Check::warning("disk", "its free space cannot be told"),
        Some(free) if free < min_free_bytes => Check::failed(
            "disk",
            format!(
                "{} MiB are free, and a server refuses new work below {} MiB (ORCH_MIN_FREE_BYTES): free some space",
                free / MIB,
                min_free_bytes / MIB
            ),
        ),
        Some(free) if free < SCARCE_BYTES => {
            Check::warning("disk", format!("only {} MiB are free", free / MIB))
        }
        Some(free) => Check::ok("disk", format!("{} GiB are free", free / MIB / 1024)),
    }
}

/// The folder itself, or the nearest one above it that exists.
fn nearest(folder: &Path) -> Option<&Path> {
    folder
        .ancestors()
        .map(|folder| {
            if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            }
        })
        .find(|folder| folder.exists())
}

fn program(name: &'static str, file: &Path, path: &str) -> Check {
    match find(file, path) {
        Some(found) => Check::ok(name, found.display().to_string()),
        None => Check::failed(
            name,
            format!("{} is no program that can be run", file.display()),
        ),
    }
}

fn tools(path: &str) -> Check {
    let (found, missing): (Vec<&str>, Vec<&str>) = OFTEN_NEEDED
        .iter()
        .partition(|tool| find(Path::new(tool), path).is_some());
    let list = |tools: &[&str]| {
        if tools.is_empty() {
            "none".to_owned()
        } else {
            tools.join(", ")
        }
    };
    Check::ok(
        "tools",
        format!("found: {}; not found: {}", list(&found), list(&missing)),
    )
}

fn find(program: &Path, path: &str) -> Option<PathBuf> {
    let program = program.to_str()?;
    orch_sandbox::exec::which(program, path)
}

fn own_clock(now: Timestamp) -> Check {
    match Timestamp::parse(NO_EARLIER) {
        Ok(earliest) if now < earliest => Check::failed(
            "own clock",
            format!("says {now}, which is long past: set it"),
        ),
        Ok(_) | Err(_) => Check::ok("own clock", now.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_to_be_is_judged_by_the_folder_it_would_stand_in() {
        let top = tempfile::tempdir().unwrap();
        assert!(
            folder(&top.path().join("a/b"))
                .message
                .ends_with("does not exist yet and can be made")
        );
        assert!(folder(top.path()).message.ends_with("can be written to"));
        let file = top.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(
            folder(&file.join("data"))
                .message
                .ends_with("cannot be written to")
        );
    }

    #[test]
    fn a_clock_before_this_program_is_wrong() {
        assert!(
            own_clock(Timestamp::from_micros(0))
                .message
                .contains("set it")
        );
    }
}
