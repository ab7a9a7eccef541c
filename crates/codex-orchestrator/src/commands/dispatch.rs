//! Hands each command to the file that knows it.

use super::{
    Context, agent, answer, artifact, audit, budget, completions, decide, doctor, enqueue, logs,
    man, mcp, migrate, models, orchestrate, plan, project, queue, quota, recipe, requirements, run,
    secret, serve, tick, tool, up, vision, work,
};
use crate::cli::Command;
use crate::exit::Exit;
use crate::failure::Failure;

/// Runs a command.
pub async fn dispatch(command: Command, context: &mut Context<'_>) -> Result<Exit, Failure> {
    match command {
        Command::Up(args) => up::run(args, context).await,
        Command::Serve(args) => serve::run(args, context).await,
        Command::Agent(args) => agent::run(*args, context).await,
        Command::Project(args) => project::run(args, context).await,
        Command::Vision(args) => vision::run(args, context).await,
        Command::Requirements(args) => requirements::run(args, context).await,
        Command::Plan(args) => plan::run(args, context).await,
        Command::Orchestrate(args) => orchestrate::run(args, context).await,
        Command::Models(args) => models::run(args, context).await,
        Command::Budget(args) => budget::run(args, context).await,
        Command::Work(args) => work::run(args, context).await,
        Command::Recipe(args) => recipe::run(&args, context),
        Command::Run(args) => run::run(args, context).await,
        Command::Artifact(args) => artifact::run(args, context).await,
        Command::Logs(args) => logs::run(args, context).await,
        Command::Approve(args) => decide::run(args, decide::Verdict::Approve, context).await,
        Command::Deny(args) => decide::run(args, decide::Verdict::Deny, context).await,
        Command::Answer(args) => answer::run(args, context).await,
        Command::Enqueue(args) => enqueue::run(args, context).await,
        Command::Queue(args) => queue::run(args, context).await,
        Command::Tick(args) => tick::run(args, context).await,
        Command::Mcp(args) => mcp::run(args, context).await,
        Command::Tool(args) => tool::run(args, context).await,
        Command::Secret(args) => secret::run(args, context).await,
        Command::Quota(args) => quota::run(args, context).await,
        Command::Audit(args) => audit::run(args, context).await,
        Command::Migrate(args) => migrate::run(args, context).await,
        Command::Doctor(args) => doctor::run(args, context).await,
        Command::Completions(args) => completions::run(&args, context.output),
        Command::Man(args) => man::run(&args, context.output),
    }
}
