//! Room on the agent's disk: a cap over all workspaces and mirrors.
//!
//! Over the cap, kept workspaces go first, oldest first, then mirrors that no run borrows from. What
//! still does not fit waits for runs that end, or is refused.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use orch_git::{Mirror, Mirrors, size_bytes};
use orch_sandbox::exec::remove_all;
use orch_sandbox::sandbox::{free_bytes, size};

use crate::kept;

/// A measurement counts for so long: walking large folders takes time.
const FRESH: Duration = Duration::from_secs(5);

/// The room of one agent.
#[derive(Debug)]
pub(crate) struct Room {
    runs: PathBuf,
    mirrors: Mirrors,
    cap_bytes: Option<u64>,
    /// What stays free on the disk.
    min_free_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Runs that work now.
    working: usize,
    /// How many runs borrow from each mirror.
    borrowed: HashMap<PathBuf, usize>,
    measured: Option<(Instant, u64)>,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full {
    lack: Lack,
    /// Others work, and may leave room when they end.
    pub(crate) others: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    Cap { used: u64, cap: u64 },
    Disk { free: u64, min_free: u64 },
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.lack {
            Lack::Cap { used, cap } => write!(
                f,
                "the agent's workspaces and mirrors take up {} of the {} that AGENT_DISK_CAP allows, and nothing \
                 more can be removed: raise the cap, or use smaller workspaces",
                size(used),
                size(cap)
            ),
            Lack::Disk { free, min_free } => write!(
                f,
                "{} are free on the agent's disk, {} must stay free (AGENT_MIN_FREE_BYTES), and nothing of the agent's \
                 can be removed any more: make room, or give it a folder on a larger disk (AGENT_STATE_DIR)",
                size(free),
                size(min_free)
            ),
        }
    }
}

/// A run that works; its mirror stays while this does.
#[derive(Debug)]
pub(crate) struct Working {
    room: Arc<Room>,
    mirror: Option<PathBuf>,
}

impl Drop for Working {
    fn drop(&mut self) {
        let mut state = self.room.locked();
        state.working -= 1;
        state.measured = None;
        if let Some(mirror) = &self.mirror
            && let Some(count) = state.borrowed.get_mut(mirror)
        {
            *count -= 1;
            if *count == 0 {
                state.borrowed.remove(mirror);
            }
        }
    }
}

impl Working {
    /// The room that it works in.
    pub(crate) fn room(&self) -> Arc<Room> {
        Arc::clone(&self.room)
    }

    /// The run borrows from this mirror.
    pub(crate) fn borrow(&mut self, mirror: &Mirror) {
        let path = mirror.path().to_owned();
        *self.room.locked().borrowed.entry(path.clone()).or_default() += 1;
        self.mirror = Some(path);
    }
}

