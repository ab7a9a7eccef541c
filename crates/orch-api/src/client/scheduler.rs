//! The queue and the tick.

use serde::Serialize;

use super::{Client, ClientError, Page, Paging};
use crate::types::queue::{Enqueue, EnqueueBatch, QueueEntry, RequeueRun, RequeueWorkItem, Ticked};

/// Which queue entries are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QueueFilter {
    /// Those in one status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Those of one project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<i64>,
}

impl Client {
    /// Queues a work item.
    pub async fn enqueue(&self, entry: &Enqueue) -> Result<QueueEntry, ClientError> {
        self.post("/scheduler/enqueue", entry).await
    }

    /// Queues many work items: all or none.
    pub async fn enqueue_batch(
        &self,
        entries: &EnqueueBatch,
    ) -> Result<Vec<QueueEntry>, ClientError> {
        self.post("/scheduler/enqueue/batch", entries).await
    }

    /// Starts all that is eligible.
    pub async fn tick(&self) -> Result<Ticked, ClientError> {
        self.act("/scheduler/tick").await
    }

    /// A page of the queue.
    pub async fn queue(
        &self,
        filter: &QueueFilter,
        paging: &Paging,
    ) -> Result<Page<QueueEntry>, ClientError> {
        self.page("/scheduler/queue", filter, paging).await
    }

    /// Takes an entry that has not started out of the queue.
    pub async fn remove_from_queue(&self, id: i64) -> Result<(), ClientError> {
        self.delete(&format!("/scheduler/queue/{id}")).await
    }

    /// Queues a work item again.
    pub async fn requeue_work_item(
        &self,
        requeue: &RequeueWorkItem,
    ) -> Result<QueueEntry, ClientError> {
        self.post("/scheduler/requeue/work-item", requeue).await
    }

    /// Queues the work item of an ended run again.
    pub async fn requeue_run(
        &self,
        run_id: i64,
        requeue: &RequeueRun,
    ) -> Result<QueueEntry, ClientError> {
        self.post(&format!("/scheduler/requeue/run/{run_id}"), requeue)
            .await
    }
}
