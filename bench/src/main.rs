//! Measures the release binary from outside, over loopback, and prints medians beside the
//! machine's own limits of the same run: a table on stderr, JSON on stdout. A measurement, not a
//! test: it never fails for being slow.
//!
//! `CODEX_ORCHESTRATOR_BIN` names the binary, `BENCH_ONLY=noop,chain` picks measures,
//! `BENCH_DATABASE_URL` puts the server on PostgreSQL. `BENCH_ROUNDS` (5), `BENCH_ITEMS` (10000),
//! `BENCH_FINISHED` (100000), `BENCH_BLOCKED` (10000) and `BENCH_LOG_MIB` (1024) size it.

mod agent;
mod database;
mod figure;
mod load;
mod measures;
mod process;
mod server;
mod setup;
mod wire;

use anyhow::bail;
use serde_json::{Value, json};

use figure::Figure;
use setup::Setup;

fn main() -> anyhow::Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // One thread: the load generator is to leave the processors to the server.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure())
}

async fn measure() -> anyhow::Result<()> {
    let setup = Setup::from_environment()?;
    let known = measures::ALL.map(|(name, _)| name);
    if let Some(name) = setup.unknown(&known).next() {
        bail!("BENCH_ONLY names {name:?}; there are {}", known.join(", "));
    }
    let mut figures: Vec<Figure> = Vec::new();
    for (name, measure) in measures::ALL {
        if setup.wants(name) {
            eprintln!("{name} …");
            let measured = measure(&setup).await?;
            for figure in &measured {
                print_row(figure);
            }
            figures.extend(measured);
        }
    }
    eprintln!("\n{:<58} {:>12} {:<10} wanted", "measure", "median", "unit");
    figures.iter().for_each(print_row);
    let all: Vec<Value> = figures.iter().map(Figure::to_json).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let database = match setup.database_url {
        Some(_) => "postgresql",
        None => "sqlite",
    };
    let document = json!({"cores": cores, "database": database, "figures": all});
    println!("{}", serde_json::to_string_pretty(&document)?);
    Ok(())
}

fn print_row(figure: &Figure) {
    eprintln!(
        "{:<58} {:>12.3} {:<10} {}",
        figure.name,
        figure.median(),
        figure.unit,
        figure.target
    );
}