impl Room {
    pub(crate) fn new(
        state_dir: &Path,
        mirrors: Mirrors,
        cap_bytes: Option<u64>,
        min_free_bytes: u64,
    ) -> Self {
        Self {
            runs: state_dir.join("runs"),
            mirrors,
            cap_bytes,
            min_free_bytes,
            state: Mutex::default(),
        }
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is free on the disk, where it is less than must stay.
    fn shortage(&self) -> Option<u64> {
        let above = self.runs.ancestors().find(|folder| folder.exists());
        let free = above.map_or(u64::MAX, free_bytes);
        (free < self.min_free_bytes).then_some(free)
    }

    /// Whether the disk is so full that nothing may stay on it without need.
    pub(crate) fn is_scarce(&self) -> bool {
        self.shortage().is_some()
    }

    /// Lets a run begin where there is room, made where it can be: what an earlier attempt of the run has
    /// left is the last to go. Blocks on the file system.
    ///
    /// # Errors
    /// [`Full`] where there is none.
    pub(crate) fn enter(self: &Arc<Self>, run_id: i64) -> Result<Working, Full> {
        if self.is_scarce() {
            while self.is_scarce() && self.remove_something() {}
            let left = self.runs.join(format!("run-{run_id}"));
            if self.is_scarce() && left.exists() {
                tracing::warn!(
                    run.id = run_id,
                    "removed what an earlier attempt left: the disk is full"
                );
                let _ = remove_all(&left);
            }
            if let Some(free) = self.shortage() {
                let min_free = self.min_free_bytes;
                return Err(Full {
                    lack: Lack::Disk { free, min_free },
                    others: self.locked().working,
                });
            }
        }
        if let Some(cap) = self.cap_bytes {
            let mut used = self.used();
            while used >= cap && self.remove_something() {
                self.locked().measured = None;
                used = self.used();
            }
            if used >= cap {
                let others = self.locked().working;
                let lack = Lack::Cap { used, cap };
                return Err(Full { lack, others });
            }
        }
        self.locked().working += 1;
        Ok(Working {
            room: Arc::clone(self),
            mirror: None,
        })
    }

    /// Removes all that nobody needs; whether there was anything.
    pub(crate) fn remove_all(&self) -> bool {
        let mut removed = false;
        while self.remove_something() {
            removed = true;
        }
        removed
    }

    /// Removes one thing that nobody needs; whether there was one.
    fn remove_something(&self) -> bool {
        if kept::remove_oldest(&self.runs) {
            return true;
        }
        let state = self.locked();
        let unused = self.mirrors.oldest_first().into_iter();
        let unused = unused.filter(|mirror| !state.borrowed.contains_key(mirror.path()));
        for mirror in unused {
            match self.mirrors.remove(&mirror) {
                Ok(()) => {
                    tracing::info!(path = %mirror.path().display(), "removed a mirror for its room");
                    return true;
                }
                Err(error) => {
                    tracing::warn!(path = %mirror.path().display(), %error, "failed to remove a mirror");
                }
            }
        }
        false
    }

    fn used(&self) -> u64 {
        let fresh = self
            .locked()
            .measured
            .filter(|(at, _)| at.elapsed() < FRESH);
        if let Some((_, used)) = fresh {
            return used;
        }
        let used = size_bytes(&self.runs).saturating_add(size_bytes(self.mirrors.root()));
        self.locked().measured = Some((Instant::now(), used));
        used
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn mirror(top: &Path, name: &str) -> Mirror {
        let path = top.join("mirrors").join(name);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("pack"), vec![1; 64 << 10]).unwrap();
        let mirrors = Mirrors::new(top.join("mirrors"), u64::MAX);
        let mut all = mirrors.oldest_first().into_iter();
        all.find(|mirror| mirror.path() == path).unwrap()
    }

    fn room(top: &Path, cap: u64) -> Arc<Room> {
        let mirrors = Mirrors::new(top.join("mirrors"), u64::MAX);
        Arc::new(Room::new(top, mirrors, Some(cap), 0))
    }

    #[test]
    fn mirrors_that_nobody_borrows_from_make_room_and_others_stay() {
        let top = tempfile::tempdir().unwrap();
        let (old, new) = (mirror(top.path(), "a.git"), mirror(top.path(), "b.git"));
        let tight = room(top.path(), 200 << 10);
        let mut working = tight.enter(1).unwrap();
        working.borrow(&old);
        fs::write(new.path().join("more"), vec![1; 256 << 10]).unwrap();
        tight.locked().measured = None;
        let _other = tight.enter(1).unwrap();
        assert!(old.path().exists() && !new.path().exists());
    }

    #[test]
    fn what_does_not_fit_is_refused_and_says_who_else_works() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("runs/run-1/epoch-1/work")).unwrap();
        fs::write(
            top.path().join("runs/run-1/epoch-1/work/large"),
            vec![1; 64 << 10],
        )
        .unwrap();
        let roomy = room(top.path(), 1 << 20);
        let working = roomy.enter(2).unwrap();
        let full = room(top.path(), 10 << 10).enter(3).unwrap_err();
        assert_eq!(full.others, 0);
        assert!(full.to_string().contains("AGENT_DISK_CAP"), "{full}");
        drop(working);
        assert_eq!(roomy.locked().working, 0);
    }

    #[test]
    fn a_full_disk_takes_what_an_earlier_attempt_left_and_then_no_run() {
        let top = tempfile::tempdir().unwrap();
        let left = top.path().join("runs/run-7/epoch-1/work");
        fs::create_dir_all(&left).unwrap();
        let mirrors = Mirrors::new(top.path().join("mirrors"), u64::MAX);
        let full = Arc::new(Room::new(top.path(), mirrors, None, u64::MAX - 1));
        let refused = full.enter(7).unwrap_err().to_string();
        assert!(refused.contains("AGENT_MIN_FREE_BYTES"), "{refused}");
        assert!(!left.exists());
        assert!(full.is_scarce());
    }
}
