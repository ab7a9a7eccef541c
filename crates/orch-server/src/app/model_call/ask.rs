//! Asking: until there is an answer, the deadline, a stop, or an error that stays.

use std::sync::Arc;
use std::time::Duration;

use orch_model::role::{Output, Role};
use orch_model::{
    Answer, Ask, Class, Deltas, Line, ModelError, Prices, Provider, Purse, Schema, Veiled,
    ask_structured,
};
use orch_store::StoreError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::budget::{Limits, Wallet};
use super::super::{App, Result, pricing};
use super::shown::Shown;
use super::{Call, NoAnswer, Purpose, veil};
use crate::models::{Means, Stop, Trail, Veil};

/// A limit that lifts at once is not asked about again at once.
const SHORTEST_PARK: Duration = Duration::from_secs(1);
/// Where nobody says when a limit lifts, it is asked about after this, and then ever more seldom.
const FIRST_LOOK: Duration = Duration::from_secs(60);
const SELDOMEST_LOOK: Duration = Duration::from_secs(15 * 60);

/// One attempt sets money aside for no longer, however long the work may wait in all.
const LONGEST_HOLD: Duration = Duration::from_secs(60 * 60);
const HOLD_GRACE: Duration = Duration::from_secs(60);

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// A client: a limit that will not lift in time, or of which that is not known, ends it.
    Client,
    /// Work in the background: it stays parked until the limit lifts, and uses nothing up.
    Background,
}

/// How a model is asked.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// Where pieces of the text go, if anybody looks on.
    pub deltas: Option<Deltas<'a>>,
    /// Told how long a usage limit is waited for.
    pub parked: &'a (dyn Fn(Duration) + Send + Sync),
    pub stop: &'a CancellationToken,
    pub deadline: Instant,
    pub waiting: Waiting,
}

/// What came of it.
#[derive(Debug)]
pub struct Asked {
    pub outcome: std::result::Result<Answer, NoAnswer>,
    /// None where nothing was asked.
    pub call: Option<Call>,
}

/// Asks a role's model and keeps the call in a commit of its own.
///
/// # Errors
/// When there is no answer, or the store fails.
pub async fn ask_and_keep(
    app: &App,
    purpose: &Purpose,
    role: &Role,
    ask: Ask,
    terms: Terms<'_>,
) -> Result<Answer> {
    let Asked { outcome, call } = ask_role(app, purpose, role, ask, terms).await;
    if let Some(call) = call {
        let mut tx = app.store().begin(&purpose.actor).await?;
        call.keep(app, &mut tx).await?;
        tx.commit().await?;
    }
    Ok(outcome?)
}

/// What is asked, by whom it is answered, and what may be spent on it.
struct Way {
    model: Arc<dyn Provider>,
    prices: Arc<Prices>,
    wallet: Arc<Wallet>,
    trail: Trail,
}

/// Asks a role's model, in the form that the role has; whoever asked keeps the call, with what it changes.
pub async fn ask_role(
    app: &App,
    purpose: &Purpose,
    role: &Role,
    ask: Ask,
    terms: Terms<'_>,
) -> Asked {
    let nobody = |why| Asked {
        outcome: Err(why),
        call: None,
    };
    let models = app.team().models();
    let Some(line) = models.line(role) else {
        return nobody(match &role.model {
            Some(model) if models.usual().is_some() => NoAnswer::UnknownModel {
                model: model.clone(),
            },
            Some(_) | None => NoAnswer::NoModel,
        });
    };
    ask_line(app, purpose, Asker::Role(role), &line, ask, terms).await
}

/// Who asks.
#[derive(Clone, Copy)]
pub(crate) enum Asker<'a> {
    /// In the form that the role has, where it has one, and with its tools.
    Role(&'a Role),
    /// Somebody who wants a word, whatever its form.
    Plain(&'a str),
}

impl<'a> Asker<'a> {
    fn name(self) -> &'a str {
        match self {
            Self::Role(role) => &role.name,
            Self::Plain(name) => name,
        }
    }

    fn form(self) -> Option<&'a Schema> {
        match self {
            Self::Role(role) => match &role.output {
                Output::Json(schema) => Some(schema.as_ref()),
                Output::Text => None,
            },
            Self::Plain(_) => None,
        }
    }
}

