//! Things of the API as tools show them: without what a model has no use for.

use orch_api::types::plan::Plan;
use orch_api::types::requirements::Requirements;
use serde::Serialize;
use serde_json::{Value, json};

/// As the API writes it.
pub(crate) fn whole(thing: &impl Serialize) -> Value {
    serde_json::to_value(thing).unwrap_or_default()
}

/// A list whose long texts are cut: who wants one whole reads it by itself.
pub(crate) fn list(things: &[impl Serialize]) -> Value {
    const MOST_BYTES: usize = 400;
    let mut shown: Vec<Value> = things.iter().map(whole).collect();
    for member in shown.iter_mut().filter_map(Value::as_object_mut) {
        for (_, value) in member.iter_mut() {
            if let Value::String(text) = value
                && text.len() > MOST_BYTES
            {
                text.truncate(text.floor_char_boundary(MOST_BYTES));
                text.push('…');
            }
        }
    }
    shown.into()
}

/// A version of the requirements without its text, which says again what its items say.
pub(crate) fn requirements(version: &Requirements) -> Value {
    let items: Vec<Value> = version
        .items
        .iter()
        .map(|item| json!({"id": item.id, "kind": item.kind, "text": item.text}))
        .collect();
    let findings = list(&version.findings);
    json!({
        "id": version.id, "project_id": version.project_id, "vision_id": version.vision_id,
        "status": version.status, "digest": version.digest, "created_at": version.created_at,
        "approved_at": version.approved_at, "approved_by": version.approved_by,
        "chosen_option": version.chosen_option, "items": items, "findings": findings,
    })
}

/// A version of the plan: its tasks in short, and where its work stands.
pub(crate) fn plan(plan: &Plan) -> Value {
    let tasks = plan.tasks.iter().map(|task| {
        json!({
            "id": task.id, "story": task.story, "title": task.title, "role": task.role,
            "requirements": task.requirements, "depends_on": task.depends_on, "state": task.state,
            "work_item_id": task.work_item_id,
        })
    });
    let tasks: Vec<Value> = tasks.collect();
    let version = &plan.version;
    json!({
        "id": version.id, "project_id": version.project_id, "requirements_id": version.requirements_id,
        "status": version.status, "digest": version.digest, "created_at": version.created_at,
        "approved_at": version.approved_at, "approved_by": version.approved_by, "by": plan.by,
        "faults": list(&plan.faults), "progress": whole(&plan.progress), "needs_replan": plan.needs_replan,
        "requirements_changed": plan.requirements_changed, "tasks": tasks,
    })
}
