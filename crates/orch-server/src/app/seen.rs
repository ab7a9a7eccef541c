//! The log messages of an agent's process that came lately: a lost acknowledgement makes the agent
//! send one again, and it must be stored once.
//!
//! A message counts as known only once its first copy is on disk. While that is under way, nobody
//! may acknowledge another copy.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

/// Ids that are remembered; an agent has fewer messages without an acknowledgement.
const REMEMBERED_IDS: usize = 16_384;

/// The newest message ids of an agent's process.
#[derive(Default)]
pub struct Seen(Mutex<Ids>);

#[derive(Default)]
struct Ids {
    stored: HashSet<u64>,
    order: VecDeque<u64>,
    /// With those who want to know how it ends.
    under_way: HashMap<u64, Vec<oneshot::Sender<()>>>,
}

/// What is to be done with a copy of a message.
pub enum Copy {
    /// It is the first, or those before it failed: it is to be stored, and to be
    /// [`settle`](Seen::settle)d.
    New,
    Stored,
    /// Another is on its way to the disk; to be asked again when this wakes.
    UnderWay(oneshot::Receiver<()>),
}

/// How storing a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Stored,
    NotStored,
}

impl Seen {
    fn locked(&self) -> std::sync::MutexGuard<'_, Ids> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a copy came. A message without an id is always new.
    pub fn take(&self, id: u64) -> Copy {
        let mut ids = self.locked();
        if id == 0 {
            return Copy::New;
        }
        if ids.stored.contains(&id) {
            return Copy::Stored;
        }
        if let Some(waiting) = ids.under_way.get_mut(&id) {
            let (wake, woken) = oneshot::channel();
            waiting.push(wake);
            return Copy::UnderWay(woken);
        }
        ids.under_way.insert(id, Vec::new());
        Copy::New
    }

    /// Notes how messages that were new ended; others are passed over.
    pub fn settle(&self, ended: impl Iterator<Item = (u64, Ended)>) {
        let mut ids = self.locked();
        for (id, ended) in ended {
            // Whoever waits for it wakes when this is dropped.
            let Some(_waiting) = ids.under_way.remove(&id) else {
                continue;
            };
            if ended == Ended::NotStored || !ids.stored.insert(id) {
                continue;
            }
            ids.order.push_back(id);
            if ids.order.len() > REMEMBERED_IDS
                && let Some(oldest) = ids.order.pop_front()
            {
                ids.stored.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_new(seen: &Seen, id: u64) -> bool {
        matches!(seen.take(id), Copy::New)
    }

    #[tokio::test]
    async fn a_copy_is_known_only_once_the_first_is_stored() {
        let seen = Seen::default();
        assert!(is_new(&seen, 7));
        let Copy::UnderWay(woken) = seen.take(7) else {
            panic!("the first copy is under way");
        };
        seen.settle([(7, Ended::Stored)].into_iter());
        assert!(woken.await.is_err(), "it wakes by the sender's end");
        assert!(matches!(seen.take(7), Copy::Stored));
    }

    #[tokio::test]
    async fn a_copy_is_stored_where_the_first_was_not() {
        let seen = Seen::default();
        assert!(is_new(&seen, 7));
        let Copy::UnderWay(woken) = seen.take(7) else {
            panic!("the first copy is under way");
        };
        seen.settle([(7, Ended::NotStored)].into_iter());
        assert!(woken.await.is_err());
        assert!(is_new(&seen, 7));
    }

    #[test]
    fn messages_without_an_id_are_always_new_and_old_ids_are_forgotten() {
        let seen = Seen::default();
        assert!(is_new(&seen, 0) && is_new(&seen, 0));
        for id in 1..=REMEMBERED_IDS as u64 + 1 {
            assert!(is_new(&seen, id));
            seen.settle([(id, Ended::Stored)].into_iter());
        }
        assert!(is_new(&seen, 1));
        assert!(matches!(seen.take(2), Copy::Stored));
    }
}
