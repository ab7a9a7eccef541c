//! Whoever answers: a server, a program, a recording, or several one behind the other.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::{Answer, Ask, ModelError};

/// An answer under way.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Result<Answer, ModelError>> + Send + 'a>>;

/// Where pieces of the answer's text go as they come. A retry begins the text anew: the pieces are for
/// people who watch, the [`Answer`] is what counts.
pub type Deltas<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Lets pieces go unseen.
pub fn silent(_: &str) {}

/// Whoever answers.
pub trait Provider: Send + Sync + fmt::Debug {
    /// The model's name as prices and recordings know it.
    fn model(&self) -> &str;

    /// Asks once.
    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a>;
}

impl<P: Provider + ?Sized> Provider for Arc<P> {
    fn model(&self) -> &str {
        (**self).model()
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        (**self).ask(ask, deltas)
    }
}
