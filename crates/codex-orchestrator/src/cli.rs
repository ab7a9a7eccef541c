//! The command line as a whole; each group of commands declares its own arguments beside its code.

use clap::{Parser, Subcommand};

use crate::commands;
use crate::exit;
use crate::launch::Load;

/// Turns a vision into approved, scheduled, audited work, done by agents
#[derive(Debug, Parser)]
#[command(name = "codex-orchestrator", version, after_help = exit::HELP, max_term_width = 100)]
pub struct Cli {
    /// JSON on standard output and nothing else; errors as JSON on standard error
    #[arg(long, global = true, display_order = 1000)]
    pub json: bool,
    /// Address of the server, for every command that asks one [env: ORCH_URL]
    #[arg(long, value_name = "URL", display_order = 999)]
    pub url: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start server and agent in one process
    Up(commands::up::Args),
    /// Start the server
    Serve(commands::serve::Args),
    /// Start an agent, or list the agents
    Agent(Box<commands::agent::Args>),
    /// Projects
    Project(commands::project::Args),
    /// The vision of a project
    Vision(commands::vision::Args),
    /// Requirements: propose, read, approve
    Requirements(commands::requirements::Args),
    /// Plans: propose, read, edit, approve, make anew
    Plan(commands::plan::Args),
    /// Ask several roles of the team in turn
    Orchestrate(commands::orchestrate::Args),
    /// Models that are set: list, prices, costs, test
    Models(commands::models::Args),
    /// What a project may spend on models: show, set, clear
    Budget(commands::budget::Args),
    /// Work items
    Work(commands::work::Args),
    /// Recipe files, without a server
    Recipe(commands::recipe::Args),
    /// Runs of work items
    Run(commands::run::Args),
    /// What runs produced: list, fetch, check
    Artifact(commands::artifact::Args),
    /// The log of a run
    Logs(commands::logs::Args),
    /// Approve what waits for a decision; without an id, list what waits
    Approve(commands::decide::Args),
    /// Deny what waits for a decision; without an id, list what waits
    Deny(commands::decide::Args),
    /// Answer an agent's question; without an id, list the questions
    Answer(commands::answer::Args),
    /// Put a work item into the queue
    Enqueue(commands::enqueue::Args),
    /// The queue, with why each entry is not running
    Queue(commands::queue::Args),
    /// Start all that is eligible now
    Tick(commands::tick::Args),
    /// Serve the platform's tools to another agent over the Model Context Protocol
    Mcp(commands::mcp::Args),
    /// Secrets of a project: set, list, remove
    Secret(commands::secret::Args),
    /// What projects use, and how much they may
    Quota(commands::quota::Args),
    /// Tools: the catalog, locks, installed tools, signatures
    Tool(commands::tool::Args),
    /// The audit chain
    Audit(commands::audit::Args),
    /// Bring the database's schema forward, or carry an installation to the other kind of database
    Migrate(commands::migrate::Args),
    /// Check settings, server and machine
    Doctor(commands::doctor::Args),
    /// Print completions for a shell
    Completions(commands::completions::Args),
    /// Print or write the manual pages
    Man(commands::man::Args),
}

impl Command {
    /// Whether it serves until it is stopped.
    pub fn load(&self) -> Load {
        match self {
            Self::Up(_) | Self::Serve(_) => Load::Service,
            Self::Agent(args) if args.serves() => Load::Service,
            Self::Agent(_)
            | Self::Project(_)
            | Self::Vision(_)
            | Self::Requirements(_)
            | Self::Plan(_)
            | Self::Orchestrate(_)
            | Self::Models(_)
            | Self::Budget(_)
            | Self::Work(_)
            | Self::Recipe(_)
            | Self::Run(_)
            | Self::Artifact(_)
            | Self::Logs(_)
            | Self::Approve(_)
            | Self::Deny(_)
            | Self::Answer(_)
            | Self::Enqueue(_)
            | Self::Queue(_)
            | Self::Tick(_)
            | Self::Mcp(_)
            | Self::Secret(_)
            | Self::Quota(_)
            | Self::Tool(_)
            | Self::Audit(_)
            | Self::Migrate(_)
            | Self::Doctor(_)
            | Self::Completions(_)
            | Self::Man(_) => Load::OneCommand,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
