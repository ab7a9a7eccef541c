//! Where exchanges are kept.

use std::fs::{File, OpenOptions};
use std::future::Future;
use std::io::{self, Write as _};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use super::Exchange;

/// An exchange on its way to where it is kept.
pub type Keeping<'a> = Pin<Box<dyn Future<Output = io::Result<()>> + Send + 'a>>;

/// Keeps exchanges, in the order in which they end.
pub trait Journal: Send + Sync {
    /// Keeps one more.
    fn keep(&self, exchange: Exchange) -> Keeping<'_>;
}

/// A file with a line for each exchange.
#[derive(Clone, Debug)]
pub struct FileJournal(Arc<Mutex<File>>);

impl FileJournal {
    /// Goes on with the file at `path`, or begins it, readable by its owner alone.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)?;
        Ok(Self(Arc::new(Mutex::new(file))))
    }
}

impl Journal for FileJournal {
    fn keep(&self, exchange: Exchange) -> Keeping<'_> {
        let file = self.0.clone();
        Box::pin(async move {
            let write = move || {
                let mut line = serde_json::to_vec(&exchange)?;
                line.push(b'\n');
                // In one piece, so that lines of two writers never mix.
                file.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .write_all(&line)
            };
            tokio::task::spawn_blocking(write)
                .await
                .map_err(io::Error::other)?
        })
    }
}
