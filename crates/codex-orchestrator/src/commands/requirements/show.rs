//! `requirements show`: items, architectures, findings and comments of a version.

use orch_api::client::Client;
use orch_api::types::requirements::{RequirementComment, Requirements, RequirementsStatus};

use super::choose::choose;
use crate::commands::{Context, ids};
use crate::failure::Failure;
use crate::output::{Format, one_line};

/// Arguments of `requirements show`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The project's id
    #[arg(value_parser = ids::id())]
    project: i64,
    /// A version's id, instead of the newest one
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    version: Option<i64>,
    /// List all versions
    #[arg(long, conflicts_with_all = ["version", "markdown"])]
    all: bool,
    /// The draft as Markdown, and nothing else
    #[arg(long)]
    markdown: bool,
}

pub async fn run(args: Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    if args.all {
        let versions = client.requirements(args.project).await?;
        return Ok(context.output.list(&versions)?);
    }
    let version = choose(client, args.project, args.version).await?;
    match context.output.format() {
        Format::Json => Ok(context.output.one(&version)?),
        Format::Text if args.markdown => markdown_lines(&version, context),
        Format::Text => {
            let comments = client
                .requirement_comments(args.project, version.id)
                .await?;
            print(&version, &comments, context)?;
            next_steps(&version, context);
            Ok(())
        }
    }
}

/// A version and, for people, what belongs to it.
pub fn print(
    version: &Requirements,
    comments: &[RequirementComment],
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let output = &mut *context.output;
    output.one(version)?;
    if output.format() == Format::Text {
        output.section("Requirements", &version.items)?;
        output.section("Architecture options", &version.options)?;
        output.section("Contradictions and vague words", &version.findings)?;
        output.section("Comments", comments)?;
    }
    Ok(())
}

/// What a person may do with a version that is not decided.
pub fn next_steps(version: &Requirements, context: &mut Context<'_>) {
    if version.status != RequirementsStatus::Proposed {
        return;
    }
    let (project, id, digest) = (version.project_id, version.id, &version.digest);
    let open = version
        .items
        .iter()
        .find(|item| item.kind == "open_question" && item.answer.is_none());
    if let Some(question) = open {
        let question = &question.id;
        context.output.note(&format!(
            "answer: codex-orchestrator requirements edit {project} --answer {question}=\"…\" (or --skip {question})"
        ));
    }
    context.output.note(&format!(
        "next: codex-orchestrator requirements approve {project} --version {id} --digest {digest}"
    ));
}

fn markdown_lines(version: &Requirements, context: &mut Context<'_>) -> Result<(), Failure> {
    for line in version.draft.lines() {
        context.output.text(&format!("{}\n", one_line(line)))?;
    }
    Ok(context.output.flush()?)
}
