//! Tools that a running process asks for: the policy decides or leaves it to a person, and the audit
//! keeps every answer.
//!
//! A person is asked by an info request, which agents and runs have no way to answer. The run does
//! not wait: the one program that asked does, and its step's time goes on.

use orch_core::engine::Refusal;
use orch_core::ids::{InfoRequestId, RunId};
use orch_core::info_request::{Field, FieldKind, Presence, Secrecy, Status};
use orch_core::run::RunState;
use orch_core::tool_policy::{ANSWERS, Asked, KEY, Verdict};
use orch_store::info_request::{self, InfoRequest};
use serde_json::json;

use super::info_request::Show;
use super::{App, AppError, Result, checks, run};

/// Most requests of one run that a person is asked about.
const MOST_ASKED: usize = 100;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    pub epoch: Option<u64>,
    pub name: String,
    /// The version that would be installed.
    pub version: String,
    /// The trusted key that signed its entry; empty where there is none.
    pub signed_by: String,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Granted,
    /// Why.
    Denied(String),
    /// A person is asked; the same request gets the answer later.
    Pending(String),
}

/// Decides a request, or asks a person, once for each tool and version of a run.
pub async fn decide(app: &App, actor: &str, run_id: RunId, ask: Ask) -> Result<Decision> {
    let name = checks::text("name", &ask.name, 128)?;
    let version = checks::text("version", &ask.version, 128)?;
    let signed_by = checks::optional_text("signed_by", Some(ask.signed_by.as_str()), 64)?;
    run::show(app, run_id).await?;
    let verdict = app.store().rules().tools.judge(&Asked {
        name: &name,
        version: &version,
        signed_by: signed_by.as_deref().unwrap_or_default(),
    });
    let mut tx = app.store().begin(actor).await?;
    let run = orch_store::run::find(&mut tx.conn, run_id)
        .await?
        .ok_or_else(|| AppError::not_found("run", run_id.get()))?;
    run.check_logger(ask.epoch, tx.now())
        .map_err(Refusal::from)?;
    let mut by = None;
    let decision = match verdict {
        Ok(Verdict::Given) => Decision::Granted,
        Err(reason) => Decision::Denied(reason),
        Ok(Verdict::Asked) if matches!(run.state, RunState::Finished(_)) => {
            Decision::Denied("the run is over, and a person would have to decide".to_owned())
        }
        Ok(Verdict::Asked) => {
            let key = signed_by.as_deref().unwrap_or_default();
            let prompt = format!(
                "a step of run {run_id} asks for the tool {name} {version}, which its recipe does not name; its \
                 entry in the catalog is signed by the key {key}"
            );
            let known = info_request::of_run(&mut tx.conn, run_id).await?.whole()?;
            let mine = |one: &&InfoRequest| one.fields == [field()];
            let count = known.iter().filter(mine).count();
            match known
                .iter()
                .rev()
                .filter(mine)
                .find(|one| one.prompt == prompt)
            {
                Some(asked) => {
                    by = Some(asked.id);
                    answered(app, asked)?
                }
                None if count >= MOST_ASKED => Decision::Denied(format!(
                    "the run asked a person for tools {MOST_ASKED} times: no more is asked"
                )),
                None => {
                    let now = tx.now();
                    let asked =
                        info_request::insert(&mut tx.conn, run_id, &prompt, &[field()], now)
                            .await?;
                    let data =
                        json!({"info_request_id": asked.id, "run_id": run_id, "keys": [KEY]});
                    tx.record("info_request.asked", Some(run.project_id), data);
                    let data = json!({
                        "run_id": run_id, "name": name, "version": version, "signed_by": signed_by,
                        "info_request_id": asked.id,
                    });
                    tx.record("tool.asked", Some(run.project_id), data);
                    tx.commit().await?;
                    return Ok(pending(asked.id));
                }
            }
        }
    };
    let (kind, reason) = match &decision {
        Decision::Granted => ("tool.granted", None),
        Decision::Denied(reason) => ("tool.denied", Some(reason)),
        // What was asked is recorded, and nothing has happened since.
        Decision::Pending(_) => return Ok(decision),
    };
    let mut data = json!({
        "run_id": run_id, "name": name, "version": version, "signed_by": signed_by, "reason": reason,
    });
    if let Some(id) = by {
        data["info_request_id"] = json!(id);
    }
    tx.record(kind, Some(run.project_id), data);
    tx.commit().await?;
    Ok(decision)
}

/// What a person answers.
fn field() -> Field {
    Field {
        key: KEY.to_owned(),
        label: Some("Whether the run may have this tool".to_owned()),
        kind: FieldKind::Choice,
        secret: Secrecy::Open,
        required: Presence::Required,
        options: ANSWERS.map(str::to_owned).to_vec(),
    }
}

fn pending(id: InfoRequestId) -> Decision {
    Decision::Pending(format!(
        "the policy ORCH_TOOL_REQUESTS leaves it to a person: info request {id} ({KEY}=allow or {KEY}=refuse)"
    ))
}

fn answered(app: &App, asked: &InfoRequest) -> Result<Decision> {
    let id = asked.id;
    Ok(match asked.status {
        Status::Pending => pending(id),
        Status::Cancelled => Decision::Denied(format!("info request {id} was cancelled")),
        Status::Resolved => {
            let values = super::info_request::answers(app, asked, Show::Plain)?;
            let given = values.as_ref().and_then(|values| values.get(KEY));
            match given.is_some_and(|given| given == ANSWERS[0]) {
                true => Decision::Granted,
                false => Decision::Denied(format!("a person refused it (info request {id})")),
            }
        }
    })
}
