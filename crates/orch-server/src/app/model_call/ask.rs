//! Asking: until there is an answer, the deadline, a stop, or an error that stays.

use std::sync::Arc;
use std::time::Duration;

use orch_model::role::{Output, Role};
use orch_model::{
    Answer, Ask, Class, Deltas, Line, ModelError, Prices, Provider, Purse, Schema, Useful, Veiled,
};
use orch_store::StoreError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::budget::{Limits, Wallet};
use super::super::{App, Result, pricing};
use super::shown::Shown;
use super::{Call, NoAnswer, Purpose, veil};
use crate::models::{Dress, Judged, Means, Trail, Veil};

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
    /// A client: a limit that will not lift in time ends it.
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
            Some(_) | None => match models.known() {
                [] => NoAnswer::NoModel,
                known @ [first, ..] => NoAnswer::NoLine {
                    role: role.name.clone(),
                    models: known
                        .iter()
                        .map(|one| one.name.as_str())
                        .collect::<Vec<_>>()
                        .join(", "),
                    first: first.name.clone(),
                },
            },
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

    fn form(self) -> Option<Arc<Schema>> {
        match self {
            Self::Role(role) => match &role.output {
                Output::Json(schema) => Some(Arc::clone(schema)),
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
    let trail = Trail::default();
    let form = asker.form();
    let dress = |model: Arc<dyn Provider>, name: &str| -> Arc<dyn Provider> {
        let mut model: Arc<dyn Provider> = Arc::new(Veiled::new(
            model,
            Arc::clone(veil.redact()),
            app.texts().clone(),
        ));
        if let Asker::Role(role) = asker {
            model = app.team().equip(role, (name, model), veil.redact());
        }
        let useful = Useful::new(model, form.clone());
        Arc::new(Judged::new(Arc::new(useful), trail.clone()))
    };
    let way = match way(app, purpose, line, (&veil, &trail), terms.deadline, &dress).await {
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
    let ask = app.team().models().ask(line, ask);
    let (bytes, hides) = (ask.bytes(), veil.clone());
    let ask = app.texts().text(bytes, move || hides.value(&ask)).await;
    let began = app.store().now();
    let from = Instant::now();
    // A provider may say back what it was sent, its key too.
    let shown = Shown::new(terms.deltas, &veil);
    let deltas = |piece: &str| shown.piece(piece);
    let lull = match app.team().models().is_live() {
        true => Lull::Waited,
        false => Lull::Skipped,
    };
    let mut failed = None;
    let asked = tokio::select! {
        biased;
        () = terms.stop.cancelled() => Err(NoAnswer::Cancelled),
        () = tokio::time::sleep_until(terms.deadline) => Err(NoAnswer::TooLate(terms.deadline - from)),
        asked = until_answered(way.model.as_ref(), (&ask, lull), &deltas, terms) => asked.map_err(|error| {
            let (model, error) = error.parted();
            failed = model;
            why(veil.error(&error), &way.wallet)
        }),
    };
    shown.end();
    let outcome = asked;
    let answer = outcome.as_ref().ok().cloned();
    let Way {
        model,
        prices,
        wallet,
    } = way;
    let stops = trail.stops();
    let error = outcome.as_ref().err().map(NoAnswer::to_string);
    let named = match &answer {
        Some(answer) => Some(answer.model.clone()).filter(|model| !model.is_empty()),
        None => failed,
    };
    let named = named.unwrap_or_else(|| model.model().to_owned());
    let never_was = matches!(
        outcome,
        Err(NoAnswer::OverBudget(_)
            | NoAnswer::NoPrice { .. }
            | NoAnswer::Failed(ModelError::Unequipped { .. }))
    );
    let call = Call {
        purpose: purpose.clone(),
        role: asker.name().to_owned(),
        model: named,
        ask,
        answer,
        error,
        never_was,
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

/// Prices as they are now, a purse for the levels of the purpose, and the models of a line behind both.
async fn way(
    app: &App,
    purpose: &Purpose,
    line: &Line,
    (veil, trail): (&Veil, &Trail),
    deadline: Instant,
    dress: &Dress<'_>,
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
    let means = Means {
        prices: &prices,
        purse: &purse,
        capped,
        trail,
        veil,
        deadline,
    };
    let model = app.team().models().provider(line, &means, dress);
    Ok(model.map(|model| Way {
        model,
        prices: Arc::clone(&prices),
        wallet: Arc::clone(&wallet),
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

/// What is done while a limit lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lull {
    Waited,
    /// What is recorded goes on at once.
    Skipped,
}

async fn until_answered(
    model: &dyn Provider,
    (ask, lull): (&Ask, Lull),
    deltas: Deltas<'_>,
    terms: Terms<'_>,
) -> std::result::Result<Answer, ModelError> {
    let mut look = FIRST_LOOK;
    let mut skipped = Duration::ZERO;
    loop {
        let error = match model.ask(ask, deltas).await {
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
        let wait = match after {
            Some(after) => after.max(SHORTEST_PARK),
            None => {
                let wait = look;
                look = (look * 2).min(SELDOMEST_LOOK);
                wait
            }
        };
        if terms.waiting == Waiting::Client && Instant::now() + skipped + wait >= terms.deadline {
            return Err(error);
        }
        (terms.parked)(wait);
        match lull {
            Lull::Waited => tokio::time::sleep(wait).await,
            Lull::Skipped => skipped += wait,
        }
    }
}

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;
