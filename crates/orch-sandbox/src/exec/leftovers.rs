//! Ending what an agent that was killed left running, at the next start.
//!
//! A run's folder whose owner file is locked belongs to somebody alive and is left alone. Never
//! trusts a process number by itself: the start time must fit too, in the same boot and process
//! namespace; or the process must carry the command's marker.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    WorkspaceError,
    family::{Kin, Search},
    procfs,
    record::{Recorded, read_all},
    workspace::{OWNER, OWNER_HEADER, PIDS, SECRETS, folders, io_error, lock_owner, remove_tree},
};

/// How long leftovers may take to end themselves.
const GRACE: Duration = Duration::from_secs(2);

/// A run's folder that nobody owned any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The run it belongs to.
    pub run_id: i64,
    /// The epoch it was made under.
    pub epoch: i64,
    /// The folder, its workspace as it was left; its secrets are gone.
    pub path: PathBuf,
    /// How many commands were still on record.
    pub commands: usize,
    /// How many of their processes could not be ended.
    pub remaining: usize,
}

/// Ends the processes recorded in the folders under `root` whose owner is gone, and removes the
/// secrets left there. The folders stay, for [`RunFolder::reopen`](super::RunFolder::reopen). Blocks
/// for up to a few seconds where processes refuse to end.
///
/// # Errors
/// When `root` or a run's folder cannot be read; a missing `root` is no error.
pub fn reap_leftovers(root: &Path) -> Result<Vec<Leftover>, WorkspaceError> {
    let mut leftovers = Vec::new();
    for folder in folders(root)? {
        // Held until this folder is done, so that nobody takes it up meanwhile.
        let Some(_owner) = lock_owner(&folder.path)? else {
            continue;
        };
        let (commands, remaining) = end_recorded(&folder.path)?;
        remove_tree(&folder.path.join(SECRETS))?;
        leftovers.push(Leftover {
            run_id: folder.run_id,
            epoch: folder.epoch,
            path: folder.path,
            commands,
            remaining,
        });
    }
    leftovers.sort_by_key(|leftover| (leftover.run_id, leftover.epoch));
    Ok(leftovers)
}

fn end_recorded(folder: &Path) -> Result<(usize, usize), WorkspaceError> {
    let here = is_of_this_place(folder);
    let records = read_all(&folder.join(PIDS));
    let commands = records.len();
    let mut remaining = 0;
    for (path, recorded) in records {
        let left = kin(recorded, here).end(GRACE, Search::Kin);
        remaining += left;
        if left == 0 {
            fs::remove_file(&path).map_err(io_error("remove", &path))?;
        }
    }
    Ok((commands, remaining))
}

/// Whether process numbers noted by the folder's last owner mean the same today.
fn is_of_this_place(folder: &Path) -> bool {
    let Ok(owner) = fs::read_to_string(folder.join(OWNER)) else {
        return false;
    };
    let noted = owner
        .trim_end()
        .strip_prefix(OWNER_HEADER)
        .map(str::trim_start);
    noted.is_some_and(|noted| !noted.is_empty() && procfs::place() == Some(noted))
}

