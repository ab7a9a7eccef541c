//! What a role remembers in a project: short notes by persons, and those that a role with an answer in JSON
//! hands on in its field `remember`. They are told to the role as data, within a bound.

use orch_core::ids::ProjectId;
use orch_core::time::Timestamp;
use orch_model::role::{Output, Role};
use orch_store::role_memory::{self, NewNote, Note};
use serde_json::{Value, json};

use super::project_role;
use crate::app::model_call::veil;
use crate::app::{App, AppError, Result, checks};

/// The longest note, in characters.
const LONGEST_NOTE: usize = 1_000;
/// Notes of one answer of a role.
const MOST_AT_ONCE: usize = 5;
/// Bytes of notes that a role is told; the newest count.
const TOLD_BYTES: usize = 8 * 1024;

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// `ORCH_ROLE_MEMORY_ENTRIES`: notes of a role in a project; 0 remembers nothing.
    pub entries: u32,
    /// `ORCH_ROLE_MEMORY_DAYS`.
    pub days: u32,
}

impl Memory {
    /// Notes that were made before count no more, whether they were removed already or not.
    #[must_use]
    pub fn since(self, now: Timestamp) -> Timestamp {
        let kept_us = i64::from(self.days) * 24 * 3600 * 1_000_000;
        Timestamp::from_micros(now.as_micros().saturating_sub(kept_us))
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            entries: 50,
            days: 180,
        }
    }
}

/// The notes of a role, oldest first.
///
/// # Errors
/// When there is no such role in the project, or the store fails.
pub async fn notes(app: &App, project_id: ProjectId, name: &str) -> Result<Vec<Note>> {
    let role = project_role::show(app, project_id, name).await?.role;
    let mut conn = app.store().read().await?;
    let memory = app.team().memory;
    let (since, most) = (memory.since(app.store().now()), memory.entries.into());
    Ok(role_memory::of_role(&mut conn, project_id, &role.name, since, most).await?)
}

/// Adds a person's note. The oldest goes where there are too many.
///
/// # Errors
/// When it is empty or too long, or the store fails.
pub async fn note(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    name: &str,
    content: &str,
) -> Result<Note> {
    app.check_room()?;
    let content = checks::text("content", content, LONGEST_NOTE)?;
    let role = project_role::show(app, project_id, name).await?.role;
    if app.team().memory.entries == 0 {
        let message = "roles remember nothing: ORCH_ROLE_MEMORY_ENTRIES is 0";
        return Err(AppError::conflict("no_memory", message));
    }
    let content = veil(app, Some(project_id)).await?.text(&content);
    let mut tx = app.store().begin(actor).await?;
    let new = NewNote {
        project: project_id,
        role: &role.name,
        content: &content,
        author: actor,
        origin: "person",
    };
    let now = tx.now();
    let made = role_memory::insert(&mut tx.conn, &new, now).await?;
    let keep = app.team().memory.entries.into();
    role_memory::forget_beyond(&mut tx.conn, project_id, &role.name, keep).await?;
    let data = json!({"project_id": project_id, "role": role.name, "note_id": made.id});
    tx.record("role.noted", Some(project_id), data);
    tx.commit().await?;
    Ok(made)
}

/// Forgets a note.
///
/// # Errors
/// When there is none, or the store fails.
pub async fn forget(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    name: &str,
    id: i64,
) -> Result<()> {
    let mut tx = app.store().begin(actor).await?;
    if !role_memory::remove(&mut tx.conn, project_id, name, id).await? {
        let message = format!("the role {name:?} remembers no note {id} in project {project_id}");
        return Err(AppError::NotFound(message));
    }
    let data = json!({"project_id": project_id, "role": name, "note_id": id});
    tx.record("role.forgot", Some(project_id), data);
    tx.commit().await?;
    Ok(())
}

