//! Making Codex ready for a run: its program, its folder, its environment. The same for both ways to
//! use it.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    CodexError, CodexSetup, Keeper,
    home::{CodexHome, Earlier, Reach, Site, place},
    mode::argument_model,
    program::installed,
    provider::configured_model,
    session::Launch,
    setup::add_api_key,
};

/// Passed on to Codex from the agent's environment, beside the keys that its configuration names.
const PROVIDER_VARIABLES: [&str; 5] = [
    "OPENAI_ORGANIZATION",
    "OPENAI_PROJECT",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CODEX_CA_CERTIFICATE",
];

/// The same, where the agent does not keep them.
const KEYS: [&str; 2] = ["OPENAI_API_KEY", "CODEX_API_KEY"];

/// The way to the network: the agent's own where Codex is outside of a sandbox, else the sandbox's.
const WAYS_OUT: [&str; 8] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
];

/// A Codex that can be started.
pub(super) struct Ready {
    pub(super) program: PathBuf,
    pub(super) env: BTreeMap<String, String>,
    /// It goes with this, unless it is told to stay.
    pub(super) home: CodexHome,
    /// Something to be said in the log.
    pub(super) notice: Option<String>,
    /// The model that arguments or configuration name.
    pub(super) model: Option<String>,
}

/// Makes the folder and the environment.
///
/// # Errors
/// Codex is missing, its configuration is invalid, or its folder cannot be made.
pub(super) fn make(
    setup: &CodexSetup,
    launch: &Launch,
    earlier: Earlier,
) -> Result<Ready, CodexError> {
    let run_path = launch.env.get("PATH").map_or("", String::as_str);
    let mut notice = None;
    let mut env = launch.env.clone();
    let mut visible: Vec<&str> = launch.env.keys().map(String::as_str).collect();
    let (program, path, reach) = match &launch.keeper {
        Keeper::Codex => {
            let path = place(setup, &launch.run_folder)?;
            (setup.bin.clone(), path, Reach::Everything)
        }
        Keeper::Run(_) => {
            let found = installed(&setup.bin, run_path)?;
            if launch.route.is_none() {
                let text = "what Codex reaches its model provider with can be read by the commands that it runs";
                notice = Some(text.to_owned());
            }
            let beside = found.beside.iter().map(|folder| folder.to_string_lossy());
            let mut folders: Vec<_> = beside.collect();
            folders.push(run_path.into());
            env.insert("PATH".to_owned(), folders.join(":"));
            // Its commands go the same way as those of steps.
            visible.extend(WAYS_OUT);
            let path = launch.home.join(".codex");
            (found.program, path, Reach::ItsFolder)
        }
    };
    let site = Site {
        path,
        visible,
        reach,
        earlier,
        route: launch.route.as_ref(),
    };
    let (home, config) = CodexHome::make(setup, site)?;
    let model = argument_model(&setup.extra_args).or_else(|| configured_model(&config.text));
    let ways_out = match reach {
        Reach::Everything => &WAYS_OUT[..],
        Reach::ItsFolder => &[],
    };
    let keys = match launch.route {
        None => &KEYS[..],
        Some(_) => &[],
    };
    let provider = PROVIDER_VARIABLES.iter().chain(keys).chain(ways_out);
    let provider = provider.map(|name| (*name).to_owned());
    for name in provider.chain(config.provider_variables) {
        // The platform's own keys are nobody's provider keys, whatever a configuration says.
        let is_ours = name.starts_with("ORCH_") || name.starts_with("AGENT_");
        if let Some(value) = setup.agent_env.get(&name).filter(|_| !is_ours) {
            env.entry(name).or_insert_with(|| value.clone());
        }
    }
    add_api_key(&mut env, Some(home.path()));
    let codex_home = home.path().to_string_lossy().into_owned();
    env.insert("CODEX_HOME".to_owned(), codex_home);
    env.insert("NO_COLOR".to_owned(), "1".to_owned());
    launch.keeper.give(home.path())?;
    Ok(Ready {
        program,
        env,
        home,
        notice,
        model,
    })
}
