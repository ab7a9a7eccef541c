//! Processes that tests start beside the server: they end in time, by themselves or by force.

use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use crate::support::PATIENCE;

/// How a process ended; one that has not within `within` is killed. Its output must fit a pipe.
pub async fn ended(child: &mut Child, within: Duration) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it can be asked") {
            return status;
        }
        if begun.elapsed() > within {
            child.kill().expect("it can be killed");
            return child.wait().expect("it ends");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for something that nobody tells.
pub async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The most memory that a process ever had, in MB.
pub fn peak_mb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.expect("a peak").trim().trim_end_matches(" kB");
    kb.parse::<u64>().expect("a number") / 1024
}

/// The memory that a process has, in KiB; what it shares counts in part.
pub fn proportional_kib(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("a process");
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.expect("a size").trim().trim_end_matches(" kB");
    kib.parse().expect("a number")
}
