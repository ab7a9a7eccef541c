//! `plan diff`: what changed between two versions.

use orch_api::client::Client;
use orch_api::types::plan::PlanDifference;

use super::choose::choose;
use super::field_change;
use super::refusal::refusal;
use crate::commands::{Context, ids};
use crate::failure::Failure;
use crate::output::{Format, Tone, one_line};

/// Arguments of `plan diff`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The project's id
    #[arg(value_parser = ids::id())]
    project: i64,
    /// The older version's id; the newer one's parent where it is absent
    #[arg(value_parser = ids::id())]
    from: Option<i64>,
    /// The newer version's id; the newest where it is absent
    #[arg(value_parser = ids::id())]
    to: Option<i64>,
}

pub async fn run(args: Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    let to = choose(client, args.project, args.to).await?;
    let found = client
        .plan_difference(args.project, args.from, to)
        .await
        .map_err(|error| refusal(args.project, error))?;
    match context.output.format() {
        Format::Json => Ok(context.output.document(&found)?),
        Format::Text => print(&found, context),
    }
}

fn print(found: &PlanDifference, context: &mut Context<'_>) -> Result<(), Failure> {
    let paint = context.output.paint();
    let heading = format!("plan {} → {}", found.from, found.to);
    let mut lines = vec![paint.text(&heading, Tone::Heading)];
    for (sign, named, tone) in [
        ("-", &found.removed, Tone::Bad),
        ("+", &found.added, Tone::Good),
    ] {
        lines.extend(named.iter().map(|one| {
            let text = format!("{sign} {}: {}", one.id, one.title);
            paint.text(&one_line(&text), tone)
        }));
    }
    for change in &found.changed {
        // What it waits for stands below, edge by edge.
        let fields = change.fields.iter();
        let fields: Vec<_> = { fields }
            .filter(|change| change.field != "depends_on")
            .collect();
        if fields.is_empty() {
            continue;
        }
        let named = format!("~ {}", change.id);
        lines.push(paint.text(&one_line(&named), Tone::Waiting));
        let told = fields.into_iter();
        lines.extend(told.flat_map(|change| field_change::lines(change, paint)));
    }
    for (sign, edges, tone) in [
        ("-", &found.dependencies_removed, Tone::Bad),
        ("+", &found.dependencies_added, Tone::Good),
    ] {
        lines.extend(edges.iter().map(|edge| {
            let text = format!("{sign} {} after {}", edge.task, edge.on);
            paint.text(&one_line(&text), tone)
        }));
    }
    if lines.len() == 1 {
        context.output.note("nothing changed");
    }
    for line in lines {
        context.output.text(&format!("{line}\n"))?;
    }
    Ok(context.output.flush()?)
}
