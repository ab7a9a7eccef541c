//! Round after round: start, load, die in some way, start again, look.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use orch_failpoint::{POINTS, Point, Program};
use serde_json::json;
use tokio::task::JoinSet;

use crate::installation::{Installation, PATIENCE};
use crate::postgres::Cluster;
use crate::random::Random;
use crate::record::{Record, Report};
use crate::{check, load};

/// The database under the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    /// A private cluster, killed as well.
    Postgres,
}

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// The debug build of the program.
    pub binary: PathBuf,
    pub seed: u64,
    pub rounds: u64,
    pub database: Database,
    /// For `ORCH_FAULTS`, separated by commas.
    pub faults: String,
}

/// So long a failpoint is waited for, or a random death at most.
const ROUND: Duration = Duration::from_secs(2);
/// Everything is let come to rest after so many rounds, or else some run lapses too often.
const REST_EVERY: u64 = 10;
const CREATORS: u64 = 3;
const WORKERS: u64 = 3;

#[derive(Clone, Copy, Debug)]
enum Death {
    Server { after: Duration },
    Agent { after: Duration },
    Both { after: Duration },
    Database { after: Duration },
    At { point: Point, pass: u64 },
}

impl Death {
    fn choose(round: u64, database: Database, random: &mut Random) -> Self {
        let after = Duration::from_millis(50 + random.below(600));
        if round % 2 == 1 {
            let point = POINTS[usize::try_from(round / 2).unwrap_or(0) % POINTS.len()];
            let pass = match is_rare(point.name) {
                true => 1,
                false => 1 + random.below(6),
            };
            return Self::At { point, pass };
        }
        let ways = match database {
            Database::Sqlite => 4,
            Database::Postgres => 6,
        };
        match random.below(ways) {
            0 | 1 => Self::Server { after },
            2 => Self::Agent { after },
            3 => Self::Both { after },
            _ => Self::Database { after },
        }
    }
}

fn is_rare(point: &str) -> bool {
    [
        "store.migrate",
        "store.open",
        "store.segment",
        "store.artifact",
        "store.idempotency",
        "server.artifact",
        "server.approval",
        "server.lease",
        "server.heads",
        "server.shutdown",
        "agent.",
    ]
    .iter()
    .any(|start| point.starts_with(start))
}

struct Harness {
    options: Options,
    installation: Installation,
    cluster: Option<Cluster>,
    record: Record,
    random: Random,
    deaths: BTreeMap<String, u64>,
    project: i64,
}

/// Runs all rounds and answers what was found.
///
/// # Errors
/// When the harness itself cannot go on: a program that does not start, a check that gets no
/// answer.
pub async fn run(options: Options) -> anyhow::Result<Report> {
    let mut env = vec![("ORCH_FAULTS".to_owned(), options.faults.clone())];
    let cluster = match options.database {
        Database::Sqlite => None,
        Database::Postgres => Some(Cluster::make()?),
    };
    env.extend(
        cluster
            .as_ref()
            .map(|cluster| ("ORCH_DATABASE_URL".to_owned(), cluster.url())),
    );
    let mut harness = Harness {
        installation: Installation::new(&options.binary, env)?,
        cluster,
        record: Record::default(),
        random: Random::seeded(options.seed),
        deaths: BTreeMap::new(),
        project: 0,
        options,
    };
    let worked = harness.work().await;
    let report = harness.report();
    match worked {
        Ok(()) => Ok(report),
        // What was found before the end is worth more than why it ended.
        Err(_) if !report.violations.is_empty() => Ok(report),
        Err(error) => Err(error.context(format!(
            "seed {}; the programs said:\n{}",
            report.seed,
            harness.installation.log()
        ))),
    }
}

impl Harness {
    async fn work(&mut self) -> anyhow::Result<()> {
        self.start().await?;
        let (_, project) = self
            .installation
            .api()
            .post("/projects", json!({"name": "crash"}))
            .await
            .context("no answer")?;
        self.project = project["id"].as_i64().context("a project has an id")?;
        for round in 0..self.options.rounds {
            if round % REST_EVERY == 0 {
                self.take_over(&format!("r{round}-late")).await?;
            }
            let mut random = self.random.branch(round);
            let death = Death::choose(round, self.options.database, &mut random);
            let from = self
                .record
                .lock()
                .items
                .last_key_value()
                .map_or(0, |(id, _)| id + 1);
            self.round(round, death, &random).await?;
            self.start().await?;
            check::after_restart(&self.installation.api(), &self.record, from).await?;
            if round % REST_EVERY == REST_EVERY - 1 {
                check::settle(&self.installation.api(), &self.record).await?;
            }
        }
        check::settle(&self.installation.api(), &self.record).await?;
        check::everything(&self.installation.api(), &self.record).await?;
        self.installation.kill_agent();
        self.installation.stop_server()?;
        if self.options.database == Database::Sqlite
            && let Some(wrong) = self.installation.audit()?
        {
            self.record.violation(format!("audit verify: {wrong}"));
        }
        Ok(())
    }

