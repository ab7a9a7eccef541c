//! What workers say of their runs, and the tokens that were used.

use orch_core::engine::Refusal;
use orch_core::ids::RunId;
use orch_store::summary::{self, Summary};
use serde_json::{Map, Value, json};

use super::{App, AppError, Result, charge, pricing, run};

/// The longest summary, in bytes.
const LONGEST: usize = 256 * 1024;

/// What an agent's last words are stored as: as much as fits, for nobody can ask it again.
#[derive(Debug, PartialEq)]
pub struct LastWords<'c> {
    pub content: &'c str,
    pub usage: Option<Map<String, Value>>,
    /// What was left out, for the run's log.
    pub left_out: Vec<String>,
}

impl<'c> LastWords<'c> {
    /// Of what an agent sent. `usage_json` may be empty.
    pub fn of(content: &'c str, usage_json: &str) -> Self {
        let mut left_out = Vec::new();
        let kept = &content[..content.floor_char_boundary(LONGEST)];
        if kept.len() < content.len() {
            left_out.push(format!(
                "the last message has {} bytes; the first {} of them are kept as the summary",
                content.len(),
                kept.len()
            ));
        }
        let usage: Option<Map<String, Value>> = serde_json::from_str(usage_json).ok();
        let sent = usage.as_ref().map_or(0, Map::len);
        let usage = usage.map(|usage| {
            let counts = usage.into_iter().filter(|(_, count)| is_count(count));
            counts.collect::<Map<_, _>>()
        });
        if usage.as_ref().map_or(0, Map::len) < sent || usage.is_none() && !usage_json.is_empty() {
            left_out.push("what was told of the tokens used is not all counts".to_owned());
        }
        Self {
            content: if kept.trim().is_empty() {
                "completed"
            } else {
                kept
            },
            usage,
            left_out,
        }
    }
}

/// Sums are made of them in 64 bits with a sign.
fn is_count(value: &Value) -> bool {
    value.as_i64().is_some_and(|count| count >= 0)
}

/// Whether what a summary counts is to be charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts<'m> {
    /// It was told of before, or is told apart.
    Charged,
    /// It came on top of all before, of this model.
    New { model: Option<&'m str> },
}

/// Stores a summary; last words may come after the end of the run.
pub async fn add(
    app: &App,
    actor: &str,
    (run_id, epoch): (RunId, Option<u64>),
    content: &str,
    usage: Option<Map<String, Value>>,
    counts: Counts<'_>,
) -> Result<Summary> {
    if content.trim().is_empty() && usage.is_none() {
        return Err(AppError::invalid("content", "must not be empty"));
    }
    if content.len() > LONGEST {
        return Err(AppError::invalid(
            "content",
            format!("has {} bytes; at most {LONGEST} fit", content.len()),
        ));
    }
    if let Some(bad) = usage.iter().flatten().find(|(_, count)| !is_count(count)) {
        let message = format!(
            "`{}` must be a count of tokens from 0 to {}",
            bad.0,
            i64::MAX
        );
        return Err(AppError::invalid("usage", message));
    }
    run::show(app, run_id).await?;
    let charged = match (counts, &usage) {
        (Counts::New { model }, Some(usage)) => Some((model, usage, pricing::prices(app).await?)),
        (Counts::New { .. }, None) | (Counts::Charged, _) => None,
    };
    let mut tx = app.store().begin(actor).await?;
    let run = orch_store::run::find(&mut tx.conn, run_id)
        .await?
        .ok_or_else(|| AppError::not_found("run", run_id.get()))?;
    let now = tx.now();
    run.check_logger(epoch, now).map_err(Refusal::from)?;
    let usage_text = usage.clone().map(|usage| Value::Object(usage).to_string());
    let stored = summary::insert(&mut tx.conn, run_id, content, usage_text.as_deref(), now).await?;
    let data = json!({"run_id": run_id, "summary_id": stored.id, "usage": usage});
    tx.record("summary.added", Some(run.project_id), data);
    if let Some((model, usage, prices)) = &charged {
        charge::take_summary(app, &mut tx, &run, (*model, usage), prices).await?;
    }
    tx.touch_run(run_id);
    tx.commit().await?;
    Ok(stored)
}

/// The summaries of a run, oldest first.
pub async fn of_run(app: &App, run_id: RunId) -> Result<Vec<Summary>> {
    run::show(app, run_id).await?;
    let mut conn = app.store().read().await?;
    Ok(app
        .store()
        .named(summary::of_run(&mut conn, run_id).await?)
        .rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_that_are_too_long_are_cut_between_characters_and_the_usage_stays() {
        let content = "é".repeat(LONGEST);
        let content = format!("x{content}");
        let words = LastWords::of(&content, r#"{"input_tokens": 7}"#);
        assert_eq!(words.content.len(), LONGEST - 1);
        assert!(content.starts_with(words.content));
        assert_eq!(words.usage.unwrap()["input_tokens"], 7);
        assert_eq!(words.left_out.len(), 1, "{:?}", words.left_out);
    }

    #[test]
    fn counts_that_are_none_cost_neither_the_words_nor_the_other_counts() {
        let usage = r#"{"input_tokens": 18446744073709551615, "output_tokens": 3, "cost": -1}"#;
        let words = LastWords::of("done", usage);
        assert_eq!(words.content, "done");
        assert_eq!(
            words.usage,
            json!({"output_tokens": 3}).as_object().cloned()
        );
        assert_eq!(words.left_out.len(), 1);
        let words = LastWords::of("  ", "");
        assert_eq!((words.content, words.usage), ("completed", None));
        assert_eq!(words.left_out, Vec::<String>::new());
    }
}
