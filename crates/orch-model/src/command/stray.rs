//! Processes that a program started and that left its group: known by a mark in their environment.

use std::fs;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The variable that carries the mark.
pub const MARK: &str = "ORCH_MODEL_CALL";
/// How often it is looked for more of them.
const ROUNDS: usize = 8;

static CALLS: AtomicU64 = AtomicU64::new(0);

/// A mark that no other call of this machine has now.
#[derive(Debug)]
pub struct Mark(String);

impl Mark {
    #[expect(clippy::new_without_default, reason = "each one is another")]
    #[must_use]
    pub fn new() -> Self {
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        Self(format!("{}-{call}", process::id()))
    }

    /// What the variable is set to.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.0
    }

    /// Ends all that carry the mark. One that starts others meanwhile is met again, but not for ever. Where
    /// there is no `/proc`, nobody is found.
    pub(super) fn end_strays(&self) {
        for _ in 0..ROUNDS {
            let strays = self.strays();
            if strays.is_empty() {
                return;
            }
            for stray in strays {
                // Gone by itself is as well.
                let _ = kill(stray, Signal::SIGKILL);
            }
        }
    }

    fn strays(&self) -> Vec<Pid> {
        let wanted = format!("{MARK}={}", self.0).into_bytes();
        let Ok(entries) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        let own = process::id();
        let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        numbers
            .filter(|number: &u32| *number != own)
            .filter(|number| {
                // Empty once it has ended and waits to be seen.
                fs::read(format!("/proc/{number}/environ"))
                    .is_ok_and(|all| all.split(|byte| *byte == 0).any(|one| one == wanted))
            })
            .filter_map(|number| i32::try_from(number).ok())
            .map(Pid::from_raw)
            .collect()
    }
}
