//! All processes that came from one command, and ending them.
//!
//! Membership is read from `/proc` at each look: the command's session and process group, whoever
//! carries its marker in the environment (also after `setsid` and the death of its parents), and
//! the descendants of these. Never signals a process that started before the command, nor itself.

use std::{
    collections::HashSet,
    env,
    hash::{BuildHasher, RandomState},
    process,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

use super::{
    children,
    procfs::{self, Process, Stat, Variable},
    record::Record,
};

/// The environment variable that marks every process of a command.
pub(crate) const MARKER_VARIABLE: &str = "ORCH_RUN_MARKER";

/// How long SIGKILL is repeated: a process in an uninterruptible system call ends later or never.
pub(crate) const KILL_TIME: Duration = Duration::from_secs(2);

/// How often to look again at a process that is just executing a program.
const LOOKS: usize = 14;

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// A value that marks one command and no other.
pub(super) fn new_marker() -> String {
    let random = || RandomState::new().hash_one(process::id());
    format!("{:016x}{:016x}", random(), random())
}

/// The marker as the command's environment carries it. Where the agent is itself part of a marked
/// command, the outer markers stay in front, so that the outer agent finds our processes too.
pub(super) fn marker_value(marker: &str) -> String {
    match env::var(MARKER_VARIABLE) {
        Ok(outer) => format!("{outer}:{marker}"),
        Err(_) => marker.to_owned(),
    }
}

/// How far to look for members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Search {
    /// Session, group, marker and descent.
    Kin,
    /// Whoever still writes to the command's output pipes as well.
    KinAndWriters,
}

/// What tells the processes of one command from all others.
#[derive(Debug)]
pub(super) struct Kin {
    /// The first process; its number is that of the session and group. Unknown where only the
    /// marker can be trusted.
    pub(super) leader: Option<Process>,
    /// Whether the leader and its group only hold a sandbox around the command: what they hold is
    /// asked to end, and they end with it.
    pub(super) wrapped: bool,
    /// See [`MARKER_VARIABLE`].
    pub(super) marker: String,
    /// Inodes of the output pipes.
    pub(super) pipes: Vec<u64>,
}

impl Kin {
    /// Asks all members to end (SIGTERM), kills those that have not after `grace`, and tells how
    /// many could not be ended. Blocks.
    pub(super) fn end(&self, grace: Duration, search: Search) -> usize {
        let begun = Instant::now();
        let mut asked = HashSet::new();
        for pause in pauses() {
            let members = self.members(search);
            if members.is_empty() {
                return 0;
            }
            let left = grace.saturating_sub(begun.elapsed());
            if left.is_zero() {
                break;
            }
            let new: Vec<Stat> = members
                .into_iter()
                .filter(|member| !self.is_wrapper(member))
                .filter(|member| asked.insert(member.process))
                .collect();
            self.signal(Signal::SIGTERM, &new);
            // A stopped process would not see SIGTERM.
            self.signal(Signal::SIGCONT, &new);
            thread::sleep(pause.min(left));
        }
        self.kill(search)
    }

    /// Kills all members, repeatedly for those forked meanwhile, and tells how many could not be
    /// ended. Blocks for a few milliseconds, some two seconds at most.
    pub(super) fn kill(&self, search: Search) -> usize {
        let begun = Instant::now();
        for pause in pauses() {
            let members = self.members(search);
            if members.is_empty() || begun.elapsed() >= KILL_TIME {
                return members.len();
            }
            self.signal(Signal::SIGKILL, &members);
            thread::sleep(pause);
        }
        unreachable!("invariant: there is always one more pause")
    }

    fn is_wrapper(&self, member: &Stat) -> bool {
        self.wrapped && Some(member.group) == self.leader.map(|leader| leader.pid)
    }

    fn signal(&self, signal: Signal, members: &[Stat]) {
        let group = self.leader.map(|leader| leader.pid);
        let (grouped, single): (Vec<&Stat>, Vec<&Stat>) = members
            .iter()
            .partition(|member| Some(member.group) == group);
        // The group in one call: a member that forks meanwhile cannot slip through.
        if let Some(member) = grouped.first() {
            report(killpg(Pid::from_raw(member.group), signal), member.group);
        }
        for member in single {
            let pid = member.process.pid;
            report(kill(Pid::from_raw(pid), signal), pid);
        }
    }

    /// All living members. None are left only once every process that could be one has said who
    /// it is, or has not for half a second.
    fn members(&self, search: Search) -> Vec<Stat> {
        for pause in pauses().take(LOOKS) {
            let all = procfs::all();
            if all.is_empty() {
                return self.unseen_members();
            }
            let (members, doubts) = self.pick(&all, search);
            if !members.is_empty() || doubts == Doubts::None {
                return members;
            }
            thread::sleep(pause);
        }
        Vec::new()
    }