/// What a role is told of what it remembers.
///
/// # Errors
/// When the store fails.
pub async fn told(app: &App, project_id: ProjectId, role: &Role) -> Result<Vec<String>> {
    let memory = app.team().memory;
    if memory.entries == 0 || !role.inputs.iter().any(|input| input == "memory") {
        return Ok(Vec::new());
    }
    let mut conn = app.store().read().await?;
    let (since, most) = (memory.since(app.store().now()), memory.entries.into());
    let notes = role_memory::of_role(&mut conn, project_id, &role.name, since, most).await?;
    let mut told = Vec::new();
    let mut bytes = 0;
    for note in notes.into_iter().rev() {
        bytes += note.content.len();
        if bytes > TOLD_BYTES {
            break;
        }
        told.push(note.content);
    }
    told.reverse();
    Ok(told)
}

/// Keeps what a role hands on in its field `remember`, where its answer has a form.
///
/// # Errors
/// When the store fails.
pub async fn keep(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    role: &Role,
    answer: &str,
) -> Result<()> {
    let handed_on = match role.output {
        Output::Json(_) => handed_on(answer),
        Output::Text => Vec::new(),
    };
    let most = app.team().memory.entries;
    if handed_on.is_empty() || most == 0 {
        return Ok(());
    }
    let mut tx = app.store().begin(actor).await?;
    let now = tx.now();
    let since = app.team().memory.since(now);
    let known =
        role_memory::of_role(&mut tx.conn, project_id, &role.name, since, most.into()).await?;
    let mut kept = 0;
    for (at, content) in handed_on.iter().enumerate() {
        let is_known = known.iter().any(|note| &note.content == content);
        if is_known || handed_on[..at].contains(content) {
            continue;
        }
        let new = NewNote {
            project: project_id,
            role: &role.name,
            content,
            author: &role.name,
            origin: "role",
        };
        role_memory::insert(&mut tx.conn, &new, now).await?;
        kept += 1;
    }
    role_memory::forget_beyond(&mut tx.conn, project_id, &role.name, most.into()).await?;
    let data =
        json!({"project_id": project_id, "role": role.name, "notes": kept, "origin": "role"});
    tx.record("role.noted", Some(project_id), data);
    tx.commit().await?;
    Ok(())
}

fn handed_on(answer: &str) -> Vec<String> {
    let Ok(answer) = serde_json::from_str::<Value>(answer) else {
        return Vec::new();
    };
    let notes = answer.get("remember").and_then(Value::as_array);
    let texts = notes.into_iter().flatten().filter_map(Value::as_str);
    let tidied = texts.map(|text| {
        let words: Vec<&str> = text
            .split(|c: char| c.is_whitespace() || c.is_control())
            .filter(|word| !word.is_empty())
            .collect();
        words
            .join(" ")
            .chars()
            .take(LONGEST_NOTE)
            .collect::<String>()
    });
    tidied
        .filter(|text| !text.is_empty())
        .take(MOST_AT_ONCE)
        .collect()
}

#[cfg(test)]
mod tests {
    use orch_core::time::Timestamp;

    use super::{Memory, handed_on};

    #[test]
    fn notes_count_until_their_days_are_over() {
        let memory = Memory {
            entries: 1,
            days: 2,
        };
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let since = memory.since(at("2026-03-03T12:00:00Z"));
        assert_eq!(since, at("2026-03-01T12:00:00Z"));
    }

    #[test]
    fn what_is_handed_on_is_short_and_text() {
        let long = "x".repeat(5_000);
        let answer = serde_json::json!({"remember": [" a\n b ", 7, "", long, "c", "d", "e", "f"]});
        let notes = handed_on(&answer.to_string());
        assert_eq!(notes.len(), 5);
        assert_eq!((notes[0].as_str(), notes[1].len()), ("a b", 1_000));
        assert!(handed_on("no JSON").is_empty());
        assert!(handed_on("{\"remember\": \"x\"}").is_empty());
    }
}
