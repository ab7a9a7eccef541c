//! A model under a name of our own, where its provider has another.

use std::fmt;
use std::sync::Arc;

use crate::{Ask, Asking, Deltas, Provider};

/// What is asked under one name and answers under it: so the same model at two addresses is told apart, in prices
/// and recordings too.
pub struct Named {
    name: String,
    model: Arc<dyn Provider>,
}

impl Named {
    #[must_use]
    pub fn new(name: impl Into<String>, model: Arc<dyn Provider>) -> Self {
        Self {
            name: name.into(),
            model,
        }
    }
}

impl Provider for Named {
    fn model(&self) -> &str {
        &self.name
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(async move {
            let mut answer = self.model.ask(ask, deltas).await?;
            self.name.clone_into(&mut answer.model);
            Ok(answer)
        })
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named")
            .field("name", &self.name)
            .field("model", &self.model)
            .finish()
    }
}
