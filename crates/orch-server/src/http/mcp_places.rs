//! Places at `/mcp`: how many requests of whom are worked on at once.
//!
//! People and runs have places apart, and so have calls that wait for a person and all others: no run can shut
//! people out, or other runs, and nobody's waiting keeps anybody's short calls from being answered.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use orch_core::ids::RunId;
use orch_mcp::Pace;

/// Of one run.
const SHORT_OF_A_RUN: usize = 16;
const WAITS_OF_A_RUN: usize = 4;
/// Of all runs together.
const SHORT_OF_RUNS: usize = 128;
const WAITS_OF_RUNS: usize = 256;
/// Of all people together: they share a token.
const SHORT_OF_PEOPLE: usize = 128;
const WAITS_OF_PEOPLE: usize = 64;

/// Whose request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Asker {
    People,
    Run(RunId),
}

/// The places that are taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Arc<Mutex<HashMap<(Asker, Pace), usize>>>);

/// A place, until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    of: (Asker, Pace),
}

/// There is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full {
    most: usize,
    pace: Pace,
    whose: &'static str,
}

impl Places {
    pub(super) fn take(&self, asker: Asker, pace: Pace) -> Result<Place, Full> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(&(asker, pace)).copied().unwrap_or(0);
        let full = |most, whose| Full { most, pace, whose };
        match asker {
            Asker::People => {
                let most = match pace {
                    Pace::Short => SHORT_OF_PEOPLE,
                    Pace::Waits => WAITS_OF_PEOPLE,
                };
                if own >= most {
                    return Err(full(most, "people"));
                }
            }
            Asker::Run(_) => {
                let (most, most_of_all) = match pace {
                    Pace::Short => (SHORT_OF_A_RUN, SHORT_OF_RUNS),
                    Pace::Waits => (WAITS_OF_A_RUN, WAITS_OF_RUNS),
                };
                if own >= most {
                    return Err(full(most, "this run"));
                }
                let of_runs = taken
                    .iter()
                    .filter(|((asker, of), _)| *of == pace && matches!(asker, Asker::Run(_)));
                if of_runs.map(|(_, count)| count).sum::<usize>() >= most_of_all {
                    return Err(full(most_of_all, "all runs"));
                }
            }
        }
        taken.insert((asker, pace), own + 1);
        Ok(Place {
            places: self.clone(),
            of: (asker, pace),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.of) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => {
                taken.remove(&self.of);
            }
        }
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.pace {
            Pace::Short => "requests",
            Pace::Waits => "calls that wait",
        };
        let Self { most, whose, .. } = self;
        write!(
            f,
            "{most} {what} of {whose} are worked on, which is all that are at once"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACES: [Pace; 2] = [Pace::Short, Pace::Waits];

    /// As many as there are.
    fn all(places: &Places, asker: Asker, pace: Pace) -> (Vec<Place>, Full) {
        let mut held = Vec::new();
        loop {
            match places.take(asker, pace) {
                Ok(place) => held.push(place),
                Err(full) => return (held, full),
            }
        }
    }

    #[test]
    fn a_run_that_takes_all_it_gets_keeps_nobody_else_from_anything() {
        let places = Places::default();
        let greedy = PACES.map(|pace| all(&places, Asker::Run(RunId(1)), pace));
        let counts = greedy.each_ref().map(|(held, _)| held.len());
        assert_eq!(counts, [SHORT_OF_A_RUN, WAITS_OF_A_RUN]);
        assert_eq!(
            greedy[1].1.to_string(),
            "4 calls that wait of this run are worked on, which is all that are at once"
        );
        for asker in [Asker::Run(RunId(2)), Asker::People] {
            for pace in PACES {
                assert!(places.take(asker, pace).is_ok(), "{asker:?} {pace:?}");
            }
        }
    }

    #[test]
    fn all_runs_together_keep_nobody_from_working_and_waiting_keeps_nobody_from_asking() {
        let places = Places::default();
        let mut held = Vec::new();
        let mut refused = None;
        for run in 1..200 {
            let (some, full) = all(&places, Asker::Run(RunId(run)), Pace::Waits);
            held.extend(some);
            refused = Some(full);
        }
        assert_eq!(held.len(), WAITS_OF_RUNS);
        assert_eq!(refused.map(|full| full.whose), Some("all runs"));
        assert!(places.take(Asker::Run(RunId(1)), Pace::Short).is_ok());
        let (people, _) = all(&places, Asker::People, Pace::Waits);
        assert_eq!(people.len(), WAITS_OF_PEOPLE);
        assert!(places.take(Asker::People, Pace::Short).is_ok());
    }

    #[test]
    fn a_place_that_is_given_back_is_there_again_and_nothing_is_kept_of_it() {
        let places = Places::default();
        let (held, _) = all(&places, Asker::Run(RunId(7)), Pace::Waits);
        drop(held);
        assert!(places.0.lock().unwrap().is_empty());
        assert!(places.take(Asker::Run(RunId(7)), Pace::Waits).is_ok());
    }
}
