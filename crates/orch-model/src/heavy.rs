//! Work that keeps a core busy, on threads of its own and bounded: whoever serves others never waits for it.
//!
//! Looking for secrets in a long text, rendering a prompt, proposing a plan: each takes its time, and a few at once
//! would take all threads that answer. At most so many run at once; others wait, and of these no more than a bound.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use tokio::sync::Semaphore;

/// Shorter texts cost less than going to another thread.
const LIGHT_BYTES: usize = 16 * 1024;

/// The one place for work of a kind. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Heavy {
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    most_waiting: usize,
}

/// So many wait already that another one would not be done in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{waiting} others wait for the same kind of work already")]
pub struct Crowded {
    pub waiting: usize,
}

impl Heavy {
    /// As many at once as there are cores but one, and at least one.
    #[must_use]
    pub fn of_cores(most_waiting: usize) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self::new(cores.saturating_sub(1).max(1), most_waiting)
    }

    #[must_use]
    pub fn new(at_once: usize, most_waiting: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(at_once)),
            waiting: Arc::default(),
            most_waiting,
        }
    }

    /// Does what is as long as a text of `bytes` is: at once where that is little.
    pub async fn text<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        match bytes < LIGHT_BYTES {
            true => work(),
            false => self.run(work).await,
        }
    }

    /// Does it when there is a place, however many wait: these are bounded elsewhere.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.expect("invariant: the places are never closed");
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            // Whoever waited may be gone; the core was busy until here.
            drop(place);
            done
        });
        match done.await {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime goes down, and with it whoever waits here.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// Does it when there is a place, unless too many wait for one.
    ///
    /// # Errors
    /// When too many wait.
    pub async fn admit<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Crowded> {
        let waits = Waits(Arc::clone(&self.waiting));
        let waiting = waits.0.fetch_add(1, Ordering::AcqRel);
        if waiting >= self.most_waiting + self.places.available_permits() {
            return Err(Crowded { waiting });
        }
        Ok(self
            .run(move || {
                drop(waits);
                work()
            })
            .await)
    }
}

/// One who waits, until dropped.
struct Waits(Arc<AtomicUsize>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_more_run_at_once_than_there_are_places_and_the_queue_has_an_end() {
        let heavy = Heavy::new(1, 2);
        let (begun, begins) = mpsc::channel();
        let (go_on, waits) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let heavy = heavy.clone();
            async move {
                heavy
                    .admit(move || {
                        begun.send(()).unwrap();
                        waits.recv().unwrap();
                    })
                    .await
            }
        });
        tokio::task::spawn_blocking(move || begins.recv().unwrap())
            .await
            .unwrap();
        let mut second = Box::pin(heavy.admit(|| 2));
        let mut third = Box::pin(heavy.admit(|| 3));
        assert!(futures::poll!(&mut second).is_pending());
        assert!(futures::poll!(&mut third).is_pending());
        assert_eq!(heavy.admit(|| 4).await, Err(Crowded { waiting: 2 }));
        go_on.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert_eq!((second.await, third.await), (Ok(2), Ok(3)));
        assert_eq!(heavy.admit(|| 5).await, Ok(5));
    }

    #[tokio::test]
    async fn only_what_is_long_goes_to_another_thread() {
        let heavy = Heavy::new(1, 0);
        let here = thread::current().id();
        let whose = || thread::current().id();
        assert_eq!(heavy.text(LIGHT_BYTES - 1, whose).await, here);
        assert_ne!(heavy.text(LIGHT_BYTES, whose).await, here);
    }
}
