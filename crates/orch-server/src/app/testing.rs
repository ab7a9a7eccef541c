//! An application on a database of its own, for tests below the protocols.

use std::sync::Arc;
use std::time::Duration;

use orch_core::engine::{Enqueue, NewWorkItem};
use orch_core::ids::AgentName;
use orch_core::run::Run;
use orch_core::work_item::{Kind, Policy};
use orch_store::blob::Blobs;
use orch_store::{Command, Database, Options, Reply, Store, project};
use tempfile::TempDir;

use super::App;
use super::agents::{Answers, Arrival, Steering};
use super::health::{Disk, Health};
use super::orchestrate::{Team, TeamSettings};
use crate::clock::SteadyClock;
use crate::config::SchedulingMode;
use crate::vault::{Keys, Vault};

/// Nothing that is waited for takes longer.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// An application and its folder.
pub struct World {
    pub app: App,
    pub folder: TempDir,
}

impl World {
    pub async fn open() -> Self {
        Self::with_free(0).await
    }

    /// On a disk of which so much is to stay free.
    pub async fn with_free(min_free_bytes: u64) -> Self {
        let folder = TempDir::new().expect("a folder");
        let clock = SteadyClock::start();
        let database = Database::Sqlite {
            file: folder.path().join("orchestrator.db"),
            logs: folder.path().join("logs"),
        };
        let disk = Disk::new(folder.path(), &database, min_free_bytes);
        let options = Options {
            database,
            rules: Arc::default(),
            clock: clock.teller(),
            seed: 7,
        };
        let store = Store::open(options).await.expect("a store");
        let blobs = Blobs::of(&store, &folder.path().join("artifacts"));
        let vault = Vault::open(folder.path(), Keys::default())
            .expect("a vault")
            .signing_with(&[1; 32]);
        let app = App::new(
            store,
            blobs,
            vault,
            SchedulingMode::OnTick,
            Health::new(disk, clock),
            Team::new(&TeamSettings::default(), crate::clock::wall(), 7).expect("a team"),
        );
        Self { app, folder }
    }

    /// A stream of an agent with one slot; what is sent on it is not read.
    pub fn arrive(&self, agent: &AgentName) {
        let (outbox, _) = tokio::sync::mpsc::channel(1);
        self.app.agents().arrive(Arrival {
            agent: agent.clone(),
            slots: 1,
            ttl: PATIENCE,
            answers: Answers::Sealed,
            steering: Steering::NotOffered,
            outbox,
            held: std::collections::BTreeMap::new(),
        });
    }

    /// A run of a new item that an agent holds.
    pub async fn held_run(&self, agent: &AgentName) -> Run {
        let store = self.app.store();
        let mut tx = store.begin("user").await.expect("a transaction");
        let now = tx.now();
        let project = project::insert(&mut tx.conn, "test", "", now)
            .await
            .expect("a project");
        tx.commit().await.expect("a commit");
        let new = NewWorkItem {
            project_id: project.id,
            title: "talks".to_owned(),
            description: String::new(),
            kind: Kind::Task,
            environment: None,
            policy: Policy::default(),
            concurrency_key: None,
            reference: None,
        };
        let Ok(Reply::Items(items)) = store.submit("user", Command::CreateItems(vec![new])).await
        else {
            panic!("the item is made");
        };
        let wanted = vec![(items[0].id, Enqueue::default())];
        let queued = store.submit("user", Command::Enqueue(wanted)).await;
        queued.expect("the item is queued");
        let Ok(Reply::Runs(runs)) = store.submit("user", Command::Tick).await else {
            panic!("the run starts");
        };
        let claim = Command::Claim {
            run: runs[0].id,
            agent: agent.clone(),
            ttl: PATIENCE,
        };
        match store.submit("user", claim).await {
            Ok(Reply::Run(run)) => *run,
            other => panic!("the run is claimed: {other:?}"),
        }
    }
}
