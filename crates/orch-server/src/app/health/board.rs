//! What was found, and since when: a finding that is found again keeps its beginning.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use orch_core::time::Timestamp;

use super::{Fault, Finding, Kind};

/// The faults that are known.
#[derive(Default)]
pub struct Board(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    faults: BTreeMap<(Kind, String), Fault>,
    looked: Option<Instant>,
}

impl Board {
    fn locked(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_fresh(&self, within: Duration) -> bool {
        let looked = self.locked().looked;
        looked.is_some_and(|looked| looked.elapsed() < within)
    }

    pub fn faults(&self) -> Vec<Fault> {
        self.locked().faults.values().cloned().collect()
    }

    /// Notes everything that is wrong now. What begins and what ends is logged once.
    pub fn note(&self, findings: Vec<Finding>, now: Timestamp) {
        let mut inner = self.locked();
        let mut before = std::mem::take(&mut inner.faults);
        for finding in findings {
            let key = (finding.kind, finding.about.clone());
            let since = match before.remove(&key) {
                Some(known) => known.since,
                None => {
                    let kind = finding.kind.name();
                    tracing::warn!(fault = kind, remedy = finding.remedy, "{}", finding.what);
                    now
                }
            };
            inner.faults.insert(key, Fault { finding, since });
        }
        for ended in before.into_values() {
            let kind = ended.finding.kind.name();
            tracing::info!(fault = kind, about = ended.finding.about, "a fault is over");
        }
        inner.looked = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(what: &str) -> Finding {
        Finding {
            kind: Kind::DiskFull,
            about: "/data".to_owned(),
            what: what.to_owned(),
            remedy: "make room",
        }
    }

    #[test]
    fn a_fault_keeps_its_beginning_until_it_is_over() {
        let board = Board::default();
        let at = Timestamp::from_micros;
        board.note(vec![finding("5 MiB are free")], at(1));
        board.note(vec![finding("4 MiB are free")], at(2));
        let expected = Fault {
            finding: finding("4 MiB are free"),
            since: at(1),
        };
        assert_eq!(board.faults(), [expected]);
        board.note(Vec::new(), at(3));
        assert_eq!(board.faults(), []);
        board.note(vec![finding("3 MiB are free")], at(4));
        assert_eq!(board.faults()[0].since, at(4));
    }
}