/// Asks a line of models.
pub(crate) async fn ask_line(
    app: &App,
    purpose: &Purpose,
    asker: Asker<'_>,
    line: &Line,
    ask: Ask,
    terms: Terms<'_>,
) -> Asked {
    let nobody = |why| Asked {
        outcome: Err(why),
        call: None,
    };
    let veil = match veil(app, purpose.project).await {
        Ok(veil) => veil,
        Err(why) => {
            return nobody(NoAnswer::Secrets {
                why: why.to_string(),
            });
        }
    };
    let way = match way(app, purpose, line, &veil, terms.deadline).await {
        Ok(Some(way)) => way,
        Ok(None) => return nobody(NoAnswer::NoModel),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the budgets of a call could not be read"
            );
            return nobody(NoAnswer::Store);
        }
    };
    let veiled = Veiled::new(Arc::clone(&way.model), Arc::clone(veil.redact()));
    let veiled: Arc<dyn Provider> = Arc::new(veiled);
    let equipped = match asker {
        Asker::Role(role) => app.team().equip(role, veiled, veil.redact()),
        Asker::Plain(_) => veiled,
    };
    let ask = veil.value(&app.team().models().ask(line, ask));
    let began = app.store().now();
    let from = Instant::now();
    // A provider may say back what it was sent, its key too.
    let shown = Shown::new(terms.deltas, &veil);
    let deltas = |piece: &str| shown.piece(piece);
    let mut failed = None;
    let asked = tokio::select! {
        biased;
        () = terms.stop.cancelled() => Err(NoAnswer::Cancelled),
        () = tokio::time::sleep_until(terms.deadline) => Err(NoAnswer::TooLate(terms.deadline - from)),
        asked = until_answered(equipped.as_ref(), (&ask, asker.form()), &deltas, terms) => asked.map_err(|error| {
            let (model, error) = error.parted();
            failed = model;
            why(veil.error(&error), &way.wallet)
        }),
    };
    shown.end();
    let (answer, outcome) = match asked {
        Ok(answer) if answer.text.trim().is_empty() => (Some(answer), Err(NoAnswer::Empty)),
        Ok(answer) => (Some(answer.clone()), Ok(answer)),
        Err(why) => (None, Err(why)),
    };
    let Way {
        model,
        prices,
        wallet,
        trail,
    } = way;
    let stops = trail.stops();
    let error = outcome.as_ref().err().map(NoAnswer::to_string);
    let named = match &answer {
        Some(answer) => Some(answer.model.clone()).filter(|model| !model.is_empty()),
        None => failed.or_else(|| of_no_use(&outcome, &stops)),
    };
    let named = named.unwrap_or_else(|| model.model().to_owned());
    let call = Call {
        purpose: purpose.clone(),
        role: asker.name().to_owned(),
        model: named,
        ask,
        answer,
        error,
        began,
        latency: from.elapsed(),
        stops,
        veil,
        prices,
        wallet,
    };
    Asked {
        outcome,
        call: Some(call),
    }
}

/// The model that answered, where what it said was of no use.
fn of_no_use(outcome: &std::result::Result<Answer, NoAnswer>, stops: &[Stop]) -> Option<String> {
    let last = stops.last().filter(|stop| stop.error.is_none())?;
    matches!(outcome, Err(NoAnswer::Failed(_))).then(|| last.model.clone())
}

/// Prices as they are now, a purse for the levels of the purpose, and the models of a line behind both.
async fn way(
    app: &App,
    purpose: &Purpose,
    line: &Line,
    veil: &Veil,
    deadline: Instant,
) -> std::result::Result<Option<Way>, StoreError> {
    let prices = Arc::new(pricing::prices(app).await?);
    let levels = purpose.levels();
    let held_for = deadline
        .saturating_duration_since(Instant::now())
        .min(LONGEST_HOLD)
        + HOLD_GRACE;
    let store = app.store().clone();
    let wallet = Arc::new(Wallet::new(store, &purpose.actor, levels, held_for));
    let capped = wallet.limits().await? == Limits::Capped;
    let purse: Arc<dyn Purse> = Arc::clone(&wallet) as Arc<dyn Purse>;
    let trail = Trail::default();
    let means = Means {
        prices: &prices,
        purse: &purse,
        capped,
        trail: &trail,
        veil,
        deadline,
    };
    let model = app.team().models().provider(line, &means);
    Ok(model.map(|model| Way {
        model,
        prices: Arc::clone(&prices),
        wallet: Arc::clone(&wallet),
        trail: trail.clone(),
    }))
}

/// An error in the words of whoever withheld the call.
fn why(error: ModelError, wallet: &Wallet) -> NoAnswer {
    match (error, wallet.refused()) {
        (ModelError::Withheld { .. }, Some(over)) => NoAnswer::OverBudget(over),
        (ModelError::Withheld { why }, None) => NoAnswer::NoPrice { why },
        (error, _) => NoAnswer::Failed(error),
    }
}

async fn until_answered(
    model: &dyn Provider,
    (ask, form): (&Ask, Option<&Schema>),
    deltas: Deltas<'_>,
    terms: Terms<'_>,
) -> std::result::Result<Answer, ModelError> {
    let mut look = FIRST_LOOK;
    loop {
        let error = match answer(model, ask, form, deltas).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        // A limit that lifts in time is waited for; it uses no attempt up.
        let after = match (error.class(), terms.waiting) {
            (Class::Parked { after }, _) => after,
            // It was longer than patience lasts, but work that nobody waits for has time.
            (
                Class::Transient {
                    after: after @ Some(_),
                },
                Waiting::Background,
            ) => after,
            (Class::Transient { .. } | Class::Final, _) => return Err(error),
        };
        let wait = match (after, terms.waiting) {
            (Some(after), _) => after.max(SHORTEST_PARK),
            (None, Waiting::Client) => return Err(error),
            (None, Waiting::Background) => {
                let wait = look;
                look = (look * 2).min(SELDOMEST_LOOK);
                wait
            }
        };
        if terms.waiting == Waiting::Client && Instant::now() + wait >= terms.deadline {
            return Err(error);
        }
        (terms.parked)(wait);
        tokio::time::sleep(wait).await;
    }
}

/// What a role says: in the form that it must have, where it must have one.
async fn answer(
    model: &dyn Provider,
    ask: &Ask,
    form: Option<&Schema>,
    deltas: Deltas<'_>,
) -> std::result::Result<Answer, ModelError> {
    let Some(schema) = form else {
        return model.ask(ask, deltas).await;
    };
    let fitting = ask_structured(model, ask, schema, deltas).await?;
    Ok(Answer {
        text: fitting.value.to_string(),
        usage: fitting.usage,
        ..fitting.answer
    })
}

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;
