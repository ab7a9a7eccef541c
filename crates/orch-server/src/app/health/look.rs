//! Looking at everything that can be wrong.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use orch_core::time::Timestamp;
use orch_store::{Pulse, StoreError, shared};

use super::{
    ANSWERS_WITHIN, ARTIFACTS_FRESH, CLOCK_OFF, FRESH, Fault, Finding, Health, Kind, STUCK,
};
use crate::app::App;

impl Health {
    /// What is wrong, as of a moment ago.
    pub async fn faults(&self, app: &App) -> Vec<Fault> {
        if !self.board.is_fresh(FRESH)
            && let Ok(_looking) = self.looking.try_lock()
        {
            let findings = self.look(app).await;
            self.board.note(findings, app.store().now());
        }
        self.board.faults()
    }

    async fn look(&self, app: &App) -> Vec<Finding> {
        let mut findings = Vec::new();
        match tokio::time::timeout(ANSWERS_WITHIN, app.store().pulse()).await {
            Ok(Ok(pulse)) => {
                findings.extend(self.clocks(pulse, app.store().now()));
                self.count_agents(app).await;
            }
            Ok(Err(error)) if error.is_unreadable() => {}
            Ok(Err(error)) => findings.push(unreachable(app, &causes(&error))),
            Err(_) => {
                let why = format!("it did not answer within {} s", ANSWERS_WITHIN.as_secs());
                findings.push(unreachable(app, &why));
            }
        }
        findings.extend(self.full(app));
        findings.extend(outboxes(app));
        findings.extend(unreadable(app));
        findings.extend(damaged(app));
        findings.extend(self.artifacts(app).await);
        findings
    }

    /// Whoever keeps artifacts is asked less often: each question may cost money.
    async fn artifacts(&self, app: &App) -> Option<Finding> {
        let mut last = self.artifacts.lock().await;
        if !matches!(&*last, Some((at, _)) if at.elapsed() < ARTIFACTS_FRESH) {
            let why = match tokio::time::timeout(ANSWERS_WITHIN, app.blobs().look()).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some(format!(
                    "the bucket did not answer within {} s",
                    ANSWERS_WITHIN.as_secs()
                )),
            };
            *last = Some((Instant::now(), why));
        }
        let why = last.as_ref().and_then(|(_, why)| why.clone())?;
        Some(Finding {
            kind: Kind::ArtifactsUnreachable,
            about: String::new(),
            what: format!("artifacts can be neither kept nor handed out: {why}"),
            remedy: "restore the way to the bucket of ORCH_ARTIFACTS and the rights of its key; the server goes on by itself",
        })
    }

    /// What cannot be counted stays as it was.
    async fn count_agents(&self, app: &App) {
        let names = shared::agents_elsewhere(app.store());
        if let Ok(Ok(names)) = tokio::time::timeout(ANSWERS_WITHIN, names).await {
            self.agents_elsewhere.store(names.len(), Ordering::Relaxed);
        }
    }

    fn full(&self, app: &App) -> Option<Finding> {
        let what = match self.disk.space().shortage() {
            Some(shortage) => shortage,
            None if app.store().is_full() => {
                "the last write failed because the disk is full".to_owned()
            }
            None => return None,
        };
        Some(Finding {
            kind: Kind::DiskFull,
            about: String::new(),
            what: format!("{what}: new work is refused and nothing is started"),
            remedy: "free some space or enlarge the disk; the server goes on by itself",
        })
    }

    fn clocks(&self, pulse: Pulse, now: Timestamp) -> Vec<Finding> {
        let set = self.clock.set_by_us();
        let wall = self.clock.wall();
        let database = pulse.clock.map(|clock| micros_between(clock, wall));
        let entry = pulse.newest_entry.map(|at| micros_between(at, now));
        clock_findings(set, database, entry)
    }
}

