//! `work policy`: how failed attempts are tried again.

use orch_api::client::Client;
use orch_api::types::work_item::Policy;

use crate::commands::{Context, ids};
use crate::failure::Failure;

/// Arguments of `work policy`; without a change it shows.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The work item's id
    #[arg(value_parser = ids::id())]
    id: i64,
    /// How often a failed attempt is tried again, or `default`
    #[arg(long, value_name = "N|default", value_parser = choice::<u32>)]
    max_retries: Option<Choice<u32>>,
    /// The first wait before a retry, which doubles, or `default`
    #[arg(long, value_name = "SECONDS|default", value_parser = choice::<f64>)]
    backoff_base_seconds: Option<Choice<f64>>,
    /// At most so much is added to each wait, or `default`
    #[arg(long, value_name = "SECONDS|default", value_parser = choice::<f64>)]
    backoff_jitter_seconds: Option<Choice<f64>>,
}

/// A value of the item's own, or the installation's.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Choice<T> {
    Own(T),
    Default,
}

impl<T> Choice<T> {
    fn into_option(self) -> Option<T> {
        match self {
            Self::Own(value) => Some(value),
            Self::Default => None,
        }
    }
}

fn choice<T: std::str::FromStr>(text: &str) -> Result<Choice<T>, String> {
    match text.to_ascii_lowercase().as_str() {
        "default" => Ok(Choice::Default),
        // What JSON cannot write would arrive as `null`, and mean the default.
        "nan" | "inf" | "infinity" | "+inf" | "-inf" | "+infinity" | "-infinity" | "+nan"
        | "-nan" => Err("expected a number, or `default`".to_owned()),
        _ => text
            .parse()
            .map(Choice::Own)
            .map_err(|_| "expected a number, or `default`".to_owned()),
    }
}

/// Runs `work policy`.
pub async fn run(args: &Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    let change = Policy {
        max_retries: args.max_retries.map(Choice::into_option),
        backoff_base_seconds: args.backoff_base_seconds.map(Choice::into_option),
        backoff_jitter_seconds: args.backoff_jitter_seconds.map(Choice::into_option),
    };
    let policy = if change == Policy::default() {
        client.policy(args.id).await?
    } else {
        client.set_policy(args.id, &change).await?
    };
    Ok(context.output.one(&policy)?)
}
