//! Sealing everything anew with the first key, so that the keys after it can be given up.

use orch_core::ids::SecretId;
use orch_store::info_request;
use orch_store::secret::{self, Kept};
use serde_json::json;

use super::{check_key, unreadable};
use crate::app::{App, Result};
use crate::vault::Place;

/// Rows that are sealed in one transaction: others wait meanwhile.
const BATCH: i64 = 100;

/// What was sealed anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    pub secrets: u64,
    pub answers: u64,
    /// What no key at hand opens; it stays as it is.
    pub unreadable: u64,
}

/// Seals secrets and answers with the first key; values in a vault are left there.
pub async fn reseal(app: &App, actor: &str) -> Result<Resealed> {
    check_key(app)?;
    let mut done = Resealed::default();
    secrets(app, actor, &mut done).await?;
    answers(app, actor, &mut done).await?;
    let mut tx = app.store().begin(actor).await?;
    let data = json!({
        "secrets": done.secrets, "answers": done.answers, "unreadable": done.unreadable,
    });
    tx.record("secret.resealed", None, data);
    tx.commit().await?;
    Ok(done)
}

async fn secrets(app: &App, actor: &str, done: &mut Resealed) -> Result<()> {
    let mut last = SecretId(0);
    loop {
        let mut tx = app.store().begin(actor).await?;
        let batch = secret::after(&mut tx.conn, last, BATCH).await?;
        let Some(end) = batch.last() else {
            return Ok(());
        };
        last = end.secret.id;
        for stored in batch {
            let Kept::Sealed(sealed) = &stored.kept else {
                continue;
            };
            let place = Place::of(&stored.secret);
            match app.vault().open_value(&place, sealed) {
                Ok(value) => {
                    let sealed = app.vault().seal_value(&place, &value);
                    let (id, version) = (stored.secret.id, stored.secret.version);
                    secret::reseal(&mut tx.conn, id, version, &sealed).await?;
                    done.secrets += 1;
                }
                Err(error) => {
                    let error = unreadable(&stored.secret.name, error.into());
                    tracing::warn!(%error, "a secret was not sealed anew");
                    done.unreadable += 1;
                }
            }
        }
        tx.commit().await?;
    }
}

async fn answers(app: &App, actor: &str, done: &mut Resealed) -> Result<()> {
    let mut last = 0;
    loop {
        let mut tx = app.store().begin(actor).await?;
        let batch = info_request::sealed_after(&mut tx.conn, last, BATCH).await?;
        let Some((end, _)) = batch.last() else {
            return Ok(());
        };
        last = *end;
        for (id, sealed) in batch {
            match app.vault().reseal_answers(&sealed) {
                Ok(sealed) => {
                    info_request::reseal(&mut tx.conn, id, &sealed).await?;
                    done.answers += 1;
                }
                Err(_) => done.unreadable += 1,
            }
        }
        tx.commit().await?;
    }
}
