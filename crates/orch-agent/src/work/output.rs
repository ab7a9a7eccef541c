//! A step's output on its way into the log: redacted, many lines at a time where many have come.
//!
//! What is looked for may be large and is looked for in many forms, which takes time; what comes
//! meanwhile is looked at together.

use std::sync::Arc;

use jiff::Timestamp;
use orch_redact::{Redactor, StreamRedactor};
use orch_sandbox::{
    exec::{Line, Stream},
    sandbox::PROTECTED,
};
use tokio::sync::mpsc;

use crate::progress::{LineEnd, RunLog, Source};

/// Lines between a process and the log, and so many at most are looked at together.
pub(super) const QUEUE: usize = 256;

/// Lines that have more bytes are redacted where nobody waits for the thread.
const MOST_BYTES_AT_ONCE: usize = 16 * 1024;

/// Carries output to the log until all of it is read; tells the protected name of which a program said
/// that it could not be written.
pub(super) async fn log_lines(
    log: &RunLog,
    step: u32,
    mut lines: mpsc::Receiver<Line>,
) -> Option<&'static str> {
    let mut protected = None;
    let mut both = Both::new(log.redactor(), log.now()());
    let mut come = Vec::with_capacity(QUEUE);
    while lines.recv_many(&mut come, QUEUE).await > 0 {
        let mut names = come.iter().filter_map(|line| refused_name(&line.message));
        protected = protected.or_else(|| names.next());
        let bytes: usize = come.iter().map(|line| line.message.len()).sum();
        let lines = std::mem::take(&mut come);
        let shown;
        (both, shown) = match bytes > MOST_BYTES_AT_ONCE && !both.redactor.is_idle() {
            false => both.take(lines),
            true => match tokio::task::spawn_blocking(move || both.take(lines)).await {
                Ok(done) => done,
                Err(error) => {
                    let event = format!("the rest of the output is lost: {error}");
                    log.event(&event).await;
                    return protected;
                }
            },
        };
        tell(log, step, shown).await;
    }
    tell(log, step, both.finish()).await;
    protected
}

async fn tell(log: &RunLog, step: u32, shown: Vec<Shown>) {
    for one in shown {
        log.line(one.at, one.source, step, one.message, one.end)
            .await;
    }
}

/// A line as it is told.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    number: u64,
    at: Timestamp,
    source: Source,
    message: String,
    end: LineEnd,
}

/// When a line came, and as which one.
type Came = (u64, Timestamp);

/// Both outputs of a process.
struct Both {
    redactor: Arc<Redactor>,
    stdout: StreamRedactor<Came>,
    stderr: StreamRedactor<Came>,
    last: Came,
}

impl Both {
    fn new(redactor: Arc<Redactor>, now: Timestamp) -> Self {
        Self {
            stdout: StreamRedactor::new(Arc::clone(&redactor)),
            stderr: StreamRedactor::new(Arc::clone(&redactor)),
            redactor,
            last: (0, now),
        }
    }

    /// Takes lines; tells what is known, in the order in which it came.
    fn take(mut self, lines: Vec<Line>) -> (Self, Vec<Shown>) {
        let mut shown = Vec::with_capacity(lines.len());
        for line in lines {
            let came = (self.last.0 + 1, line.at);
            self.last = came;
            let (stream, source) = match line.stream {
                Stream::Stdout => (&mut self.stdout, Source::Stdout),
                Stream::Stderr => (&mut self.stderr, Source::Stderr),
            };
            if !line.partial {
                stream.end_line(came, line.message);
                continue;
            }
            let (whole, piece) = stream.piece(line.message);
            shown.extend(whole.into_iter().map(|line| whole_line(source, line)));
            if !piece.is_empty() {
                shown.push(Shown {
                    end: LineEnd::Later,
                    ..whole_line(source, (came, piece))
                });
            }
        }
        for (stream, source) in [
            (&mut self.stdout, Source::Stdout),
            (&mut self.stderr, Source::Stderr),
        ] {
            let known = stream.known().into_iter();
            shown.extend(known.map(|line| whole_line(source, line)));
        }
        shown.sort_by_key(|one| one.number);
        (self, shown)
    }

    fn finish(self) -> Vec<Shown> {
        let mut shown = Vec::new();
        for (stream, source) in [(self.stdout, Source::Stdout), (self.stderr, Source::Stderr)] {
            let (whole, cut_off) = stream.finish();
            // Output that was cut off ends without a last piece.
            let rest = cut_off.map(|rest| (self.last, rest));
            let all = whole.into_iter().chain(rest);
            shown.extend(all.map(|line| whole_line(source, line)));
        }
        shown
    }
}

fn whole_line(source: Source, ((number, at), message): (Came, String)) -> Shown {
    Shown {
        number,
        at,
        source,
        message,
        end: LineEnd::Here,
    }
}

/// The protected name in a line that says that something is read-only.
fn refused_name(line: &str) -> Option<&'static str> {
    if !line.contains("Read-only file system") {
        return None;
    }
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let stands = |name: &str| {
        line.match_indices(name).any(|(at, _)| {
            let (before, after) = (
                line[..at].bytes().last(),
                line.as_bytes().get(at + name.len()),
            );
            !before.is_some_and(is_part) && !after.copied().is_some_and(is_part)
        })
    };
    PROTECTED.into_iter().find(|name| stands(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_only_is_named_where_it_is_protected_and_only_there() {
        let said = |line| refused_name(line);
        assert_eq!(
            said("fatal: Unable to create '/w/.git/index.lock': Read-only file system"),
            Some(".git")
        );
        assert_eq!(
            said("sh: AGENTS.md: Read-only file system"),
            Some("AGENTS.md")
        );
        assert_eq!(said("touch: /usr/x: Read-only file system"), None);
        assert_eq!(said("touch: .gitignore: Read-only file system"), None);
        assert_eq!(said(".git is fine"), None);
    }

    #[test]
    fn lines_of_both_outputs_keep_their_order_and_a_secret_over_their_ends_is_hidden() {
        let line =
            |stream, message: &str| Line::whole(stream, Timestamp::UNIX_EPOCH, message.to_owned());
        let (out, err) = (Stream::Stdout, Stream::Stderr);
        let redactor = Arc::new(Redactor::new(["first-half/second-half"]));
        let both = Both::new(redactor, Timestamp::UNIX_EPOCH);
        let (both, shown) = both.take(vec![
            line(out, "one"),
            line(err, "two"),
            line(out, "three"),
            line(err, "first-half/"),
        ]);
        let told = |shown: Vec<Shown>| -> Vec<String> {
            shown.into_iter().map(|one| one.message).collect()
        };
        assert_eq!(told(shown), ["one", "two", "three"]);
        let (both, shown) = both.take(vec![line(err, "second-half"), line(err, "end")]);
        assert_eq!(told(shown), ["***", "***", "end"]);
        assert_eq!(told(both.finish()), Vec::<String>::new());
    }
}
