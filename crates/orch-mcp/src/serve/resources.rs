//! What can be read by its address: `orch://projects/1/requirements` and the like.

use orch_api::client::LogQuery;
use rmcp::ErrorData;
use rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource,
    ResourceContents, ResourceTemplate,
};
use serde_json::json;

use crate::tools::{self, Fault, Who, Work, bounded};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain";
/// Lines of a log that are shown.
const LOG_LINES: usize = 500;
/// Projects of one page, each with two resources.
const PROJECTS: u32 = 25;

/// What an address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Vision(i64),
    Requirements(i64),
    WorkItem(i64),
    Run(i64),
    Log(i64),
}

impl Place {
    pub(super) fn parse(uri: &str) -> Option<Self> {
        let parts: Vec<&str> = uri.strip_prefix("orch://")?.split('/').collect();
        let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number > 0);
        match parts[..] {
            ["projects", id, "vision"] => number(id).map(Self::Vision),
            ["projects", id, "requirements"] => number(id).map(Self::Requirements),
            ["work-items", id] => number(id).map(Self::WorkItem),
            ["runs", id] => number(id).map(Self::Run),
            ["runs", id, "log"] => number(id).map(Self::Log),
            _ => None,
        }
    }
}

/// Those that need no number to be known.
pub(super) async fn list(
    work: &Work,
    cursor: Option<String>,
) -> Result<ListResourcesResult, ErrorData> {
    let mut found = Vec::new();
    let mut next = None;
    match work.who {
        Who::User => {
            let arguments = json!({"limit": PROJECTS, "cursor": cursor});
            let listed = call(work, "list_projects", arguments).await?;
            next = listed["next_cursor"].as_str().map(str::to_owned);
            for project in listed["projects"].as_array().into_iter().flatten() {
                let name = project["name"].as_str().unwrap_or_default();
                for part in ["vision", "requirements"] {
                    let uri = format!("orch://projects/{}/{part}", project["id"]);
                    let title = format!("{name}: {part}");
                    found.push(Resource::new(uri, title).with_mime_type(JSON));
                }
            }
        }
        Who::Run { run, work_item } => {
            if let Some(run) = run {
                found.push(
                    Resource::new(format!("orch://runs/{run}"), "This run").with_mime_type(JSON),
                );
                let log = Resource::new(
                    format!("orch://runs/{run}/log"),
                    "The end of this run's log",
                );
                found.push(log.with_mime_type(TEXT));
            }
            if let Some(item) = work_item {
                let item =
                    Resource::new(format!("orch://work-items/{item}"), "This run's work item");
                found.push(item.with_mime_type(JSON));
            }
        }
    }
    let mut result = ListResourcesResult::with_all_items(found);
    result.next_cursor = next;
    Ok(result)
}

/// Those that have a number.
pub(super) fn templates(who: Who) -> ListResourceTemplatesResult {
    let of_users = [
        (
            "orch://projects/{project_id}/vision",
            "The vision of a project",
            JSON,
        ),
        (
            "orch://projects/{project_id}/requirements",
            "The newest requirements of a project",
            JSON,
        ),
    ];
    let of_all = [
        ("orch://work-items/{work_item_id}", "A work item", JSON),
        ("orch://runs/{run_id}", "A run", JSON),
        ("orch://runs/{run_id}/log", "The end of a run's log", TEXT),
    ];
    let of_users = of_users.iter().filter(|_| who == Who::User);
    let made = of_users
        .chain(&of_all)
        .map(|(uri, name, media)| ResourceTemplate::new(*uri, *name).with_mime_type(*media));
    ListResourceTemplatesResult::with_all_items(made.collect())
}

/// Reads one.
pub(super) async fn read(work: &Work, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let missing = || {
        let shown: String = uri.chars().take(200).collect();
        ErrorData::resource_not_found(format!("there is no resource `{shown}`"), None)
    };
    let place = Place::parse(uri).ok_or_else(missing)?;
    if let Place::Log(run) = place {
        let query = LogQuery {
            tail: Some(LOG_LINES),
            ..LogQuery::default()
        };
        let page = work
            .client
            .log_page(run, &query)
            .await
            .map_err(|error| refused(&error.into()))?;
        let text = bounded(page.lines.join("\n").into());
        let text = text.as_str().unwrap_or_default();
        return Ok(contents(uri, text, TEXT));
    }
    let (tool, arguments) = match place {
        Place::Vision(project) => {
            let vision = work.client.vision(project).await;
            let vision = vision.map_err(|error| refused(&error.into()))?;
            let shown = bounded(serde_json::to_value(vision).unwrap_or_default());
            return Ok(contents(uri, &shown.to_string(), JSON));
        }
        Place::Requirements(project) => ("read_requirements", json!({"project_id": project})),
        Place::WorkItem(item) => ("read_work_item", json!({"work_item_id": item})),
        Place::Run(run) | Place::Log(run) => ("read_run", json!({"run_id": run})),
    };
    let answer = bounded(call(work, tool, arguments).await?);
    Ok(contents(uri, &answer.to_string(), JSON))
}

fn contents(uri: &str, text: &str, media: &str) -> ReadResourceResult {
    ReadResourceResult::new(vec![
        ResourceContents::text(text, uri).with_mime_type(media),
    ])
}

/// By the tool that shows it: rights are looked at in one place.
async fn call(
    work: &Work,
    name: &str,
    arguments: serde_json::Value,
) -> Result<serde_json::Value, ErrorData> {
    let Some(entry) = tools::find(name, work.who) else {
        return Err(ErrorData::resource_not_found(
            "a run's token does not open it",
            None,
        ));
    };
    (entry.call)(work, arguments)
        .await
        .map_err(|fault| refused(&fault))
}

fn refused(fault: &Fault) -> ErrorData {
    let said = fault.to_string();
    match fault.status() {
        Some(404) => ErrorData::resource_not_found(said, None),
        Some(400..500) => ErrorData::invalid_request(said, None),
        Some(_) | None => ErrorData::internal_error(said, None),
    }
}
