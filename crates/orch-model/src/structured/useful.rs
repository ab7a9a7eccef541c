//! A model whose answers are of use, or none: in the form that is wanted, with a text, and no refusal.
//!
//! What is of no use is asked for once more with what was wrong about it. After that it is an error, so that in a
//! [`crate::Chain`] the next model is asked.

use std::fmt;
use std::sync::Arc;

use super::{Schema, ask_structured};
use crate::{Answer, Ask, Asking, Deltas, Finish, Message, ModelError, Provider};

/// Lets through what is of use.
pub struct Useful {
    model: Arc<dyn Provider>,
    form: Option<Arc<Schema>>,
}

impl Useful {
    /// `form` is what answers must fit; without one any text is of use.
    #[must_use]
    pub fn new(model: Arc<dyn Provider>, form: Option<Arc<Schema>>) -> Self {
        Self { model, form }
    }

    async fn asked(&self, ask: &Ask, deltas: Deltas<'_>) -> Result<Answer, ModelError> {
        let Some(schema) = &self.form else {
            return self.text(ask, deltas).await;
        };
        let fitting = ask_structured(&*self.model, ask, schema, deltas).await?;
        Ok(Answer {
            text: fitting.value.to_string(),
            usage: fitting.usage,
            ..fitting.answer
        })
    }

    async fn text(&self, ask: &Ask, deltas: Deltas<'_>) -> Result<Answer, ModelError> {
        let first = unrefused(self.model.ask(ask, deltas).await?)?;
        if !first.text.trim().is_empty() {
            return Ok(first);
        }
        tracing::info!(model.name = %first.model, "a model's answer is empty; it is asked once more");
        let mut again = ask.clone();
        again.messages.push(Message::Assistant {
            text: "(nothing)".to_owned(),
            calls: Vec::new(),
        });
        again.messages.push(Message::User {
            text: match first.finish {
                Finish::Length => "The bound of tokens was reached before anything was said. Answer at once, and shorter.",
                Finish::Stop | Finish::Tools | Finish::Filtered | Finish::Refused => {
                    "The answer was empty. Give it in full."
                }
            }
            .to_owned(),
        });
        let mut second = unrefused(self.model.ask(&again, deltas).await?)?;
        if second.text.trim().is_empty() {
            return Err(ModelError::Empty {
                why: match second.finish {
                    Finish::Length => "the bound of tokens was reached before it",
                    Finish::Filtered => "it was held back",
                    Finish::Stop | Finish::Tools | Finish::Refused => "",
                }
                .to_owned(),
            });
        }
        second.usage += first.usage;
        second.miscounted |= first.miscounted;
        Ok(second)
    }
}

/// The answer, if the model does not refuse.
pub(super) fn unrefused(answer: Answer) -> Result<Answer, ModelError> {
    match answer.finish {
        Finish::Refused => Err(ModelError::Declined {
            said: crate::said::clean(&answer.text, None),
        }),
        Finish::Stop | Finish::Tools | Finish::Length | Finish::Filtered => Ok(answer),
    }
}

impl Provider for Useful {
    fn model(&self) -> &str {
        self.model.model()
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(self.asked(ask, deltas))
    }
}

impl fmt::Debug for Useful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.model.fmt(f)
    }
}
