//! The arguments of `tool`, and which file knows each action.

use clap::Subcommand;

use super::{check, gc, install, keys, list, request, resolve, show, verify};
use crate::commands::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// Arguments of `tool`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    action: Action,
}

/// Where tools come from and lie.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Place {
    /// Folder of catalog entries [env: AGENT_TOOL_CATALOG]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub catalog: Option<String>,
    /// Folder of installed tools [env: AGENT_TOOL_CACHE] [default: tools in the data folder]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub cache: Option<String>,
    /// Trusted public keys, or files of them, with commas between them [env: AGENT_TOOL_KEYS]
    #[arg(long, global = true, value_name = "KEYS")]
    pub keys: Option<String>,
    /// Take entries that no trusted key has signed [env: AGENT_TOOL_UNSIGNED=allow]
    #[arg(long, global = true)]
    pub allow_unsigned: bool,
    /// Folder or zip of OSV records [env: AGENT_TOOL_OSV]
    #[arg(long, global = true, value_name = "PATH")]
    pub osv: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the catalog's entries, and what is wrong with it
    List,
    /// Show the entries of a tool: sources, signature, vulnerabilities, what is installed
    Show(show::Args),
    /// Resolve tools into a lock
    Resolve(resolve::Args),
    /// Install tools, or what a lock says
    Install(install::Args),
    /// Read every file of the installed tools and compare it with what was installed
    Verify,
    /// Look for known vulnerabilities of tools, in the OSV records on this machine
    Check(check::Args),
    /// Remove tools that are old, or more than fit; none that is in use
    Gc(gc::Args),
    /// Sign catalog entries
    Sign(keys::SignArgs),
    /// Ask for a tool from inside a run, and wait until it is there
    Request(request::Args),
    /// Make a key pair for signing
    Keygen(keys::KeygenArgs),
}

/// Runs `tool`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let place = args.place;
    match args.action {
        Action::List => list::run(&place, context),
        Action::Show(args) => show::run(&place, &args, context).await,
        Action::Resolve(args) => resolve::run(&place, &args, context).await,
        Action::Install(args) => install::run(&place, &args, context).await,
        Action::Verify => verify::run(&place, context).await,
        Action::Check(args) => check::run(&place, &args, context).await,
        Action::Gc(args) => gc::run(&place, &args, context).await,
        Action::Request(args) => request::run(&args, context).await,
        Action::Sign(args) => keys::sign(&args, context),
        Action::Keygen(args) => keys::keygen(&args, context),
    }
}
