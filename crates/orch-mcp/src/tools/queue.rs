//! The queue: putting work into it, and why what is in it does not run.

use orch_api::client::QueueFilter;
use orch_api::types::queue::Enqueue;
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::json;

use super::projects::paging;
use super::tool::{Answer, Tool};
use super::{Effect, Reach, Work, show};

/// An entry to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    work_item_id: i64,
    /// Work items that must be done before.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    depends_on: Vec<i64>,
    /// The higher goes first; 0 where it is left out.
    #[serde(default)]
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    priority: Option<i32>,
    /// Not before so many seconds have passed.
    #[serde(default)]
    #[schemars(range(min = 0, max = 31_536_000))]
    delay_seconds: Option<f64>,
}

pub(crate) struct EnqueueWorkItem;

impl Tool for EnqueueWorkItem {
    const NAME: &'static str = "enqueue_work_item";
    const TITLE: &'static str = "Put a work item into the queue";
    const ABOUT: &'static str = "Puts a work item into the queue, so that it runs as soon as nothing stands in its way. What does is in `why_not_running` of the answer.";
    const EFFECT: Effect = Effect::Adds;
    const REACH: Reach = Reach::Users;
    type Input = New;

    async fn run(work: &Work, new: New) -> Answer {
        let entry = Enqueue {
            work_item_id: new.work_item_id,
            depends_on: (!new.depends_on.is_empty()).then_some(new.depends_on),
            priority: new.priority,
            delay_seconds: new.delay_seconds,
            ..Enqueue::default()
        };
        let made = work.client.enqueue(&entry).await?;
        Ok(json!({"entry": show::whole(&made)}))
    }
}

/// Which entries.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Those of one project.
    #[serde(default)]
    project_id: Option<i64>,
    /// Those in one status, such as `queued` or `running`.
    #[serde(default)]
    status: Option<String>,
    /// How many, 1 to 50; 20 where it is left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
    /// Where to go on: `next_cursor` of the answer before.
    #[serde(default)]
    cursor: Option<String>,
}

pub(crate) struct ReadQueue;

impl Tool for ReadQueue {
    const NAME: &'static str = "read_queue";
    const TITLE: &'static str = "Read the queue";
    const ABOUT: &'static str = "Shows queue entries, the newest first, each with why it is not running: an unfinished dependency, an approval that is pending, a quota, no agent that fits.";
    const EFFECT: Effect = Effect::Reads;
    const REACH: Reach = Reach::Users;
    type Input = Which;

    async fn run(work: &Work, which: Which) -> Answer {
        let filter = QueueFilter {
            status: which.status,
            project_id: which.project_id,
        };
        let paging = paging(which.limit, which.cursor);
        let page = work.client.queue(&filter, &paging).await?;
        Ok(json!({"entries": show::list(&page.items), "next_cursor": page.next}))
    }
}
