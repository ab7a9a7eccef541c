//! `requirements comment`: what people say about a version or its items.

use orch_api::client::Client;
use orch_api::types::requirements::NewRequirementComment;

use super::choose::choose;
use crate::commands::{Context, ids};
use crate::failure::Failure;

/// Arguments of `requirements comment`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The project's id
    #[arg(value_parser = ids::id())]
    project: i64,
    /// What to say; without it the comments are listed
    text: Option<String>,
    /// The item it is about, such as R-3
    #[arg(long, value_name = "R-N", requires = "text")]
    item: Option<String>,
    /// A version's id, instead of the newest one
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    version: Option<i64>,
}

pub async fn run(args: Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    let version = choose(client, args.project, args.version).await?.id;
    match args.text {
        None => {
            let comments = client.requirement_comments(args.project, version).await?;
            Ok(context.output.list(&comments)?)
        }
        Some(content) => {
            let new = NewRequirementComment {
                content,
                item: args.item,
            };
            let made = client
                .comment_requirements(args.project, version, &new)
                .await?;
            Ok(context.output.list(&[made])?)
        }
    }
}
