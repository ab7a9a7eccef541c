//! A model that is asked only when there is money for it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::{Answer, Ask, Asking, Cost, Deltas, ModelError, Price, Prices, Provider, Usage};

/// Tokens that are set aside for an answer whose request has no bound: as many as providers give.
const UNBOUNDED_TOKENS: u32 = 32_768;
/// Bytes of one token, where a provider counts none.
const LIKELY_BYTES: u64 = 4;

/// An amount that is set aside, by its keeper's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reservation(pub i64);

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    pub cost: Cost,
    pub usage: Usage,
    /// Whether the provider counted; otherwise it is a guess that errs on the dear side.
    pub is_counted: bool,
}

/// An amount being set aside; the error is a sentence for people.
pub type Reserving<'a> = Pin<Box<dyn Future<Output = Result<Reservation, String>> + Send + 'a>>;
/// An amount being settled.
pub type Settling<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Who keeps the money: see [`crate::reserve`] and [`crate::settle`] for the arithmetic.
pub trait Purse: Send + Sync {
    /// Sets an amount aside, or says why not.
    fn reserve<'a>(&'a self, model: &'a str, amount: Cost) -> Reserving<'a>;

    /// Settles it.
    fn settle(&self, reservation: Reservation, spent: Spent) -> Settling<'_>;

    /// The request was given up while it was under way, and nobody waits any more: to be settled soon.
    fn abandon(&self, reservation: Reservation, spent: Spent);
}

/// Sets aside before each request the most that it can cost, and settles it after. To stand around one
/// model, within its [`crate::Patient`]: each attempt costs.
pub struct Budgeted {
    model: Arc<dyn Provider>,
    prices: Arc<Prices>,
    purse: Arc<dyn Purse>,
}

impl Budgeted {
    #[must_use]
    pub fn new(model: Arc<dyn Provider>, prices: Arc<Prices>, purse: Arc<dyn Purse>) -> Self {
        Self {
            model,
            prices,
            purse,
        }
    }

    async fn asked(&self, ask: &Ask, deltas: Deltas<'_>) -> Result<Answer, ModelError> {
        let model = self.model.model();
        let withheld = |why: String| ModelError::Withheld { why };
        let price = self
            .prices
            .of(model)
            .map_err(|error| withheld(error.to_string()))?;
        let amount = price.at_most(ask, UNBOUNDED_TOKENS);
        let reservation = self.purse.reserve(model, amount).await.map_err(withheld)?;
        let mut held = Held {
            purse: &*self.purse,
            reservation: Some(reservation),
            most: amount,
        };
        let outcome = self.model.ask(ask, deltas).await;
        let spent = match &outcome {
            Ok(answer) => counted(price, ask, answer),
            Err(error) if may_be_charged(error) => guessed(amount),
            Err(_) => guessed(Cost::ZERO),
        };
        held.reservation = None;
        self.purse.settle(reservation, spent).await;
        outcome
    }
}

/// An amount that is set aside while nobody has settled it.
struct Held<'a> {
    purse: &'a dyn Purse,
    reservation: Option<Reservation>,
    most: Cost,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(reservation) = self.reservation.take() {
            self.purse.abandon(reservation, guessed(self.most));
        }
    }
}

const fn guessed(cost: Cost) -> Spent {
    Spent {
        cost,
        usage: Usage {
            input_tokens: 0,
            cached_tokens: 0,
            output_tokens: 0,
        },
        is_counted: false,
    }
}

fn counted(price: Price, ask: &Ask, answer: &Answer) -> Spent {
    let is_counted = answer.usage != Usage::default();
    let usage = match is_counted {
        true => answer.usage,
        false => {
            let tokens = |bytes: usize| {
                u64::try_from(bytes)
                    .unwrap_or(u64::MAX)
                    .div_ceil(LIKELY_BYTES)
            };
            let calls = answer.calls.iter().map(|call| call.arguments.len());
            Usage {
                input_tokens: tokens(ask.bytes()),
                cached_tokens: 0,
                output_tokens: tokens(answer.text.len() + calls.sum::<usize>()),
            }
        }
    };
    Spent {
        cost: price.of(usage),
        usage,
        is_counted,
    }
}

/// Whether the model may have worked before it failed.
fn may_be_charged(error: &ModelError) -> bool {
    match error {
        ModelError::Cut { .. }
        | ModelError::Junk { .. }
        | ModelError::TooLarge { .. }
        | ModelError::TimedOut { .. }
        | ModelError::GivenUp
        | ModelError::Command { .. } => true,
        ModelError::Unreachable { .. }
        | ModelError::Overloaded { .. }
        | ModelError::UsageLimit { .. }
        | ModelError::Refused { .. }
        | ModelError::Schema { .. }
        | ModelError::Declined { .. }
        | ModelError::Empty { .. }
        | ModelError::Rounds { .. }
        | ModelError::NotRecorded { .. }
        | ModelError::Withheld { .. }
        | ModelError::Unequipped { .. } => false,
        ModelError::Of { error, .. } => may_be_charged(error),
    }
}

impl Provider for Budgeted {
    fn model(&self) -> &str {
        self.model.model()
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(self.asked(ask, deltas))
    }
}

impl fmt::Debug for Budgeted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budgeted")
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}
