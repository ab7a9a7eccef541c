//! The children of this process: the first processes of commands, and what those left behind.
//!
//! The process adopts orphans as init would (a "child subreaper"), so that whatever a command left
//! behind is a child of ours once the command itself has ended: none is left when there is no orphan
//! at all. One thread collects whatever has ended. Children that others started it leaves to them.

use std::{
    collections::HashMap,
    fs::File,
    io,
    os::unix::fs::FileExt,
    process::{self, ExitStatus},
    sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock},
    thread,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::prctl,
    unistd::{Pid, getsid},
};
use tokio::sync::oneshot;

use super::wait::{self, Whom};

/// While somebody else's child has ended and is not collected, it hides others: they are looked
/// for one by one, so often.
const HIDDEN: Duration = Duration::from_millis(5);

/// Where the end of a command's first process is heard of.
pub(super) type Ending = oneshot::Receiver<ExitStatus>;

/// All children.
pub(super) struct Children {
    /// Held while a process starts and is not in the list yet.
    starting: RwLock<()>,
    leaders: Mutex<HashMap<i32, oneshot::Sender<ExitStatus>>>,
    one_more: Condvar,
    /// The children of the main thread: orphans come to it. Missing where the system has no such
    /// list, or does not let us adopt.
    orphans: Option<File>,
}

/// Whether a process was ours to collect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Yes,
    No,
}

static CHILDREN: OnceLock<Children> = OnceLock::new();
static COLLECTOR: Mutex<Option<thread::JoinHandle<()>>> = Mutex::new(None);

/// The children of this process, with somebody who collects them.
///
/// # Errors
/// When the system has no thread left.
pub(super) fn children() -> io::Result<&'static Children> {
    let children = CHILDREN.get_or_init(Children::adopting);
    let mut collector = COLLECTOR.lock().unwrap_or_else(PoisonError::into_inner);
    if collector.is_none() {
        let builder = thread::Builder::new().name("orch-children".to_owned());
        *collector = Some(builder.spawn(|| children.collect())?);
    }
    Ok(children)
}

/// Whether nothing is left of the command whose first process this was.
pub(super) fn is_extinct(leader: i32) -> bool {
    let Some(children) = CHILDREN.get() else {
        return false;
    };
    !children.leaders().contains_key(&leader) && children.has_no_orphan()
}

impl Children {
    fn adopting() -> Self {
        let adopted = prctl::set_child_subreaper(true);
        if let Err(error) = adopted {
            tracing::debug!(%error, "orphans cannot be adopted: they are looked for instead");
        }
        let list = format!("/proc/self/task/{}/children", process::id());
        Self {
            starting: RwLock::default(),
            leaders: Mutex::default(),
            one_more: Condvar::new(),
            orphans: adopted.ok().and_then(|()| File::open(list).ok()),
        }
    }

    fn leaders(&self) -> MutexGuard<'_, HashMap<i32, oneshot::Sender<ExitStatus>>> {
        self.leaders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a process by `start`, which tells its number, and tells where its end is heard of.
    pub(super) fn start(
        &self,
        start: impl FnOnce() -> io::Result<i32>,
    ) -> io::Result<(i32, Ending)> {
        let (ended, ending) = oneshot::channel();
        let _starting = self.starting.read().unwrap_or_else(PoisonError::into_inner);
        let pid = start()?;
        self.leaders().insert(pid, ended);
        self.one_more.notify_one();
        Ok((pid, ending))
    }

    /// Whether the kernel's list is certainly empty. Of a list with several it may leave some out,
    /// so nothing else is read from it.
    fn has_no_orphan(&self) -> bool {
        let list = self.orphans.as_ref();
        list.is_some_and(|list| matches!(list.read_at(&mut [0; 16], 0), Ok(0)))
    }

    fn collect(&self) {
        loop {
            match wait::ended(Whom::Anyone) {
                Ok(Some(pid)) if self.take(pid) == Taken::Yes => {}
                Ok(_) => {
                    self.sweep();
                    thread::sleep(HIDDEN);
                }
                Err(error) if error.raw_os_error() == Some(Errno::ECHILD as i32) => {
                    self.await_child();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::error!(%error, "failed to wait for processes");
                    thread::sleep(HIDDEN);
                }
            }
        }
    }

    /// Collects a process that has ended, unless it belongs to somebody else.
    fn take(&self, pid: i32) -> Taken {
        let known = self.leaders().remove(&pid);
        let leader = known.or_else(|| {
            // It may have ended before it came into the list.
            let _all_started = self.starting.write();
            self.leaders().remove(&pid)
        });
        // What others start stays in our session; commands do not, nor does what they left behind.
        let session = getsid(Some(Pid::from_raw(pid)));
        if leader.is_none() && session.ok() == getsid(None).ok() {
            return Taken::No;
        }
        match wait::collect(pid) {
            Ok(status) => {
                if let Some(leader) = leader {
                    // Who waited may be gone.
                    let _ = leader.send(status);
                }
            }
            // Whoever waits learns that there is no answer.
            Err(error) => tracing::debug!(process.pid = pid, %error, "failed to collect a process"),
        }
        Taken::Yes
    }

    /// Looks at each leader by itself.
    fn sweep(&self) {
        let leaders: Vec<i32> = self.leaders().keys().copied().collect();
        for pid in leaders {
            match wait::ended(Whom::Only(pid)) {
                Ok(None) => {}
                Ok(Some(pid)) => {
                    self.take(pid);
                }
                // Somebody else has collected it.
                Err(_) => drop(self.leaders().remove(&pid)),
            }
        }
    }

    /// There is no child: waits until one is started.
    fn await_child(&self) {
        self.sweep();
        let leaders = self.leaders();
        let some = self
            .one_more
            .wait_while(leaders, |leaders| leaders.is_empty());
        drop(some.unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;
    use crate::exec::testing::{Place, is_alive, outcome, pid, stdout_of};
    use crate::exec::{Exit, testing::DEADLINE};

    fn gone(pid: i32) -> bool {
        let until = std::time::Instant::now() + DEADLINE;
        while std::time::Instant::now() < until {
            if crate::exec::procfs::stat(pid).is_none() {
                return true;
            }
            thread::sleep(Duration::from_millis(1));
        }
        false
    }

    #[tokio::test]
    async fn what_a_command_left_behind_is_collected_and_no_zombie_stays() {
        let place = Place::new();
        let left = stdout_of(place.shell("(setsid sleep 1000 >/dev/null 2>&1 & echo $!)")).await;
        assert!(!is_alive(pid(&left[0])));
        assert!(gone(pid(&left[0])));
    }

    #[tokio::test]
    async fn a_child_that_somebody_else_started_is_left_to_them() {
        let mut theirs = process::Command::new("sh")
            .args(["-c", "exit 7"])
            .spawn()
            .unwrap();
        // It has ended by now, or does beside ours; both ends are told.
        let place = Place::new();
        assert_eq!(outcome(place.shell("exit 3")).await.0, Exit::Code(3));
        assert_eq!(theirs.wait().unwrap().code(), Some(7));
    }

    #[tokio::test]
    async fn a_real_time_signal_ends_a_command_like_any_other() {
        let place = Place::new();
        let end = outcome(place.shell("kill -40 $$")).await.0;
        assert_eq!(end, Exit::Signal(40));
        assert_eq!(ExitStatus::from_raw(40).signal(), Some(40));
    }
}
