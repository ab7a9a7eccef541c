//! Asking: until there is an answer, the deadline, a stop, or an error that stays.

use std::time::Duration;

use orch_model::role::{Output, Role};
use orch_model::{Answer, Ask, Class, Deltas, ModelError, Provider, ask_structured};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::{App, Result};
use super::{Call, NoAnswer, Purpose};

/// A limit that lifts at once is not asked about again at once.
const SHORTEST_PARK: Duration = Duration::from_secs(1);
/// Where nobody says when a limit lifts, it is asked about after this, and then ever more seldom.
const FIRST_LOOK: Duration = Duration::from_secs(60);
const SELDOMEST_LOOK: Duration = Duration::from_secs(15 * 60);

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
    /// Where pieces of the text go.
    pub deltas: Deltas<'a>,
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

/// Asks a role's model, in the form that the role has; whoever asked keeps the call, with what it changes.
pub async fn ask_role(
    app: &App,
    purpose: &Purpose,
    role: &Role,
    ask: Ask,
    terms: Terms<'_>,
) -> Asked {
    let Some(model) = app.team().model(role) else {
        return Asked {
            outcome: Err(NoAnswer::NoModel),
            call: None,
        };
    };
    let began = app.store().now();
    let from = Instant::now();
    let asked = tokio::select! {
        biased;
        () = terms.stop.cancelled() => Err(NoAnswer::Cancelled),
        () = tokio::time::sleep_until(terms.deadline) => Err(NoAnswer::TooLate(terms.deadline - from)),
        asked = until_answered(model.as_ref(), &ask, role, terms) => asked.map_err(NoAnswer::Failed),
    };
    let (answer, outcome) = match asked {
        Ok(answer) if answer.text.trim().is_empty() => (Some(answer), Err(NoAnswer::Empty)),
        Ok(answer) => (Some(answer.clone()), Ok(answer)),
        Err(why) => (None, Err(why)),
    };
    let answered_by = answer
        .as_ref()
        .map(|answer| answer.model.as_str())
        .filter(|model| !model.is_empty())
        .unwrap_or_else(|| model.model())
        .to_owned();
    let call = Call {
        purpose: purpose.clone(),
        role: role.name.clone(),
        model: answered_by,
        ask,
        answer,
        error: outcome.as_ref().err().map(NoAnswer::to_string),
        began,
        latency: from.elapsed(),
    };
    Asked {
        outcome,
        call: Some(call),
    }
}

async fn until_answered(
    model: &dyn Provider,
    ask: &Ask,
    role: &Role,
    terms: Terms<'_>,
) -> std::result::Result<Answer, ModelError> {
    let mut look = FIRST_LOOK;
    loop {
        let error = match answer(model, ask, role, terms.deltas).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        // A limit that lifts in time is waited for; it uses no attempt up.
        let Class::Parked { after } = error.class() else {
            return Err(error);
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
    role: &Role,
    deltas: Deltas<'_>,
) -> std::result::Result<Answer, ModelError> {
    let Output::Json(schema) = &role.output else {
        return model.ask(ask, deltas).await;
    };
    let fitting = ask_structured(model, ask, schema, deltas).await?;
    Ok(Answer {
        text: fitting.value.to_string(),
        usage: fitting.usage,
        ..fitting.answer
    })
}
