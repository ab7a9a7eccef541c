//! `requirements edit`: edits on the command line, or in the person's own editor.

use orch_api::client::Client;
use orch_api::types::requirements::{
    EditRequirements, NewRequirementComment, RequirementEdit, RequirementEditOp as Op, Requirements,
};

use super::choose::choose;
use super::show::{next_steps, print};
use super::{editor, form};
use crate::commands::{Context, ids};
use crate::exit::Exit;
use crate::failure::Failure;

/// Arguments of `requirements edit`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The project's id
    #[arg(value_parser = ids::id())]
    project: i64,
    /// Edit this version, which must be the newest
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    version: Option<i64>,
    /// Change an item's text
    #[arg(long, value_name = "R-N=TEXT")]
    set: Vec<String>,
    /// Change an item's priority: must, should, could, wont
    #[arg(long, value_name = "R-N=PRIORITY")]
    priority: Vec<String>,
    /// Change an item's kind
    #[arg(long, value_name = "R-N=KIND")]
    kind: Vec<String>,
    /// Put an item into the first version, or out of it: yes or no
    #[arg(long, value_name = "R-N=yes|no")]
    mvp: Vec<String>,
    /// Add an item of a kind: functional, non_functional, constraint, …
    #[arg(long, value_name = "KIND=TEXT")]
    add: Vec<String>,
    /// Remove an item
    #[arg(long, value_name = "R-N")]
    remove: Vec<String>,
    /// Answer an open question
    #[arg(long, value_name = "R-N=TEXT")]
    answer: Vec<String>,
    /// Leave an open question open
    #[arg(long, value_name = "R-N")]
    skip: Vec<String>,
    /// Choose an architecture by its name; `none` takes the choice back
    #[arg(long, value_name = "OPTION")]
    choose: Option<String>,
    /// Comment on the new version, or on one of its items
    #[arg(long, value_name = "[R-N=]TEXT")]
    comment: Vec<String>,
    /// Why it is edited
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub async fn run(args: Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    let project = args.project;
    let comments = args
        .comment
        .iter()
        .map(|text| comment(text))
        .collect::<Vec<_>>();
    let mut edits = on_the_command_line(&args)?;
    let before = choose(client, project, args.version).await?;
    if edits.is_empty() && comments.is_empty() {
        edits = in_an_editor(&before)?;
        if edits.is_empty() {
            context.output.note("nothing was changed");
            return Ok(());
        }
    }
    let mut version = before;
    if !edits.is_empty() {
        let body = EditRequirements {
            edits,
            reason: args.reason,
        };
        let made = client.edit_requirements(project, version.id, &body).await;
        version = made.map_err(|error| {
            let failure = Failure::from(error);
            match failure.exit {
                Exit::Conflict => failure.next_step(format!(
                    "codex-orchestrator requirements show {project}, then edit again"
                )),
                _ => failure,
            }
        })?;
    }
    for new in comments {
        client
            .comment_requirements(project, version.id, &new)
            .await?;
    }
    let said = client.requirement_comments(project, version.id).await?;
    print(&version, &said, context)?;
    next_steps(&version, context);
    Ok(())
}

fn on_the_command_line(args: &Args) -> Result<Vec<RequirementEdit>, Failure> {
    let mut edits = Vec::new();
    for given in &args.set {
        let (id, text) = pair("--set", given)?;
        edits.push(RequirementEdit {
            text: Some(text),
            ..of(Op::Change, id)
        });
    }
    for given in &args.priority {
        let (id, priority) = pair("--priority", given)?;
        edits.push(RequirementEdit {
            priority: Some(priority),
            ..of(Op::Change, id)
        });
    }
    for given in &args.kind {
        let (id, kind) = pair("--kind", given)?;
        edits.push(RequirementEdit {
            kind: Some(kind),
            ..of(Op::Change, id)
        });
    }
    for given in &args.mvp {
        let (id, word) = pair("--mvp", given)?;
        let included = match word.as_str() {
            "yes" => true,
            "no" => false,
            _ => {
                return Err(Failure::usage(format!(
                    "--mvp {id} is {word}; expected yes or no"
                )));
            }
        };
        edits.push(RequirementEdit {
            mvp: Some(included),
            ..of(Op::Change, id)
        });
    }
    for given in &args.add {
        let (kind, text) = pair("--add", given)?;
        edits.push(RequirementEdit {
            kind: Some(kind),
            text: Some(text),
            ..RequirementEdit::new(Op::Add)
        });
    }
    for given in &args.answer {
        let (id, answer) = pair("--answer", given)?;
        edits.push(RequirementEdit {
            answer: Some(answer),
            ..of(Op::Answer, id)
        });
    }
    edits.extend(args.skip.iter().map(|id| of(Op::Skip, id.clone())));
    edits.extend(args.remove.iter().map(|id| of(Op::Remove, id.clone())));
    if let Some(name) = &args.choose {
        edits.push(RequirementEdit {
            option: Some(name.clone()).filter(|name| name != "none"),
            ..RequirementEdit::new(Op::Choose)
        });
    }
    Ok(edits)
}

fn of(op: Op, id: String) -> RequirementEdit {
    RequirementEdit {
        id: Some(id),
        ..RequirementEdit::new(op)
    }
}

fn pair(flag: &str, given: &str) -> Result<(String, String), Failure> {
    let (name, value) = given.split_once('=').ok_or_else(|| {
        let shown: String = given.chars().take(80).collect();
        Failure::usage(format!(
            "{flag} is `{shown}`; expected NAME=VALUE, such as R-3=\"…\""
        ))
    })?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// `R-3=…` is about an item, anything else about the version.
fn comment(given: &str) -> NewRequirementComment {
    let about = given
        .split_once('=')
        .filter(|(id, _)| id.starts_with("R-") && !id.contains(char::is_whitespace));
    match about {
        Some((id, text)) => NewRequirementComment {
            content: text.to_owned(),
            item: Some(id.to_owned()),
        },
        None => NewRequirementComment {
            content: given.to_owned(),
            item: None,
        },
    }
}

fn in_an_editor(before: &Requirements) -> Result<Vec<RequirementEdit>, Failure> {
    let edited = editor::edit(&form::write(before))?;
    form::edits(before, &edited.text).map_err(|fault| {
        let kept = edited.keep();
        Failure::usage(format!(
            "line {} of the edited text {}",
            fault.line, fault.message
        ))
        .next_step(format!("what you wrote is kept in {kept}; edit again"))
    })
}
