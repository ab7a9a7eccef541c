//! What the machine itself can do, measured in the same run.

use std::io::Write as _;
use std::time::Instant;

use crate::Figure;

/// Processors that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// `fdatasync` after a small append, and starting a process.
pub fn limits(rounds: usize) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let mut syncs = Vec::new();
    let mut forks = Vec::new();
    for round in 0..rounds {
        let mut file = std::fs::File::create(folder.path().join(round.to_string()))?;
        let begun = Instant::now();
        for _ in 0..500 {
            file.write_all(&[0; 4096])?;
            file.sync_data()?;
        }
        syncs.push(500.0 / begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        for _ in 0..200 {
            std::process::Command::new("/bin/true").status()?;
        }
        forks.push(200.0 / begun.elapsed().as_secs_f64());
    }
    Ok(vec![
        Figure {
            name: "fdatasync after 4 KiB",
            unit: "/s",
            target: "the machine",
            samples: syncs,
        },
        Figure {
            name: "fork + exec",
            unit: "/s",
            target: "the machine",
            samples: forks,
        },
    ])
}
