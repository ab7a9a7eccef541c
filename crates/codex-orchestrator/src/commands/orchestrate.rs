//! `orchestrate`: asks several roles in turn and shows what they write as they write it; what was asked before.

use clap::Subcommand;
use orch_api::client::Progress;
use orch_api::types::orchestrate::{AgentReport, NewOrchestration, Orchestration};
use serde_json::{Map, Value};

use super::{Connect, Context, Listing};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::output::{Format, plain_text};

/// Arguments of `orchestrate`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Ask: what is wanted is given as words, or read from a file
    Ask(Box<Ask>),
    /// List what was asked, newest first
    List {
        /// Of one session alone
        #[arg(long, value_name = "UUID")]
        session: Option<String>,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show a request with what the roles wrote
    Show {
        /// The request's id
        id: String,
    },
    /// Show what models were asked for a request
    Calls {
        /// The request's id
        id: String,
    },
    /// Cancel a request that runs
    Cancel {
        /// The request's id
        id: String,
    },
    /// List the sessions
    Sessions(Listing),
    /// List the roles that can be asked
    Agents,
}

#[derive(clap::Args, Debug)]
struct Ask {
    /// What is wanted
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    prompt: Option<String>,
    /// File that says what is wanted; `-` is standard input
    #[arg(long, short, value_name = "PATH")]
    file: Option<String>,
    /// The roles, in their order; `orchestrate agents` lists them
    #[arg(
        long,
        short,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "spec,code,reviewer"
    )]
    agents: Vec<String>,
    /// What the roles should know, such as language=rust; may be given again
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = pair)]
    context: Vec<(String, String)>,
    /// How it should be done, such as test_framework=jest; may be given again
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = pair)]
    option: Vec<(String, String)>,
    /// The project whose money is spent
    #[arg(long, value_name = "ID", value_parser = super::ids::id())]
    project: Option<i64>,
    /// The work item that it is for: its budget must hold too
    #[arg(long, value_name = "ID", value_parser = super::ids::id())]
    item: Option<i64>,
    /// The run that it is for: its budget must hold too
    #[arg(long, value_name = "ID", value_parser = super::ids::id())]
    run: Option<i64>,
    /// The session to go on with
    #[arg(long, value_name = "UUID")]
    session: Option<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("expected NAME=VALUE, such as language=rust".to_owned()),
    }
}

/// Runs `orchestrate`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    match args.action {
        Action::Ask(ask) => {
            let mut going = client.orchestrate(&asked(*ask)?).await?;
            let mut shown = Shown::default();
            loop {
                match going.next().await? {
                    Progress::Begun(begun) => {
                        context
                            .output
                            .note(&format!("request {}", begun.request_id));
                    }
                    Progress::Agent(report) => shown.agent(&report, context)?,
                    Progress::Delta { agent, text } => shown.piece(&agent, &text, context)?,
                    Progress::End(whole) => return ended(&whole, context),
                }
            }
        }
        Action::List { session, listing } => {
            let page = listing
                .collect(async |paging| client.orchestrations(session.as_deref(), &paging).await)
                .await?;
            context.output.page(&page)?;
        }
        Action::Show { id } => show(&client.orchestration(&id).await?, context)?,
        Action::Calls { id } => context.output.list(&client.model_calls(&id).await?)?,
        Action::Cancel { id } => show(&client.cancel_orchestration(&id).await?, context)?,
        Action::Sessions(listing) => {
            let page = listing
                .collect(async |paging| client.sessions(&paging).await)
                .await?;
            context.output.page(&page)?;
        }
        Action::Agents => context.output.list(&client.agent_roles().await?)?,
    }
    Ok(Exit::Done)
}

fn asked(ask: Ask) -> Result<NewOrchestration, Failure> {
    let prompt = match (ask.prompt, &ask.file) {
        (Some(words), _) => words,
        (None, Some(path)) => input::text(path)?,
        (None, None) => String::new(),
    };
    Ok(NewOrchestration {
        prompt,
        context: object(ask.context),
        agent_sequence: ask.agents,
        options: object(ask.option),
        session_id: ask.session,
        request_id: None,
        project_id: ask.project,
        work_item_id: ask.item,
        run_id: ask.run,
        stream: true,
    })
}

fn object(pairs: Vec<(String, String)>) -> Option<Value> {
    let map: Map<String, Value> = pairs
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect();
    (!map.is_empty()).then_some(Value::Object(map))
}

/// What was printed of the roles' words.
#[derive(Default)]
struct Shown {
    /// The role whose words come, and whether the last of them ended a line.
    open: Option<(String, bool)>,
}

impl Shown {
    fn agent(&mut self, report: &AgentReport, context: &mut Context<'_>) -> Result<(), Failure> {
        if let Some((_, false)) = self.open.take()
            && context.output.format() == Format::Text
        {
            context.output.text("\n")?;
        }
        context.output.flush()?;
        match report.status.as_str() {
            "running" => context.output.note(&format!("{} is at work", report.agent)),
            "failed" => {}
            status => {
                let took = report.duration_ms.unwrap_or_default();
                context
                    .output
                    .note(&format!("{}: {status} after {took} ms", report.agent));
                if let Some(note) = &report.note {
                    context.output.note(&format!("{}: {note}", report.agent));
                }
            }
        }
        Ok(())
    }

    fn piece(&mut self, agent: &str, text: &str, context: &mut Context<'_>) -> Result<(), Failure> {
        if context.output.format() == Format::Text {
            context.output.text(&plain_text(text))?;
            context.output.flush()?;
            self.open = Some((agent.to_owned(), text.ends_with('\n')));
        }
        Ok(())
    }
}

fn ended(whole: &Orchestration, context: &mut Context<'_>) -> Result<Exit, Failure> {
    if context.output.format() == Format::Json {
        context.output.document(whole)?;
        context.output.flush()?;
    }
    if whole.metadata.success {
        context
            .output
            .note(&format!("session {}", whole.session_id));
        return Ok(Exit::Done);
    }
    let reason = whole
        .error
        .as_ref()
        .map_or("no reason was told", |error| &error.reason);
    let agent = whole
        .error
        .as_ref()
        .and_then(|error| error.agent.as_deref());
    let message = match agent {
        Some(agent) => format!("{agent} failed: {reason}"),
        None => format!("the request is {}: {reason}", whole.status),
    };
    Err(Failure::new(Exit::Failed, message).next_step(format!(
        "what the others wrote is kept: `codex-orchestrator orchestrate show {}`",
        whole.request_id
    )))
}

fn show(whole: &Orchestration, context: &mut Context<'_>) -> Result<(), Failure> {
    if context.output.format() == Format::Json {
        context.output.document(whole)?;
        return Ok(context.output.flush()?);
    }
    context.output.one(whole)?;
    context.output.section("agents", &whole.metadata.agents)?;
    for report in &whole.metadata.agents {
        if let Some(Value::String(text)) = whole.result.get(&report.key) {
            let text = plain_text(text.trim_end());
            let text = format!("\n── {} ──\n{text}\n", report.agent);
            context.output.text(&text)?;
        }
    }
    Ok(context.output.flush()?)
}
