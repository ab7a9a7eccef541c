//! `cargo xtask`: prints the OpenAPI document, and checks that layers point one way and files
//! stay readable. It never changes a file.

mod layers;
mod lengths;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

const HELP: &str = "usage: cargo xtask COMMAND

  openapi   print the OpenAPI 3.1 document
  check     check that layers point one way and that files stay readable";

fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
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
