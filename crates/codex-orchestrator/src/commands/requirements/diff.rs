//! `requirements diff`: what changed between two versions.

use orch_api::client::Client;
use orch_api::types::requirements::{RequirementChange, RequirementItem, RequirementsDifference};

use super::choose::choose;
use crate::commands::{Context, ids};
use crate::failure::Failure;
use crate::output::{Format, Tone, one_line};

/// Arguments of `requirements diff`.
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
    let to = match args.to {
        Some(to) => to,
        None => choose(client, args.project, None).await?.id,
    };
    let found = client
        .requirements_difference(args.project, args.from, to)
        .await?;
    match context.output.format() {
        Format::Json => Ok(context.output.document(&found)?),
        Format::Text => print(&found, context),
    }
}

fn print(found: &RequirementsDifference, context: &mut Context<'_>) -> Result<(), Failure> {
    let paint = context.output.paint();
    let mut lines = vec![paint.text(
        &format!("requirements {} → {}", found.from, found.to),
        Tone::Heading,
    )];
    let whole = |sign: &str, item: &RequirementItem, tone| {
        let text = format!(
            "{sign} {} {} {}: {}",
            item.id, item.kind, item.priority, item.text
        );
        paint.text(&one_line(&text), tone)
    };
    lines.extend(found.removed.iter().map(|item| whole("-", item, Tone::Bad)));
    lines.extend(found.added.iter().map(|item| whole("+", item, Tone::Good)));
    for change in &found.changed {
        let named = format!("~ {}", change.id);
        lines.push(paint.text(&one_line(&named), Tone::Waiting));
        for field in change.fields.iter().filter(|field| field.field != "text") {
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
            let text = format!(
                "{}: {} → {}",
                field.field,
                side(&field.before),
                side(&field.after)
            );
            lines.push(format!("    {}", one_line(&text)));
        }
        if !change.words.is_empty() {
            lines.push(format!("    {}", words(change, paint)));
        }
    }
    for (sign, names) in [("-", &found.options_removed), ("+", &found.options_added)] {
        lines.extend(
            names
                .iter()
                .map(|name| format!("{sign} option {}", one_line(name))),
        );
    }
    if let Some(choice) = &found.chosen_option {
        let name = choice.after.as_deref().unwrap_or("none");
        lines.push(format!("~ chosen option: {}", one_line(name)));
    }
    if lines.len() == 1 {
        context.output.note("nothing changed");
    }
    for line in lines {
        context.output.text(&format!("{line}\n"))?;
    }
    Ok(context.output.flush()?)
}

/// The text with what was removed in `[-…-]` and what was added in `{+…+}`, colours or not.
fn words(change: &RequirementChange, paint: crate::output::Paint) -> String {
    let runs: Vec<String> = change
        .words
        .iter()
        .map(|run| {
            let text = one_line(&run.text);
            match run.change.as_str() {
                "removed" => paint.text(&format!("[-{text}-]"), Tone::Bad),
                "added" => paint.text(&format!("{{+{text}+}}"), Tone::Good),
                _ => text,
            }
        })
        .collect();
    runs.join(" ")
}
