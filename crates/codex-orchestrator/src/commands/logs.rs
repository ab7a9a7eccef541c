//! `logs`: the log of a run, so far or as it grows, in constant memory.

use std::collections::VecDeque;

use clap::builder::PossibleValuesParser;
use orch_api::client::{Client, LogEvent, LogQuery};
use orch_api::types::log::LogEntry;

use super::{Connect, Context, ids};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Cell, Format, Output, Paint, Tone, coloured_line, plain_line};

/// A page of the longest lines stays far below what the client reads.
const PAGE: usize = 200;

/// Arguments of `logs`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    /// The run's id
    #[arg(value_parser = ids::id())]
    run: i64,
    /// Go on until the run is over
    #[arg(long, short)]
    follow: bool,
    /// Only lines that contain this text, in any case
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// Only what was written here
    #[arg(long, value_parser = PossibleValuesParser::new(["system", "stdout", "stderr", "event"]))]
    stream: Option<String>,
    /// Only what this step wrote
    #[arg(long, value_name = "NUMBER")]
    step: Option<u32>,
    /// Only the last so many lines, and what follows; with --grep, of those that contain the text
    #[arg(long, value_name = "N")]
    tail: Option<u64>,
    /// Time, stream and step before every line
    #[arg(long, short)]
    timestamps: bool,
}

/// Runs `logs`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    let mut printer = Printer::new(&args, context.output);
    match &args.grep {
        Some(text) if !args.follow => match args.tail {
            Some(lines) => {
                let lines = usize::try_from(lines).unwrap_or(usize::MAX);
                search_back(&client, args.run, text, lines, &mut printer).await?;
            }
            None => search(&client, args.run, text, &mut printer).await?,
        },
        Some(_) | None => read(&client, &args, &mut printer).await?,
    }
    printer.finish()?;
    Ok(Exit::Done)
}

/// The server looks for the lines: they are few among many.
async fn search(
    client: &Client,
    run: i64,
    text: &str,
    printer: &mut Printer<'_>,
) -> Result<(), Failure> {
    let mut from = Some(0);
    while from.is_some() {
        let query = LogQuery {
            q: Some(text.to_owned()),
            limit: Some(PAGE),
            from,
            ..LogQuery::default()
        };
        let page = client.log_page(run, &query).await?;
        for entry in &page.entries {
            printer.line(entry)?;
        }
        from = page.next;
    }
    Ok(())
}

/// The last lines that contain the text, oldest first.
async fn search_back(
    client: &Client,
    run: i64,
    text: &str,
    lines: usize,
    printer: &mut Printer<'_>,
) -> Result<(), Failure> {
    let mut found: VecDeque<LogEntry> = VecDeque::new();
    let mut before = None;
    while found.len() < lines {
        let query = LogQuery {
            q: Some(text.to_owned()),
            tail: Some((lines - found.len()).min(PAGE)),
            before,
            ..LogQuery::default()
        };
        let page = client.log_page(run, &query).await?;
        for entry in page.entries.into_iter().rev() {
            found.push_front(entry);
        }
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    for entry in &found {
        printer.line(entry)?;
    }
    Ok(())
}

async fn read(client: &Client, args: &Args, printer: &mut Printer<'_>) -> Result<(), Failure> {
    let written = client
        .log_page(
            args.run,
            &LogQuery {
                limit: Some(1),
                ..LogQuery::default()
            },
        )
        .await?
        .total;
    if written == 0 && !args.follow {
        return Ok(());
    }
    let skipped = args.tail.map_or(0, |lines| written.saturating_sub(lines));
    let mut log = client.follow_log(args.run, skipped.checked_sub(1));
    while let Some(event) = log.next().await? {
        match event {
            LogEvent::Line(entry) => {
                printer.line(&entry)?;
                // What is written from here on came after the question.
                if !args.follow && entry.seq + 1 >= written {
                    return Ok(());
                }
            }
            LogEvent::End(run) if args.follow => printer.ended(run.id, &run.status),
            LogEvent::End(_) => {}
        }
    }
    Ok(())
}

/// Prints the lines that are wanted.
struct Printer<'a> {
    output: &'a mut Output,
    stream: Option<String>,
    step: Option<u32>,
    /// In lower case.
    needle: Option<String>,
    prefix: Prefix,
    /// The stream whose last line is not ended yet.
    open: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Prefix {
    None,
    Origin,
}

impl<'a> Printer<'a> {
    fn new(args: &Args, output: &'a mut Output) -> Self {
        Self {
            output,
            stream: args.stream.clone(),
            step: args.step,
            needle: args.grep.as_ref().map(|text| text.to_lowercase()),
            prefix: if args.timestamps {
                Prefix::Origin
            } else {
                Prefix::None
            },
            open: None,
        }
    }

    fn wants(&self, entry: &LogEntry) -> bool {
        self.stream
            .as_ref()
            .is_none_or(|stream| *stream == entry.stream)
            && self.step.is_none_or(|step| entry.step == Some(step))
            && self
                .needle
                .as_ref()
                .is_none_or(|needle| entry.message.to_lowercase().contains(needle))
    }

    fn line(&mut self, entry: &LogEntry) -> Result<(), Failure> {
        if !self.wants(entry) {
            return Ok(());
        }
        if self.output.format() == Format::Json {
            return Ok(self.output.json_line(entry)?);
        }
        let goes_on = self.open.as_deref() == Some(entry.stream.as_str());
        let mut text = String::new();
        if self.open.is_some() && !goes_on {
            text.push('\n');
        }
        if !goes_on && self.prefix == Prefix::Origin {
            text.push_str(&self.output.paint().text(&origin(entry), Tone::Faint));
        }
        match self.output.paint() {
            Paint::Colours => text.push_str(&coloured_line(&entry.message)),
            Paint::Plain => text.push_str(&plain_line(&entry.message)),
        }
        self.open = entry.partial.then(|| entry.stream.clone());
        if self.open.is_none() {
            text.push('\n');
        }
        self.output.text(&text)?;
        Ok(())
    }

    fn ended(&mut self, run: i64, status: &str) {
        self.output.note(&format!("run {run} is over: {status}"));
    }

    fn finish(&mut self) -> Result<(), Failure> {
        if self.open.take().is_some() {
            self.output.text("\n")?;
        }
        Ok(self.output.flush()?)
    }
}

fn origin(entry: &LogEntry) -> String {
    let step = entry
        .step
        .map(|step| format!(" {step}"))
        .unwrap_or_default();
    format!(
        "{} {}{step} | ",
        Cell::time(&entry.ts).text,
        Cell::new(&entry.stream).text
    )
}
