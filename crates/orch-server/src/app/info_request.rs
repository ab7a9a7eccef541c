//! Questions of agents to people. Answers are sealed on their way in.

use std::collections::{BTreeMap, BTreeSet};

use orch_core::engine::{self, Refusal};
use orch_core::ids::{InfoRequestId, ProjectId, RunId};
use orch_core::info_request::{
    Field, FieldKind, Presence, Secrecy, Status, check_answers, check_fields,
};
use orch_store::info_request::{self, InfoRequest};
use orch_store::{Listed, Needs, Page};
use serde_json::json;

use super::{App, AppError, Result, checks, run};

/// How answers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// Secret ones as [`REDACTED`].
    Redacted,
    Plain,
}

/// Stands for a secret answer.
pub const REDACTED: &str = "***";

/// Keys that are asked for, as fields: text, and secret until told otherwise.
#[must_use]
pub fn fields_of_keys(keys: &[String]) -> Vec<Field> {
    keys.iter()
        .map(|key| Field {
            key: key.clone(),
            label: None,
            kind: FieldKind::Text,
            secret: Secrecy::Secret,
            required: Presence::Required,
            options: Vec::new(),
        })
        .collect()
}

/// What happens to the asker's hold on the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It goes on, as long as it is renewed: the asker polls for the answer.
    Kept,
    /// It ends: the run is handed out again once the answer is there.
    GivenUp,
}

/// Questions of a run that wait for an answer at once. Whoever asks more does not want answers.
const MOST_OPEN: i64 = 20;

/// Asks; the run waits.
pub async fn ask(
    app: &App,
    actor: &str,
    run_id: RunId,
    epoch: Option<u64>,
    prompt: &str,
    fields: &[Field],
    hold: Hold,
) -> Result<InfoRequest> {
    let prompt = checks::text("prompt", prompt, 8192)?;
    check_fields(fields)
        .map_err(|faults| AppError::faults("the question cannot be asked", faults))?;
    let mut tx = app.store().begin(actor).await?;
    let mut w = tx.load(Needs::run(run_id)).await?;
    let project = w.run(run_id)?.project_id;
    tx.decide(&mut w, |w, ctx| {
        engine::park(w, ctx, run_id, epoch)?;
        match hold {
            Hold::Kept => Ok(()),
            Hold::GivenUp => engine::release(w, ctx, run_id, epoch),
        }
    })?;
    tx.save(w).await?;
    let open = info_request::pending_in(&mut tx.conn, run_id).await?;
    if open >= MOST_OPEN {
        let message = format!(
            "run {run_id} has {open} questions that nobody has answered yet, and at most {MOST_OPEN} may wait; ask again when some are answered"
        );
        return Err(AppError::conflict("too_many_questions", message));
    }
    let now = tx.now();
    let asked = info_request::insert(&mut tx.conn, run_id, &prompt, fields, now).await?;
    let keys: Vec<&str> = fields.iter().map(|field| field.key.as_str()).collect();
    let data = json!({"info_request_id": asked.id, "run_id": run_id, "keys": keys});
    tx.record("info_request.asked", Some(project), data);
    tx.commit().await?;
    Ok(asked)
}

/// Answers, once; the run goes on when nothing else is pending.
pub async fn respond(
    app: &App,
    actor: &str,
    id: InfoRequestId,
    values: &BTreeMap<String, String>,
) -> Result<InfoRequest> {
    let known = show(app, id).await?;
    if known.status == Status::Pending {
        check_answers(&known.fields, values)
            .map_err(|faults| AppError::faults("the answers do not fit the question", faults))?;
    }
    let sealed = app.vault().seal(values);
    let mut tx = app.store().begin(actor).await?;
    let now = tx.now();
    let Some(resolved) = info_request::resolve(&mut tx.conn, id, &sealed, now).await? else {
        let status = info_request::find(&mut tx.conn, id)
            .await?
            .map_or("gone", |r| r.status.as_str());
        return Err(AppError::conflict(
            "info_request_closed",
            format!("info request {id} is already {status}"),
        ));
    };
    let run_id = resolved.run_id;
    let mut w = tx.load(Needs::run(run_id)).await?;
    let project = w.run(run_id)?.project_id;
    if info_request::pending_in(&mut tx.conn, run_id).await? == 0 {
        tx.decide(&mut w, |w, ctx| engine::unpark(w, ctx, run_id))?;
    }
    tx.save(w).await?;
    let keys: Vec<&String> = values.keys().collect();
    let data = json!({"info_request_id": id, "run_id": run_id, "keys": keys});
    tx.record("info_request.resolved", Some(project), data);
    tx.commit().await?;
    Ok(resolved)
}

