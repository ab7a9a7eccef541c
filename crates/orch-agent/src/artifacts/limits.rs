//! How much a run may hand over.

/// Bounds of what is collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArtifactLimits {
    /// The largest file (`AGENT_ARTIFACT_FILE_LIMIT`).
    pub file_bytes: u64,
    /// All files of a run together (`AGENT_ARTIFACT_RUN_LIMIT`).
    pub run_bytes: u64,
    /// Files of a run.
    pub files: usize,
    /// Files and folders that are looked at for one list of patterns.
    pub entries: usize,
}

impl Default for ArtifactLimits {
    fn default() -> Self {
        Self {
            file_bytes: 1 << 30,
            run_bytes: 4 << 30,
            files: 2_000,
            entries: 200_000,
        }
    }
}