/// Once its first process is gone, a group's number may be anybody's: the marker alone counts then.
fn kin(recorded: Recorded, here: bool) -> Kin {
    let is_same = |stat: procfs::Stat| Some(stat.process) == recorded.leader;
    let leader = recorded
        .leader
        .filter(|leader| here && procfs::stat(leader.pid).is_some_and(is_same));
    Kin {
        leader,
        wrapped: false,
        marker: recorded.marker,
        pipes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        process::{self, Stdio},
        thread,
        time::Instant,
    };

    use jiff::Timestamp;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::exec::{Command, Program, RunFolder, base_env, run};

    const ROOT_VARIABLE: &str = "EXEC_TEST_ROOT";
    const DEADLINE: Duration = Duration::from_secs(60);

    fn command(folder: &RunFolder, script: &str) -> Command {
        Command {
            program: Program::Shell {
                shell: "/bin/sh".into(),
                script: script.to_owned(),
            },
            stdin: None,
            env: base_env("/usr/bin:/bin", &folder.home(), &folder.tmp()),
            cwd: folder.work(),
            timeout: None,
            kill_grace: Duration::from_secs(5),
            records: Some(folder.pids()),
        }
    }

    /// An agent that runs one step, which starts a daemon and says all process numbers in a file.
    fn act_as_agent(root: &Path) {
        let folder = RunFolder::create(root, 7, 2).unwrap();
        let _secret = folder.secret_file("kubeconfig", b"token").unwrap();
        let script = "setsid sleep 1000 >/dev/null 2>&1 & echo $! $$ > new && mv new pids; wait";
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let (sink, _lines) = tokio::sync::mpsc::channel(1);
            run(
                command(&folder, script),
                || Timestamp::UNIX_EPOCH,
                sink,
                CancellationToken::new(),
            )
            .await
            .unwrap();
        });
    }

    fn poll<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(value) = attempt() {
                return value;
            }
            assert!(
                begun.elapsed() < DEADLINE,
                "nothing came within the deadline"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn is_alive(pid: i32) -> bool {
        procfs::stat(pid).is_some_and(|stat| stat.alive)
    }

    #[test]
    fn leftovers_of_a_killed_agent_are_ended_at_the_next_start() {
        if let Some(root) = env::var_os(ROOT_VARIABLE) {
            return act_as_agent(Path::new(&root));
        }
        let top = tempfile::tempdir().unwrap();
        let root = top.path().canonicalize().unwrap();
        let (_crate, module) = module_path!().split_once("::").unwrap();
        let name = format!("{module}::leftovers_of_a_killed_agent_are_ended_at_the_next_start");
        let mut agent = process::Command::new(env::current_exe().unwrap())
            .args([name.as_str(), "--exact"])
            .env(ROOT_VARIABLE, &root)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let folder = root.join("run-7/epoch-2");
        let pids: Vec<i32> = poll(|| {
            let text = fs::read_to_string(folder.join("work/pids")).ok()?;
            Some(
                text.split_whitespace()
                    .map(|pid| pid.parse().unwrap())
                    .collect(),
            )
        });
        assert_eq!(reap_leftovers(&root).unwrap(), [], "its owner is alive");
        assert_eq!(
            pids.iter().map(|pid| is_alive(*pid)).collect::<Vec<_>>(),
            [true, true]
        );
        agent.kill().unwrap();
        agent.wait().unwrap();
        let leftover = Leftover {
            run_id: 7,
            epoch: 2,
            path: folder.clone(),
            commands: 1,
            remaining: 0,
        };
        assert_eq!(reap_leftovers(&root).unwrap(), vec![leftover.clone()]);
        assert_eq!(
            pids.iter().map(|pid| is_alive(*pid)).collect::<Vec<_>>(),
            [false, false]
        );
        assert!(!folder.join("secrets").exists());
        let again = Leftover {
            commands: 0,
            ..leftover
        };
        assert_eq!(reap_leftovers(&root).unwrap(), [again]);
        let reopened = RunFolder::reopen(&root, 7).unwrap().unwrap();
        assert_eq!(reopened.path(), folder);
        assert!(folder.join("work/pids").exists());
    }

    #[test]
    fn a_process_that_only_has_the_number_of_a_recorded_one_is_left_alone() {
        let top = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(top.path(), 1, 1).unwrap();
        let mut innocent = process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = i32::try_from(innocent.id()).unwrap();
        let start = procfs::stat(pid).unwrap().process.start;
        let record = |marker: &str, start: u64| {
            let text = format!("orch-step 1 {marker} {pid} {start}\n");
            fs::write(folder.pids().join(format!("{marker}.step")), text).unwrap();
        };
        record("a", start + 1);
        let path = folder.path().to_owned();
        drop(folder);
        assert_eq!(reap_leftovers(top.path()).unwrap()[0].commands, 1);
        assert!(is_alive(pid));

        // The same number and time, from before the system was started anew.
        let folder = RunFolder::reopen(top.path(), 1).unwrap().unwrap();
        fs::write(
            folder.pids().join("b.step"),
            format!("orch-step 1 b {pid} {start}\n"),
        )
        .unwrap();
        drop(folder);
        fs::write(path.join(OWNER), "orch-owner 1 another-boot pid:[1]\n").unwrap();
        assert_eq!(reap_leftovers(top.path()).unwrap()[0].commands, 1);
        assert!(is_alive(pid));
        innocent.kill().unwrap();
        innocent.wait().unwrap();
    }

    #[test]
    fn a_missing_root_has_no_leftovers() {
        let top = tempfile::tempdir().unwrap();
        assert_eq!(reap_leftovers(&top.path().join("none")).unwrap(), []);
    }
}
