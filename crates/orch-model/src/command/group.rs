//! All processes that a program started, ended with it.

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::stray::Mark;

/// The process group of a child that leads one, and what left it and carries the mark. Ends them when dropped, also when the answer is given up.
#[derive(Debug)]
pub struct Group {
    leader: Option<Pid>,
    mark: Mark,
}

impl Group {
    /// `leader` is the child's number, which is that of its group.
    #[must_use]
    pub fn led_by(leader: Option<u32>, mark: Mark) -> Self {
        let leader = leader.and_then(|leader| i32::try_from(leader).ok());
        Self {
            leader: leader.filter(|leader| *leader > 1).map(Pid::from_raw),
            mark,
        }
    }

    /// Ends what is left of it. The number is free once nobody holds it, so it is used only once.
    pub fn end(&mut self) {
        if let Some(group) = self.leader.take() {
            // None left is what is wanted.
            let _ = killpg(group, Signal::SIGKILL);
            self.mark.end_strays();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}
