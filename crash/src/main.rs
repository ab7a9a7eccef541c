//! `make crash ROUNDS=200`: the harness by hand.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use crash::{Database, Options};

const USAGE: &str = "usage: crash BINARY [--rounds N] [--seed N] [--postgres] [--faults a,b]";

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = read(std::env::args().skip(1))?;
    println!("seed {}", options.seed);
    let report = crash::run(options).await?;
    println!("{report}");
    Ok(match report.violations.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn read(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Options> {
    let mut options = Options {
        binary: PathBuf::from(arguments.next().context(USAGE)?),
        seed: u64::from(std::process::id()),
        rounds: 20,
        database: Database::Sqlite,
        faults: "small_segments".to_owned(),
    };
    while let Some(flag) = arguments.next() {
        let mut value = || arguments.next().context(USAGE);
        match flag.as_str() {
            "--rounds" => options.rounds = value()?.parse().context("--rounds wants a number")?,
            "--seed" => options.seed = value()?.parse().context("--seed wants a number")?,
            "--postgres" => options.database = Database::Postgres,
            "--faults" => options.faults = value()?,
            _ => bail!("{USAGE}"),
        }
    }
    Ok(options)
}
