//! A word asked of one model, to see whether its settings are right.

use std::time::Duration;

use orch_api::types::model::ModelTrial;
use orch_model::{Ask, Line};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::model_call::{Asked, Asker, Purpose, Terms, Waiting, ask_line};
use super::{App, AppError, Result};

/// A model that needs longer for one word is of no use.
const PATIENCE: Duration = Duration::from_secs(60);
/// Tokens of the answer; models that reason need some before they speak.
const TOKENS: u32 = 1024;
const SHOWN_CHARS: usize = 200;

/// Asks it.
///
/// # Errors
/// When there is no such model, or the store fails.
pub async fn run(app: &App, actor: &str, model: &str) -> Result<ModelTrial> {
    let known = app.team().models().known();
    if known.iter().all(|known| known.name != model) {
        let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
        let names = match names.is_empty() {
            true => "none is set".to_owned(),
            false => format!("those that are set: {}", names.join(", ")),
        };
        let shown: String = model.chars().take(SHOWN_CHARS).collect();
        return Err(AppError::NotFound(format!(
            "there is no model {shown:?}; {names}"
        )));
    }
    let purpose = Purpose {
        actor: actor.to_owned(),
        ..Purpose::default()
    };
    let ask = Ask {
        max_output_tokens: Some(TOKENS),
        ..Ask::new("", "Answer with the one word: ready")
    };
    let (stop, parked) = (CancellationToken::new(), |_: Duration| {});
    let terms = Terms {
        deltas: None,
        parked: &parked,
        stop: &stop,
        deadline: Instant::now() + PATIENCE,
        waiting: Waiting::Client,
    };
    let asked = ask_line(
        app,
        &purpose,
        Asker::Plain("test"),
        &Line::of(model),
        ask,
        terms,
    )
    .await;
    let Asked { outcome, call } = asked;
    let mut trial = ModelTrial {
        model: model.to_owned(),
        answered: outcome.is_ok(),
        said: match &outcome {
            Ok(answer) => answer.text.trim().chars().take(SHOWN_CHARS).collect(),
            Err(why) => why.to_string(),
        },
        latency_ms: 0,
        input_tokens: 0,
        output_tokens: 0,
        cost_microusd: None,
    };
    if let Some(call) = call {
        let mut tx = app.store().begin(actor).await?;
        call.keep(app, &mut tx).await?;
        tx.commit().await?;
        trial.latency_ms = u64::try_from(call.latency().as_millis()).unwrap_or(u64::MAX);
        (trial.input_tokens, trial.output_tokens) =
            (call.usage().input_tokens, call.usage().output_tokens);
        trial.cost_microusd = call.cost_microusd();
    }
    Ok(trial)
}