/// `set_us`: by how much the time of day was set since the start; `database_us`: by how much the
/// database's clock is ahead; `entry_us`: by how much the newest audit entry is.
fn clock_findings(set_us: i64, database_us: Option<i64>, entry_us: Option<i64>) -> Vec<Finding> {
    let off = |about: &str, by_us: i64, say: &dyn Fn(Duration) -> String, remedy| {
        let by = Duration::from_micros(by_us.unsigned_abs());
        (by > CLOCK_OFF).then(|| Finding {
            kind: Kind::ClockOff,
            about: about.to_owned(),
            what: say(by),
            remedy,
        })
    };
    let set = off(
        "set",
        set_us,
        &|by| {
            let way = if set_us > 0 { "forward" } else { "back" };
            format!(
                "this machine's clock was set {way} by {} s while the server ran, which follows by 1 ms a second",
                by.as_secs()
            )
        },
        "see that the machine's time is synchronised; a restart takes the new time over at once",
    );
    let database = database_us.and_then(|ahead_us| {
        let way = if ahead_us > 0 { "ahead of" } else { "behind" };
        off(
            "database",
            ahead_us,
            &|by| {
                format!(
                    "the database's clock is {} s {way} this machine's",
                    by.as_secs()
                )
            },
            "synchronise the time of both machines",
        )
    });
    let entry = entry_us.filter(|ahead_us| *ahead_us > 0);
    let entry = entry.and_then(|ahead_us| {
        off(
            "past",
            ahead_us,
            &|by| {
                format!(
                    "the newest audit entry is {} s in the future: the clock stood later before",
                    by.as_secs()
                )
            },
            "set this machine's clock and restart the server",
        )
    });
    [set, database, entry].into_iter().flatten().collect()
}

fn micros_between(a: Timestamp, b: Timestamp) -> i64 {
    a.as_micros().saturating_sub(b.as_micros())
}

fn outboxes(app: &App) -> Vec<Finding> {
    let stuck = |about: String, what| Finding {
        kind: Kind::StuckOutbox,
        about,
        what,
        remedy: "see whether the database and its disk are overloaded or hang; what waits is not lost, and goes on by itself",
    };
    let mut findings = Vec::new();
    if let Some(commit) = app.store().stuck(STUCK) {
        let what = format!(
            "a commit takes {} s already, and {} more wait for it",
            commit.since.as_secs(),
            commit.waiting
        );
        findings.push(stuck("writer".to_owned(), what));
    }
    if let Some(untold) = app.store().signals().untold_for()
        && untold > STUCK
    {
        let what = format!(
            "the other servers could not be told of commits for {} s; they find them by their timers",
            untold.as_secs()
        );
        findings.push(stuck("herald".to_owned(), what));
    }
    for (agent, unsent) in app.agents().outboxes() {
        if unsent.oldest > STUCK {
            let what = format!(
                "agent {agent} waits for the acknowledgement of {} messages, the oldest for {} s",
                unsent.messages,
                unsent.oldest.as_secs()
            );
            findings.push(stuck(format!("agent {agent}"), what));
        }
    }
    findings
}

fn unreadable(app: &App) -> Vec<Finding> {
    let rows = app.store().quarantine().rows();
    let named = rows.into_iter().map(|row| Finding {
        kind: Kind::UnreadableRow,
        about: format!("{} {}", row.table, row.key),
        what: format!("{row}; lists leave it out, and its work is set aside"),
        remedy: "mend the row, or bring it back from a backup; it is then taken up within half a minute",
    });
    named.collect()
}

fn damaged(app: &App) -> Vec<Finding> {
    let known = app.store().quarantined_logs();
    let named = known.into_iter().map(|damaged| {
        let more = match damaged.places.saturating_sub(1) {
            0 => String::new(),
            1 => ", and at 1 more place behind it".to_owned(),
            more => format!(", and at {more} more places behind it"),
        };
        Finding {
            kind: Kind::DamagedLog,
            about: format!("{} {} {}", damaged.file, damaged.offset, damaged.problem),
            what: format!(
                "log file {} cannot be read at byte {}{more}: {}; whoever reads those lines is told",
                damaged.file, damaged.offset, damaged.problem
            ),
            remedy: "bring the file back from a backup, or leave it to retention; all other lines are served",
        }
    });
    named.collect()
}

fn unreachable(app: &App, why: &str) -> Finding {
    Finding {
        kind: Kind::DatabaseUnreachable,
        about: String::new(),
        what: format!(
            "the database {} cannot be used: {why}",
            app.store().database()
        ),
        remedy: "start the database or restore the way to it; the server goes on by itself",
    }
}

fn causes(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
#[path = "look_tests.rs"]
mod tests;
