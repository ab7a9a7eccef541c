//! What is approved where the command line names no version: what is shown, once a person at the terminal
//! says so. Nobody approves unread what happens to be the newest by then.

use super::Context;
use super::prompt::Terminal;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Format;

/// A version that may be approved.
pub struct Shown<'a> {
    /// `requirements` or `plan`.
    pub noun: &'static str,
    pub project: i64,
    pub version: i64,
    pub digest: &'a str,
}

/// The terminal at which somebody can be asked.
///
/// # Errors
/// Where nobody can be, with what to type.
pub fn at_terminal(context: &Context<'_>, shown: &Shown<'_>) -> Result<Terminal, Failure> {
    match context.output.format() {
        Format::Text => Terminal::of_the_process().ok_or_else(|| unread(shown)),
        Format::Json => Err(unread(shown)),
    }
}

fn unread(shown: &Shown<'_>) -> Failure {
    let Shown {
        noun,
        project,
        version,
        digest,
    } = shown;
    Failure::usage(format!(
        "which version is approved is not said, and nobody is at a terminal to be asked; the newest is {version}"
    ))
    .next_step(format!(
        "read it with codex-orchestrator {noun} show {project}, then codex-orchestrator {noun} approve {project} --version {version} --digest {digest}"
    ))
}

/// Asks at the terminal about what was shown.
///
/// # Errors
/// When the answer is not yes, or the terminal is gone.
pub fn ask(terminal: &mut Terminal, shown: &Shown<'_>) -> Result<(), Failure> {
    let question = format!(
        "Approve version {} with the digest {}? [y/N] ",
        shown.version, shown.digest
    );
    let said = terminal.line_to(&question)?;
    if matches!(said.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(Exit::Refused, "nothing was approved"))
}
