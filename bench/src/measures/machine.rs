//! What the machine itself can do, measured in the same run.

use std::io::Write as _;
use std::time::Instant;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};

use super::Measured;
use crate::figure::Figure;
use crate::setup::Setup;

const SYNCS: usize = 500;
const STARTS: usize = 400;
const COMMITS: usize = 2000;
const ROWS: usize = 100_000;

pub async fn measure(setup: &Setup) -> Measured {
    let folder = tempfile::tempdir()?;
    let (mut syncs, mut forks, mut forks_on_all) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..setup.rounds {
        let mut file = std::fs::File::create(folder.path().join(round.to_string()))?;
        let begun = Instant::now();
        for _ in 0..SYNCS {
            file.write_all(&[0; 4096])?;
            file.sync_data()?;
        }
        syncs.push(per_second(SYNCS, begun));
        let begun = Instant::now();
        start(STARTS)?;
        forks.push(per_second(STARTS, begun));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| start(STARTS))).collect();
            threads.into_iter().try_for_each(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })?;
        forks_on_all.push(per_second(STARTS * cores, begun));
    }
    let mut figures = vec![
        limit("machine: fdatasync after 4 KiB", "/s", syncs),
        limit("machine: fork + exec, one at a time", "/s", forks),
        limit("machine: fork + exec, one on each core", "/s", forks_on_all),
    ];
    figures.extend(sqlite(setup, &folder).await?);
    if let Some(url) = &setup.database_url {
        figures.extend(postgres(setup, url).await?);
    }
    Ok(figures)
}

fn limit(name: &str, unit: &'static str, samples: Vec<f64>) -> Figure {
    Figure::new(name, unit, "the machine", samples)
}

fn per_second(count: usize, since: Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64()
}

fn start(count: usize) -> std::io::Result<()> {
    for _ in 0..count {
        std::process::Command::new("/bin/true").status()?;
    }
    Ok(())
}

/// One script holds them all, so that the driver costs nothing.
fn single_commits() -> String {
    "BEGIN; INSERT INTO row_of_bench (text) VALUES ('one row of a commit'); COMMIT;".repeat(COMMITS)
}

async fn sqlite(setup: &Setup, folder: &tempfile::TempDir) -> Measured {
    let (mut single, mut batched) = (Vec::new(), Vec::new());
    for round in 0..setup.rounds {
        let file = folder.path().join(format!("{round}.db"));
        let url = format!("sqlite://{}?mode=rwc", file.display());
        let mut conn = SqliteConnection::connect(&url).await?;
        conn.execute(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE row_of_bench (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
        )
        .await?;
        let begun = Instant::now();
        conn.execute(AssertSqlSafe(single_commits())).await?;
        single.push(per_second(COMMITS, begun));
        let rows = format!(
            "BEGIN; INSERT INTO row_of_bench (text)
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {ROWS})
             SELECT 'one row of many' FROM n; COMMIT"
        );
        let begun = Instant::now();
        conn.execute(AssertSqlSafe(rows)).await?;
        batched.push(per_second(ROWS, begun));
        conn.close().await?;
    }
    Ok(vec![
        limit("machine: SQLite, one row in a commit", "/s", single),
        limit("machine: SQLite, rows in one commit", "/s", batched),
    ])
}

async fn postgres(setup: &Setup, url: &str) -> Measured {
    let mut conn = PgConnection::connect(url).await?;
    let (mut single, mut batched) = (Vec::new(), Vec::new());
    for _ in 0..setup.rounds {
        conn.execute(
            "DROP TABLE IF EXISTS row_of_bench;
             CREATE TABLE row_of_bench (id BIGSERIAL PRIMARY KEY, text TEXT NOT NULL)",
        )
        .await?;
        let begun = Instant::now();
        for _ in 0..COMMITS {
            conn.execute("INSERT INTO row_of_bench (text) VALUES ('one row of a commit')")
                .await?;
        }
        single.push(per_second(COMMITS, begun));
        let rows = format!(
            "INSERT INTO row_of_bench (text) SELECT 'one row of many' FROM generate_series(1, {ROWS})"
        );
        let begun = Instant::now();
        conn.execute(AssertSqlSafe(rows)).await?;
        batched.push(per_second(ROWS, begun));
    }
    conn.execute("DROP TABLE row_of_bench").await?;
    Ok(vec![
        limit("machine: PostgreSQL, one row in a commit", "/s", single),
        limit("machine: PostgreSQL, rows in one commit", "/s", batched),
    ])
}
