//! The server's side: starts a process for a file, hands the file over, takes the answer within bounds, and
//! ends the process with its wait. Two are read at once.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{ARGUMENT, LONGEST_REASON, MOST_CPU_SECONDS, MOST_MEMORY_BYTES, READ, REFUSED};

/// How long a file is read, and how long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(15);
const AT_ONCE: usize = 2;
/// This very program, also where its file was replaced since it started.
const THIS_PROGRAM: &str = "/proc/self/exe";

static READER: LazyLock<Reader> = LazyLock::new(|| Reader {
    program: THIS_PROGRAM.into(),
    arguments: vec![ARGUMENT.into()],
    patience: PATIENCE,
    places: Semaphore::new(AT_ONCE),
});

/// Why there is no text.
#[derive(Debug, PartialEq, Eq)]
pub enum Unread {
    /// What is wrong with the file.
    Faulty(String),
    /// Others are being read.
    Busy,
    /// What is wrong with the machine.
    NotNow(String),
}

/// The text of all pages, at most `most_bytes` of it.
///
/// # Errors
/// Why there is none, in words that follow the file's name.
pub async fn text(bytes: &[u8], most_bytes: usize) -> Result<String, Unread> {
    READER.text(bytes, most_bytes).await
}

/// The program that reads.
struct Reader {
    program: OsString,
    arguments: Vec<OsString>,
    patience: Duration,
    places: Semaphore,
}

impl Reader {
    async fn text(&self, bytes: &[u8], most_bytes: usize) -> Result<String, Unread> {
        let turn = timeout(self.patience, self.places.acquire()).await;
        let Ok(Ok(_place)) = turn else {
            return Err(Unread::Busy);
        };
        let mut child = self.start(bytes.len(), most_bytes)?;
        let talk = converse(&mut child, bytes, most_bytes);
        match timeout(self.patience, talk).await {
            Ok(read) => read,
            Err(_) => {
                // Killed and waited for, before the next one has its place.
                let _ = child.kill().await;
                Err(too_slow(self.patience.as_secs()))
            }
        }
    }

    fn start(&self, size: usize, most_bytes: usize) -> Result<Child, Unread> {
        let mut command = Command::new(&self.program);
        command
            .arg0("codex-orchestrator")
            .args(&self.arguments)
            .args([size.to_string(), most_bytes.to_string()])
            .env_clear()
            // Every arena sets address space aside, which is what is bounded.
            .env("MALLOC_ARENA_MAX", "1")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        command
            .spawn()
            .map_err(|error| Unread::NotNow(error.to_string()))
    }
}

async fn converse(child: &mut Child, bytes: &[u8], most_bytes: usize) -> Result<String, Unread> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let hand_over = async {
        let mut stdin: ChildStdin = stdin?;
        // One that ended says by its end why.
        let _ = stdin.write_all(bytes).await;
        Some(stdin)
    };
    let longest = most_bytes.max(LONGEST_REASON) + 1;
    let mut answer = Vec::new();
    let listen = async {
        match stdout {
            // With one byte more than may be, so that too much is noticed.
            Some(stdout) => {
                let most = u64::try_from(longest + 1).unwrap_or(u64::MAX);
                stdout.take(most).read_to_end(&mut answer).await
            }
            None => Ok(0),
        }
    };
    // The input stays open until the end: with it the process ends.
    let (_open, _) = tokio::join!(hand_over, listen);
    if answer.len() > longest {
        let _ = child.kill().await;
        return Err(damaged());
    }
    let status = child
        .wait()
        .await
        .map_err(|error| Unread::NotNow(error.to_string()))?;
    if !status.success() {
        return Err(ended_badly(status));
    }
    let mut said = answer.into_iter();
    let mark = said.next();
    let said = String::from_utf8(said.collect()).map_err(|_| damaged())?;
    match mark {
        Some(READ) => Ok(said),
        Some(REFUSED) => Err(Unread::Faulty(said)),
        Some(_) | None => Err(damaged()),
    }
}

