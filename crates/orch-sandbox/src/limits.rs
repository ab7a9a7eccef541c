//! What a run may use up.

use serde::{Deserialize, Serialize};

/// Upper bounds of what a run's processes may use up together, unless it says each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory, held by a control group.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub processes: u64,
    /// Open files of each process.
    pub open_files: u64,
    /// Bytes of each file that is written.
    pub file_bytes: u64,
    /// Bytes of all that the run has written to its folder.
    pub disk_bytes: u64,
    /// Files and folders that it has made there.
    pub disk_entries: u64,
    /// Bytes that stay free on the disk of its folder, whoever fills it: what ends a run needs room too.
    pub disk_free_bytes: u64,
    /// Bytes in memory-backed file systems, each.
    pub tmpfs_bytes: u64,
    /// Hundredths of one processor core; all cores without it.
    pub cpu_percent: Option<u32>,
    /// Bytes of writable memory of each process: where no control group bounds them together.
    pub data_bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 4 << 30,
            processes: 512,
            open_files: 4096,
            file_bytes: 4 << 30,
            disk_bytes: 10 << 30,
            disk_entries: 1_000_000,
            disk_free_bytes: 64 << 20,
            tmpfs_bytes: 64 << 20,
            cpu_percent: None,
            data_bytes: None,
        }
    }
}
