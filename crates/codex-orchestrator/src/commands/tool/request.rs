//! `tool request`: from inside a run, without a network.
//!
//! Leaves the request where the run's agent looks for it, and waits for the answer.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use orch_tools::Want;
use serde::{Deserialize, Serialize};

use crate::commands::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Cell, Details, Tone};

/// How often the answer is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// Arguments of `tool request`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The tool, and which versions of it
    #[arg(value_name = "NAME[@RANGE]")]
    tool: String,
    /// Wait at most so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    status: String,
    reason: String,
    version: String,
    programs: Vec<String>,
}

impl Details for Answer {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("request", Cell::new(&self.status).tone(Tone::Good)),
            ("version", Cell::new(&self.version)),
            ("programs", Cell::new(self.programs.join(", "))),
        ]
    }
}

/// Runs `tool request`.
pub async fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    Want::parse(&args.tool).map_err(Failure::usage)?;
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let (Some(requests), Some(answers)) =
        (folder("ORCH_TOOL_REQUESTS"), folder("ORCH_TOOL_ANSWERS"))
    else {
        return Err(Failure::usage("this process belongs to no run that may ask for tools").next_step(
            "it is for steps of a run whose agent has a catalog (AGENT_TOOL_CATALOG); elsewhere use `tool install`",
        ));
    };
    let failed = |error: &dyn std::error::Error| {
        Failure::new(Exit::Failed, "failed to leave the request").caused_by(error)
    };
    let id = leave(&requests, &args.tool).map_err(|error| failed(&error))?;
    let answer = answers.join(format!("{id}.json"));
    let text = wait(&answer, Duration::from_secs(args.timeout)).await?;
    let answer: Answer = serde_json::from_str(&text).map_err(|error| failed(&error))?;
    if answer.status != "granted" {
        let message = format!("the request for {} was {}", args.tool, answer.status);
        let mut failure = Failure::new(Exit::Refused, message);
        failure.causes.push(answer.reason);
        return Err(failure.next_step(
            "list the tool in the recipe, or have the operator allow it (ORCH_TOOL_REQUESTS of the server)",
        ));
    }
    context.output.one(&answer)?;
    Ok(Exit::Done)
}

fn leave(requests: &Path, tool: &str) -> std::io::Result<String> {
    std::fs::create_dir_all(requests)?;
    let mut entropy = [0; 8];
    getrandom::fill(&mut entropy).map_err(std::io::Error::other)?;
    let id = format!("{:016x}", u64::from_be_bytes(entropy));
    let draft = requests.join(format!("{id}.new"));
    std::fs::write(&draft, serde_json::json!({ "tool": tool }).to_string())?;
    std::fs::rename(&draft, requests.join(format!("{id}.ask")))?;
    Ok(id)
}

async fn wait(answer: &Path, patience: Duration) -> Result<String, Failure> {
    let begun = Instant::now();
    loop {
        match std::fs::read_to_string(answer) {
            Ok(text) => return Ok(text),
            Err(_) if begun.elapsed() < patience => tokio::time::sleep(LOOK).await,
            Err(_) => {
                let message = format!("no answer came within {} s", patience.as_secs());
                return Err(Failure::new(Exit::Unreachable, message)
                    .next_step("look at the run's log; --timeout waits longer"));
            }
        }
    }
}
