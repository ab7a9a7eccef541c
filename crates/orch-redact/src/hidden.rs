//! What one run must not tell: it grows with every secret that the run is given, and never shrinks.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Redactor;

/// The secrets of a run, and the redactor that hides them.
#[derive(Default)]
pub struct Hidden(Mutex<State>);

#[derive(Default)]
struct State {
    values: BTreeSet<Vec<u8>>,
    redactor: Arc<Redactor>,
}

impl Hidden {
    /// Hides more; whoever asks for the redactor from now on gets one that knows them.
    pub fn add<V: AsRef<[u8]>>(&self, values: impl IntoIterator<Item = V>) {
        let mut state = self.state();
        let before = state.values.len();
        let values = values.into_iter().map(|value| value.as_ref().to_vec());
        state
            .values
            .extend(values.filter(|value| !value.is_empty()));
        if state.values.len() > before {
            let redactor = Redactor::new(state.values.iter().map(Vec::as_slice));
            state.redactor = Arc::new(redactor);
        }
    }

    /// The redactor as of now.
    #[must_use]
    pub fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.state().redactor)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
