//! Control groups: what the processes of a run use up together. Version 1 and 2.
//!
//! A machine on which none can be made is no error: limits of single processes stand in, and the
//! report says so.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use walkdir::WalkDir;

use crate::Limits;

/// Where control groups are found.
pub(super) const MOUNTS: &str = "/sys/fs/cgroup";
/// How far below the controllers' mounts groups are looked for.
const DEEPEST: usize = 6;
const PREFIX: &str = "orch-sandbox-";

/// How long processes may take to be gone.
const LOOKS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// Period of the processor's quota, in microseconds.
const PERIOD_US: u64 = 100_000;

/// Which kind of control groups can be made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// One hierarchy for each controller; these folders can hold groups.
    V1 {
        memory: PathBuf,
        pids: PathBuf,
        cpu: Option<PathBuf>,
    },
    /// One hierarchy; this folder can hold groups with all three.
    V2(PathBuf),
}

impl Kind {
    /// What can be made here, found by trying it.
    pub(super) fn find() -> Option<Self> {
        Self::v2().or_else(Self::v1).filter(|kind| {
            let tried = Cgroup::create(kind, &Limits::default());
            tried.is_ok()
        })
    }

    fn v1() -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let place = |controller: &str| {
            let mount = Path::new(MOUNTS).join(controller);
            let path = own.lines().find_map(|line| {
                let mut parts = line.splitn(3, ':').skip(1);
                let names = parts.next()?;
                let named = names.split(',').any(|name| name == controller);
                named.then(|| parts.next()).flatten()
            })?;
            // In a container the path may be that of the host, which is not there.
            let inner = mount.join(path.trim_start_matches('/'));
            [inner, mount].into_iter().find(|folder| folder.is_dir())
        };
        Some(Self::V1 {
            memory: place("memory")?,
            pids: place("pids")?,
            cpu: place("cpu"),
        })
    }

    fn v2() -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let folder = Path::new(MOUNTS).join(path);
        let has = |file: &str, wanted: &str| {
            let names = fs::read_to_string(folder.join(file)).unwrap_or_default();
            names.split_whitespace().any(|name| name == wanted)
        };
        if !["memory", "pids"]
            .iter()
            .all(|name| has("cgroup.controllers", name))
        {
            return None;
        }
        if !has("cgroup.subtree_control", "memory") {
            // A group with processes of its own cannot bound groups below it: the agent moves into
            // one beside those of its runs.
            let agent = folder.join("orch-agent");
            fs::create_dir_all(&agent).ok()?;
            let members = fs::read_to_string(folder.join("cgroup.procs")).ok()?;
            for member in members.lines() {
                // One that has ended meanwhile need not move.
                let _ = fs::write(agent.join("cgroup.procs"), member);
            }
            let control = folder.join("cgroup.subtree_control");
            fs::write(&control, "+memory +pids").ok()?;
            // The processor's quota is asked for by few.
            let _ = fs::write(&control, "+cpu");
        }
        Some(Self::V2(folder))
    }

    /// In words.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::V1 { .. } => "cgroup v1",
            Self::V2(_) => "cgroup v2",
        }
    }

    fn places(&self) -> Vec<&Path> {
        match self {
            Self::V1 { memory, pids, cpu } => {
                let cpu = cpu.as_deref().into_iter();
                [memory.as_path(), pids].into_iter().chain(cpu).collect()
            }
            Self::V2(folder) => vec![folder],
        }
    }

    /// Removes the groups of agents that are gone, with whatever still runs in them, wherever below
    /// the controllers these agents stood.
    pub(super) fn reap(&self) -> usize {
        let mut reaped = 0;
        for place in self.places() {
            let mount = match self {
                Self::V1 { .. } => Path::new(MOUNTS).join(
                    place
                        .strip_prefix(MOUNTS)
                        .unwrap_or(place)
                        .iter()
                        .next()
                        .unwrap_or_default(),
                ),
                Self::V2(_) => PathBuf::from(MOUNTS),
            };
            let folders = WalkDir::new(mount).max_depth(DEEPEST).into_iter();
            let ours = folders
                .filter_entry(|entry| entry.file_type().is_dir())
                .flatten();
            let left: Vec<PathBuf> = ours
                .filter(|entry| owner(&entry.file_name().to_string_lossy()).is_some_and(is_gone))
                .map(walkdir::DirEntry::into_path)
                .collect();
            left.iter().for_each(|folder| remove(folder));
            reaped += left.len();
        }
        reaped
    }
}

