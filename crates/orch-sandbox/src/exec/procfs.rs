//! What `/proc` says about processes: who is whose child, group and session, and since when.
//!
//! Reads only, never signals. Where there is no `/proc`, or a process is gone or not ours to look
//! at, the answer is "nothing known" and not an error.

use std::{fs, io::Read, os::unix::fs::MetadataExt, path::Path, sync::OnceLock};

/// The largest environment that is looked at; the kernel passes on less by default.
const MAX_ENVIRON_BYTES: u64 = 8 << 20;

/// A process, told apart from a later one that got the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub(super) pid: i32,
    /// Clock ticks between the system's start and the process's.
    pub(super) start: u64,
}

/// The facts about a process that decide whether it belongs to a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) process: Process,
    pub(super) parent: i32,
    pub(super) group: i32,
    pub(super) session: i32,
    /// `false` for a process that has ended and only waits to be collected.
    pub(super) alive: bool,
    /// The process has no environment because it is about to execute a program.
    executing: bool,
}

impl Stat {
    /// The leader of a session and group, where there is no `/proc` to tell more.
    pub(super) fn of_leader(process: Process) -> Self {
        Self {
            process,
            parent: 0,
            group: process.pid,
            session: process.pid,
            alive: true,
            executing: false,
        }
    }
}

/// What can be told of a process's environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Variable {
    /// It was started with this value.
    Is(String),
    /// It was started without it, or may not be looked at.
    Unknown,
    /// It is just executing a program: look again.
    NotYet,
}

/// The process of this number, as it is now.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(pid, &String::from_utf8_lossy(&text))
}

/// Whether a process runs, and, where its start is known, not a later one of its number; one that only
/// waits to be collected does not.
pub(crate) fn is_alive(pid: i32, start: Option<u64>) -> bool {
    let is_it = |stat: Stat| start.is_none_or(|start| stat.process.start == start);
    stat(pid).is_some_and(|stat| stat.alive && is_it(stat))
}

/// The tick at which a process was started.
pub(crate) fn started_at(pid: i32) -> Option<u64> {
    Some(stat(pid)?.process.start)
}

/// All processes that can be seen; none where there is no `/proc`.
pub(super) fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(stat)
        .collect()
}

/// A kernel thread, which has no environment at all; see `include/linux/sched.h`.
const PF_KTHREAD: u32 = 0x0020_0000;

/// See proc_pid_stat(5). The name in parentheses may itself hold parentheses and spaces.
fn parse_stat(pid: i32, text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let flags: u32 = fields.get(6)?.parse().ok()?;
    let environment_end = *fields.get(48)?;
    // Where the first thread has ended before the others, it alone counts as ended.
    let threads: u32 = fields.get(17)?.parse().ok()?;
    Some(Stat {
        process: Process {
            pid,
            start: fields.get(19)?.parse().ok()?,
        },
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        alive: !matches!(*fields.first()?, "Z" | "X" | "x") || threads > 1,
        executing: environment_end == "0" && flags & PF_KTHREAD == 0,
    })
}

/// A variable of the environment that a process was started with.
pub(super) fn variable(pid: i32, name: &str) -> Variable {
    match environment(pid) {
        None => Variable::Unknown,
        Some(environment) if !environment.is_empty() => value(&environment, name),
        // Either it was given no environment, or the new program's is not set up yet.
        Some(_) => match stat(pid) {
            None => Variable::Unknown,
            Some(stat) if stat.executing => Variable::NotYet,
            Some(_) => environment(pid).map_or(Variable::Unknown, |known| value(&known, name)),
        },
    }
}

fn environment(pid: i32) -> Option<Vec<u8>> {
    let mut environment = Vec::new();
    fs::File::open(format!("/proc/{pid}/environ"))
        .ok()?
        .take(MAX_ENVIRON_BYTES)
        .read_to_end(&mut environment)
        .ok()?;
    Some(environment)
}

fn value(environment: &[u8], name: &str) -> Variable {
    environment
        .split(|byte| *byte == 0)
        .find_map(|variable| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
        .map_or(Variable::Unknown, |value| {
            Variable::Is(String::from_utf8_lossy(value).into_owned())
        })
}

/// Whether a process, other than a copy of this program just forked and about to execute another,
/// holds the writing end of one of these pipes (by inode).
pub(super) fn writes_to_pipe(pid: i32, pipes: &[u64]) -> bool {
    let executable = |pid: &str| fs::read_link(format!("/proc/{pid}/exe")).ok();
    if executable(&pid.to_string()) == executable("self") {
        return false;
    }
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    entries.flatten().any(|entry| {
        // The link's own permissions tell the direction it was opened in.
        let writable = |path: &Path| {
            fs::symlink_metadata(path).is_ok_and(|metadata| metadata.mode() & 0o200 != 0)
        };
        fs::read_link(entry.path()).is_ok_and(|target| {
            pipes
                .iter()
                .any(|pipe| target.as_os_str() == format!("pipe:[{pipe}]").as_str())
        }) && writable(&entry.path())
    })
}

/// Where process numbers mean the same: this boot of the system and this process namespace.
pub(super) fn place() -> Option<&'static str> {
    static PLACE: OnceLock<Option<String>> = OnceLock::new();
    let place = PLACE.get_or_init(|| {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
        Some(format!("{} {}", boot.trim(), namespace.display()))
    });
    place.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let text = |state, flags, threads, end| {
            let zeros = ["0"; 28].join(" ");
            format!(
                "42 (a) Z (b) {state} 7 40 41 0 -1 {flags} 1 2 3 4 5 6 7 8 20 0 {threads} 0 9001 {zeros} {end} 0\n"
            )
        };
        let plain = Stat {
            process: Process {
                pid: 42,
                start: 9001,
            },
            parent: 7,
            group: 40,
            session: 41,
            alive: true,
            executing: false,
        };
        let ended = Stat {
            alive: false,
            ..plain
        };
        let executing = Stat {
            executing: true,
            ..plain
        };
        assert_eq!(parse_stat(42, &text("S", 0, 1, 77)), Some(plain));
        assert_eq!(parse_stat(42, &text("Z", 0, 1, 77)), Some(ended));
        assert_eq!(parse_stat(42, &text("Z", 0, 2, 77)), Some(plain));
        assert_eq!(parse_stat(42, &text("R", 0, 1, 0)), Some(executing));
        assert_eq!(parse_stat(42, &text("S", PF_KTHREAD, 1, 0)), Some(plain));
        assert_eq!(parse_stat(42, "42 (short) Z 1"), None);
        assert_eq!(parse_stat(42, ""), None);
    }

    #[test]
    fn this_process_is_among_all() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let this = stat(pid).unwrap();
        assert!(this.alive);
        assert!(all().iter().any(|stat| stat.process == this.process));
        let path = std::env::var("PATH").map_or(Variable::Unknown, Variable::Is);
        assert_eq!(variable(pid, "PATH"), path);
        assert_eq!(variable(pid, "NO_SUCH_VARIABLE"), Variable::Unknown);
    }
}
