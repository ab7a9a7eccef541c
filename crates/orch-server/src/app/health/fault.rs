//! A fault as people read it.

use orch_core::time::Timestamp;

/// What kind of thing is wrong. The names are part of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    DatabaseUnreachable,
    DiskFull,
    ClockOff,
    StuckOutbox,
    UnreadableRow,
    DamagedLog,
    ArtifactsUnreachable,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::DatabaseUnreachable => "database_unreachable",
            Self::DiskFull => "disk_full",
            Self::ClockOff => "clock_off",
            Self::StuckOutbox => "stuck_outbox",
            Self::UnreadableRow => "unreadable_row",
            Self::DamagedLog => "damaged_log",
            Self::ArtifactsUnreachable => "artifacts_unreachable",
        }
    }

    /// Whether nothing at all can be served.
    pub const fn stops_service(self) -> bool {
        match self {
            Self::DatabaseUnreachable => true,
            Self::DiskFull
            | Self::ClockOff
            | Self::StuckOutbox
            | Self::UnreadableRow
            | Self::DamagedLog
            | Self::ArtifactsUnreachable => false,
        }
    }
}

/// Something that is wrong now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: Kind,
    /// Tells findings of a kind apart: a folder, an agent, a row.
    pub about: String,
    pub what: String,
    /// What to do about it.
    pub remedy: &'static str,
}

/// A finding and when it was first seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub finding: Finding,
    pub since: Timestamp,
}