/// The agent whose group has this name: its process, and the tick at which that was started, which
/// groups of earlier versions do not name.
fn owner(name: &str) -> Option<(i32, Option<u64>)> {
    let parts: Vec<&str> = name.strip_prefix(PREFIX)?.split('-').collect();
    match parts.as_slice() {
        [pid, _] => Some((pid.parse().ok()?, None)),
        [pid, start, _] => Some((pid.parse().ok()?, Some(start.parse().ok()?))),
        _ => None,
    }
}

/// A process that has ended is gone, also while nobody has collected it; so is one whose number another
/// has now.
fn is_gone((pid, start): (i32, Option<u64>)) -> bool {
    !crate::exec::is_alive(pid, start)
}

/// A run's control group; dropped, it ends what is in it and goes.
#[derive(Debug)]
pub(super) struct Cgroup {
    /// Its folders, the one that counts memory first.
    folders: Vec<PathBuf>,
}

impl Cgroup {
    /// Makes a group under these limits.
    ///
    /// # Errors
    /// When the system refuses; nothing is left then.
    pub(super) fn create(kind: &Kind, limits: &Limits) -> io::Result<Self> {
        let name = format!("{PREFIX}{}-{}", own_mark(), next_number());
        let mut group = Self {
            folders: Vec::new(),
        };
        for place in kind.places() {
            let is_cpu = matches!(kind, Kind::V1 { cpu: Some(cpu), .. } if cpu == place);
            if is_cpu && limits.cpu_percent.is_none() {
                continue;
            }
            let folder = place.join(&name);
            fs::create_dir(&folder)?;
            // From here on the drop removes it.
            group.folders.push(folder);
        }
        group.limit(kind, limits)?;
        Ok(group)
    }

    fn limit(&self, kind: &Kind, limits: &Limits) -> io::Result<()> {
        let quota = limits
            .cpu_percent
            .map(|percent| u64::from(percent) * PERIOD_US / 100);
        let memory = limits.memory_bytes.to_string();
        match (kind, self.folders.as_slice()) {
            (Kind::V1 { .. }, [of_memory, of_pids, rest @ ..]) => {
                fs::write(of_memory.join("memory.limit_in_bytes"), &memory)?;
                // Missing where swap is not counted.
                let _ = fs::write(of_memory.join("memory.memsw.limit_in_bytes"), &memory);
                fs::write(of_pids.join("pids.max"), limits.processes.to_string())?;
                if let (Some(of_cpu), Some(quota)) = (rest.first(), quota) {
                    fs::write(of_cpu.join("cpu.cfs_period_us"), PERIOD_US.to_string())?;
                    fs::write(of_cpu.join("cpu.cfs_quota_us"), quota.to_string())?;
                }
            }
            (Kind::V2(_), [folder]) => {
                fs::write(folder.join("memory.max"), &memory)?;
                let _ = fs::write(folder.join("memory.swap.max"), "0");
                let _ = fs::write(folder.join("memory.oom.group"), "1");
                fs::write(folder.join("pids.max"), limits.processes.to_string())?;
                if let Some(quota) = quota {
                    fs::write(folder.join("cpu.max"), format!("{quota} {PERIOD_US}"))?;
                }
            }
            _ => unreachable!("invariant: as many folders as there are places"),
        }
        Ok(())
    }

