//! A thread that lasts as long as this process.
//!
//! A process that asks to be killed with its parent is killed with the thread that started it, and
//! the runtime's threads come and go.

use std::{
    io,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

type Job = Box<dyn FnOnce() + Send>;

static THREAD: Mutex<Option<mpsc::Sender<Job>>> = Mutex::new(None);

/// Does `job` on that thread, and waits for it.
///
/// # Errors
/// Those of the job; and when the system has no thread left.
pub(super) fn on_thread<T: Send + 'static>(
    job: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (answer, answered) = mpsc::sync_channel(1);
    let job: Job = Box::new(move || {
        // Whoever asked waits below.
        let _ = answer.send(job());
    });
    jobs()?.send(job).map_err(|_| gone())?;
    answered.recv().map_err(|_| gone())?
}

fn jobs() -> io::Result<mpsc::Sender<Job>> {
    let mut thread = THREAD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(jobs) = &*thread {
        return Ok(jobs.clone());
    }
    let (jobs, asked) = mpsc::channel::<Job>();
    let builder = thread::Builder::new().name("orch-starter".to_owned());
    builder.spawn(move || asked.into_iter().for_each(|job| job()))?;
    *thread = Some(jobs.clone());
    Ok(jobs)
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts processes is gone")
}