/// What an end by the kernel, or by the program's own hand, says of the file.
fn ended_badly(status: ExitStatus) -> Unread {
    let signal = status
        .signal()
        .and_then(|number| Signal::try_from(number).ok());
    match signal {
        // So ends a program that gets no more memory.
        Some(Signal::SIGABRT) => Unread::Faulty(format!(
            "takes more memory to read than {} MiB",
            MOST_MEMORY_BYTES / (1024 * 1024)
        )),
        // The kernel's words for the time that is used up.
        Some(Signal::SIGXCPU | Signal::SIGKILL) => too_slow(MOST_CPU_SECONDS),
        Some(_) | None => damaged(),
    }
}

fn too_slow(seconds: u64) -> Unread {
    Unread::Faulty(format!("takes longer to read than {seconds} s"))
}

fn damaged() -> Unread {
    Unread::Faulty("is damaged: reading it failed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that behaves as the script says; it gets two numbers as `$0` and `$1`.
    fn shell(script: &str) -> Reader {
        Reader {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            patience: PATIENCE,
            places: Semaphore::new(1),
        }
    }

    #[tokio::test]
    async fn an_end_is_told_by_its_kind() {
        let long = "head -c 10000 /dev/zero";
        for (script, expected) in [
            ("echo '+some text'", Ok("some text\n")),
            ("printf '%s' '-holds no text'", Err("holds no text")),
            (
                "kill -ABRT $$",
                Err("takes more memory to read than 512 MiB"),
            ),
            ("kill -XCPU $$", Err("takes longer to read than 10 s")),
            ("kill -KILL $$", Err("takes longer to read than 10 s")),
            ("kill -SEGV $$", Err("is damaged: reading it failed")),
            ("echo '+half'; exit 5", Err("is damaged: reading it failed")),
            ("exit 0", Err("is damaged: reading it failed")),
            ("echo what", Err("is damaged: reading it failed")),
            ("printf '+\\377'", Err("is damaged: reading it failed")),
            (long, Err("is damaged: reading it failed")),
        ] {
            let read = shell(script).text(&[b' '; 200_000], 1_000).await;
            let expected = expected
                .map(str::to_owned)
                .map_err(|reason| Unread::Faulty(reason.to_owned()));
            assert_eq!(read, expected, "{script}");
        }
    }

    #[tokio::test]
    async fn one_that_does_not_end_is_killed_and_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pid");
        let script = format!("echo $$ > {}; exec sleep 1000", file.display());
        let reader = Reader {
            patience: Duration::from_secs(1),
            ..shell(&script)
        };
        let read = reader.text(b"", 1_000).await;
        assert_eq!(read, Err(too_slow(1)));
        let pid = std::fs::read_to_string(file).expect("a number");
        let process = std::path::Path::new("/proc").join(pid.trim());
        assert!(!process.exists(), "{} is left", process.display());
    }

    #[tokio::test]
    async fn it_gets_its_input_two_numbers_and_no_environment() {
        let script = "printf '+%s %s ' $0 $1; dd bs=1 count=5 2>/dev/null; env | grep -c -v -e ^MALLOC_ -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=; :";
        let read = shell(script).text(b"hello", 1_000).await;
        assert_eq!(read, Ok("5 1000 hello0\n".to_owned()));
    }

    #[tokio::test]
    async fn who_gets_no_turn_and_who_cannot_start_are_told_apart_from_faults() {
        let reader = Reader {
            patience: Duration::from_millis(1),
            places: Semaphore::new(0),
            ..shell("exit 0")
        };
        assert_eq!(reader.text(b"", 1).await, Err(Unread::Busy));
        let reader = Reader {
            program: "/nonexistent/program".into(),
            ..shell("")
        };
        let read = reader.text(b"", 1).await;
        assert!(matches!(read, Err(Unread::NotNow(_))), "{read:?}");
    }
}