    /// Without `/proc` the group alone can be reached.
    fn unseen_members(&self) -> Vec<Stat> {
        self.leader
            .filter(|leader| killpg(Pid::from_raw(leader.pid), None).is_ok())
            .map(Stat::of_leader)
            .into_iter()
            .collect()
    }

    fn pick(&self, all: &[Stat], search: Search) -> (Vec<Stat>, Doubts) {
        let own_pid = i32::try_from(process::id()).unwrap_or_default();
        let since = self.leader.map_or(0, |leader| leader.start);
        // Its number belongs to another process by now: so may the group and session.
        let reused = self.leader.is_some_and(|leader| {
            all.iter()
                .any(|stat| stat.process.pid == leader.pid && stat.process != leader)
        });
        let leader = self.leader.filter(|_| !reused).map(|leader| leader.pid);
        let candidates: Vec<&Stat> = all
            .iter()
            .filter(|stat| stat.alive)
            .filter(|stat| stat.process.start >= since && stat.process.pid != own_pid)
            .collect();
        let mut doubts = Doubts::None;
        let mut kin = HashSet::new();
        for stat in &candidates {
            let pid = stat.process.pid;
            let marked = self.is_marked(pid);
            if marked.is_none() {
                doubts = Doubts::Some;
            }
            let is_led = [pid, stat.group, stat.session]
                .into_iter()
                .any(|id| Some(id) == leader);
            if is_led || marked == Some(true) || self.is_writer(pid, search) {
                kin.insert(pid);
            }
        }
        add_descendants(&candidates, &mut kin);
        let members = candidates.into_iter().copied();
        let members = members.filter(|stat| kin.contains(&stat.process.pid));
        (members.collect(), doubts)
    }

    /// `None` while it cannot be told.
    fn is_marked(&self, pid: i32) -> Option<bool> {
        match procfs::variable(pid, MARKER_VARIABLE) {
            Variable::Is(value) => Some(value.split(':').any(|marker| marker == self.marker)),
            Variable::Unknown => Some(false),
            Variable::NotYet => None,
        }
    }

    fn is_writer(&self, pid: i32, search: Search) -> bool {
        match search {
            Search::Kin => false,
            Search::KinAndWriters => procfs::writes_to_pipe(pid, &self.pipes),
        }
    }
}

/// Whether a process that is just executing a program could not be told from kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubts {
    None,
    Some,
}

fn add_descendants(candidates: &[&Stat], kin: &mut HashSet<i32>) {
    loop {
        let known = kin.len();
        for stat in candidates {
            if kin.contains(&stat.parent) {
                kin.insert(stat.process.pid);
            }
        }
        if kin.len() == known {
            break;
        }
    }
}

/// A process may be gone between the look and the signal; anything else is worth knowing.
fn report(sent: nix::Result<()>, pid: i32) {
    match sent {
        Ok(()) | Err(nix::Error::ESRCH) => {}
        Err(error) => tracing::debug!(process.pid = pid, %error, "failed to signal a process"),
    }
}

fn pauses() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(FIRST_PAUSE), |pause| {
        Some((*pause * 2).min(LONGEST_PAUSE))
    })
}

/// Holds a running command's processes: dropped before [`Family::end`] has ended them all, it
/// kills them.
#[derive(Debug)]
pub(super) struct Family {
    kin: Arc<Kin>,
    record: Option<Record>,
    over: bool,
}

impl Family {
    pub(super) fn new(kin: Kin, record: Option<Record>) -> Self {
        Self {
            kin: Arc::new(kin),
            record,
            over: false,
        }
    }

    /// [`Kin::end`] without blocking the runtime.
    pub(super) async fn end(&mut self, grace: Duration, search: Search) {
        if search == Search::Kin && self.is_over() {
            return;
        }
        let kin = Arc::clone(&self.kin);
        let ended = tokio::task::spawn_blocking(move || kin.end(grace, search)).await;
        // Without an answer (the runtime is shutting down) the drop kills them.
        if let Ok(left) = ended {
            self.settle(left);
        }
    }

    /// Whether all have ended, as far as that is known without a look at every process there is.
    pub(super) fn is_over(&mut self) -> bool {
        if !self.over && self.is_extinct() {
            self.settle(0);
        }
        self.over
    }

    /// Known without a look at every process there is.
    fn is_extinct(&self) -> bool {
        let leader = self.kin.leader;
        leader.is_some_and(|leader| children::is_extinct(leader.pid))
    }

    fn settle(&mut self, left: usize) {
        self.over = true;
        if left > 0 {
            tracing::warn!(
                process.count = left,
                "processes of a step could not be ended: they belong to another user or hang in the system"
            );
        } else if let Some(record) = self.record.take() {
            record.remove();
        }
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        if !self.over {
            let left = self.kin.kill(Search::Kin);
            self.settle(left);
        }
    }
}
