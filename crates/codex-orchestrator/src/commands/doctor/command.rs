//! Gathers the settings, makes the checks, writes the report.

use std::path::PathBuf;

use orch_api::client::Client;
use orch_sandbox::sandbox::{self, Wanted};
use orch_server::ServerConfig;

use super::checks::Check;
use super::report::{Report, SettingLine};
use super::{artifacts, codex, machine, models, sandboxes, secrets, server, tools};
use crate::commands::{Connect, Context};
use crate::config::{
    AgentFlags, ClientSettings, LogFlags, LogSettings, Reader, ServerFlags, Settings, Start,
    agent_config, misspelt, server_config,
};
use crate::exit::Exit;
use crate::failure::Failure;

/// Arguments of `doctor`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    /// Folder of database, logs and keys [env: ORCH_DATA_DIR] [default: ~/.local/share/codex-orchestrator]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
}

/// Where the checks look.
struct Found {
    settings: Vec<SettingLine>,
    client: ClientSettings,
    server: ServerConfig,
    path: String,
    shell: PathBuf,
    codex: Option<orch_agent::codex::CodexSetup>,
    wanted_sandbox: Wanted,
    sandbox: Result<sandbox::Settings, orch_agent::AgentError>,
    tools: orch_tools::ToolSettings,
    /// What the agent's settings name and the machine lacks.
    missing: Vec<String>,
}

/// Runs `doctor`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let found = gather(
        &context.settings,
        context.url(args.connect.url.as_deref()),
        &args,
    );
    let unknown = misspelt(&context.settings).into_iter().map(|name| {
        let message = format!("{name} is set, and no setting has that name");
        Check::warning("settings", message)
    });
    let mut checks: Vec<Check> = unknown.collect();
    match Client::new(&found.client.url, found.client.token.as_deref()) {
        Ok(client) => checks.extend(server::checks(&client).await),
        Err(error) => checks.push(Check::failed("server", error.to_string())),
    }
    checks.extend(secrets::checks(&found.server).await);
    checks.extend(artifacts::checks(&found.server).await);
    checks.extend(models::checks(&found.server.team));
    checks.extend(machine::checks(
        &found.server.data_dir,
        found.server.min_free_bytes,
        &found.path,
        &found.shell,
    ));
    checks.extend(
        found
            .missing
            .iter()
            .map(|lack| Check::failed("agent", lack)),
    );
    checks.extend(codex::checks(found.codex.as_ref(), &found.path).await);
    match &found.sandbox {
        Ok(sandbox) => checks.extend(sandboxes::checks(found.wanted_sandbox, sandbox)),
        Err(error) => checks.push(Check::failed("sandbox", error.to_string())),
    }
    checks.extend(tools::checks(&found.tools));
    let report = Report {
        settings: found.settings,
        checks,
    };
    report.write(context.output)?;
    Ok(if report.is_well() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn gather(settings: &Settings, url: Option<&str>, args: &Args) -> Found {
    let mut reader = Reader::new(settings);
    let client = ClientSettings::read(&mut reader, url);
    let flags = ServerFlags {
        data_dir: args.data_dir.clone(),
        ..ServerFlags::default()
    };
    let server = server_config(&mut reader, &flags, Start::OnTick);
    let agent = agent_config(
        &mut reader,
        &AgentFlags::default(),
        &client.url,
        &server.data_dir.join("agents"),
    );
    LogSettings::read(&mut reader, &LogFlags::default());
    // Whether the shell is there has a check of its own.
    let missing = agent.missing(None).into_iter();
    let missing = missing
        .filter(|lack| lack.setting != "AGENT_SHELL")
        .map(|lack| lack.to_string())
        .collect();
    let codex = match &agent.executor {
        orch_agent::Executor::Codex(setup) => Some(setup.clone()),
        orch_agent::Executor::Shell | orch_agent::Executor::Command(_) => None,
    };
    Found {
        missing,
        settings: reader.taken().iter().map(SettingLine::from).collect(),
        client,
        server,
        path: agent.path,
        shell: agent.shell,
        codex,
        tools: agent.tools,
        wanted_sandbox: agent.sandbox.wanted,
        sandbox: agent.sandbox.settings(&agent.state_dir),
    }
}