    /// An agent holds a run, the server dies, another agent takes over, the first one comes late.
    async fn take_over(&mut self, title: &str) -> anyhow::Result<()> {
        check::settle(&self.installation.api(), &self.record).await?;
        self.installation.kill_agent();
        let held = load::hold(&self.installation.api(), &self.record, self.project, title).await;
        let held = held.context("no run to hold")?;
        self.installation.kill_server();
        ensure!(
            self.installation.start_server("")?,
            "the server does not start"
        );
        self.note("server killed".to_owned());
        let api = self.installation.api();
        let late = load::come_late(&api, &self.record, held, title);
        let late = tokio::time::timeout(PATIENCE, late).await;
        ensure!(
            late.is_ok_and(|came| came),
            "the lease of a held run does not lapse"
        );
        self.start().await
    }

    /// Whole again: everything runs, without failpoints.
    async fn start(&mut self) -> anyhow::Result<()> {
        if !self.installation.server_lives() {
            ensure!(
                self.installation.start_server("")?,
                "the server does not start:\n{}",
                self.installation.log()
            );
        }
        if !self.installation.agent_lives() {
            self.installation.start_agent("")?;
        }
        Ok(())
    }

    async fn round(&mut self, round: u64, death: Death, random: &Random) -> anyhow::Result<()> {
        if let Death::At { point, pass } = death {
            let wish = format!("{}=kill@{pass}", point.name);
            match point.program {
                Program::Agent => self.installation.start_agent(&wish)?,
                Program::Server => {
                    self.installation.kill_server();
                    if !self.installation.start_server(&wish)? {
                        self.note(format!("at {}", point.name));
                        return Ok(());
                    }
                }
            }
        }
        let mut tasks = self.load(round, random);
        self.die(death).await?;
        // Whoever still waits for an answer gets none any more, or gets it soon.
        let ended = tokio::time::timeout(Duration::from_millis(300), async {
            while tasks.join_next().await.is_some() {}
        });
        if ended.await.is_err() {
            tasks.shutdown().await;
        }
        Ok(())
    }

    fn load(&self, round: u64, random: &Random) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let api = self.installation.api();
        for number in 0..CREATORS {
            let name = format!("r{round}-c{number}");
            tasks.spawn(load::create(
                api.clone(),
                self.record.clone(),
                self.project,
                name,
            ));
        }
        for number in 0..WORKERS {
            let name = format!("r{round}-w{number}");
            let random = random.branch(100 + number);
            tasks.spawn(load::work(api.clone(), self.record.clone(), name, random));
        }
        tasks
    }

    async fn die(&mut self, death: Death) -> anyhow::Result<()> {
        match death {
            Death::Server { after } => {
                tokio::time::sleep(after).await;
                self.installation.kill_server();
                self.note("server killed".to_owned());
            }
            Death::Agent { after } => {
                tokio::time::sleep(after).await;
                self.installation.kill_agent();
                self.note("agent killed".to_owned());
            }
            Death::Both { after } => {
                tokio::time::sleep(after).await;
                self.installation.kill_agent();
                self.installation.kill_server();
                self.note("server and agent killed".to_owned());
            }
            Death::Database { after } => {
                tokio::time::sleep(after).await;
                if let Some(cluster) = &self.cluster {
                    cluster.kill();
                    // A server that outlives its database first answers 500 for each connection
                    // that died; the harness asks what is stored, so it starts a new one.
                    self.installation.kill_server();
                    cluster.start()?;
                }
                self.note("database and server killed".to_owned());
            }
            Death::At { point, .. } => self.die_at(point).await?,
        }
        Ok(())
    }

    async fn die_at(&mut self, point: Point) -> anyhow::Result<()> {
        if point.name == "agent.outbox.rewound" {
            tokio::time::sleep(ROUND / 4).await;
            self.installation.kill_server();
        }
        let begun = Instant::now();
        while begun.elapsed() < ROUND {
            let lives = match point.program {
                Program::Server => self.installation.server_lives(),
                Program::Agent => self.installation.agent_lives(),
            };
            if !lives {
                self.note(format!("at {}", point.name));
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if point.name.starts_with("server.shutdown") {
            self.installation.stop_server()?;
            self.note(format!("at {}", point.name));
            return Ok(());
        }
        self.note(format!("server killed (not reached: {})", point.name));
        self.installation.kill_server();
        Ok(())
    }

    fn note(&mut self, death: String) {
        *self.deaths.entry(death).or_default() += 1;
    }

    fn report(&self) -> Report {
        let all = self.record.lock();
        Report {
            seed: self.options.seed,
            rounds: self.options.rounds,
            deaths: self.deaths.clone(),
            items: all.items.len(),
            lines: all.lines.values().map(Vec::len).sum(),
            completed: all.completed.len(),
            refused_old: all.refused_old,
            lost: all.lost.len(),
            violations: all.violations.clone(),
        }
    }
}
