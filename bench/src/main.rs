//! Measures the release binary from outside, over loopback, and prints medians beside the
//! machine's own limit (fdatasync) of the same run. A measurement, not a test: it never fails for
//! being slow.
//!
//! `CODEX_ORCHESTRATOR_BIN` names the binary; `BENCH_ROUNDS` (5), `BENCH_ITEMS` (10000) and
//! `BENCH_LOG_MIB` (1024) size it.

mod machine;
mod measures;
mod server;

use anyhow::Context as _;
use serde_json::{Value, json};

/// One measured value.
pub struct Figure {
    pub name: &'static str,
    pub unit: &'static str,
    /// What is wanted of it, in words.
    pub target: &'static str,
    pub samples: Vec<f64>,
}

impl Figure {
    fn median(&self) -> f64 {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn to_json(&self) -> Value {
        let lowest = self.samples.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = self
            .samples
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        json!({
            "name": self.name, "unit": self.unit, "target": self.target, "median": self.median(),
            "min": lowest, "max": highest, "samples": self.samples.len(),
        })
    }
}

/// A size from the environment.
fn sized(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let binary = std::env::var("CODEX_ORCHESTRATOR_BIN")
        .context("CODEX_ORCHESTRATOR_BIN must name the release binary; `make bench` sets it")?;
    let rounds = sized("BENCH_ROUNDS", 5);
    let items = sized("BENCH_ITEMS", 10_000);
    let log_mib = sized("BENCH_LOG_MIB", 1024);
    let mut figures = Vec::new();
    eprintln!("machine …");
    figures.extend(machine::limits(rounds)?);
    eprintln!("start-up and idle memory …");
    figures.extend(measures::start_up(&binary, rounds).await?);
    eprintln!("{items} no-op items, {rounds} rounds …");
    figures.extend(measures::throughput(&binary, rounds, items).await?);
    eprintln!("latency of a dispatch …");
    figures.push(measures::latency(&binary, 300).await?);
    eprintln!("a log of {log_mib} MiB …");
    figures.extend(measures::large_log(&binary, log_mib).await?);
    eprintln!("\n{:<44} {:>12} {:<10} wanted", "measure", "median", "unit");
    for figure in &figures {
        eprintln!(
            "{:<44} {:>12.2} {:<10} {}",
            figure.name,
            figure.median(),
            figure.unit,
            figure.target
        );
    }
    let all: Vec<Value> = figures.iter().map(Figure::to_json).collect();
    println!(
        "{}",
        serde_json::to_string_pretty(&json!({"cores": machine::cores(), "figures": all}))?
    );
    Ok(())
}
