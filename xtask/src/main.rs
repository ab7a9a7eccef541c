//! `cargo xtask`: prints the OpenAPI document, checks that layers point one way and files stay
//! readable, and sums line coverage up. It never changes a file.

mod coverage;
#[cfg(test)]
mod failpoints;
mod layers;
mod lengths;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

const HELP: &str = "usage: cargo xtask COMMAND

  openapi                  print the OpenAPI 3.1 document
  check                    check that layers point one way and that files stay readable
  coverage LCOV PERCENT    print line coverage by crate; fail under so many percent";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("openapi") => {
            println!(
                "{}",
                orch_server::openapi()
                    .to_pretty_json()
                    .context("failed to write the document")?
            );
            Ok(())
        }
        Some("check") => {
            let faults: Vec<String> = layers::faults(&root())?
                .into_iter()
                .chain(lengths::faults(&root())?)
                .collect();
            if faults.is_empty() {
                println!("layers point one way, files are readable");
                return Ok(());
            }
            bail!("{}", faults.join("\n"))
        }
        Some("coverage") => {
            let [_, lcov, percent] = arguments.as_slice() else {
                bail!("coverage wants a file and a number\n{HELP}")
            };
            let least_percent = percent
                .parse()
                .with_context(|| format!("`{percent}` is no number"))?;
            coverage::report(&root(), Path::new(lcov), least_percent)
        }
        Some("help") | None => {
            println!("{HELP}");
            Ok(())
        }
        Some(other) => bail!("there is no command `{other}`\n{HELP}"),
    }
}

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
