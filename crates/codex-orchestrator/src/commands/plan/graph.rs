//! `plan graph`: what waits for what, to be read, or drawn by another program.

use clap::ValueEnum;
use orch_api::client::Client;

use super::choose::choose;
use crate::commands::{Context, ids};
use crate::failure::Failure;
use crate::output::{Format, plain_line};

/// Arguments of `plan graph`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The project's id
    #[arg(value_parser = ids::id())]
    project: i64,
    /// A version's id, instead of the newest one
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    version: Option<i64>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Drawing::Text)]
    format: Drawing,
}

/// How a graph is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Drawing {
    Text,
    Mermaid,
    Dot,
    Json,
}

pub async fn run(args: Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    let project = args.project;
    let id = choose(client, project, args.version).await?;
    let format = match (args.format, context.output.format()) {
        (Drawing::Json, _) | (Drawing::Text, Format::Json) => {
            let graph = client.plan_graph(project, id).await?;
            return Ok(context.output.document(&graph)?);
        }
        (Drawing::Text, Format::Text) => "text",
        (Drawing::Mermaid, _) => "mermaid",
        (Drawing::Dot, _) => "dot",
    };
    let drawn = client.plan_drawing(project, id, format).await?;
    for line in drawn.lines() {
        context.output.text(&format!("{}\n", plain_line(line)))?;
    }
    Ok(context.output.flush()?)
}