/// The answers to a question as they may be shown.
pub fn answers(
    app: &App,
    request: &InfoRequest,
    show: Show,
) -> Result<Option<BTreeMap<String, String>>> {
    let Some(sealed) = &request.sealed else {
        return Ok(None);
    };
    let opened = app.vault().unseal(sealed);
    match (show, opened) {
        (Show::Plain, Ok(values)) => Ok(Some(values)),
        (Show::Plain, Err(error)) => Err(AppError::conflict(
            "sealed_with_another_key",
            error.to_string(),
        )),
        (Show::Redacted, opened) => {
            // What another key sealed is shown as if everything was answered.
            let readable = opened.is_ok();
            let mut opened = opened.unwrap_or_default();
            let answered: BTreeSet<String> = opened.keys().cloned().collect();
            let given = |field: &&Field| !readable || answered.contains(&field.key);
            let shown = request.fields.iter().filter(given).map(|field| {
                let open = (field.secret == Secrecy::Open)
                    .then(|| opened.remove(&field.key))
                    .flatten();
                (
                    field.key.clone(),
                    open.unwrap_or_else(|| REDACTED.to_owned()),
                )
            });
            Ok(Some(shown.collect()))
        }
    }
}

/// Lets only who presents the agents' secret read answers in clear.
pub fn admit(app: &App, presented: Option<&str>) -> Result<()> {
    if presented.is_some_and(|secret| app.vault().admits(secret)) {
        Ok(())
    } else {
        let message = "answers in clear need the agents' secret (header X-Orch-Secret); it is AGENT_SECRET_KEY, else ORCH_SECRET_KEY, of the server";
        Err(AppError::forbidden("secret_required", message))
    }
}

/// One question.
pub async fn show(app: &App, id: InfoRequestId) -> Result<InfoRequest> {
    let mut conn = app.store().read().await?;
    info_request::find(&mut conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("info request", id.get()))
}

/// The questions of a run, oldest first.
pub async fn of_run(app: &App, run_id: RunId) -> Result<Vec<InfoRequest>> {
    run::show(app, run_id).await?;
    let mut conn = app.store().read().await?;
    Ok(app
        .store()
        .named(info_request::of_run(&mut conn, run_id).await?)
        .rows)
}

/// Questions of all runs, or of those of one project.
pub async fn list(
    app: &App,
    status: Option<Status>,
    project: Option<ProjectId>,
    page: Page,
) -> Result<Listed<InfoRequest>> {
    let mut conn = app.store().read().await?;
    let found = info_request::list(&mut conn, status, project, page).await?;
    Ok(app.store().named(found))
}

/// An answer given in a run.
pub(crate) struct Given {
    pub key: String,
    pub value: String,
    pub secret: Secrecy,
}

/// Every answer given in a run; of several to one key the last.
pub(crate) async fn answers_of_run(app: &App, run_id: RunId) -> Result<Vec<Given>> {
    let requests = {
        let mut conn = app.store().read().await?;
        info_request::of_run(&mut conn, run_id).await?.whole()?
    };
    let mut all = BTreeMap::new();
    for request in requests {
        for (key, value) in answers(app, &request, Show::Plain)?.unwrap_or_default() {
            let field = request.fields.iter().find(|field| field.key == key);
            let secret = field.map_or(Secrecy::Secret, |field| field.secret);
            all.insert(key.clone(), Given { key, value, secret });
        }
    }
    Ok(all.into_values().collect())
}

impl From<orch_core::run::Fenced> for AppError {
    fn from(fenced: orch_core::run::Fenced) -> Self {
        Self::Refused(Refusal::from(fenced))
    }
}
