//! `answer`: answers or skips a question of an agent or of proposed requirements, or lists the questions that are open.

use std::collections::BTreeMap;

use orch_api::client::{Client, Order, collect};
use orch_api::types::info_request::{InfoRequest, Respond};
use orch_core::info_request::{Presence, Secrecy, Status};
use serde_json::Value;

use super::prompt::{Ask, Terminal};
use super::{Connect, Context, ids};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;

/// Arguments of `answer`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    /// The question's id; without one, the open questions are listed
    #[arg(value_parser = ids::id())]
    question: Option<i64>,
    /// Answers; better not for secrets, which others on this machine could see
    #[arg(value_name = "KEY=VALUE", value_parser = pair)]
    values: Vec<(String, String)>,
    /// Read an answer from a file
    #[arg(long, value_name = "KEY=FILE", value_parser = file_pair)]
    from_file: Vec<(String, String)>,
    /// Read answers from standard input: KEY=VALUE lines, or one JSON object
    #[arg(long)]
    stdin: bool,
    /// Leave the question open, on purpose: for questions of requirements, and where all inputs are optional
    #[arg(long, conflicts_with_all = ["values", "from_file", "stdin"])]
    skip: bool,
    /// List the open questions of this project alone: its runs, and the newest version of its requirements
    #[arg(long, value_name = "ID", value_parser = ids::id(), conflicts_with = "question")]
    project: Option<i64>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        // The text itself may be a secret whose key was forgotten.
        Some(_) | None => Err("expected KEY=VALUE".to_owned()),
    }
}

fn file_pair(text: &str) -> Result<(String, String), String> {
    pair(text).map_err(|_| "expected KEY=FILE; --stdin reads several answers".to_owned())
}

/// Runs `answer`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    let Some(id) = args.question else {
        list(&client, args.project, context).await?;
        return Ok(Exit::Done);
    };
    let question = client.info_request(id).await?;
    if question.status != Status::Pending {
        let status = question.status.as_str();
        return Err(Failure::new(
            Exit::Conflict,
            format!("question {id} is {status}: it takes no more answers"),
        ));
    }
    warn_of_secrets(&question, &args.values, context);
    let mut given = given(&args)?;
    if !args.skip {
        fill(
            &question,
            &mut given,
            Terminal::of_the_process().filter(|_| !args.stdin),
        )?;
        if given.is_empty() && question.item.is_some() {
            return Err(Failure::usage(format!("question {id} got no answer"))
                .next_step(format!("answer it with `codex-orchestrator answer {id} answer='…'`, or leave it open with --skip")));
        }
    }
    let values = given
        .into_iter()
        .map(|(key, value)| (key, Value::String(value)))
        .collect();
    let answered = client.answer(id, &Respond { values }).await?;
    context.output.one(&answered)?;
    Ok(Exit::Done)
}

async fn list(
    client: &Client,
    project: Option<i64>,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let open = collect(Order::OldestFirst, 1000, async |paging| {
        client
            .info_requests(Some(Status::Pending.as_str()), project, &paging)
            .await
    });
    Ok(context.output.page(&open.await?)?)
}

fn warn_of_secrets(question: &InfoRequest, values: &[(String, String)], context: &mut Context<'_>) {
    for (key, _) in values {
        let secret = question
            .fields
            .iter()
            .any(|field| field.key == *key && field.secret == Secrecy::Secret);
        if secret {
            context.output.warn(&format!(
                "{key} is a secret, and was given as an argument: other users of this machine and the shell's history \
                 can see it. Leave it out to be asked, or use --stdin or --from-file"
            ));
        }
    }
}

fn given(args: &Args) -> Result<BTreeMap<String, String>, Failure> {
    let mut given = BTreeMap::new();
    if args.stdin {
        given.extend(from_text(&input::text("-")?)?);
    }
    for (key, file) in &args.from_file {
        given.insert(key.clone(), input::text(file)?);
    }
    given.extend(args.values.iter().cloned());
    Ok(given)
}

/// KEY=VALUE lines, or one JSON object. Errors never repeat a line: it may hold a secret.
fn from_text(text: &str) -> Result<BTreeMap<String, String>, Failure> {
    if text.trim_start().starts_with('{') {
        let object: BTreeMap<String, Value> = serde_json::from_str(text).map_err(|error| {
            Failure::usage(format!(
                "standard input is no JSON object (line {}, column {})",
                error.line(),
                error.column()
            ))
        })?;
        return object
            .into_iter()
            .map(|(key, value)| match value {
                Value::String(text) => Ok((key, text)),
                Value::Number(_) | Value::Bool(_) => Ok((key, value.to_string())),
                Value::Null | Value::Array(_) | Value::Object(_) => Err(Failure::usage(format!(
                    "the answer `{key}` must be a text, a number, true or false"
                ))),
            })
            .collect();
    }
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            pair(line).map_err(|expected| {
                Failure::usage(format!("line {} of standard input: {expected}", index + 1))
            })
        })
        .collect()
}

/// Asks for what is missing, where there is somebody to ask.
fn fill(
    question: &InfoRequest,
    given: &mut BTreeMap<String, String>,
    terminal: Option<impl Ask>,
) -> Result<(), Failure> {
    let missing: Vec<_> = question
        .fields
        .iter()
        .filter(|field| !given.contains_key(&field.key))
        .collect();
    let Some(mut terminal) = terminal else {
        let required: Vec<&str> = missing
            .iter()
            .filter(|field| field.required == Presence::Required)
            .map(|field| field.key.as_str())
            .collect();
        if required.is_empty() {
            return Ok(());
        }
        let id = question.id;
        return Err(Failure::usage(format!("question {id} also asks for {}", required.join(", ")))
            .next_step(format!("give them with --stdin or --from-file, or run `codex-orchestrator answer {id}` at a terminal")));
    };
    for field in missing {
        let value = terminal.ask(field).map_err(|error| {
            Failure::new(Exit::Failed, "failed to read the answer").caused_by(&error)
        })?;
        if !(value.is_empty() && field.required == Presence::Optional) {
            given.insert(field.key.clone(), value);
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
