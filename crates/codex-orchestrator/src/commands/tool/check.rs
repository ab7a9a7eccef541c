//! `tool check`.

use orch_tools::Verdict;
use serde::Serialize;

use super::command::Place;
use super::opened::{failure, open, platform, wants};
use super::show::verdict;
use crate::commands::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Cell, Row};

/// Arguments of `tool check`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The tools, and which versions of them
    #[arg(value_name = "NAME[@RANGE]", required = true)]
    tools: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Checked {
    name: String,
    version: String,
    #[serde(flatten)]
    verdict: Verdict,
    /// From the severity on that is refused.
    refused: Vec<String>,
}

impl Row for Checked {
    const HEAD: &'static [&'static str] = &["name", "version", "vulnerabilities"];
    const NAME: &'static str = "tools";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.name),
            Cell::new(&self.version),
            verdict(Some(&self.verdict)),
        ]
    }
}

/// Runs `tool check`.
pub async fn run(place: &Place, args: &Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let opened = open(place, context)?;
    opened.needs_catalog()?;
    if opened.config.tools.osv.is_none() {
        return Err(Failure::usage("no database of vulnerabilities is set").next_step(
            "download records of https://osv.dev (all.zip of an ecosystem) and name the file or its folder with \
             --osv or AGENT_TOOL_OSV",
        ));
    }
    let resolved = opened
        .toolbox
        .resolve(&wants(&args.tools)?, platform(None)?)
        .await;
    let lock = resolved.map_err(|error| failure(&error))?;
    let mut checked = Vec::new();
    for tool in &lock.tools {
        let verdict = opened
            .toolbox
            .check(tool)
            .await
            .map_err(|error| failure(&error))?;
        let verdict = verdict.unwrap_or_default();
        let least = opened.config.tools.severity;
        checked.push(Checked {
            name: tool.name.clone(),
            version: tool.version.clone(),
            refused: least
                .map(|least| verdict.at_least(least))
                .unwrap_or_default(),
            verdict,
        });
    }
    context.output.list(&checked)?;
    let is_refused = checked.iter().any(|one| !one.refused.is_empty());
    Ok(if is_refused { Exit::Failed } else { Exit::Done })
}