    /// Moves a process into the group; what it starts from then on is in it.
    ///
    /// # Errors
    /// Also where it is not told which one: the number 0 would be this very process, which would be
    /// ended with the run.
    pub(super) fn admit(&self, pid: i32) -> io::Result<()> {
        if pid <= 0 {
            return Err(io::Error::other(
                "which process is the first one inside is not told here: agent and engine must see the same processes",
            ));
        }
        for folder in &self.folders {
            fs::write(folder.join("cgroup.procs"), pid.to_string())?;
        }
        Ok(())
    }

    /// The processes in it.
    pub(super) fn members(&self) -> Vec<i32> {
        let Some(folder) = self.folders.first() else {
            return Vec::new();
        };
        let members = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
        members
            .lines()
            .filter_map(|line| line.parse().ok())
            .collect()
    }

    /// How many times a process more was refused.
    pub(super) fn process_refusals(&self) -> u64 {
        // The one of version 2, or the second of version 1.
        let Some(folder) = self.folders.get(1).or(self.folders.first()) else {
            return 0;
        };
        let text = fs::read_to_string(folder.join("pids.events")).unwrap_or_default();
        let count = text.lines().find_map(|line| line.strip_prefix("max "));
        count
            .and_then(|count| count.trim().parse().ok())
            .unwrap_or(0)
    }

    /// How many processes were killed for want of memory.
    pub(super) fn memory_kills(&self) -> u64 {
        let Some(folder) = self.folders.first() else {
            return 0;
        };
        let of = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
        let text = of("memory.events") + &of("memory.oom_control");
        let counts = text
            .lines()
            .filter_map(|line| line.strip_prefix("oom_kill "));
        counts
            .filter_map(|count| count.trim().parse::<u64>().ok())
            .sum()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        for folder in &self.folders {
            remove(folder);
        }
    }
}

/// Ends what is in a group and removes it.
fn remove(folder: &Path) {
    for _ in 0..LOOKS {
        match fs::remove_dir(folder) {
            Ok(()) => return,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(_) => {}
        }
        let members = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
        for pid in members.lines().filter_map(|line| line.parse().ok()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        thread::sleep(PAUSE);
    }
    tracing::warn!(path = %folder.display(), "failed to remove a control group: something in it does not end");
}

/// This process, told apart from a later one of the same number.
fn own_mark() -> &'static str {
    static MARK: OnceLock<String> = OnceLock::new();
    MARK.get_or_init(|| {
        let pid = process::id();
        let start = i32::try_from(pid).ok().and_then(crate::exec::started_at);
        format!("{pid}-{}", start.unwrap_or_default())
    })
}

/// Numbers for groups, each used once.
pub(super) fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_belong_to_a_process_and_not_to_its_number() {
        let own = i32::try_from(process::id()).unwrap();
        let mark = own_mark();
        assert!(!is_gone(owner(&format!("{PREFIX}{mark}-7")).unwrap()));
        assert!(!is_gone(owner(&format!("{PREFIX}{own}-7")).unwrap()));
        assert!(is_gone(owner(&format!("{PREFIX}{own}-1-7")).unwrap()));
        assert_eq!(owner("orch-sandbox-x-7"), None);
        assert_eq!(owner("user.slice"), None);
    }

    #[test]
    fn a_process_that_nobody_has_collected_is_gone() {
        let mut child = process::Command::new("true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let until = std::time::Instant::now() + Duration::from_secs(30);
        while !is_gone((pid, None)) {
            assert!(std::time::Instant::now() < until, "its end was not seen");
            thread::sleep(Duration::from_millis(1));
        }
        child.wait().unwrap();
    }

    #[test]
    fn a_process_of_which_nothing_is_told_is_not_taken_for_this_one() {
        let group = Cgroup {
            folders: Vec::new(),
        };
        for pid in [0, -1] {
            assert!(group.admit(pid).is_err(), "{pid}");
        }
        assert!(group.admit(1).is_ok());
    }
}
