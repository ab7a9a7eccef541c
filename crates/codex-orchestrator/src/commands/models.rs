//! `models`: which models are set, whether they answer, their prices, and what they have cost.

use clap::Subcommand;
use orch_api::client::CostQuery;
use orch_api::types::model::NewPrice;

use super::money::dollars;
use super::{Connect, Context, ids};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Format;

/// Arguments of `models`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the models that are set, and the roles that ask them
    List,
    /// Ask a model for a word, to see that it answers
    Test {
        /// The model, as `models list` names it
        #[arg(value_parser = name)]
        model: String,
    },
    /// Show the table of prices
    Prices,
    /// Set the price of a model, and of all whose names begin so
    SetPrice {
        /// The model, or the beginning of its name
        #[arg(value_parser = name)]
        model: String,
        /// Dollars for a million tokens of input, such as 1.25; 0 for a model that costs nothing
        #[arg(long, value_name = "DOLLARS", value_parser = dollars)]
        input: u64,
        /// Of input from the provider's cache; as --input where it is left out
        #[arg(long, value_name = "DOLLARS", value_parser = dollars)]
        cached: Option<u64>,
        /// Of output
        #[arg(long, value_name = "DOLLARS", value_parser = dollars)]
        output: u64,
    },
    /// Take back a price that was set
    RemovePrice {
        /// The model, as `models prices` names it
        #[arg(value_parser = name)]
        model: String,
    },
    /// Show what a project's calls of models have cost
    Costs {
        /// The project's id
        #[arg(value_parser = ids::id())]
        project: i64,
        /// What they are added up by
        #[arg(long, value_parser = ["model", "role", "plan", "work_item", "run", "day"], default_value = "model")]
        by: String,
        /// Calls from then on, such as 2026-01-31
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Calls before then
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
}

/// A name that is one; the server's address is made of it.
fn name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("it is empty; expected the name of a model, such as gpt-5".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// Runs `models`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    match args.action {
        Action::List => context.output.list(&client.models().await?)?,
        Action::Test { model } => {
            let trial = client.try_model(&model).await?;
            context.output.one(&trial)?;
            if !trial.answered {
                let failure = Failure::new(Exit::Failed, format!("{model} gave no answer"));
                return Err(failure.next_step("codex-orchestrator doctor"));
            }
        }
        Action::Prices => context.output.list(&client.model_prices().await?)?,
        Action::SetPrice {
            model,
            input,
            cached,
            output,
        } => {
            let price = NewPrice {
                input,
                cached,
                output,
            };
            let set = client.set_model_price(&model, &price).await?;
            context.output.one(&set)?;
        }
        Action::RemovePrice { model } => {
            client.remove_model_price(&model).await?;
            context.output.done("the price is taken back");
        }
        Action::Costs {
            project,
            by,
            since,
            until,
        } => {
            let query = CostQuery {
                by: Some(by),
                since,
                until,
            };
            let costs = client.costs(project, &query).await?;
            match context.output.format() {
                Format::Json => context.output.document(&costs)?,
                Format::Text => {
                    let mut lines = costs.lines;
                    lines.push(orch_api::types::model::CostLine {
                        name: "total".to_owned(),
                        ..costs.total
                    });
                    context.output.list(&lines)?;
                }
            }
        }
    }
    Ok(Exit::Done)
}
